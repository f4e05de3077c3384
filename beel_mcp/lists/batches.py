"""Batches: lists that never change once read, and what is known of their rows."""

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

from beel_mcp.lists.groups import Example, Group, group_problems, largest
from beel_mcp.lists.rows import IMPORTABLE, KINDS, Kind, Row, ValueChange, Verdict

# The door of this room: what a batch is made of comes with it.
__all__ = [
    "PART_SIZE",
    "Batch",
    "Example",
    "Group",
    "Kind",
    "PartCheck",
    "Row",
    "ValueChange",
    "Verdict",
    "new_batch",
    "part_digest",
]

# So many rows go to BeeL in one request.
PART_SIZE: Final = 500


def _new_id() -> str:
    return "bat_" + secrets.token_urlsafe(16)


@dataclass(frozen=True)
class PartCheck:
    """BeeL was asked about a part of a list: about which rows, when, and how long it took."""

    digest: str
    at: datetime
    processing_time_ms: int = 0
    statistics_differ: bool = False  # its own counters are not those of its rows

    def __post_init__(self) -> None:
        """Refuse a time that means another moment elsewhere."""
        if self.at.tzinfo is None:
            raise ValueError("a time without its zone")


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A list as it was read and what is known about its rows.

    Only verdicts are ever added. A list with other rows is another batch with its own id.
    """

    caller: str
    source: str
    rows: tuple[Row, ...] = field(repr=False)
    sizes: tuple[int, ...]  # how many rows each part has: a part is what BeeL is asked at once
    origin: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the call that read it
    columns_used: tuple[str, ...] = ()
    columns_ignored: tuple[str, ...] = ()
    values_changed: tuple[ValueChange, ...] = field(default=(), repr=False)
    read_as: str | None = None  # the sheet, the row of the headers, the encoding
    verdicts: Mapping[int, Verdict] = field(default_factory=dict, repr=False)
    checks: tuple[PartCheck | None, ...] = field(default=(), repr=False)  # one for each part
    lineage: tuple[str, ...] = ()  # the batches that this one was made of, the eldest first
    batch_id: str = field(default_factory=_new_id)

    def __post_init__(self) -> None:
        """Keep a copy of the verdicts that nobody can write to."""
        object.__setattr__(self, "verdicts", MappingProxyType(dict(self.verdicts)))
        if not self.checks:
            object.__setattr__(self, "checks", (None,) * len(self.sizes))

    @cached_property
    def payload_digest(self) -> str:
        """The digest of the rows, by which the same list is known again."""
        return _digest([row.payload() for row in self.rows])

    @property
    def validated_at(self) -> datetime | None:
        """When BeeL was asked about the rows; of several times the longest ago."""
        return min((check.at for check in self.checks if check), default=None)

    @property
    def processing_time_ms(self) -> int:
        """What the slowest request took."""
        return max((check.processing_time_ms for check in self.checks if check), default=0)

    @property
    def statistics_differ(self) -> bool:
        """Whether BeeL's own counters were ever other than those of its rows."""
        return any(check.statistics_differ for check in self.checks if check)

    def parts(self) -> Iterator[tuple[Row, ...]]:
        """Divide the rows into what BeeL is asked at once."""
        rows = iter(self.rows)
        return (tuple(islice(rows, size)) for size in self.sizes)

    def verdict(self, row: Row) -> Verdict:
        """Say what is known of a row; one that could not be read stays an error."""
        known = self.verdicts.get(row.number)
        if row.errors and (known is None or known.kind != "error"):
            return Verdict("error", row.errors, row.advice)
        return known or Verdict("unchecked", (), row.advice)

    def counts(self) -> dict[Kind, int]:
        """Count the rows of every kind; the counts add up to the rows."""
        counts = dict.fromkeys(KINDS, 0)
        for row in self.rows:
            counts[self.verdict(row).kind] += 1
        return counts

    def of_kind(self, *kinds: Kind) -> tuple[Row, ...]:
        """Pick the rows of some kinds, in their order."""
        return tuple(row for row in self.rows if self.verdict(row).kind in kinds)

    def importable(self) -> tuple[Row, ...]:
        """Pick the rows that can be created."""
        return self.of_kind(*IMPORTABLE)

    def done(self) -> int:
        """Count the rows that were created already, from this very list."""
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

    def problem_groups(self, limit: int) -> tuple[tuple[Group, ...], int]:
        """Give the largest groups of problems, and how many more there are."""
        return largest(self._groups, limit), max(len(self._groups) - limit, 0)

    @cached_property
    def _groups(self) -> list[Group]:
        return group_problems((row, self.verdict(row)) for row in self.rows)


def part_digest(rows: Iterable[Row]) -> str:
    """Give a digest of what BeeL is asked about at once, and of which rows its answer is."""
    return _digest([(row.number, row.payload()) for row in rows])


def _digest(content: Sequence[Any]) -> str:
    payload = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(payload.encode()).hexdigest()


def new_batch(
    caller: str,
    source: str,
    rows: tuple[Row, ...],
    columns_used: tuple[str, ...] = (),
    columns_ignored: tuple[str, ...] = (),
    values_changed: tuple[ValueChange, ...] = (),
    read_as: str | None = None,
    *,
    origin: Mapping[str, Any] | None = None,
) -> Batch:
    """Make a batch of rows just read, with an id that cannot be guessed."""
    return Batch(
        caller=caller,
        source=source,
        rows=rows,
        sizes=tuple(min(PART_SIZE, len(rows) - start) for start in range(0, len(rows), PART_SIZE)),
        columns_used=columns_used,
        columns_ignored=columns_ignored,
        values_changed=values_changed,
        read_as=read_as,
        origin=origin or {},
    )
