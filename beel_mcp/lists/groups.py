"""The same problem in many rows becomes one group."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from beel_mcp.cleaning import ELLIPSIS
from beel_mcp.lists.checks import Problem
from beel_mcp.lists.rows import IMPORTABLE, Kind, Row, Verdict

_MAX_ROWS_NAMED: Final = 5


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
    groups: dict[tuple[str, ...], Group] = {}
    for row, verdict in rows:
        if not (verdict.errors or verdict.warnings):
            continue
        for key, new in _groups_of_one(row, verdict):
            old = groups.get(key)
            groups[key] = new if old is None else _joined(old, row.number)
    return sorted(
        groups.values(), key=lambda group: (group.kind in IMPORTABLE, -group.count, group.rows[0])
    )


def _groups_of_one(row: Row, verdict: Verdict) -> Iterator[tuple[tuple[str, ...], Group]]:
    seen = set()
    said: list[tuple[Kind, Problem]] = [(verdict.kind, problem) for problem in verdict.errors]
    # A remark stays a remark, also beside what keeps the row from being created.
    said += [("warning", problem) for problem in verdict.warnings]
    for kind, problem in said:
        message = _without_values(problem, row)
        # Numbers in a message count rows or characters; they do not make another problem.
        key = (kind, problem.field, re.sub("[0-9]+", "0", message))
        if key in seen:
            continue
        seen.add(key)
        name = row.name or row.identifier
        example = Example(
            row.number,
            name,
            problem.value,
            problem.suggestion,
            verdict.existing_customer_id,
        )
        yield (
            key,
            Group(kind, problem.field, message, 1, (row.number,), example),
        )


def largest(groups: Sequence[Group], limit: int) -> tuple[Group, ...]:
    """Pick `limit` groups in their order, with room for remarks: those rows will be created."""
    remarks = [group for group in groups if group.kind in IMPORTABLE]
    blocking = [group for group in groups if group.kind not in IMPORTABLE]
    room = min(len(remarks), max(limit - len(blocking), limit // 3))
    return (*blocking[: limit - room], *remarks[:room])


def _joined(group: Group, number: int) -> Group:
    return replace(group, count=group.count + 1, rows=(*group.rows, number)[:_MAX_ROWS_NAMED])


def _without_values(problem: Problem, row: Row) -> str:
    """Take out of a message what differs from row to row."""
    message = problem.message
    parts = {problem.value or "", row.name, row.identifier, str(row.values.get("nif", ""))}
    for part in sorted(parts, key=len, reverse=True):
        # Very short values stand inside words by chance.
        if len(part) > 2:
            message = message.replace(part, ELLIPSIS)
    return message
