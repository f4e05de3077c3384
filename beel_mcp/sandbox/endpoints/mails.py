"""Mails with the PDFs of invoices, and the account's history of them. Nothing ever leaves."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

from beel_mcp.sandbox.bodies import NEEDED, BodyReader, Rule
from beel_mcp.sandbox.calls import KEYED, PAGES, TEXT, UUID, Call, Parameter, choice, route
from beel_mcp.sandbox.responses import ApiError, ApiResponse, instant, refuse
from beel_mcp.sandbox.seed import ACCOUNT_ID
from beel_mcp.sandbox.store import Record, Where, unpacked_mail

from .customer_body import EMAIL
from .invoice_shapes import has_pdf
from .invoices import find_invoices
from .pdf import invoice_pdf

HOLDER: Final = "demo@taller.example"
MOST_INVOICES: Final = 200
STATUSES: Final = ("QUEUED", "REJECTED", "SENT", "FAILED", "DELIVERED", "BOUNCED", "OPENED")
ORDERS: Final = ("sent_at", "status", "email_type")
SUBJECTS: Final = {"es": "Sus facturas", "en": "Your invoices", "ca": "Les vostres factures"}
DELIVERY: Final[Mapping[str, Rule]] = {
    "invoice_ids": Rule("array", items=Rule("uuid", null="mistyped"), required=NEEDED),
    "recipients": Rule("array", items=EMAIL, null="mistyped", required=NEEDED),
    "cc": Rule("array", items=EMAIL, null="mistyped", default=[]),
    "subject": Rule(most=200, null="mistyped"),
    "message": Rule(most=2000, null="mistyped"),
    "language": Rule(choices=tuple(SUBJECTS), null="mistyped", default="es"),
}
EMAILS: Final[Mapping[str, Parameter]] = {
    "page": PAGES["page"],
    "limit": PAGES["limit"],
    "type": TEXT,
    "status": choice(STATUSES),
    "recipient": TEXT,
    "related_entity_id": UUID,
    "sort_by": choice(ORDERS),
    "sort_order": choice(("asc", "desc")),
}
OF_ACCOUNT: Final[Mapping[str, Any]] = {"scope": "emails:read", "in_legacy": False}


@route("POST /invoices/deliveries", company="createCompanyInvoiceDelivery", is_strict=True, **KEYED)
def create_delivery(call: Call) -> ApiResponse:
    """Note one mail with all the PDFs that there are; the invoices without one are named."""
    fields = _read(call)
    ids: Sequence[str] = list(dict.fromkeys(fields["invoice_ids"]))
    found = {record["id"]: record for record in find_invoices(call, ids)}
    attached = [invoice_id for invoice_id in ids if _fault(found.get(invoice_id)) is None]
    if not attached:
        message = "There is no PDF of any of the invoices"
        raise ApiError(400, "VALIDATION_ERROR", message, details={"invoice_ids": message})
    to = [*fields["recipients"], *fields["cc"]]
    if call.options.mails_holder_only and not all(map(_is_holder, to)):
        message = "A test environment mails to the account's holder only"
        raise ApiError(403, "ENVIO_NO_PERMITIDO", message)
    cap = call.options.mail_cap_bytes
    if sum(len(invoice_pdf(found[one], call)) for one in attached) > cap:
        details = {"max_size_bytes": str(cap), "max_size_formatted": f"{cap // 1024**2} MB"}
        raise ApiError(413, "FILE_TOO_LARGE", "The mail would be too large", details=details)
    mail = _mail(call, fields, attached)
    call.store.insert_mail(mail, call.request)
    return call.answer(
        {
            "email_id": mail["id"],
            "sent_to": fields["recipients"],
            "sent_at": mail["sent_at"],
            "total_invoices": len(ids),
            "invoices_attached": len(attached),
            "failures": _failures(ids, found),
        }
    )


@route(
    "GET /v1/accounts/{account_id}/emails",
    shared="listAccountEmailDeliveries",
    query=EMAILS,
    **OF_ACCOUNT,
)
def list_mails(call: Call) -> ApiResponse:
    """List the mails of the account, the newest first, unless asked otherwise."""
    _check_account(call)
    query, where = call.query, Where("TRUE")
    for name, column in (("type", "email_type"), ("status", "status")):
        if name in query:
            where.add(f"{column} = ?", query[name])
    if "recipient" in query:
        where.add_contains(query["recipient"], "recipients")
    if "related_entity_id" in query:  # one mail of many invoices is related to none
        where.add("FALSE")
    direction = "ASC" if query.get("sort_order") == "asc" else "DESC"
    order = f"{query.get('sort_by', 'sent_at')} {direction}, seq {direction}"
    found, total = call.store.select_page("*", "mails", where, order, query)
    return call.answer_page("emails", [_shown(unpacked_mail(mail)) for mail in found], total)


@route(
    "GET /v1/accounts/{account_id}/emails/{email_id}",
    shared="getAccountEmailDelivery",
    **OF_ACCOUNT,
)
def get_mail(call: Call) -> ApiResponse:
    """Give a mail with the invoices that it carried."""
    _check_account(call)
    found = call.store.mails("id = ?", call.path["email_id"])
    if not found:
        raise ApiError(404, "NOT_FOUND", "There is no such mail")
    [mail] = found
    where = Where("TRUE")
    where.add_any_of("id", mail["invoice_ids"])
    invoices = call.store.select("id, invoice_number", "invoices", where, "invoice_number")
    return call.answer(
        {
            **_shown(mail),
            "body_available": mail["message"] is not None,
            "html_body": None,
            "text_body": mail["message"],
            "attachments": [],
            "related_invoices": invoices,
        }
    )


def _read(call: Call) -> dict[str, Any]:
    reader = BodyReader(call.options.generation)
    fields = reader.read_fields(call.body, DELIVERY)
    for name, most in (("invoice_ids", MOST_INVOICES), ("recipients", None)):
        number = len(fields.get(name) or ())
        if name in fields and not 1 <= number <= (most or number):
            reader.report(name, f"Must have 1 to {most}" if most else "Must not be empty")
    refuse(reader.problems, "mail")
    return fields


def _is_holder(address: str) -> bool:
    """Tell the holder's own address, also with a tag behind a plus sign."""
    name, _, domain = address.lower().partition("@")
    return f"{name.partition('+')[0]}@{domain}" == HOLDER


