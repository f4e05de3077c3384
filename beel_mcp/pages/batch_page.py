"""The page of a list: looked at, corrected into a new list, taken along as a workbook."""

from http import HTTPStatus
from typing import Any, Final

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from beel_mcp.context import AppState
from beel_mcp.door.links import Target
from beel_mcp.errors import BeelMcpError, CallerError
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.export.report import report_name, report_of
from beel_mcp.lists.model import ROW_STATUSES
from beel_mcp.pages.batch_form import (
    NO_ERRORS,
    NOTHING_TYPED,
    FieldErrors,
    Typed,
    corrections_of,
    read_form,
)
from beel_mcp.pages.batch_view import Asked, batch_view, card_view
from beel_mcp.pages.paging import address_of, page_asked
from beel_mcp.pages.rendering import attachment, say
from beel_mcp.pages.view_pages import gone_page, view_card, view_page
from beel_mcp.usecases.imports.source import ListRequest
from beel_mcp.usecases.imports.validation import validate_list

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def show(request: Request, state: AppState, target: Target) -> Response:
    """Show a list, or what the person made of it here."""
    batch = await _newest(state, target)
    if batch is None:
        return gone(request, state)
    return await _page(request, state, target, batch, _asked(request))


async def correct(request: Request, state: AppState, target: Target) -> Response:
    """Make a new list of what was typed; if that cannot be, show it all again and say why."""
    typed = read_form(await request.body())
    batch = await _newest(state, target)
    if batch is None:
        return gone(request, state)
    problem, errors = await _make(state, target, batch, typed)
    newest = await _newest(state, target) or batch
    if problem:
        asked = Asked(typed.kind)
        return await _page(
            request, state, target, newest, asked, typed, problem=problem, errors=errors
        )
    has_more = typed.kind is not None and newest.counts()[typed.kind] > 0
    there = address_of(Asked(typed.kind).in_address if has_more else None)
    return RedirectResponse(there, HTTPStatus.SEE_OTHER)


async def _make(
    state: AppState, target: Target, batch: Batch, typed: Typed
) -> tuple[str, FieldErrors]:
    """Correct a list by what was typed; give what stands in the way, if something does."""
    language = state.settings.language
    found = corrections_of(batch, typed, language)
    if typed.batch_id != batch.batch_id:
        return say(language, "batch.stale"), NO_ERRORS
    if found.errors or found.is_empty:
        problem = say(language, "batch.unread" if found.errors else "batch.nothing_typed")
        return problem, found.errors
    corrected = ListRequest(None, None, batch.batch_id, found.made, found.dropped, None, None)
    try:
        answer = await validate_list(state, corrected, target.caller)
    except BeelMcpError as error:
        code = "batch.none_left" if error.code == "empty_list" else "batch.failed"
        return say(language, code, why=error.message), NO_ERRORS
    if state.batches.superseded_by(batch.batch_id, target.caller):
        return say(language, "batch.stale"), NO_ERRORS  # sent twice at once: the first counts
    state.batches.supersede(batch.batch_id, str(answer.batch_id), target.caller)
    return "", NO_ERRORS


async def workbook(request: Request, state: AppState, target: Target) -> Response:
    """Give the list as the workbook that save_batch_report saves."""
    batch = await _newest(state, target)
    if batch is None:
        return gone(request, state)
    language, now = state.settings.language, state.timing.now()
    data = await to_thread.run_sync(report_of, batch, language, now)
    return attachment(data, report_name(language, now), XLSX)


def card(batch: Batch, state: AppState) -> str:
    """Make the content of a card of a list, without forms and links."""
    view = card_view(batch, state.settings.language)
    return view_card(state, "batch.html", "batch.title", view=view, **_STILL)


def gone(request: Request, state: AppState) -> Response:
    """Say that a list is kept no longer."""
    return gone_page(request, state, "batch.gone_title", "batch.gone", "batch.gone_remedy")


# What a list has that nobody corrected here.
_STILL: Final[dict[str, Any]] = {"problem": "", "is_corrected": False}


async def _page(
    request: Request,
    state: AppState,
    target: Target,
    batch: Batch,
    asked: Asked,
    typed: Typed = NOTHING_TYPED,
    *,
    problem: str = "",
    errors: FieldErrors = NO_ERRORS,
) -> Response:
    newest = {state.batches.superseded_by(one, target.caller) for one in batch.lineage}
    is_corrected = batch.batch_id in newest

    def render() -> Response:
        return view_page(
            *(request, state, "batch.html", "batch.title"),
            status=HTTPStatus.UNPROCESSABLE_ENTITY if problem else HTTPStatus.OK,
            view=batch_view(batch, state.settings.language, asked, typed, errors),
            problem=problem,
            is_corrected=is_corrected,
        )

    return await to_thread.run_sync(render)  # a whole list takes a while


async def _newest(state: AppState, target: Target) -> Batch | None:
    """Find the list of a link, or the last one that the person made of it here."""
    newest = state.batches.superseded_by(target.id, target.caller) or target.id
    try:
        return await state.batches.get(newest, target.caller)
    except CallerError:
        return None


def _asked(request: Request) -> Asked:
    """Read which rows are asked for; a class that there is not is all of them."""
    given = request.query_params.get("kind")
    return Asked(next((one for one in ROW_STATUSES if one == given), None), page_asked(request))
