"""Rows with the same problem, as answers group them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel

from beel_mcp.answers.answer import (
    NAME_LIMIT,
    SHORT_MESSAGE_LIMIT,
    SHORT_NAME_LIMIT,
    plural,
)
from beel_mcp.cleaning import clean, quoted
from beel_mcp.lists.batch import Batch, Group

GROUPS = 10
GROUPS_IN_TEXT = 5
IN_SHORT_LIMIT = 50  # of a message, where there is no room for the whole line


class Example(BaseModel):
    """One row of a group, with the value that was refused and what it might be."""

    row: int
    name: str
    value: str | None = None
    suggestion: str | None = None
    existing_customer_id: str | None = None


class ProblemGroup(BaseModel):
    """Rows that have the same problem."""

    kind: str
    field: str
    message: str
    count: int
    rows: list[int]
    example: Example

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
        return f"- {self.kind}, {self.field}: {self.message} [{where}; {' '.join(facts)}]"

    def short(self) -> str:
        rows = ", ".join(str(row) for row in self.rows)
        more = ", …" if self.count > len(self.rows) else ""
        words = clean(self.message, IN_SHORT_LIMIT).rstrip(".")
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
    facts |= {"message": clean(group.message, SHORT_MESSAGE_LIMIT), "example": {**example, **cut}}
    return ProblemGroup(**facts)


def problem_lines(
    problems: Sequence[ProblemGroup] | None, more: int | None, in_full: int = GROUPS_IN_TEXT
) -> list[str]:
    """Give the first groups in words, the others in short, and how many there are besides."""
    every = problems or []
    remarks = sum(group.kind == "warning" for group in every)
    # The remarks are about rows that will be created: one of them is told in full.
    first = [group for group in every if group.kind != "warning"][: in_full - min(remarks, 1)]
    first += [group for group in every if group.kind == "warning"][: in_full - len(first)]
    shown = [group.line() for group in first]
    lines = ["Problems:", *shown] if shown else []
    lines += [f"- {group.short()}" for group in every if group not in first]
    return [*lines, f"- and {plural(more, 'more kind')} of problem."] if more else lines
