"""Asks BeeL for the PDFs of a package, chunk by chunk, and keeps those that can be trusted."""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import BinaryIO, Final

import anyio
from anyio import to_thread

from beel_mcp.api.client import BeelClient
from beel_mcp.api.invoice_lists import PAGE_SIZE, InvoiceFilter
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
    TooLargeError,
    UnknownOutcomeError,
)
from beel_mcp.files.invoice_package import (
    are_alike,
    has_other_id,
    is_same_number,
    match_entries,
    number_in,
    search_term,
)
from beel_mcp.files.safe_dir import unusable
from beel_mcp.files.zip_check import Archive
from beel_mcp.usecases.invoice_zip.package import UNISSUED, Package, PdfResult, Reason
from beel_mcp.usecases.time_budget import TimeBudget
from beel_mcp.writes.journal.records import Sleep
from beel_mcp.writes.kinds.protocol import REQUESTS_AT_ONCE

MOST_HALVINGS: Final = 4
# A call has so many PDFs waited for, and keeps so much of its time for the ZIP.
MOST_WAITED: Final = 20
KEPT_S: Final = 15.0
LONGEST_WAIT_S: Final = 10
# A call looks up so many odd names in BeeL; beyond them only those built like the own number.
MOST_LOOKED_UP: Final = 20


