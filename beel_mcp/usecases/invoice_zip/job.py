"""Makes a package: what is wanted, asked for within one call, and put together when all is here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Final

import anyio
from anyio import to_thread
from mcp.server.mcpserver import Context, Resolve

from beel_mcp.answers.files import PackageAnswer
from beel_mcp.api.invoice_lists import InvoiceFilter
from beel_mcp.context import AppState, app_state, caller
from beel_mcp.errors import BeelMcpError, CallerError, FieldError, NextCall
from beel_mcp.files.invoice_package import bare_name
from beel_mcp.files.safe_dir import check_folder, unusable
from beel_mcp.files.staging import PACKAGES, Staging, forget_old
from beel_mcp.usecases.invoice_zip.assembly import in_progress, nothing_to_save, put_together
from beel_mcp.usecases.invoice_zip.fetching import Fetching, Patience
from beel_mcp.usecases.invoice_zip.package import Contents, Request
from beel_mcp.usecases.invoice_zip.selection import (
    ISSUED,
    count_drafts,
    list_wanted,
    look_up,
    name_rectified,
)
from beel_mcp.writes.journal.database import make_private

# Beyond its patience a call has this long to write the file; a disk takes at least so much.
SPARE_S: Final = 4.0
DISK_BYTES_PER_S: Final = 25_000_000


@dataclass(frozen=True)
class Wanted:
    """What a call asks for: these ids, or what the filter means."""

    ids: Sequence[str]
    filter: InvoiceFilter
    file_name: str | None
    month_folders: bool

    @property
    def is_filter(self) -> bool:
        """Tell whether anything narrows the list."""
        return self.filter != InvoiceFilter()


class Packaging:
    """The packages of one server, as one request may see them."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._beel = state.beel
        self._caller = caller()
        self._folder = state.settings.state_dir / PACKAGES
        self._patience = Patience.begin(state.timing.now, state.timing.patience_s)

    async def begin(self, wanted: Wanted) -> PackageAnswer:
        """Begin a package.

        Raises:
            BeelMcpError: what is asked for cannot be, or BeeL or the disk refuses.

        """
        if bool(wanted.ids) == wanted.is_filter:
            raise CallerError(
                "Give exactly one of invoice_ids and a filter (quarter, date_from, date_to, "
                "status, customer_id)."
            )
        name = file_name_of(wanted, self._state.timing.now().astimezone().date())
        books = await self._ready()
        request = Request(
            caller=self._caller, books=books, file_name=name, month_folders=wanted.month_folders
        )
        contents = await self._begun(request, wanted)
        try:
            return await self._go_on(contents)
        except anyio.get_cancelled_exc_class():  # nobody knows the handle
            contents.staging.remove()
            raise

    async def resume(self, handle: str) -> PackageAnswer:
        """Go on with a package of the same caller and the same books.

        Raises:
            BeelMcpError: there is none, another call is at it, or BeeL or the disk refuses.

        """
        books = await self._ready()
        staging = Staging.find(self._folder, handle)
        contents = Contents.load(staging) if staging else None
        request = contents.request if contents else None
        if (
            contents is None
            or request is None
            or (request.caller, request.books)
            != (
                self._caller,
                books,
            )
        ):
            raise CallerError(
                "There is no unfinished package with this handle.",
                code="package_expired",
                remedy="Call download_invoices_zip with the ids or the filter again.",
            )
        return await self._go_on(contents)

    async def _ready(self) -> str:
        """See that BeeL can be asked and the folder written to, before anything is."""
        books = (await self._beel.account()).ledger_id
        await to_thread.run_sync(self._tidy)
        return books

    def _tidy(self) -> None:
        check_folder(self._state.settings.files_dir)
        try:
            make_private(self._state.settings.state_dir)
        except OSError as error:
            raise unusable(error) from None
        forget_old(self._folder, self._state.timing.now())

    async def _begun(self, request: Request, wanted: Wanted) -> Contents:
        if wanted.ids:
            request.ids = list(dict.fromkeys(one.lower() for one in wanted.ids))
            return Contents(request, Staging.new(self._folder))
        statuses = wanted.filter.statuses or ISSUED
        found = await list_wanted(self._beel, _with_statuses(wanted.filter, statuses))
        if not wanted.filter.statuses:
            request.drafts_left_out = await count_drafts(self._beel, wanted.filter)
        request.ids = [invoice.id.lower() for invoice in found]
        contents = Contents(request, Staging.new(self._folder))
        for invoice in found:
            contents.learn(invoice)
        return contents

    async def _go_on(self, contents: Contents) -> PackageAnswer:
        with contents.staging.held() as is_ours:
            if not is_ours:
                raise CallerError("Another call is at this package.", code="busy", retry_after_s=15)
            try:
                return await self._work(contents)
            except BeelMcpError as error:
                if not contents.included():
                    contents.staging.remove()
                    raise
                error.next_calls = (going_on(contents),)
                raise

    async def _work(self, contents: Contents) -> PackageAnswer:
        await self._patience.limit(lambda: self._look_up(contents))
        contents.keep_request()
        if contents.unknown():
            return in_progress(contents, going_on(contents))
        had_to_ask = bool(contents.waiting())
        fetching = Fetching(self._beel, contents, self._patience)
        await fetching.run()
        if contents.waiting() or (had_to_ask and not self._is_time_to_write(contents)):
            pause = fetching.pause
            return in_progress(contents, going_on(contents), pause)
        if not contents.included():
            contents.staging.remove()
            return nothing_to_save(contents)
        answer = await to_thread.run_sync(put_together, contents, self._state.settings)
        contents.staging.remove()
        return answer

    async def _look_up(self, contents: Contents) -> None:
        await look_up(contents, self._beel)
        await name_rectified(contents, self._beel)

    def _is_time_to_write(self, contents: Contents) -> bool:
        size = sum(contents.outcomes[one].size for one in contents.included())
        return self._patience.left_s() + SPARE_S > size / DISK_BYTES_PER_S


