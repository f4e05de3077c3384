"""What BeeL, its wire schema and the list itself say of a row, as a verdict."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from beel_mcp.api.bulk import BulkReport, RowProblem, RowReport
from beel_mcp.errors import FieldError
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
_SAME_IDENTIFIER = "The same identifier stands earlier in the list."
_CREATED = "This row was created already, from this list."
WireProblems = Callable[[Row], Sequence[FieldError]]


def local_verdicts(
    batch: Batch, wire_problems: WireProblems, created: Mapping[int, str | None]
) -> dict[int, Verdict]:
    """Judge what BeeL need not be asked about: rows that are not sent to it.

    Rows that were created from this list, rows that break the wire schema (one of them could
    refuse all the others), and rows that repeat one of another request, which only we can see.
    """
    verdicts: dict[int, Verdict] = {}
    before: dict[str, int] = {}
    for part in batch.parts():
        here: dict[str, int] = {}
        for row in part:
            identifier = row.identity
            if row.number in created:
                verdicts[row.number] = _created(row, created[row.number])
            elif row.errors or (faults := wire_problems(row)):
                errors = _wire_errors(row, () if row.errors else faults)
                verdicts[row.number] = Verdict("error", errors)
            elif identifier in before:
                verdicts[row.number] = _repeats(row, before[identifier])
            elif identifier:
                here.setdefault(identifier, row.number)
        before |= here
    return verdicts


def _created(row: Row, customer_id: str | None) -> Verdict:
    problem = Problem("row", _CREATED, severity="error")
    return Verdict("duplicate", (problem,), existing_customer_id=customer_id, is_done=True)


def _repeats(row: Row, earlier: int) -> Verdict:
    hint = f"row {earlier} has it"
    problem = Problem("nif", _SAME_IDENTIFIER, row.identifier, hint, severity="error")
    return Verdict("duplicate", (problem,))


def verdict_of(row: Row, said: RowReport) -> Verdict:
    """Put what BeeL says of a row beside what the list itself shows."""
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


def statistics_differ(report: BulkReport) -> bool:
    """Hold BeeL's own counters against its rows."""
    statuses = [row.status for row in report.rows]
    stated = report.statistics or {}
    return any(
        stated[name] != statuses.count(status)
        for status, name in _STATISTICS.items()
        if name in stated
    )
