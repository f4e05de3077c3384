"""Batches: lists that never change once read, and the memory that keeps them for a while."""

import hashlib
import json
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from types import MappingProxyType
from typing import Final

from beel_mcp.errors import CallerError, NextCall
from beel_mcp.lists.groups import Example, Group, group_problems, largest
from beel_mcp.lists.rows import IMPORTABLE, KINDS, Kind, Row, ValueChange, Verdict

# The door of this room: what a batch is made of comes with it.
__all__ = [
    "KEPT_FOR",
    "Batch",
    "BatchStore",
    "Example",
    "Group",
    "Kind",
    "Row",
    "ValueChange",
    "Verdict",
    "new_batch",
]

KEPT_FOR: Final = timedelta(minutes=30)
MAX_PER_CALLER: Final = 20
MAX_IN_ALL: Final = 200


def _new_id() -> str:
    return "bat_" + secrets.token_urlsafe(16)


@dataclass(frozen=True, kw_only=True)
class Batch:
    """A list as it was read and what is known about its rows.

    Only verdicts are ever added. A list with other rows is another batch with its own id.
    """

    caller: str
    source: str
    rows: tuple[Row, ...] = field(repr=False)
    source_path: str | None = None
    columns_used: tuple[str, ...] = ()
    columns_ignored: tuple[str, ...] = ()
    values_changed: tuple[ValueChange, ...] = field(default=(), repr=False)
    read_as: str | None = None  # the sheet, the row of the headers, the encoding
    verdicts: Mapping[int, Verdict] = field(default_factory=dict, repr=False)
    validated_at: datetime | None = None
    processing_time_ms: int = 0  # what BeeL took to check the rows
    batch_id: str = field(default_factory=_new_id)

    def __post_init__(self) -> None:
        """Keep a copy of the verdicts that nobody can write to."""
        object.__setattr__(self, "verdicts", MappingProxyType(dict(self.verdicts)))

    @cached_property
    def payload_digest(self) -> str:
        """The digest of the rows, by which the same list is known again."""
        payload = json.dumps(
            [row.payload() for row in self.rows], sort_keys=True, separators=(",", ":")
        )
        return hashlib.sha256(payload.encode()).hexdigest()

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

    def sendable(self) -> tuple[Row, ...]:
        """Pick the rows that BeeL has yet to judge."""
        return self.of_kind("unchecked")

    def with_verdicts(
        self, verdicts: Mapping[int, Verdict], at: datetime, *, processing_time_ms: int = 0
    ) -> "Batch":
        """Give the same batch with more, or newer, verdicts."""
        if at.tzinfo is None:
            raise ValueError("a time without its zone")
        if strangers := verdicts.keys() - {row.number for row in self.rows}:
            raise ValueError(f"verdicts on rows that the batch has not: {sorted(strangers)[:5]}")
        return replace(
            self,
            verdicts={**self.verdicts, **verdicts},
            validated_at=at,
            processing_time_ms=processing_time_ms,
        )

    def problem_groups(self, limit: int) -> tuple[tuple[Group, ...], int]:
        """Give the largest groups of problems, and how many more there are."""
        return largest(self._groups, limit), max(len(self._groups) - limit, 0)

    @cached_property
    def _groups(self) -> list[Group]:
        return group_problems((row, self.verdict(row)) for row in self.rows)


def new_batch(
    caller: str,
    source: str,
    rows: tuple[Row, ...],
    columns_used: tuple[str, ...] = (),
    columns_ignored: tuple[str, ...] = (),
    values_changed: tuple[ValueChange, ...] = (),
    read_as: str | None = None,
    *,
    source_path: str | None = None,
) -> Batch:
    """Make a batch of rows just read, with an id that cannot be guessed."""
    return Batch(
        caller=caller,
        source=source,
        rows=rows,
        columns_used=columns_used,
        columns_ignored=columns_ignored,
        values_changed=values_changed,
        read_as=read_as,
        source_path=source_path,
    )


@dataclass(frozen=True)
class _Kept:
    batch: Batch
    used_at: datetime


class BatchStore:
    """Keeps batches in memory for 30 minutes after their last use, each for its caller alone.

    It holds 20 batches of a caller and 200 in all; the one unused for longest goes first.
    Calls never wait, so one event loop needs no lock.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._kept: OrderedDict[str, _Kept] = OrderedDict()  # the least recently used first
        self._paths: OrderedDict[tuple[str, str], str] = OrderedDict()  # files of batches gone

    def add(self, batch: Batch) -> datetime:
        """Keep a batch, and say until when if nobody uses it."""
        self._forget_expired()
        self._keep(batch)
        own = [kept.batch for kept in self._kept.values() if kept.batch.caller == batch.caller]
        for oldest in own[: max(len(own) - MAX_PER_CALLER, 0)]:
            self._forget(oldest)
        while len(self._kept) > MAX_IN_ALL:
            self._forget(next(iter(self._kept.values())).batch)
        return self._kept[batch.batch_id].used_at + KEPT_FOR

    def get(self, batch_id: str, caller: str) -> Batch:
        """Find a caller's batch, and keep it for another while.

        Raises:
            CallerError: there is no such batch of this caller, or there is none any more.

        """
        self._forget_expired()
        kept = self._kept.get(batch_id)
        if kept is None or kept.batch.caller != caller:
            raise self._expired(batch_id, caller)
        self._keep(kept.batch)
        return kept.batch

    def of(self, caller: str) -> list[Batch]:
        """List a caller's batches, the last used first; looking at the list is no use of them."""
        self._forget_expired()
        kept = [kept.batch for kept in self._kept.values() if kept.batch.caller == caller]
        return kept[::-1]

    def replace(self, batch: Batch) -> None:
        """Put newer verdicts in the place of older ones.

        Raises:
            CallerError: the batch is not kept any more.
            ValueError: its rows are not the same.

        """
        if self.get(batch.batch_id, batch.caller).payload_digest != batch.payload_digest:
            raise ValueError("a batch never changes its rows")
        self._keep(batch)

    def expires_at(self, batch_id: str, caller: str) -> datetime:
        """Tell when a batch goes if nobody uses it; looking counts as use."""
        self.get(batch_id, caller)
        return self._kept[batch_id].used_at + KEPT_FOR

    def _keep(self, batch: Batch) -> None:
        self._kept[batch.batch_id] = _Kept(batch, self._now())
        self._kept.move_to_end(batch.batch_id)

    def _forget_expired(self) -> None:
        oldest_allowed = self._now() - KEPT_FOR
        for kept in list(self._kept.values()):
            if kept.used_at < oldest_allowed:
                self._forget(kept.batch)

    def _forget(self, batch: Batch) -> None:
        del self._kept[batch.batch_id]
        if batch.source_path:
            self._paths[batch.caller, batch.batch_id] = batch.source_path
        if len(self._paths) > MAX_IN_ALL:
            self._paths.popitem(last=False)

    def _expired(self, batch_id: str, caller: str) -> CallerError:
        path = self._paths.get((caller, batch_id))
        again = NextCall("validate_customers", {"source_path": path}, "read the same file again")
        return CallerError(
            "There is no batch with this batch_id: batches are kept in memory for 30 minutes"
            " after their last use, and not across a restart of this server.",
            code="batch_expired",
            remedy="Call validate_customers again with the same list, and use the new batch_id.",
            next_calls=(again,) if path else (),
        )