class Fetching:
    """One call's requests for PDFs: at most four chunks at a time, each kept as it arrives.

    `error` is what ended it early, if anything did.
    """

    def __init__(
        self, beel: BeelClient, package: Package, budget: TimeBudget, sleep: Sleep
    ) -> None:
        self._beel = beel
        self._package = package
        self._budget = budget
        self._sleep = sleep
        self._waited_for: set[str] = set()
        self._looked_up = 0
        self._chunks: deque[list[str]] = deque()
        self._total = 0
        self._done = 0
        self.error: BeelMcpError | None = None

    @property
    def has_asked(self) -> bool:
        return self._total > 0

    @property
    def pause(self) -> ApiError | None:
        """The error that a later call may not meet any more, if one ended the work."""
        return self.error if isinstance(self.error, RateLimitedError | NotSentError) else None

    async def run(self) -> None:
        """Ask for what is waiting until all of it came, time is over, or BeeL says stop.

        Raises:
            BeelMcpError: an error that the next call will meet, too.
        """
        waiting = self._package.waiting()
        size = await self._beel.invoices.zip_chunk_size() if waiting else 1
        self._chunks = deque(waiting[at : at + size] for at in range(0, len(waiting), size))
        self._total = len(self._chunks)
        try:
            await self._budget.limit(self._work_together)
        finally:
            self._package.save_results()
        if self.error is not None and self.pause is None:
            raise self.error

    async def _work_together(self) -> None:
        async with anyio.create_task_group() as workers:
            for _ in range(min(REQUESTS_AT_ONCE, self._total)):
                workers.start_soon(self._work)

    async def _work(self) -> None:
        while self._chunks and self.error is None and self._budget.left_s() > 0:
            try:
                await self._fetch(self._chunks.popleft(), MOST_HALVINGS, is_last=False)
                self._package.save_results()
            except BeelMcpError as error:
                self.error = self.error or error
                return
            self._done += 1
            report_progress(f"{self._done} of {self._total} chunks")

    async def _fetch(self, ids: Sequence[str], halvings: int, *, is_last: bool) -> None:
        """Ask for some; what BeeL finds too much, or what came broken, is asked for in halves.

        `is_last` is the second time after a broken answer.
        """
        halves = [half for half in (ids[: len(ids) // 2], ids[len(ids) // 2 :]) if half]
        try:
            await self._ask(ids, halvings, is_last=is_last)
        except TooLargeError:
            if len(ids) == 1 or not halvings:
                self._package.set_missing("unknown", ids)
                return
            for half in halves:
                await self._fetch(half, halvings - 1, is_last=is_last)
        except NoPdfError:
            await self._explain(ids, is_last=len(ids) == 1)
        except UnknownOutcomeError:
            if is_last:
                self._package.set_missing("unknown", ids)
                return
            for half in halves:
                await self._fetch(half, halvings, is_last=True)

    async def _ask(self, ids: Sequence[str], halvings: int, *, is_last: bool) -> None:
        try:
            with self._package.staging.temporary() as file:
                counters = await self._beel.invoices.download_zip(ids, file)
                names, kept = await to_thread.run_sync(self._keep, file, ids)
        except OSError as error:
            raise unusable(error) from None
        entries = len(names)
        self._compare(counters, len(ids), entries, kept)
        if len(ids) == 1 and kept and await self._is_anothers(ids[0], names[0], kept):
            self._package.set_missing("another_invoice", ids)
            return
        for invoice_id in self._package.repeated(kept):
            del kept[invoice_id]  # each alone: then its name counts, too
        self._package.results.update(kept)
        left = [invoice_id for invoice_id in ids if invoice_id not in kept]
        if len(kept) < entries:  # names that say nothing: a ZIP of one needs none
            for invoice_id in left:
                await self._fetch([invoice_id], halvings, is_last=is_last)
        elif left:
            await self._explain(left, is_last=len(ids) == 1)

    async def _is_anothers(self, invoice_id: str, name: str, kept: Mapping[str, PdfResult]) -> bool:
        """Tell whether the one PDF of a ZIP is another invoice's: by its bytes, or by its name.

        A name that is no invoice's number, in this package or in BeeL, says nothing.
        """
        if self._package.repeated(kept) or has_other_id(name, invoice_id):
            return True
        selection = self._package.selection
        numbers = {id_: facts.number for id_, facts in selection.facts.items() if facts.number}
        own = numbers.pop(invoice_id, "")
        carried = number_in(name)
        if carried is None or match_entries([name], {invoice_id: own}):
            return False
        if match_entries([name], {**selection.numbers, **numbers}):
            return True
        if self._looked_up >= MOST_LOOKED_UP and not are_alike(carried, own):
            return False
        self._looked_up += 1
        wanted = InvoiceFilter(search=search_term(carried))
        found = await self._beel.invoices.list(wanted, limit=PAGE_SIZE)
        others = [one for one in found.items if one.id.lower() != invoice_id]
        return any(is_same_number(one.number or "", carried) for one in others)

    def _keep(self, file: BinaryIO, ids: Sequence[str]) -> tuple[list[str], dict[str, PdfResult]]:
        """Check a ZIP, and keep the PDFs that are surely of these invoices.

        The names of its entries, and the results by id. A bad ZIP is bad as a whole.
        """
        archive = Archive(file, len(ids))
        entries = {entry.filename: entry for entry in archive.entries}
        facts = self._package.selection.facts
        matched = (
            {ids[0]: next(iter(entries))}
            if len(ids) == 1
            else match_entries(list(entries), {id_: facts[id_].number for id_ in ids})
        )
        kept = {
            invoice_id: self._package.add_pdf(invoice_id, archive.read(entries[name]))
            for invoice_id, name in matched.items()
        }
        # What is nobody's is read, too: a ZIP is good or bad as a whole.
        archive.read_through(entries[name] for name in entries.keys() - matched.values())
        return list(entries), kept

    def _compare(
        self, counters: ZipAnswer, asked: int, entries: int, kept: Mapping[str, PdfResult]
    ) -> None:
        """Hold BeeL's counters against what arrived; what arrived is what counts."""
        claims = (counters.total, counters.successful, counters.failed)
        arrived = (asked, entries, asked - entries)
        are_true = all(claim in (None, fact) for claim, fact in zip(claims, arrived, strict=True))
        if not are_true or any(failure.invoice_id in kept for failure in counters.left_out or ()):
            self._package.is_miscounted = True

    async def _explain(self, ids: Sequence[str], *, is_last: bool) -> None:
        """Find out why nothing came of these, from the list and from single reads."""
        for invoice_id in ids:
            reason, again_s = await self._reason(invoice_id), None
            is_there = reason is None and not is_last
            if reason == "pdf_not_ready":
                is_there, again_s = await self._wait_for(invoice_id)
            if is_there:  # BeeL says that there is one: asked for alone, once
                await self._fetch([invoice_id], 0, is_last=True)
            else:
                self._package.set_missing(reason or "unknown", [invoice_id], again_s)

    async def _wait_for(self, invoice_id: str) -> tuple[bool, int | None]:
        """Let BeeL finish a PDF that it is making, while there is time; else say when to ask again.

        Once for an invoice, and for a few of them.
        """
        if invoice_id in self._waited_for or len(self._waited_for) >= MOST_WAITED:
            return False, None
        self._waited_for.add(invoice_id)
        while True:
            spare_s = self._budget.left_s() - KEPT_S
            try:
                pdf = await self._beel.invoices.find_pdf(
                    invoice_id, wait_s=min(LONGEST_WAIT_S, int(spare_s))
                )
            except (NotFoundError, InvalidRequestError, UnknownOutcomeError):
                return False, None
            again_s = pdf.retry_after_s
            if pdf.is_there:
                self._package.selection.without_pdf.discard(invoice_id)
                return True, None
            if again_s is None or again_s >= self._budget.left_s() - KEPT_S:
                return False, again_s
            await self._sleep(max(1, again_s))

    async def _reason(self, invoice_id: str) -> Reason | None:
        """Find out why there is no PDF; None if there should be a PDF."""
        if invoice_id in self._package.selection.without_pdf:
            return "pdf_not_ready"
        try:
            invoice = await self._beel.invoices.get(invoice_id)
        except (NotFoundError, InvalidRequestError):
            return "not_found"
        except UnknownOutcomeError:
            return "unknown"
        if invoice.status in UNISSUED:
            return "draft"
        return "pdf_not_ready" if invoice.has_pdf is False else None
