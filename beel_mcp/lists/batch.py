"""Batches: lists that never change once read, and what is known of their rows."""

import dataclasses
import hashlib
import json
import re
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

from beel_mcp.cleaning import ELLIPSIS
from beel_mcp.lists.model import (
    IMPORTABLE,
    ROW_STATUSES,
    LeftOut,
    Problem,
    Row,
    RowStatus,
    ValueChange,
    Verdict,
)
from beel_mcp.messages import VERBATIM

# So many rows go to BeeL in one request.
PART_SIZE: Final = 500
_MAX_ROWS_NAMED: Final = 5
_MANY_GROUPS: Final = 3
_NUMBER: Final = re.compile("[0-9]+")
_Key = tuple[RowStatus, str, str]
_Found = dict[_Key, tuple[str, Problem]]


def _new_id() -> str:
    return "bat_" + secrets.token_urlsafe(16)


@dataclass(frozen=True)
class Example:
    """One row of a group, to show what the problem looks like."""

    row: int
    name: str
    value: str | None
    suggestion: str | None
    existing_customer_id: str | None


@dataclass
class Group:
    """Rows of one kind with the same problem; `also` are remarks on rows that it blocks."""

    kind: RowStatus
    field: str
    message: str
    count: int = 0
    examples: list[Example] = dataclasses.field(default_factory=list)
    also: "dict[_Key, Group]" = dataclasses.field(default_factory=dict)

    @property
    def rows(self) -> tuple[int, ...]:
        return tuple(example.row for example in self.examples)

    @property
    def example(self) -> Example:
        return self.examples[0]

    def add(self, row: Row, verdict: Verdict, problem: Problem) -> None:
        self.count += 1
        if len(self.examples) < _MAX_ROWS_NAMED:
            self.examples.append(_example(row, verdict, problem))


@dataclass(frozen=True)
class PartCheck:
    """BeeL was asked about a part of a list: about which rows, when, and how long it took."""

    digest: str
    at: datetime
    processing_time_ms: int = 0
    statistics_differ: bool = False  # its own counters are not those of its rows
    known_upto: int = 0  # what our operations had created, as the journal numbers it

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("a time without its zone")