def going_on(contents: Contents) -> NextCall:
    """Name the call that goes on with a package."""
    handle = contents.staging.handle
    return NextCall("download_invoices_zip", {"resume": handle}, "goes on where this one stopped")


def file_name_of(wanted: Wanted, today: date) -> str:
    """Take the name that was asked for, or make one of the quarter, the dates, or today.

    Raises:
        CallerError: it is no bare name.

    """
    if wanted.file_name is None:
        return f"facturas-{_period(wanted.filter, today)}.zip"
    name = bare_name(wanted.file_name, ".zip")
    if name is None:
        raise CallerError(
            "This is no file name.",
            field_errors=(
                FieldError("file_name", "is a name without a path, such as facturas-2026-T3.zip"),
            ),
        )
    return name


def _period(days: InvoiceFilter, today: date) -> str:
    first, last = days.date_from, days.date_to
    if first and last:
        number = (first.month + 2) // 3
        begins = first.day == 1 and first.month == number * 3 - 2
        after = last + timedelta(days=1)
        is_quarter = begins and (after.year * 12 + after.month) == (
            first.year * 12 + first.month + 3
        )
        if is_quarter and after.day == 1:
            return f"{first.year}-T{number}"
        return f"{first}-{last}"
    if first:
        return f"desde-{first}"
    return f"hasta-{last}" if last else str(today)


def _with_statuses(wanted: InvoiceFilter, statuses: tuple[str, ...]) -> InvoiceFilter:
    return InvoiceFilter(statuses, wanted.date_from, wanted.date_to, customer_id=wanted.customer_id)


async def _packaging(ctx: Context[AppState]) -> Packaging:
    return Packaging(app_state(ctx))


PackagingCall = Annotated[Packaging, Resolve(_packaging)]
