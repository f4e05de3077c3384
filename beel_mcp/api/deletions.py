"""Reports about deletions: one verdict for each id sent, and none that was not given clearly."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from beel_mcp.api.envelope import Answer
from beel_mcp.api.models import DeletionData
from beel_mcp.api.words import code_of, said

Verdict = Literal["deleted", "not_found", "has_invoices", "failed", "unknown"]

# Statuses of today's rows, and codes of the seeds' errors. Both are open sets.
_VERDICTS: Final[Mapping[str, Verdict]] = {
    "DELETED": "deleted",
    "NOT_FOUND": "not_found",
    "HAS_INVOICES": "has_invoices",
    "CLIENT_HAS_INVOICES": "has_invoices",
    "HAS_RECURRING_INVOICE": "has_invoices",
    "CLIENT_HAS_RECURRING_INVOICE": "has_invoices",
}
logger = logging.getLogger(__name__)


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


def read_deletion(answer: Answer, sent: Sequence[str]) -> BulkDeletion:
    """Read the answer to a bulk deletion, in either shape. Counters are not believed.

    Raises:
        UnknownOutcomeError: it says nothing about any customer.

    """
    data = answer.read_as(DeletionData)
    if data.metadata and data.metadata.is_dry_run:
        raise answer.unexpected("BeeL answered a deletion with a dry run.")
    told: dict[str, list[DeletedRow]] = defaultdict(list)
    if data.customers_deletion is not None:
        rows = [_from_row(row) for row in _dicts(data.customers_deletion)]
    elif data.deactivated_ids is not None or data.errors is not None:
        rows = list(_from_seeds(data))
    else:
        raise answer.unexpected("BeeL's answer does not say what became of the customers.")
    for row in rows:
        told[row.customer_id].append(row)
    invented = len(told.keys() - {_key(customer_id) for customer_id in sent})
    if invented:
        logger.warning("BeeL reports on %d customers that were not sent", invented)
    done, failed = _listed_done(data), _listed_failed(data)
    settled = []
    for customer_id in sent:
        key = _key(customer_id)
        row = _settle(told.get(key, []), is_done=key in done, is_failed=key in failed)
        settled.append(replace(row, customer_id=customer_id))
    return BulkDeletion(tuple(settled), answer.request_id, invented)


def _from_row(row: Mapping[str, Any]) -> DeletedRow:
    """Read a row of today's; what is not a known verdict needs an error to be a failure."""
    status, has_error = said(row.get("status"), 40), isinstance(row.get("error"), dict)
    code, message = _error(row)
    verdict = _VERDICTS.get(status)
    if verdict == "has_invoices" and "RECURRING" in status:
        code = status  # says more than the code beside it
    if verdict == "deleted" and has_error:
        verdict = "unknown"
    elif verdict is None:
        verdict = "failed" if has_error or status == "ERROR" else "unknown"
    code = None if verdict == "deleted" else code or code_of(status)
    return DeletedRow(_key(row.get("customer_id")), verdict, code, message)


def _from_seeds(data: DeletionData) -> Iterator[DeletedRow]:
    for customer_id in data.deactivated_ids or ():
        yield DeletedRow(_key(customer_id), "deleted")
    for item in _dicts(data.errors or ()):
        code, message = _error(item)
        verdict = _VERDICTS.get(code or "", "failed")
        # An error that is called DELETED says nothing.
        verdict = "unknown" if verdict == "deleted" else verdict
        yield DeletedRow(_key(item.get("customer_id")), verdict, code, message)


def _error(holder: Mapping[str, Any]) -> tuple[str | None, str]:
    error = holder.get("error")
    if not isinstance(error, dict):
        return None, ""
    return code_of(error.get("code")), said(error.get("message"))


def _settle(told: Sequence[DeletedRow], *, is_done: bool, is_failed: bool) -> DeletedRow:
    if not told:
        return DeletedRow("", "unknown", message="BeeL does not mention it.")
    if len(told) > 1:
        return DeletedRow("", "unknown", message="BeeL mentions it more than once.")
    row = told[0]
    if row.status == "deleted" and is_failed:
        return DeletedRow("", "unknown", message="BeeL lists it as deleted and as failed.")
    if row.status != "deleted" and is_done:
        return replace(row, status="unknown", message="BeeL lists it as deleted and as failed.")
    return row


def _listed_done(data: DeletionData) -> set[str]:
    return set(map(_key, (*(data.deleted_ids or ()), *(data.deactivated_ids or ()))))


def _listed_failed(data: DeletionData) -> set[str]:
    return {_key(item.get("customer_id")) for item in _dicts(data.errors or ())}


def _dicts(items: Sequence[Any]) -> Iterator[dict[str, Any]]:
    return (item for item in items if isinstance(item, dict))


def _key(customer_id: Any) -> str:
    """Fold an id: in capitals it is the same one; what is no text is nobody's."""
    return customer_id.lower() if isinstance(customer_id, str) else ""