@dataclass(frozen=True)
class Batch:
    """A list as it was read and what is known about its rows.

    Only verdicts are ever added. A list with other rows is another batch with its own id, which
    cannot be guessed.
    """

    caller: str
    source: str
    rows: tuple[Row, ...] = field(repr=False)
    columns_used: tuple[str, ...] = ()
    columns_ignored: tuple[LeftOut, ...] = ()
    values_changed: tuple[ValueChange, ...] = field(default=(), repr=False)
    read_as: str | None = None  # the sheet, the row of the headers, the encoding
    rows_left_out: tuple[LeftOut, ...] = ()  # totals and footers
    _: KW_ONLY
    origin: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the call that read it
    sizes: tuple[int, ...] = ()  # how many rows each part has: a part is what BeeL is asked at once
    verdicts: Mapping[int, Verdict] = field(default_factory=dict, repr=False)
    checks: tuple[PartCheck | None, ...] = field(default=(), repr=False)  # one for each part
    lineage: tuple[str, ...] = ()  # the batches that this one was made of, the eldest first
    batch_id: str = field(default_factory=_new_id)

    def __post_init__(self) -> None:
        object.__setattr__(self, "verdicts", MappingProxyType(dict(self.verdicts)))
        if not self.sizes:
            starts = range(0, len(self.rows), PART_SIZE)
            sizes = tuple(min(PART_SIZE, len(self.rows) - start) for start in starts)
            object.__setattr__(self, "sizes", sizes)
        if not self.checks:
            object.__setattr__(self, "checks", (None,) * len(self.sizes))

    @cached_property
    def payload_digest(self) -> str:
        return _digest([row.payload() for row in self.rows])

    @property
    def validated_at(self) -> datetime | None:
        """When BeeL was asked about the rows; of several times the longest ago."""
        return min((check.at for check in self.checks if check), default=None)

    @property
    def known_upto(self) -> int:
        """What our operations had created when BeeL was asked about the rows; the least."""
        return min((check.known_upto for check in self.checks if check), default=0)

    @property
    def processing_time_ms(self) -> int:
        return max((check.processing_time_ms for check in self.checks if check), default=0)

    @property
    def statistics_differ(self) -> bool:
        return any(check.statistics_differ for check in self.checks if check)

    def parts(self) -> Iterator[tuple[Row, ...]]:
        rows = iter(self.rows)
        return (tuple(islice(rows, size)) for size in self.sizes)

    def verdict(self, row: Row) -> Verdict:
        """Say what is known of a row; one that could not be read stays an error."""
        known = self.verdicts.get(row.number)
        if row.errors and (known is None or known.kind != "error"):
            return Verdict("error", row.errors, row.advice)
        return known or Verdict("unchecked", (), row.advice)

    def counts(self) -> dict[RowStatus, int]:
        counted = Counter(self.verdict(row).kind for row in self.rows)
        return {kind: counted[kind] for kind in ROW_STATUSES}

    def of_kind(self, *kinds: RowStatus) -> tuple[Row, ...]:
        return tuple(row for row in self.rows if self.verdict(row).kind in kinds)

    def importable(self) -> tuple[Row, ...]:
        return self.of_kind(*IMPORTABLE)

    def done(self) -> int:
        """Count the rows that we created already, a day ago at most."""
        return sum(self.verdict(row).is_done for row in self.rows)

    def judged(
        self, verdicts: Mapping[int, Verdict], checks: Sequence[PartCheck | None] = ()
    ) -> "Batch":
        """Give the same batch with newer verdicts in the place of what was known."""
        if strangers := verdicts.keys() - {row.number for row in self.rows}:
            raise ValueError(f"verdicts on rows that the batch has not: {sorted(strangers)[:5]}")
        return replace(self, verdicts=verdicts, checks=tuple(checks))

    def renewed(self) -> "Batch":
        """Make another batch of the same rows, about which nothing is decided yet."""
        return replace(self, lineage=(*self.lineage, self.batch_id), batch_id=_new_id())

    def with_rows(
        self,
        rows: tuple[Row, ...],
        *,
        verdicts: Mapping[int, Verdict],
        values_changed: tuple[ValueChange, ...],
        origin: Mapping[str, Any],
    ) -> "Batch":
        """Make another batch of some of the same rows, divided as they were."""
        kept = {row.number for row in rows}
        return replace(
            self,
            rows=rows,
            sizes=tuple(sum(row.number in kept for row in part) for part in self.parts()),
            verdicts=verdicts,
            values_changed=values_changed,
            origin=origin,
            lineage=(*self.lineage, self.batch_id),
            batch_id=_new_id(),
        )

    def problem_groups(self, limit: int) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
        """Give the largest groups of problems, and the others."""
        remarks = [group for group in self._groups if group.kind in IMPORTABLE]
        blocking = [group for group in self._groups if group.kind not in IMPORTABLE]
        # There is room for some remarks beside many problems: those rows will be created.
        room = min(len(remarks), max(limit - len(blocking), limit // 3))
        first = max(limit - room, 0)
        largest = (*blocking[:first], *remarks[:room])
        return largest, (*blocking[first:], *remarks[room:])

    @property
    def has_many_problems(self) -> bool:
        """Whether so many kinds are to be told that an answer has little room for other things."""
        return len(self._groups) > _MANY_GROUPS

    @cached_property
    def _groups(self) -> list[Group]:
        """Gather problems by kind, field and message.

        What keeps rows from being created comes first, then the most frequent, then by row.
        """
        groups: dict[_Key, Group] = {}
        for row in self.rows:
            verdict = self.verdict(row)
            found = _distinct(row, verdict.kind, verdict.errors)
            remarks = _distinct(row, "warning", verdict.warnings)
            if not found or verdict.kind in IMPORTABLE:
                found, remarks = found | remarks, {}
            for key, (message, problem) in found.items():
                groups.setdefault(key, Group(*key[:2], message)).add(row, verdict, problem)
            for key, (message, problem) in remarks.items():
                also = groups[next(iter(found))].also
                also.setdefault(key, Group(*key[:2], message)).add(row, verdict, problem)
        return sorted(
            groups.values(), key=lambda one: (one.kind in IMPORTABLE, -one.count, one.rows[0])
        )


def part_digest(rows: Iterable[Row]) -> str:
    """Give a digest of what BeeL is asked about at once, and of which rows its answer is."""
    return _digest([(row.number, row.payload()) for row in rows])


def _distinct(row: Row, kind: RowStatus, problems: Iterable[Problem]) -> _Found:
    """Give each problem of a row once, by what makes it the same as another row's."""
    found: _Found = {}
    for problem in problems:
        message = _without_values(problem, row)
        # Numbers in a message count rows or characters; they do not make another problem.
        key = (kind, problem.field, _NUMBER.sub("0", message))
        found.setdefault(key, (message, problem))
    return found


def _without_values(problem: Problem, row: Row) -> str:
    """Take out of a message of BeeL's what differs from row to row; ours hold no values."""
    message = problem.text()
    if problem.message.code != VERBATIM:
        return message
    parts = {problem.value or "", row.name, row.identifier, str(row.values.get("nif", ""))}
    for part in sorted(parts, key=len, reverse=True):
        # Very short values stand inside words by chance.
        if len(part) > 2:
            message = message.replace(part, ELLIPSIS)
    return message


def _example(row: Row, verdict: Verdict, problem: Problem) -> Example:
    name = row.name or row.identifier
    return Example(row.number, name, problem.value, problem.hint(), verdict.existing_customer_id)


def _digest(content: Sequence[Any]) -> str:
    payload = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(payload.encode()).hexdigest()