def _fault(record: Record | None) -> tuple[str, str] | None:
    if record is None:
        return "NOT_FOUND", "There is no such invoice"
    if record["invoice_number"] is None:
        return "INVALID_STATE", "A draft has no PDF"
    return None if has_pdf(record) else ("PDF_NOT_GENERATED", "The invoice has no PDF yet")


def _failures(ids: Sequence[str], found: Mapping[str, Record]) -> list[dict[str, str]]:
    faults = {invoice_id: _fault(found.get(invoice_id)) for invoice_id in ids}
    return [
        {"invoice_id": invoice_id, "error_code": fault[0], "error_message": fault[1]}
        for invoice_id, fault in faults.items()
        if fault is not None
    ]


def _mail(call: Call, fields: Mapping[str, Any], attached: Sequence[str]) -> Record:
    return {
        "id": str(uuid4()),
        "company_id": call.company_id,
        "email_type": "BULK_INVOICES",
        "recipients": list(fields["recipients"]),
        "cc": list(fields["cc"]),
        "subject": fields.get("subject") or SUBJECTS[fields["language"]],
        "message": fields.get("message"),
        "status": "SENT",
        "sent_at": instant(call.request.time),
        "invoice_ids": list(attached),
    }


def _shown(mail: Record) -> dict[str, Any]:
    names = ("id", "email_type", "recipients", "cc", "subject", "status")
    nothing = {"related_entity_type": None, "related_entity_id": None}
    moment = {"sent_at": mail["sent_at"]} if mail["sent_at"] else {}
    return {**{name: mail[name] for name in names}, **nothing, **moment}


def _check_account(call: Call) -> None:
    if call.path["account_id"] != ACCOUNT_ID:
        raise ApiError(403, "ACCOUNT_NOT_ACCESSIBLE", "The key does not reach this account")
