"""Asks BeeL about a batch and gives every row its verdict. Nothing is written."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from beel_mcp.api.bulk import BulkReport, RowProblem, RowReport
from beel_mcp.api.client import BeelClient
from beel_mcp.api.customers import MOST_ROWS
from beel_mcp.errors import BeelMcpError, FieldError
from beel_mcp.lists.batches import Batch
from beel_mcp.lists.checks import Problem
from beel_mcp.lists.rows import Kind, Row, Verdict

_KINDS: Mapping[str, Kind] = {
    "VALID": "valid",
    "WARNING": "warning",
    "ERROR": "error",
    "DUPLICATE": "duplicate",
    "NIF_INVALID": "nif_invalid",
}
# BeeL's name for each class, to hold its counters against its own rows.
_STATISTICS: Mapping[str, str] = {
    "VALID": "valid",
    "WARNING": "with_warnings",
    "ERROR": "with_errors",
    "DUPLICATE": "duplicates",
    "NIF_INVALID": "invalid_nifs",
}
_UNEXPLAINED: Mapping[Kind, str] = {
    "error": "BeeL does not accept this row and gives no reason.",
    "duplicate": "This identifier is in BeeL already, or earlier in the list.",
    "nif_invalid": "AEAT does not know this NIF, or not with this name.",
}
_SAME_IDENTIFIER = "The same identifier stands earlier in the list"
# Each look-up is a request; the first ones tell the person whom the rows collide with.
LOOKED_UP_DUPLICATES = 10


async def judge(beel: BeelClient, batch: Batch, now: datetime) -> tuple[Batch, bool]:
    """Give every row a new verdict; the flag says that BeeL's counters differ from its rows.

    Rows that break the wire schema are not sent: one of them could refuse all the others.
    """
    family = (await beel.active_company()).family
    verdicts: dict[int, Verdict] = {}
    sent: list[Row] = []
    for row in batch.rows:
        faults = () if row.errors else beel.customers.wire_problems(row.payload(), family)
        if row.errors or faults:
            verdicts[row.number] = Verdict("error", _wire_errors(row, faults))
        else:
            sent.append(row)
    mismatch, took_ms = False, 0
    for chunk in _chunks(sent, verdicts):
        report = await beel.customers.validate_bulk([row.payload() for row in chunk])
        mismatch |= _statistics_differ(report)
        took_ms += report.processing_time_ms or 0
        for row, said in zip(chunk, report.rows, strict=True):
            verdicts[row.number] = _verdict(row, said)
    await _name_existing(beel, sent, verdicts)
    return batch.with_verdicts(verdicts, now, processing_time_ms=took_ms), mismatch


def _chunks(rows: Sequence[Row], verdicts: dict[int, Verdict]) -> Iterator[list[Row]]:
    """Cut rows into requests; what repeats a row of an earlier request only we can see."""
    first: dict[str, int] = {}
    for start in range(0, len(rows), MOST_ROWS):
        chunk = []
        before = dict(first)
        for row in rows[start : start + MOST_ROWS]:
            identifier = row.identifier.casefold()
            if identifier and identifier in before:
                where = f"{_SAME_IDENTIFIER}, in row {before[identifier]}."
                problem = Problem("nif", where, row.identifier, severity="error")
                verdicts[row.number] = Verdict("duplicate", (problem,))
                continue
            first.setdefault(identifier, row.number)
            chunk.append(row)
        if chunk:
            yield chunk


def _verdict(row: Row, said: RowReport) -> Verdict:
    # A status that we do not know is nothing to create on.
    kind = _KINDS.get(said.status, "error")
    errors = [_advised(problem, row) for problem in _problems(said.errors)]
    if kind in _UNEXPLAINED and not errors:
        field = "row" if kind == "error" else "nif"
        problem = Problem(field, _UNEXPLAINED[kind], row.identifier or None, severity="error")
        errors = [_advised(problem, row)]
    spoken_of = {problem.field for problem in errors}
    warnings = [*_problems(said.warnings)]
    warnings += [advice for advice in row.advice if advice.field not in spoken_of]
    if kind == "valid" and warnings:
        kind = "warning"
    return Verdict(kind, tuple(errors), tuple(warnings))


def _problems(said: Iterable[RowProblem]) -> list[Problem]:
    return [Problem(one.field, one.message, one.value or None) for one in said]


def _advised(problem: Problem, row: Row) -> Problem:
    """Put beside BeeL's words what the local check would suggest for the same field."""
    for advice in row.advice:
        if advice.field == problem.field and advice.suggestion:
            return replace(problem, suggestion=advice.suggestion)
    return problem


def _wire_errors(row: Row, faults: Sequence[FieldError]) -> tuple[Problem, ...]:
    errors = [
        Problem(fault.field, fault.message, _value(row.values, fault.field), severity="error")
        for fault in faults
    ]
    return row.errors + tuple(_explained(problem, row) for problem in errors)


def _explained(problem: Problem, row: Row) -> Problem:
    """Say what our own check found in the same field: it knows more than a length or a pattern."""
    for advice in row.advice:
        if advice.field == problem.field:
            return replace(problem, message=advice.message, suggestion=advice.suggestion)
    return problem


def _value(values: Mapping[str, Any], field: str) -> str | None:
    found: Any = values
    for part in field.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, tuple):
        return "; ".join(map(str, found))
    return None if found is None or isinstance(found, Mapping) else str(found)


def _statistics_differ(report: BulkReport) -> bool:
    statuses = [row.status for row in report.rows]
    stated = report.statistics or {}
    return any(
        stated[name] != statuses.count(status)
        for status, name in _STATISTICS.items()
        if name in stated
    )


async def _name_existing(
    beel: BeelClient, rows: Sequence[Row], verdicts: dict[int, Verdict]
) -> None:
    """Find whom duplicate rows collide with. That is advice: a failure to find is no failure."""
    duplicates = [row for row in rows if verdicts[row.number].kind == "duplicate"]
    for row in duplicates[:LOOKED_UP_DUPLICATES]:
        nif = str(row.values.get("nif", ""))
        if not nif:
            continue
        try:
            page = await beel.customers.list(nif=nif, limit=20)
        except BeelMcpError:
            return
        for customer in page.items:
            if customer.nif == nif:
                found = replace(verdicts[row.number], existing_customer_id=customer.id)
                verdicts[row.number] = found
