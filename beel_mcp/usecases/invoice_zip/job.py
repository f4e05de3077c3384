"""The packages of invoices that one request may work on, and its work on one of them."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import Annotated, Final

import anyio
from anyio import to_thread
from mcp.server.mcpserver import Context, Resolve

from beel_mcp.answers.files import PackageAnswer
from beel_mcp.api.invoice_lists import InvoiceFilter
from beel_mcp.context import AppState, app_state, caller
from beel_mcp.door.links import Target
from beel_mcp.errors import BeelMcpError, CallerError, NextCall
from beel_mcp.files.failed_pdfs import FailedPdfs
from beel_mcp.files.safe_dir import check_folder, unusable
from beel_mcp.files.staging import PACKAGES, Staging, forget_old
from beel_mcp.usecases.invoice_zip.assembly import (
    assemble,
    finished,
    in_progress,
    nothing_to_save,
)
from beel_mcp.usecases.invoice_zip.fetching import Fetching
from beel_mcp.usecases.invoice_zip.package import Package, Selection
from beel_mcp.usecases.invoice_zip.selection import (
    PackageRequest,
    read_facts,
    read_rectified_numbers,
    select,
)
from beel_mcp.usecases.overdue import today_in_madrid
from beel_mcp.usecases.time_budget import TimeBudget
from beel_mcp.writes.journal.database import make_private

# Beyond its budget a call has this long to write the file; a disk takes at least so much.
SPARE_S: Final = 4.0
DISK_BYTES_PER_S: Final = 25_000_000


class PackageJob:
    """One call's work on a package: `hold` it, then read, fetch and save, in this order."""

    def __init__(
        self, state: AppState, budget: TimeBudget, package: Package, *, is_new: bool
    ) -> None:
        self._state = state
        self._budget = budget
        self._package = package
        self._is_new = is_new
        self._fetching = Fetching(state.beel, package, budget, state.timing.sleep)

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Keep other calls away; a package that cannot be gone on with is removed.

        Raises:
            CallerError: another call is at it.
        """
        with ExitStack() as stack:
            try:
                is_ours = stack.enter_context(self._package.staging.held())
            except BeelMcpError:
                self._forget_if_new()
                raise
            if not is_ours:
                raise CallerError("Another call is at this package.", code="busy", retry_after_s=15)
            try:
                yield
            except BeelMcpError as error:
                if self._package.included():
                    error.next_calls = (self._resuming(),)
                else:
                    self._package.staging.remove()
                raise
            except anyio.get_cancelled_exc_class():
                self._forget_if_new()
                raise

    def _forget_if_new(self) -> None:
        if self._is_new:  # nobody knows the handle
            self._package.staging.remove()

    async def read_invoices(self) -> None:
        """Read what is not known yet of the invoices, as far as time allows."""
        await self._budget.limit(self._read_invoices)
        self._package.save_selection()

    async def _read_invoices(self) -> None:
        await read_facts(self._package, self._state.beel)
        await read_rectified_numbers(self._package, self._state.beel)

    async def fetch_pdfs(self) -> None:
        """Ask for the PDFs that are still waiting, as far as time allows."""
        if not self._package.unread():
            await self._fetching.run()

    async def save(self) -> PackageAnswer:
        """Write the ZIP if all is here and there is time for it; else say how to go on."""
        package = self._package
        is_late = self._fetching.has_asked and not self._is_time_to_write()
        if package.unread() or package.waiting() or is_late:
            return in_progress(package, self._resuming(), self._fetching.pause)
        failures = FailedPdfs(
            self._state.settings.state_dir, package.selection.ledger_id, self._state.timing.now()
        )
        package.failed_before = await to_thread.run_sync(failures.before)
        made = (
            await to_thread.run_sync(assemble, package, self._state.settings)
            if package.included()
            else nothing_to_save(package)
        )
        kept = finished(package, made)
        self._state.packages.add(kept)
        package.staging.remove()
        await to_thread.run_sync(failures.record, package.failed(), package.included())
        view = await self._state.view(Target("package", kept.package_id, kept.caller))
        return made.answer.kept_as(kept.package_id).model_copy(update={"view": view})

    def _is_time_to_write(self) -> bool:
        size = sum(result.size_bytes for result in self._package.results.values())
        return self._budget.left_s() + SPARE_S > size / DISK_BYTES_PER_S

    def _resuming(self) -> NextCall:
        arguments = {"resume": self._package.staging.handle}
        return NextCall("download_invoices_zip", arguments, "goes on where this one stopped")


class PackageJobs:
    """Starts and resumes the jobs of one request."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._folder = state.settings.state_dir / PACKAGES
        self._budget = TimeBudget.start(state.timing.now, state.timing.patience_s)

    async def start(self, request: PackageRequest) -> PackageJob:
        if bool(request.ids) == (request.filter != InvoiceFilter()):
            raise CallerError(
                "Give exactly one of invoice_ids, a selection_id and a filter (quarter, date_from,"
                " date_to, status, customer_id)."
            )
        today = today_in_madrid(self._state.timing.now())
        selection = Selection(
            caller=caller(),
            file_name=request.file_name_on(today),
            ledger_id=await self._checked_ledger(),
            month_folders=request.month_folders,
        )
        package = await select(self._state.beel, request, selection, self._folder, today)
        return PackageJob(self._state, self._budget, package, is_new=True)

    async def resume(self, handle: str) -> PackageJob:
        """Go on with a package of the same caller and the same ledger."""
        ledger_id = await self._checked_ledger()
        staging = Staging.find(self._folder, handle)
        package = Package.load(staging) if staging else None
        owner = (package.selection.caller, package.selection.ledger_id) if package else None
        if package is None or owner != (caller(), ledger_id):
            raise CallerError(
                "There is no unfinished package with this handle.",
                code="package_expired",
                remedy="Call download_invoices_zip with the ids or the filter again.",
            )
        return PackageJob(self._state, self._budget, package, is_new=False)

    async def _checked_ledger(self) -> str:
        """See that BeeL can be asked and the folder written to, before anything is."""
        ledger_id = (await self._state.beel.account()).ledger_id
        await to_thread.run_sync(self._check_folders)
        return ledger_id

    def _check_folders(self) -> None:
        check_folder(self._state.settings.files_dir)
        try:
            make_private(self._state.settings.state_dir)
            forget_old(self._folder, self._state.timing.now())
        except OSError as error:
            raise unusable(error) from None


async def _jobs(ctx: Context[AppState]) -> PackageJobs:
    return PackageJobs(app_state(ctx))


Packages = Annotated[PackageJobs, Resolve(_jobs)]
