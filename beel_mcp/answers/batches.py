"""What validate_customers and create_customers answer."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pydantic import BaseModel

from beel_mcp.answers.answer import Answer, capped, count_phrase
from beel_mcp.answers.plan import PlanAnswer
from beel_mcp.cleaning import clean, quoted
from beel_mcp.lists import batch as groups
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.model import ValueChange

ROWS = 3
COLUMNS = 12
IGNORED = 5
HEADER_LIMIT = 50
IGNORED_LIMIT = 25
VALUE_LIMIT = 25


class Change(BaseModel):
    """Values of one field that were not taken as they stand in the file; one is shown."""

    field: str
    change: str
    count: int
    rows: list[int]
    before: str | None = None
    after: str | None = None

    def words(self) -> str:
        """Give the change in a few words."""
        rows = ", ".join(map(str, self.rows)) + (", …" if self.count > len(self.rows) else "")
        shown = f", {quoted(self.before, VALUE_LIMIT)}" if self.before else ""
        after = f" to {quoted(self.after, VALUE_LIMIT)}" if self.after and shown else ""
        return f"- {self.field}: {self.change} [{self.count}: row {rows}{shown}{after}]"


def reading_fields(batch: Batch, most: int) -> dict[str, Any]:
    """Give the fields of the answer that are about the file; none for an inline list."""
    used, more_used = capped(batch.columns_used, COLUMNS)
    ignored, more_ignored = capped(batch.columns_ignored, IGNORED)
    changes, more_changes = capped(_groups(batch.values_changed), most)
    return {
        "read_as": batch.read_as and clean(batch.read_as, 120),
        "columns_used": [clean(column, HEADER_LIMIT) for column in used] or None,
        "more_columns_used": more_used,
        "columns_ignored": [clean(column, IGNORED_LIMIT) for column in ignored] or None,
        "more_columns_ignored": more_ignored,
        "values_changed": changes or None,
        "more_values_changed": more_changes,
    }


def reading_head(read_as: str | None, changes: Sequence[Change] | None, more: int | None) -> str:
    """Say in one line what a person should know of the reading before believing the rows."""
    parts = [f"Read: {read_as}."] if read_as else []
    if changes:
        sums: dict[str, int] = {}
        for change in changes:
            sums[change.field] = sums.get(change.field, 0) + change.count
        fields = ", ".join(f"{field} in {count}" for field, count in sums.items())
        others = f" and {more} more kinds" if more else ""
        parts.append(f"Values changed while reading: {fields}{others}.")
    return " ".join(parts)


def reading_lines(ignored: Sequence[str] | None, changes: Sequence[Change] | None) -> list[str]:
    """Show what was changed, and name the columns that were left."""
    names = ", ".join(f'"{column}"' for column in ignored or ())
    lines = [f"Columns ignored: {names}." if names else ""]
    if changes:
        lines += ["Changes:", *(each.words() for each in changes)]
    return lines


def _groups(changes: Sequence[ValueChange]) -> list[Change]:
    """Gather changes of one kind; the most frequent first."""
    groups: dict[tuple[str, str], Change] = {}
    for change in changes:
        # "taken from row 7" is the same kind of change as "taken from row 9".
        key = change.field, change.change.code
        group = groups.get(key)
        if group is None:
            groups[key] = Change(
                field=change.field,
                change=change.change.text(),
                count=1,
                rows=[change.row],
                before=change.before and clean(change.before, VALUE_LIMIT),
                after=change.after and clean(change.after, VALUE_LIMIT),
            )
            continue
        group.count += 1
        if change.row not in group.rows and len(group.rows) < ROWS:
            group.rows.append(change.row)
    return sorted(groups.values(), key=lambda group: -group.count)


GROUPS = 10
GROUPS_IN_TEXT = 5
MESSAGE_LIMIT = 100
NAME_LIMIT = 60
SHORT_LIMIT = 50
TEXT_LIMIT = 40
CREATED_IN_TEXT = 5
# 1,000 tokens are what a structure may cost; three characters are one, and some come later.
STRUCTURE_LIMIT = 3_000
# How many groups of problems and of changes an answer tells, from the most to the fewest.
ROOM = ((GROUPS, 5), (GROUPS, 3), (8, 3), (6, 3), (5, 3), (4, 2), (4, 1), (3, 1))


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
        """Give the group in one line of text."""
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
        """Give the group in a few words."""
        rows = ", ".join(str(row) for row in self.rows)
        more = ", …" if self.count > len(self.rows) else ""
        words = clean(self.message, SHORT_LIMIT).rstrip(".")
        return f"{self.kind}, {self.field}: {words} [{rows}{more}]"


class ValidationCounts(BaseModel):
    """Every row is in exactly one class."""

    valid: int
    warning: int
    error: int
    duplicate: int
    nif_invalid: int
    unchecked: int


class ValidationAnswer(Answer):
    """What BeeL would say to a list."""

    batch_id: str | None = None
    expires_at: str | None = None
    total: int | None = None
    importable: int | None = None
    counts: ValidationCounts | None = None
    counts_before: ValidationCounts | None = None
    detail: str | None = None
    retry_after_s: int | None = None
    problems: list[ProblemGroup] | None = None
    more_problems: int | None = None
    statistics_mismatch: bool | None = None
    created_before: str | None = None
    read_as: str | None = None
    columns_used: list[str] | None = None
    more_columns_used: int | None = None
    columns_ignored: list[str] | None = None
    more_columns_ignored: int | None = None
    values_changed: list[Change] | None = None
    more_values_changed: int | None = None

    def lines(self) -> Sequence[str]:
        """Give the counts, the problems by how many rows they touch, and the handle.

        As many problems are told in full as leave room to name the others.
        """
        room = self.text_limit - sum(len(line) + 1 for line in self.next_lines())
        for told in range(GROUPS_IN_TEXT, 0, -1):
            lines = self._told(told)
            if sum(len(line) + 1 for line in lines if line) <= room:
                break
        return lines

    def _told(self, told: int) -> list[str]:
        counts = count_phrase(self.counts.model_dump()) if self.counts else ""
        before = count_phrase(self.counts_before.model_dump()) if self.counts_before else ""
        return [
            f"Counts: {counts}{f'; before the corrections: {before}' if before else ''}.",
            self.detail or "",
            f"Look again in {self.retry_after_s} s." if self.retry_after_s else "",
            f"batch_id: {self.batch_id} (kept 30 minutes after its last use{self._mending()}).",
            reading_head(self.read_as, self.values_changed, self.more_values_changed),
            *problem_lines(self.problems, self.more_problems, told),
            *reading_lines(self.columns_ignored, self.values_changed),
            "BeeL's own statistics differ from its rows; the rows were counted."
            if self.statistics_mismatch
            else "",
        ]

    def _mending(self) -> str:
        """Say what can be done about problems, where there are any."""
        told = "; list_batch_rows shows each row, corrections or drop_rows mend them"
        return told if self.problems else ""


class CreationCounts(BaseModel):
    """Every row is in exactly one class."""

    created: int = 0
    refused: int = 0
    unknown: int = 0
    not_attempted: int = 0
    skipped: int = 0


class CreatedCustomer(BaseModel):
    """A row that is now a customer in BeeL."""

    row: int
    name: str
    customer_id: str | None = None


class CreationAnswer(PlanAnswer):
    """What became of the rows."""

    total: int | None = None
    counts: CreationCounts | None = None
    created: list[CreatedCustomer] | None = None
    more_created: int | None = None
    problems: list[ProblemGroup] | None = None
    more_problems: int | None = None
    left_out: list[int] | None = None
    operation_id: str | None = None
    replayed: bool | None = None
    retry_after_s: int | None = None

    def lines(self) -> Sequence[str]:
        """Give the counts, the first new customers, and the problems."""
        counts = count_phrase(self.counts.model_dump()) if self.counts else ""
        created = self.created or []
        more = len(created) + (self.more_created or 0) - CREATED_IN_TEXT
        return [
            "This batch was carried out before; this is its recorded outcome."
            if self.replayed
            else "",
            *self.plan_lines(),
            f"Counts: {counts}." if counts else "",
            f"Left out: rows {', '.join(map(str, self.left_out))}." if self.left_out else "",
            f"operation_id: {self.operation_id}." if self.operation_id else "",
            *(
                f"- row {row.row} {quoted(row.name, NAME_LIMIT)} is customer {row.customer_id}"
                for row in created[:CREATED_IN_TEXT]
            ),
            f"- and {more} more; check_operation lists them." if more > 0 else "",
            *problem_lines(self.problems, self.more_problems),
        ]


def fitted(answer: ValidationAnswer, batch: Batch) -> ValidationAnswer:
    """Add the problems and what the file was understood as, as much as the answer has room for.

    The first ones are always told: what keeps rows from being created, and what was changed most.
    """
    for most, changes in ROOM:
        problems, more = problem_groups(batch, most)
        told = {"problems": problems, "more_problems": more, **reading_fields(batch, changes)}
        answer = answer.model_copy(update=told)
        if len(json.dumps(answer.structure(), ensure_ascii=False)) <= STRUCTURE_LIMIT:
            break
    return answer


def problem_groups(
    batch: Batch, limit: int = GROUPS
) -> tuple[list[ProblemGroup] | None, int | None]:
    """Give the largest groups of problems, and how many groups there are besides."""
    largest, more = batch.problem_groups(limit)
    return [_group(group) for group in largest] or None, more or None


def _group(group: groups.Group) -> ProblemGroup:
    return ProblemGroup(
        kind=group.kind,
        field=group.field,
        message=clean(group.message, MESSAGE_LIMIT),
        count=group.count,
        rows=list(group.rows),
        example=Example(**_short(group.example)),
    )


def _short(example: groups.Example) -> dict[str, Any]:
    """Cut what is free text, so that ten examples fit."""
    cut = {"name": clean(example.name, TEXT_LIMIT)}
    if example.value:
        cut["value"] = clean(example.value, TEXT_LIMIT)
    return {**asdict(example), **cut}


def problem_lines(
    problems: Sequence[ProblemGroup] | None, more: int | None, told: int = GROUPS_IN_TEXT
) -> list[str]:
    """Give the first groups in words, the others in short, and how many there are besides."""
    every = problems or []
    remarks = sum(group.kind == "warning" for group in every)
    # The remarks are about rows that will be created: one of them is told in full.
    first = [group for group in every if group.kind != "warning"][: told - min(remarks, 1)]
    first += [group for group in every if group.kind == "warning"][: told - len(first)]
    shown = [group.line() for group in first]
    lines = ["Problems:", *shown] if shown else []
    lines += [f"- {group.short()}" for group in every if group not in first]
    return [*lines, f"- and {more} more kinds of problem."] if more else lines
