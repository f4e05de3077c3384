"""Rows with the same problem, as answers group them."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema

from beel_mcp.answers.answer import (
    NAME_LIMIT,
    SHORT_MESSAGE_LIMIT,
    SHORT_NAME_LIMIT,
    capped_fields,
    next_steps,
    plural,
)
from beel_mcp.cleaning import clean, quoted, shortened, width
from beel_mcp.errors import NextCall
from beel_mcp.lists.batch import Batch, Group
from beel_mcp.lists.model import IMPORTABLE, ROW_STATUSES, RowStatus

GROUPS = 10
GROUPS_IN_TEXT = 5
ALSO = 2  # kinds of remarks beside a problem
ROOM = 1_200  # the `width` of JSON; an answer has others, too
IN_SHORT_LIMIT = 60  # of a message, where there is no room for the whole line
_CLAUSE = re.compile(r".{12,}?(?=[:;.] )")
# How many groups are told in full and in short, and how much of what stands beside them: 2 is all,
# 1 the sums, 0 nothing. The first that fits is taken.
_STEPS = (
    *((most, GROUPS, 2) for most in range(GROUPS_IN_TEXT, 1, -1)),
    *((2, GROUPS, 1), (2, 6, 1), (1, GROUPS, 1), (1, 6, 1), (1, 4, 1), (0, 6, 1), (1, 4, 0)),
    *((0, 6, 0), (1, 2, 0), (0, 4, 0), (1, 0, 0), (0, 2, 0), (0, 0, 0)),
)


# The text names what has no room; the structure, which has less, counts it beside its next call.
TextOnly = Annotated[SkipJsonSchema[str | None], Field(exclude=True)]


class Example(BaseModel):
    """One row of a group, with the value that was refused and what it might be."""

    row: int
    name: str
    value: str | None = None
    suggestion: str | None = None
    existing_customer_id: str | None = None


class OtherRow(BaseModel):
    """One more row of a group: whose it is, and what was meant, where that can be guessed."""

    row: int
    name: str
    suggestion: str | None = None

    def words(self) -> str:
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return f"{self.row} {quoted(self.name, SHORT_NAME_LIMIT)}{hint}"


class ProblemGroup(BaseModel):
    """Rows that have the same problem."""

    kind: str
    field: str
    message: str
    count: int
    rows: list[int]
    example: Example
    others: list[OtherRow] | None = None
    also: list[str] | None = None

    def line(self) -> str:
        rows = ", ".join(str(row) for row in self.rows)
        example, others = self.example, [other.words() for other in self.others or ()]
        facts: list[str] = [quoted(example.name, NAME_LIMIT)]
        if example.value and not (example.suggestion or "").startswith(example.value):
            facts.append(f"has {quoted(example.value, NAME_LIMIT)}")
        if example.suggestion:
            facts.append(f"({example.suggestion})")
        if example.existing_customer_id:
            facts.append(f"is customer {example.existing_customer_id} in BeeL")
        first = " ".join(facts)
        if self.count > len(self.rows):
            told = "; row ".join([f"{self.count} rows: {rows}, …; e.g. {first}", *others])
        else:
            named = ", ".join([f"{example.row} {first}", *others])
            told = f"row {named}" if self.count == 1 else f"{self.count} rows: {named}"
        also = "".join(f"; also: {remark}" for remark in self.also or ())
        return f"- {self.kind}, {self.field}: {self.message} [{told}{also}]"

    def bare(self) -> "ProblemGroup":
        """Give the group in few words."""
        few = {"message": _clause(self.message), "others": None, "also": None}
        return self.model_copy(update=few)

    def short(self) -> str:
        rows = ", ".join(str(row) for row in self.rows)
        more = ", …" if self.count > len(self.rows) else ""
        return f"{self.kind}, {self.field}: {_clause(self.message)} [{rows}{more}]"


def _clause(message: str) -> str:
    """Give the first clause of a message."""
    clause = _CLAUSE.match(message)
    return shortened(clause[0] if clause else message, IN_SHORT_LIMIT).rstrip(".")


def problem_fields(batch: Batch, limit: int = GROUPS, *, is_whole: bool = True) -> dict[str, Any]:
    """Give the largest groups of problems, and how many groups there are besides, in which fields.

    Those that are not whole have the first clause of a message, and one row with its name.
    """
    largest, others = batch.problem_groups(limit)
    problems = [_short(group) for group in largest]
    problems = _within(problems) if is_whole else [group.bare() for group in problems]
    return {
        "problems": problems or None,
        "more_problems": len(others) or None,
        "more_problems_in": fields_of(others) or None,
    }


def fields_of(groups: Iterable[Group | ProblemGroup]) -> str:
    """Name kinds and fields of problems: `error in email, address.city/province; warning in nif`.

    It is the least that is told of what has no room.
    """
    kinds: dict[str, dict[str, dict[str, None]]] = {}
    for one in groups:
        head, _, part = one.field.partition(".")
        kinds.setdefault(one.kind, {}).setdefault(f"{head}." if part else head, {})[part] = None
    told = {
        kind: ", ".join(head + "/".join(parts) for head, parts in fields.items())
        for kind, fields in kinds.items()
    }
    return "; ".join(f"{kind} in {fields}" for kind, fields in told.items())


def _within(problems: list[ProblemGroup]) -> list[ProblemGroup]:
    """Take out what stands beside the first row of a group, of the last groups first."""
    for at in range(len(problems) - 1, -1, -1):
        if sum(width(one.model_dump_json(exclude_none=True)) for one in problems) <= ROOM:
            break
        problems[at] = problems[at].model_copy(update={"others": None, "also": None})
    return problems


def _short(group: Group) -> ProblemGroup:
    """Cut what is free text, so that ten groups fit; a few rows have all their names."""
    example, is_few = asdict(group.example), group.count == len(group.examples)
    texts = [name for name in ("name", "value") if example[name]]
    cut = {name: clean(example[name], SHORT_NAME_LIMIT) for name in texts}
    others = [
        OtherRow(row=one.row, name=clean(one.name, SHORT_NAME_LIMIT), suggestion=one.suggestion)
        for one in group.examples[1:]
        if is_few or (one.suggestion and one.suggestion != group.example.suggestion)
    ]
    also = [_remark(remark) for remark in group.also.values()]
    more = [f"and {plural(len(also) - ALSO, 'more remark')}"] if len(also) > ALSO else []
    return ProblemGroup(
        kind=group.kind,
        field=group.field,
        message=shortened(group.message, SHORT_MESSAGE_LIMIT),
        count=group.count,
        rows=list(group.rows),
        example=Example(**{**example, **cut}),
        others=others or None,
        also=[*also[:ALSO], *more] or None,
    )


def _remark(group: Group) -> str:
    """Say what else there is about rows that cannot be created anyway, with what may be meant."""
    are_all = group.count == len(group.examples)
    hints = {one.row: one.suggestion for one in group.examples if one.suggestion and are_all}
    is_one_hint = len({*hints.values()}) == 1 and len(hints) == group.count
    words = f" ({group.example.suggestion})" if is_one_hint else ""
    told = [
        f"{row} ({hints[row]})" if row in hints and not is_one_hint else str(row)
        for row in group.rows
    ]
    rows = ", ".join(told) + (", …" if group.count > len(group.rows) else "")
    return f"{group.field}: {_clause(group.message)}{words} [row {rows}]"


def rows_call(batch: Batch, kind: RowStatus) -> NextCall:
    """Give the call that shows the rows of a class in full."""
    arguments = {"batch_id": batch.batch_id, "kind": kind}
    return NextCall("list_batch_rows", arguments, f"each {kind} row in full")


def skipped_rows_fields(batch: Batch) -> dict[str, Any]:
    """Say which rows of a batch are not created, why in short, and where each stands in full."""
    kinds = [kind for kind in ROW_STATUSES if kind not in IMPORTABLE and batch.of_kind(kind)]
    because = []
    for kind in kinds:
        rows = batch.of_kind(kind)
        fields = {error.field for row in rows for error in batch.verdict(row).errors[:1]}
        told = f" ({', '.join(sorted(fields))})" if kind == "error" else ""
        because.append(f"{len(rows)} {kind.replace('_', ' ')}{told}")
    left_out = [
        OtherRow(row=row.number, name=clean(row.name or row.identifier, SHORT_NAME_LIMIT))
        for row in batch.of_kind(*kinds)
    ]
    return {
        **capped_fields("left_out", left_out, GROUPS_IN_TEXT),
        "left_out_because": ", ".join(because) or None,
        "next": next_steps(*(rows_call(batch, kind) for kind in kinds)),
    }


def problem_lines(
    problems: Sequence[ProblemGroup] | None,
    more: int | None,
    more_in: str | None,
    in_full: int = GROUPS_IN_TEXT,
    in_short: int = GROUPS,
) -> list[str]:
    """Give the first groups in words, some in short, and of what fields there are others."""
    every = problems or []
    remarks = sum(group.kind == "warning" for group in every)
    # The remarks are about rows that will be created: one of them is told in full.
    errors = max(in_full - min(remarks, 1), min(in_full, 1))
    first = [group for group in every if group.kind != "warning"][:errors]
    first += [group for group in every if group.kind == "warning"][: max(in_full - len(first), 0)]
    others = [group for group in every if group not in first]
    lines = [group.line() for group in first]
    if not any(group.kind == "warning" for group in [*first, *others[:in_short]]):
        others.sort(key=lambda group: group.kind != "warning")
    lines += [f"- {group.short()}" for group in others[:in_short]]
    noun = "remark" if remarks == len(every) > 0 else "problem"
    if untold := (more or 0) + len(others[in_short:]):
        where = "; ".join(filter(None, [fields_of(others[in_short:]), more_in]))
        lines.append(f"- and {plural(untold, 'more kind')} of {noun}{': ' * bool(where)}{where}.")
    return [f"{noun.capitalize()}s:", *lines] if every else lines


def fitting(lines: Callable[[int, int, int], list[str]], room: int) -> list[str]:
    """Give the lines that tell most of the problems and fit into `room` characters.

    `lines` makes them, with so many problems in full, so many in short, and so much of the rest.
    """
    made: list[str] = []
    for in_full, in_short, rest in _STEPS:
        made = lines(in_full, in_short, rest)
        if sum(len(line) + 1 for line in made if line) <= room:
            break
    return made
