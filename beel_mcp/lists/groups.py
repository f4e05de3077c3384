"""The same problem in many rows becomes one group."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from beel_mcp.cleaning import ELLIPSIS
from beel_mcp.lists.checks import Problem
from beel_mcp.lists.rows import IMPORTABLE, Kind, Row, Verdict

_MAX_ROWS_NAMED: Final = 5
_NUMBER: Final = re.compile("[0-9]+")
_Key = tuple[Kind, str, str]


@dataclass(frozen=True)
class Example:
    """One row of a group, to show what the problem looks like."""

    row: int
    name: str
    value: str | None
    suggestion: str | None
    existing_customer_id: str | None


@dataclass(frozen=True)
class Group:
    """Rows of one kind with the same problem in the same field."""

    kind: Kind
    field: str
    message: str
    count: int
    rows: tuple[int, ...]
    example: Example


def group_problems(rows: Iterable[tuple[Row, Verdict]]) -> list[Group]:
    """Gather problems by kind, field and message.

    What keeps rows from being created comes first, then the most frequent, then by row.
    """
    groups: dict[_Key, Group] = {}
    numbers: defaultdict[_Key, list[int]] = defaultdict(list)
    for row, verdict in rows:
        if not (verdict.errors or verdict.warnings):
            continue
        for key, (message, problem) in _said_of(row, verdict).items():
            numbers[key].append(row.number)
            if key not in groups:
                groups[key] = _group(row, verdict, key[0], message, problem)
    counted = (
        replace(group, count=len(numbers[key]), rows=tuple(numbers[key][:_MAX_ROWS_NAMED]))
        for key, group in groups.items()
    )
    return sorted(
        counted, key=lambda group: (group.kind in IMPORTABLE, -group.count, group.rows[0])
    )


def _said_of(row: Row, verdict: Verdict) -> dict[_Key, tuple[str, Problem]]:
    """Give each problem of a row once, by what makes it the same as another row's."""
    found: dict[_Key, tuple[str, Problem]] = {}
    said: list[tuple[Kind, Problem]] = [(verdict.kind, problem) for problem in verdict.errors]
    # A remark stays a remark, also beside what keeps the row from being created.
    said += [("warning", problem) for problem in verdict.warnings]
    for kind, problem in said:
        message = _without_values(problem, row)
        # Numbers in a message count rows or characters; they do not make another problem.
        key = (kind, problem.field, _NUMBER.sub("0", message))
        found.setdefault(key, (message, problem))
    return found


def _group(row: Row, verdict: Verdict, kind: Kind, message: str, problem: Problem) -> Group:
    name, known = row.name or row.identifier, verdict.existing_customer_id
    example = Example(row.number, name, problem.value, problem.suggestion, known)
    return Group(kind, problem.field, message, 1, (row.number,), example)


def largest(groups: Sequence[Group], limit: int) -> tuple[Group, ...]:
    """Pick `limit` groups in their order, with room for remarks: those rows will be created."""
    remarks = [group for group in groups if group.kind in IMPORTABLE]
    blocking = [group for group in groups if group.kind not in IMPORTABLE]
    room = min(len(remarks), max(limit - len(blocking), limit // 3))
    return (*blocking[: limit - room], *remarks[:room])


def _without_values(problem: Problem, row: Row) -> str:
    """Take out of a message what differs from row to row."""
    message = problem.message
    parts = {problem.value or "", row.name, row.identifier, str(row.values.get("nif", ""))}
    for part in sorted(parts, key=len, reverse=True):
        # Very short values stand inside words by chance.
        if len(part) > 2:
            message = message.replace(part, ELLIPSIS)
    return message
