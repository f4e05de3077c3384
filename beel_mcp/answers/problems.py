"""Rows with the same problem, as answers group them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel

from beel_mcp.answers.answer import (
    NAME_LIMIT,
    SHORT_MESSAGE_LIMIT,
    SHORT_NAME_LIMIT,
    plural,
)
from beel_mcp.cleaning import clean, quoted, shortened
from beel_mcp.lists.batch import Batch, Group

GROUPS = 10
GROUPS_IN_TEXT = 5
IN_SHORT_LIMIT = 60  # of a message, where there is no room for the whole line
_CLAUSE = re.compile(r".{12,}?(?=[:;.] )")
# How many groups are told in full and in short, and whether what stands behind them is told, too:
# the first that fits is taken.
_STEPS = (
    *((most, GROUPS, True) for most in range(GROUPS_IN_TEXT, 1, -1)),
    *((2, GROUPS, False), (2, 6, False), (1, GROUPS, False), (1, 6, False), (1, 4, False)),
    *((1, 2, False), (1, 0, False), (0, 6, False), (0, 4, False), (0, 2, False), (0, 0, False)),
)


class Example(BaseModel):
    """One row of a group, with the value that was refused and what it might be."""

    row: int
    name: str
    value: str | None = None
    suggestion: str | None = None
    existing_customer_id: str | None = None


class RowHint(BaseModel):
    """What one more row of a group might be."""

    row: int
    suggestion: str


class ProblemGroup(BaseModel):
    """Rows that have the same problem."""

    kind: str
    field: str
    message: str
    count: int
    rows: list[int]
    example: Example
    suggestions: list[RowHint] | None = None

    def line(self) -> str:
        rows = ", ".join(str(row) for row in self.rows)
        more = ", …" if self.count > len(self.rows) else ""
        where = f"row {rows}" if self.count == 1 else f"{self.count} rows: {rows}{more}"
        example = self.example
        facts = [("e.g. " if self.count > 1 else "") + quoted(example.name, NAME_LIMIT)]
        if example.value and not (example.suggestion or "").startswith(example.value):
            facts.append(f"has {quoted(example.value, NAME_LIMIT)}")
        if example.suggestion:
            facts.append(f"({example.suggestion})")
        if example.existing_customer_id:
            facts.append(f"is customer {example.existing_customer_id} in BeeL")
        also = "".join(f"; row {hint.row}: {hint.suggestion}" for hint in self.suggestions or ())
        return f"- {self.kind}, {self.field}: {self.message} [{where}; {' '.join(facts)}{also}]"

    def short(self) -> str:
        rows = ", ".join(str(row) for row in self.rows)
        more = ", …" if self.count > len(self.rows) else ""
        clause = _CLAUSE.match(self.message)
        words = shortened(clause[0] if clause else self.message, IN_SHORT_LIMIT).rstrip(".")
        return f"{self.kind}, {self.field}: {words} [{rows}{more}]"


def problem_fields(batch: Batch, limit: int = GROUPS) -> dict[str, Any]:
    """Give the largest groups of problems, and how many groups there are besides."""
    largest, more = batch.problem_groups(limit)
    return {"problems": [_short(group) for group in largest] or None, "more_problems": more or None}


def _short(group: Group) -> ProblemGroup:
    """Cut what is free text, so that ten groups fit."""
    facts = asdict(group)
    example = facts["example"]
    texts = [name for name in ("name", "value") if example[name]]
    cut = {name: clean(example[name], SHORT_NAME_LIMIT) for name in texts}
    message = shortened(facts.pop("message"), SHORT_MESSAGE_LIMIT)
    hints = [RowHint(row=row, suggestion=hint) for row, hint in facts.pop("hints")]
    example = Example(**{**example, **cut})
    return ProblemGroup(
        **{**facts, "message": message, "example": example, "suggestions": hints or None}
    )


def problem_lines(
    problems: Sequence[ProblemGroup] | None,
    more: int | None,
    in_full: int = GROUPS_IN_TEXT,
    in_short: int = GROUPS,
) -> list[str]:
    """Give the first groups in words, some in short, and how many there are besides."""
    every = problems or []
    remarks = sum(group.kind == "warning" for group in every)
    # The remarks are about rows that will be created: one of them is told in full.
    errors = max(in_full - min(remarks, 1), min(in_full, 1))
    first = [group for group in every if group.kind != "warning"][:errors]
    first += [group for group in every if group.kind == "warning"][: max(in_full - len(first), 0)]
    others = [group for group in every if group not in first]
    lines = [group.line() for group in first]
    lines += [f"- {group.short()}" for group in others[:in_short]]
    untold = (more or 0) + len(others[in_short:])
    noun = "remark" if remarks == len(every) > 0 else "problem"
    lines += [f"- and {plural(untold, 'more kind')} of {noun}."] if untold else []
    return [f"{noun.capitalize()}s:", *lines] if every else lines


def fitting(lines: Callable[[int, int, bool], list[str]], room: int) -> list[str]:
    """Give the lines that tell most of the problems and fit into `room` characters.

    `lines` makes them, with so many problems in full, so many in short, and the rest or without.
    """
    made: list[str] = []
    for in_full, in_short, has_rest in _STEPS:
        made = lines(in_full, in_short, has_rest)
        if sum(len(line) + 1 for line in made if line) <= room:
            break
    return made
