"""Mails invoices through BeeL, in one mail, at most once: a mail is never taken back."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from beel_mcp.api.company import Account
from beel_mcp.api.mails import DeliveryData, Mail, MailDetail, RecordedMail
from beel_mcp.api.models import Invoice
from beel_mcp.cleaning import one_word
from beel_mcp.errors import (
    ConflictError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    TooLargeError,
)
from beel_mcp.settings import Language
from beel_mcp.writes.journal.plan import Affected, LeftOut, LeftOutCode, Preview, digest_of
from beel_mcp.writes.journal.records import Chunk, RowOutcome, WriteRow
from beel_mcp.writes.kinds.mails.before import known_mails, mail_remarks
from beel_mcp.writes.kinds.mails.mail_statement import mail_statement
from beel_mcp.writes.kinds.protocol import (
    REQUESTS_AT_ONCE,
    Change,
    Detail,
    Found,
    OutcomeWords,
    WriteContext,
    for_each_limited,
    refused_or_unknown,
    unique_ids,
)
from beel_mcp.writes.kinds.value_words import invoice_details

NO_HISTORY: Final = "history_not_readable"  # of a chunk that this key cannot settle
_FEW: Final = 20
_MOST_LOOKED_AT: Final = 20
# Two clocks may differ by this much; our own mails are told apart by their ids.
_CLOCKS: Final = timedelta(minutes=5)
# A mail that seems this much older than the request may be ours, if a clock is wrong.
_DOUBTFUL: Final = timedelta(days=2)
_NOT_ALLOWED: Final = "ENVIO_NO_PERMITIDO"
_PARTS: Final = (
    "The PDFs weigh too much for one mail (25 MB). Mail them in parts, such as month by month, or"
    " make the package with download_invoices_zip for the person to send."
)
_LATER: Final = "BeeL had no PDF of it: mail it later, in a mail of its own."


class InvoiceMailing(Change):
    """One mail with the PDFs of some invoices; what is no issued invoice stays out of it."""

    name = "send_invoices"
    words: ClassVar = OutcomeWords(
        "sent",
        "invoice",
        "invoice_id",
        effect="mailed",
        remedies={
            "not_found": "find_invoices gives the ids of invoices that exist.",
            "draft": "A draft has no PDF: the person issues it in BeeL first.",
            "scheduled": "It issues itself on its date, and can be mailed then.",
            "voided": "A voided invoice is not mailed.",
            "proforma": "A proforma is no invoice; the person can mail it from BeeL.",
            "PDF_NOT_GENERATED": _LATER,
            "not_attached": _LATER,
            "FILE_TOO_LARGE": _PARTS,
            "PAYLOAD_TOO_LARGE": _PARTS,
            "REQUEST_BODY_TOO_LARGE": _PARTS,
            _NOT_ALLOWED: "With a test key BeeL mails to the account holder's own address only.",
            "mail_stopped": "BeeL stopped it: the person can see why among the mails in BeeL.",
        },
    )
    all_or_none = True  # one mail; so nothing is sent again by itself

    def __init__(self, context: WriteContext, arguments: Mapping[str, Any]) -> None:
        self._ids = unique_ids(arguments.get("invoice_ids", ()))
        super().__init__(context, {**arguments, "invoice_ids": self._ids})

    async def preview(self) -> Preview:
        """Read the invoices, and in the journal what of this was mailed before.

        Raises:
            OperatorError: nothing can be mailed by the routes in use.
        """
        await self.beel.mails.check_routes()
        account = await self.beel.account()
        found = await self._read()
        affected: list[Affected] = []
        left_out: list[LeftOut] = []
        for record_id in self._ids:
            invoice = found.get(record_id.lower())
            if invoice is None:
                left_out.append(LeftOut(record_id, "", "not_found"))
            elif code := _refusal(invoice):
                name, number = invoice.recipient.legal_name or "", invoice.number or ""
                left_out.append(LeftOut(record_id, name, code, "", number))
            else:
                affected.append(_affected(record_id, invoice))
        sendings = await self.journal.personal_data.sendings(self.name, account.ledger_id)
        ids = {one.record_id.lower() for one in affected}
        remarks = mail_remarks(self.arguments, ids, sendings)
        terms = {"mail": digest_of([self.arguments.get(name) for name in _MAIL])}
        return Preview(tuple(affected), tuple(left_out), terms, remarks)

    def statement(self, preview: Preview, environment: str, language: Language) -> str:
        return mail_statement(environment, preview, self.arguments, language)

    def details(self, affected: Affected, language: Language) -> Sequence[Detail]:
        return invoice_details(affected, language)

    def requests(self, preview: Preview) -> list[Sequence[Affected]]:
        return [preview.affected]

    def row(self, number: int, affected: Affected) -> WriteRow:
        """Give an invoice as it is sent; what the mail says stands with the first one."""
        mail = {name: self.arguments[name] for name in _MAIL if self.arguments.get(name)}
        payload = mail if number == 1 else {}
        return WriteRow(number, payload, affected.record_id, affected.name, affected.identifier)

    async def unsettled(self, account: Account, rows: Sequence[WriteRow]) -> str | None:
        """Nothing bars a mail: what of it is in doubt, the person has read in the statement."""
        return None

    async def send(self, chunk: Chunk, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        """Send the mail; what BeeL refuses as a whole went to nobody."""
        mail = mail_of(rows)
        try:
            data = await self.beel.mails.mail_invoices(mail, idempotency_key=chunk.idempotency_key)
        except (InvalidRequestError, ConflictError) as error:
            raise refused_or_unknown(chunk, error) from error
        except (ForbiddenError, TooLargeError) as error:
            if isinstance(error, ForbiddenError) and error.code != _NOT_ALLOWED:
                raise
            return self.refused(rows, error)
        return [*_outcomes(rows, mail, data)]

    async def find(self, chunk: Chunk, rows: Sequence[WriteRow]) -> Found:
        """Look for the mail among those that the account sent since; it has to be the very one."""
        mail = mail_of(rows)
        since = datetime.fromtimestamp(chunk.sent_at or 0.0, UTC) - _CLOCKS
        account = await self.beel.account()
        sendings = await self.journal.personal_data.sendings(self.name, account.ledger_id)
        known = known_mails(sendings)
        try:
            history = await self.beel.mails.history(mail.recipients[0], since - _DOUBTFUL)
            alike = [one for one in history if one.id not in known and _is_like(one, mail)]
            for one in alike[:_MOST_LOOKED_AT]:
                detail = await self.beel.mails.get(one.id)
                carried = _carried(detail, mail)
                if carried and _is_older(one, since):
                    return Found("unclear")
                if carried:
                    return Found("all", _found(detail, carried, rows, mail))
        except ForbiddenError as error:
            await self.journal.settle(
                chunk, "UNKNOWN", code=NO_HISTORY, request_id=error.request_id, by_reading=True
            )
            return Found("mixed")  # only a person can tell
        return Found("none" if all(_is_older(one, since) for one in alike) else "unclear")

    async def find_row(self, row: WriteRow) -> RowOutcome | None:
        """Say nothing: one invoice does not show whether a mail went out."""
        return None

    async def _read(self) -> dict[str, Invoice]:
        """Read the invoices by id, in small letters: a few singly, many through lists."""
        found: dict[str, Invoice] = {}
        wanted = {record_id.lower() for record_id in self._ids}
        if len(wanted) > _FEW:
            async for invoice in self.beel.invoices.walk(len(wanted), REQUESTS_AT_ONCE):
                if invoice.id.lower() in wanted:
                    found[invoice.id.lower()] = invoice

        async def read(record_id: str) -> None:
            with suppress(NotFoundError, InvalidRequestError):
                found[record_id] = await self.beel.invoices.get(record_id)

        await for_each_limited(read, sorted(wanted - found.keys()))
        return found


def mail_of(rows: Sequence[WriteRow]) -> Mail:
    """Put the mail together that these rows are of."""
    [payload] = [row.payload for row in rows if row.payload.get("recipients")]
    return Mail([row.record_id for row in rows], **payload)


def _refusal(invoice: Invoice) -> LeftOutCode | None:
    """Say why an invoice is not mailed: there is no PDF of it, or it is none to be mailed."""
    if invoice.type == "PROFORMA":
        return "proforma"
    if invoice.deleted_at is not None:
        return "not_found"
    return _CODES.get(invoice.status)


def _affected(record_id: str, invoice: Invoice) -> Affected:
    who = invoice.recipient
    name, number = who.legal_name or who.trade_name or "", invoice.number or ""
    facts = {"date": invoice.issue_date.isoformat(), "total": f"{invoice.totals.total:.2f}"}
    # Whether it is paid meanwhile is nothing to a mail.
    return Affected(record_id, name, number, digest_of([number, name, invoice.type, facts]), facts)


def _outcomes(rows: Sequence[WriteRow], mail: Mail, data: DeliveryData) -> Iterator[RowOutcome]:
    """Say of each invoice whether the mail carried it."""
    missing = {failure.invoice_id.lower(): failure for failure in data.failures}
    facts = _facts(data.email_id, data.sent_at, mail)
    for row in rows:
        if failure := missing.get(row.record_id.lower()):
            code = failure.code or "not_attached"
            yield RowOutcome("failed", code, failure.message, data.request_id)
        else:
            yield RowOutcome("done", request_id=data.request_id, facts=facts)


def _found(
    detail: MailDetail, carried: set[str], rows: Sequence[WriteRow], mail: Mail
) -> dict[int, RowOutcome]:
    """Say of each invoice what a mail of the history shows."""
    if not detail.has_left:
        stopped = RowOutcome(
            "failed", "mail_stopped", f"BeeL has the mail as {one_word(detail.status, 20)}."
        )
        return {row.number: stopped for row in rows}
    done = RowOutcome("done", facts=_facts(detail.id, detail.sent_at, mail))
    left = RowOutcome("failed", "not_attached", "The mail went out without it.")
    return {row.number: done if row.record_id.lower() in carried else left for row in rows}


def _facts(email_id: str, sent_at: datetime | None, mail: Mail) -> dict[str, str]:
    moment = {"sent_at": sent_at.isoformat(timespec="seconds")} if sent_at else {}
    return {"email_id": email_id, **moment, "to": ", ".join([*mail.recipients, *mail.cc])}


def _is_like(one: RecordedMail, mail: Mail) -> bool:
    """Tell whether a mail went to the very same addresses, under the same subject if it had one."""
    return (
        _folded(one.recipients) == _folded(mail.recipients)
        and _folded(one.cc) == _folded(mail.cc)
        and (not mail.subject or (one.subject or "").strip() == mail.subject)
    )


def _is_older(one: RecordedMail, since: datetime) -> bool:
    return one.sent_at is not None and one.sent_at < since


def _carried(detail: MailDetail, mail: Mail) -> set[str]:
    """Give the invoices of a mail, if they are among those of ours."""
    carried = {invoice.id.lower() for invoice in detail.related_invoices}
    if not carried and detail.related_entity_id:  # a mail of one invoice is recorded so
        carried = {detail.related_entity_id.lower()}
    return carried if carried <= {one.lower() for one in mail.invoice_ids} else set()


def _folded(addresses: Sequence[str]) -> set[str]:
    return {address.lower() for address in addresses}


_MAIL: Final = ("recipients", "cc", "subject", "message")
_CODES: Final[Mapping[str, LeftOutCode]] = {
    "DRAFT": "draft",
    "SCHEDULED": "scheduled",
    "VOIDED": "voided",
}
