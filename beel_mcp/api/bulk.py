"""Responses to bulk requests: one result per row or id sent, and none that is unclear."""

import logging
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from beel_mcp.api.http.responses import ApiResponse
from beel_mcp.api.http.wire import code_of, object_in, objects_in, sanitized
from beel_mcp.api.models import BulkData, BulkEcho, DeletionData, RowReport
from beel_mcp.errors import DryRunNotHonouredError
from beel_mcp.identity import customer_key, foreign_id_of

Rows = Sequence[Mapping[str, Any]]
Verdict = Literal[
    "deleted", "not_found", "has_invoices", "has_recurring_invoice", "failed", "unknown"
]

# Statuses of today's rows, and codes of the legacy errors. Both are open sets.
_VERDICTS: Final[Mapping[str, Verdict]] = {
    "DELETED": "deleted",
    "NOT_FOUND": "not_found",
    "HAS_INVOICES": "has_invoices",
    "CLIENT_HAS_INVOICES": "has_invoices",
    "HAS_RECURRING_INVOICE": "has_recurring_invoice",
    "CLIENT_HAS_RECURRING_INVOICE": "has_recurring_invoice",
}
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BulkReport:
    """A validation: one report per row sent, in the order sent. The statistics are BeeL's own."""

    rows: tuple[RowReport, ...]
    statistics: Mapping[str, int] | None = None
    processing_time_ms: int | None = None


@dataclass(frozen=True)
class CreatedRow:
    """A row sent, and the customer that it became."""

    index: int
    customer_id: str


@dataclass(frozen=True)
class BulkCreation:
    """A creation of every row sent."""

    created: tuple[CreatedRow, ...]
    processing_time_ms: int | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class DeletedRow:
    """An id sent and what became of it. `code` is BeeL's, `message` is cleaned.

    `unknown` means that BeeL's answer does not say it clearly: only reading the customer can.
    """

    customer_id: str
    status: Verdict
    code: str | None = None
    message: str = ""


@dataclass(frozen=True)
class BulkDeletion:
    """One row per id sent, in the order sent. `invented` counts ids of BeeL's that were not."""

    rows: tuple[DeletedRow, ...]
    request_id: str | None = None
    invented: int = 0


def read_report(response: ApiResponse, sent: int) -> BulkReport:
    """Read the answer to a validation of `sent` rows.

    Raises:
        DryRunNotHonouredError: it does not say that nothing was written.
        UnknownOutcomeError: it does not report on exactly the rows sent.
    """
    _check_dry(response)
    data = response.read_as(BulkData)
    rows = _in_order(response, data, sent)
    counts = data.statistics and {
        name: value
        for name, value in data.statistics.items()
        if isinstance(value, int) and not isinstance(value, bool)
    }
    return BulkReport(tuple(rows), counts, data.metadata.processing_time_ms)


def read_creation(response: ApiResponse, rows: Rows) -> BulkCreation:
    """Read the answer to a creation, in either shape.

    Raises:
        UnknownOutcomeError: it does not say that exactly these rows were created.
    """
    data = response.read_as(BulkData)
    dry = data.metadata.is_dry_run
    if dry:
        raise response.unexpected("BeeL answered a creation with a dry run.")
    if dry is None and data.total_created is None:
        raise response.unexpected("BeeL's answer does not say whether customers were created.")
    if data.customers_validation is not None:
        created, echoes = _from_report(response, data, len(rows))
    else:
        created, echoes = _from_customers(response, data, rows)
    if len({row.customer_id for row in created}) != len(rows):
        raise response.unexpected("BeeL does not name one new customer for each row sent.")
    if not _same_nifs(rows, echoes):
        raise response.unexpected("BeeL's answer is about other customers than those sent.")
    return BulkCreation(created, data.metadata.processing_time_ms, response.request_id)


def _check_dry(response: ApiResponse) -> None:
    """Raise DryRunNotHonouredError before any other check of the response."""
    data = response.data if isinstance(response.data, dict) else {}
    dry = object_in(data, "metadata").get("is_dry_run") is True
    imported = object_in(data, "statistics").get("imported")
    made = any(row.get("customer_id") for row in objects_in(data.get("customers_validation")))
    if dry and not imported and not made and data.get("total_created") is None:
        return
    raise DryRunNotHonouredError(
        "BeeL's answer to a validation does not say that it was a dry run: the validation may "
        "have created customers.",
        changed="unknown",
        status=response.status,
        request_id=response.request_id,
        remedy="Look for these customers in BeeL before anything else is done with the list.",
    )


def _in_order(response: ApiResponse, data: BulkData, sent: int) -> list[RowReport]:
    ordered = sorted(data.customers_validation or (), key=lambda row: row.index)
    if [row.index for row in ordered] != list(range(sent)):
        raise response.unexpected(f"BeeL did not report on exactly the {sent} rows sent.")
    return ordered


def _from_report(
    response: ApiResponse, data: BulkData, sent: int
) -> tuple[tuple[CreatedRow, ...], list[BulkEcho]]:
    rows = _in_order(response, data, sent)
    imported = (data.statistics or {}).get("imported")
    if imported is not None and imported != sent:
        raise response.unexpected(f"BeeL counts other than {sent} customers created.")
    ids = [(row.index, row.customer_id or (row.customer and row.customer.id)) for row in rows]
    created = tuple(CreatedRow(index, customer_id) for index, customer_id in ids if customer_id)
    return created, [row.customer for row in rows if row.customer]


