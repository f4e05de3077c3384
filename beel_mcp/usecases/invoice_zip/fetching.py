"""Asks BeeL for the PDFs of a package, chunk by chunk, and keeps what can be trusted."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO, Final

import anyio
from anyio import to_thread

from beel_mcp.api.client import BeelClient
from beel_mcp.api.zip import ZipAnswer
from beel_mcp.context import report_progress
from beel_mcp.errors import (
    ApiError,
    BeelMcpError,
    InvalidRequestError,
    NoPdfError,
    NotFoundError,
    NotSentError,
    RateLimitedError,
    RouteRetiredError,
    TooLargeError,
    UnknownOutcomeError,
)
from beel_mcp.files.invoice_package import match
from beel_mcp.files.safe_dir import unusable
from beel_mcp.files.zip_check import Archive
from beel_mcp.usecases.invoice_zip.package import UNISSUED, Contents, Outcome
from beel_mcp.writes.journal.records import Clock
from beel_mcp.writes.run.concurrency import AT_ONCE

MOST_HALVINGS: Final = 4


@dataclass(frozen=True)
class Patience:
    """How long a call works before it answers with what it has."""

    now: Clock
    ends: datetime
    ends_at: float  # the same on the event loop's clock

    @classmethod
    def begin(cls, now: Clock, seconds: float) -> "Patience":
        """Count from now."""
        return cls(now, now() + timedelta(seconds=seconds), anyio.current_time() + seconds)

    def left_s(self) -> float:
        """Tell how many seconds are left; below 0 it is over."""
        return (self.ends - self.now()).total_seconds()

    async def limit(self, work: Callable[[], Awaitable[None]]) -> None:
        """Work until it is done or time is over, whichever is first."""
        failure: BeelMcpError | None = None
        async with anyio.create_task_group() as group:
            # Not a deadline: requests would take it for theirs, and fail before it.
            group.start_soon(self._ring, group.cancel_scope)
            try:
                await work()
            except BeelMcpError as error:  # the group would wrap it
                failure = error
            group.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _ring(self, scope: anyio.CancelScope) -> None:
        await anyio.sleep_until(self.ends_at)
        scope.cancel()


class Fetching:
    """One call's work on a package: at most four chunks at a time, each kept as it arrives."""

    def __init__(self, beel: BeelClient, contents: Contents, patience: Patience) -> None:
        self._beel = beel
        self._contents = contents
        self._patience = patience
        self._chunks: deque[list[str]] = deque()
        self._total = 0
        self._done = 0
        self.error: BeelMcpError | None = None

    @property
    def pause(self) -> ApiError | None:
        """Give the error that a later call may not meet any more, if one ended the work."""
        is_passing = isinstance(self.error, RateLimitedError | NotSentError)
        return self.error if is_passing and isinstance(self.error, ApiError) else None

    async def run(self) -> None:
        """Ask for what is waiting until all of it came, time is over, or BeeL says stop.

        Raises:
            BeelMcpError: an error that the next call will meet, too.

        """
        waiting = self._contents.waiting()
        size = await self._beel.invoices.zip_chunk_size() if waiting else 1
        self._chunks = deque(waiting[at : at + size] for at in range(0, len(waiting), size))
        self._total = len(self._chunks)
        try:
            await self._patience.limit(self._work_together)
        finally:
            self._contents.keep_outcomes()
        if self.error is not None and self.pause is None:
            raise self.error

    async def _work_together(self) -> None:
        async with anyio.create_task_group() as workers:
            for _ in range(min(AT_ONCE, self._total)):
                workers.start_soon(self._work)

    async def _work(self) -> None:
        while self._chunks and self.error is None and self._patience.left_s() > 0:
            try:
                await self._chunk(self._chunks.popleft(), MOST_HALVINGS, is_last=False)
                self._contents.keep_outcomes()
            except BeelMcpError as error:
                self.error = self.error or error
                return
            self._done += 1
            report_progress(f"{self._done} of {self._total} chunks")

    async def _chunk(self, ids: Sequence[str], halvings: int, *, is_last: bool) -> None:
        """Ask for some; what BeeL finds too much, or what came broken, is asked for in halves.

        `is_last` is the second time after a broken answer.
        """
        halves = [half for half in (ids[: len(ids) // 2], ids[len(ids) // 2 :]) if half]
        try:
            await self._ask(ids, halvings, is_last=is_last)
        except TooLargeError:
            if len(ids) == 1 or not halvings:
                self._contents.miss("unknown", ids)
                return
            for half in halves:
                await self._chunk(half, halvings - 1, is_last=is_last)
        except NoPdfError:
            await self._explain(ids, is_last=len(ids) == 1)
        except UnknownOutcomeError:
            if is_last:
                self._contents.miss("unknown", ids)
                return
            for half in halves:
                await self._chunk(half, halvings, is_last=True)

    async def _ask(self, ids: Sequence[str], halvings: int, *, is_last: bool) -> None:
        with self._contents.staging.temporary() as file:
            try:
                beside = await self._beel.invoices.download_zip(ids, file)
            except OSError as error:
                raise unusable(error) from None
            entries, kept = await to_thread.run_sync(self._keep, file, ids)
        self._contents.outcomes.update(kept)
        self._compare(beside, len(ids), entries, kept)
        left = [one for one in ids if one not in kept]
        if len(kept) < entries:  # names that say nothing: a ZIP of one needs none
            for one in left:
                await self._chunk([one], halvings, is_last=is_last)
        elif left:
            await self._explain(left, is_last=len(ids) == 1)

    def _keep(self, file: BinaryIO, ids: Sequence[str]) -> tuple[int, dict[str, Outcome]]:
        """Look through a ZIP, and keep the PDFs that are surely of these invoices, or none."""
        archive = Archive(file, len(ids))
        entries = {entry.filename: entry for entry in archive.entries}
        facts = self._contents.request.facts
        meant = (
            {ids[0]: next(iter(entries))}
            if len(ids) == 1
            else match(list(entries), {one: facts[one].number for one in ids})
        )
        kept: dict[str, Outcome] = {}
        for one, name in meant.items():
            place = self._contents.place(one)
            digest, size = self._contents.staging.add(place, archive.read(entries[name]))
            kept[one] = Outcome(sha256=digest, size=size)
        # What is nobody's is looked at, too: a ZIP is good or bad as a whole.
        used = set(meant.values())
        archive.read_through(entries[name] for name in entries if name not in used)
        return len(entries), kept

    def _compare(
        self, beside: ZipAnswer, asked: int, entries: int, kept: dict[str, Outcome]
    ) -> None:
        """Hold BeeL's counters against what arrived; what arrived is what counts."""
        told = (beside.total, beside.successful, beside.failed)
        arrived = (asked, entries, asked - entries)
        is_other = any(claim not in (None, fact) for claim, fact in zip(told, arrived, strict=True))
        if is_other or any(one.invoice_id in kept for one in beside.left_out or ()):
            self._contents.note_miscount()

    async def _explain(self, ids: Sequence[str], *, is_last: bool) -> None:
        """Find out why nothing came of these, from the list and from single reads."""
        for one in ids:
            if self._contents.request.facts[one].has_pdf is False:
                self._contents.miss("pdf_not_ready", [one])
                continue
            try:
                invoice = await self._beel.invoices.get(one)
            except RouteRetiredError:
                raise
            except (NotFoundError, InvalidRequestError):
                self._contents.miss("not_found", [one])
                continue
            except UnknownOutcomeError:
                self._contents.miss("unknown", [one])
                continue
            if invoice.status in UNISSUED:
                self._contents.miss("draft", [one])
            elif invoice.has_pdf is False:
                self._contents.miss("pdf_not_ready", [one])
            elif is_last:
                self._contents.miss("unknown", [one])
            else:  # BeeL says that there is one: asked for alone, once
                await self._chunk([one], 0, is_last=True)