def _from_customers(
    response: ApiResponse, data: BulkData, rows: Rows
) -> tuple[tuple[CreatedRow, ...], list[BulkEcho]]:
    made = list(data.customers or ())
    if data.total_created != len(rows) or len(made) != len(rows):
        raise response.unexpected(f"BeeL counts other than {len(rows)} customers created.")
    # The order is promised nowhere: match by identifier or name, then by place.
    waiting: dict[str, deque[BulkEcho]] = defaultdict(deque)
    for echo in made:
        waiting[_identifier_or_name(echo.model_dump())].append(echo)
    pairs = [(index, waiting[_identifier_or_name(row)]) for index, row in enumerate(rows)]
    found = {index: same.popleft() for index, same in pairs if same}
    # What is left may have been given back without its kind or country.
    left = [echo for same in waiting.values() for echo in same]
    for index, row in enumerate(rows):
        if index not in found:
            wanted = foreign_id_of(row)
            alike = [
                echo
                for echo in left
                if not echo.nif and wanted.may_be(foreign_id_of(echo.model_dump()))
            ]
            if not alike:
                raise response.unexpected("BeeL's answer is about other customers than those sent.")
            found[index] = alike[0]
            left.remove(alike[0])
    created = (CreatedRow(index, found[index].id or "") for index in sorted(found))
    return tuple(row for row in created if row.customer_id), made


def _identifier_or_name(values: Mapping[str, Any]) -> str:
    return customer_key(values) or f"name:{values.get('legal_name') or ''}".strip().upper()


def _same_nifs(rows: Rows, echoes: Sequence[BulkEcho]) -> bool:
    """Compare NIFs as far as they are given back: an echo may be left out or be partial."""
    sent = Counter(str(row["nif"]).upper() for row in rows if row.get("nif"))
    made = Counter(echo.nif.upper() for echo in echoes if echo.nif)
    return made <= sent if len(echoes) < len(rows) or made.total() < sent.total() else made == sent


def read_deletion(response: ApiResponse, sent: Sequence[str]) -> BulkDeletion:
    """Read the answer to a bulk deletion, in either shape. Counters are not believed.

    Raises:
        UnknownOutcomeError: it says nothing about any customer.
    """
    data = response.read_as(DeletionData)
    if data.metadata.is_dry_run:
        raise response.unexpected("BeeL answered a deletion with a dry run.")
    if data.customers_deletion is not None:
        rows = [_from_row(row) for row in objects_in(data.customers_deletion)]
    elif data.deactivated_ids is not None or data.errors is not None:
        rows = list(_from_legacy(data))
    else:
        raise response.unexpected("BeeL's answer does not say what became of the customers.")
    reported: dict[str, list[DeletedRow]] = defaultdict(list)
    for row in rows:
        reported[row.customer_id].append(row)
    invented = len(reported.keys() - {_key(customer_id) for customer_id in sent})
    if invented:
        logger.warning("BeeL reports on %d customers that were not sent", invented)
    done = set(map(_key, (*(data.deleted_ids or ()), *(data.deactivated_ids or ()))))
    failed = {_key(item.get("customer_id")) for item in objects_in(data.errors)}
    settled = tuple(
        replace(
            _settle(reported.get(key, []), is_done=key in done, is_failed=key in failed),
            customer_id=customer_id,
        )
        for customer_id, key in zip(sent, map(_key, sent), strict=True)
    )
    return BulkDeletion(settled, response.request_id, invented)


def _from_row(row: Mapping[str, Any]) -> DeletedRow:
    """Read a row of today's; what is not a known verdict needs an error to be a failure."""
    status, has_error = sanitized(row.get("status"), 40), isinstance(row.get("error"), dict)
    code, message = _error(row)
    verdict = _VERDICTS.get(status)
    if verdict == "has_recurring_invoice":
        code = status  # says more than the code beside it
    if verdict == "deleted" and has_error:
        verdict = "unknown"
    elif verdict is None:
        verdict = "failed" if has_error or status == "ERROR" else "unknown"
    code = None if verdict == "deleted" else code or code_of(status)
    return DeletedRow(_key(row.get("customer_id")), verdict, code, message)


def _from_legacy(data: DeletionData) -> Iterator[DeletedRow]:
    for customer_id in data.deactivated_ids or ():
        yield DeletedRow(_key(customer_id), "deleted")
    for item in objects_in(data.errors):
        code, message = _error(item)
        verdict = _VERDICTS.get(code or "", "failed")
        # An error that is called DELETED says nothing.
        verdict = "unknown" if verdict == "deleted" else verdict
        yield DeletedRow(_key(item.get("customer_id")), verdict, code, message)


def _error(holder: Mapping[str, Any]) -> tuple[str | None, str]:
    error = object_in(holder, "error")
    return code_of(error.get("code")), sanitized(error.get("message"))


def _settle(reported: Sequence[DeletedRow], *, is_done: bool, is_failed: bool) -> DeletedRow:
    if len(reported) != 1:
        how = "mentions it more than once" if reported else "does not mention it"
        return DeletedRow("", "unknown", message=f"BeeL {how}.")
    row = reported[0]
    if row.status == "deleted" and is_failed:
        return DeletedRow("", "unknown", message="BeeL lists it as deleted and as failed.")
    if row.status != "deleted" and is_done:
        return replace(row, status="unknown", message="BeeL lists it as deleted and as failed.")
    return row


def _key(customer_id: Any) -> str:
    """Fold an id: in capitals it is the same one; "" for anything but a string."""
    return customer_id.lower() if isinstance(customer_id, str) else ""
