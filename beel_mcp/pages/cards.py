"""What stands in the card of an answer: the view of the page, without forms and links.

A card is drawn once, when the answer is given: it shows what was so then.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any, Final

from anyio import to_thread

from beel_mcp.context import AppState
from beel_mcp.errors import BeelMcpError
from beel_mcp.pages import batch_page, package_page
from beel_mcp.pages.plan_view import PlanView, outcome_view, plan_view
from beel_mcp.pages.view_pages import view_card
from beel_mcp.usecases.confirmation import WriteCall
from beel_mcp.writes.consent.elicitation import Asking

# What an app may carry along with an answer; whoever wants all of it looks at the page.
MOST_BYTES: Final = 60_000


async def card_of(state: AppState, answer: Mapping[str, Any], caller: str) -> str | None:
    """Draw what an answer is about, or nothing: then its text is all there is to see.

    `answer` is its structure. The records are looked up as they are kept for this caller.
    """
    if plan_id := answer.get("plan_id"):
        return await _plan(state, str(plan_id), caller)
    if operation_id := answer.get("operation_id"):
        return await _outcome(state, str(operation_id), caller)
    if batch_id := answer.get("batch_id"):
        return await _batch(state, str(batch_id), caller)
    if path := answer.get("path"):
        return await _package(state, PurePath(str(path)).name, caller)
    return None


async def _plan(state: AppState, plan_id: str, caller: str) -> str | None:
    plan = await state.journal.plans.find(plan_id, caller)
    if plan is None:
        return None
    write = _calling(state, caller).gate.write(plan.kind, plan.arguments)
    view = plan_view(plan, write, state.settings.language)
    return await to_thread.run_sync(_largest, state, view)


def _largest(state: AppState, whole: PlanView) -> str | None:
    """Draw as many records as have room, and say how many more there are."""
    view = whole
    while view.records:
        if drawn := _drawn(state, "plan.html", "plan.only_look", view=view):
            return drawn
        shown = view.records[: len(view.records) // 2]
        view = replace(view, records=shown, more=whole.count - len(shown), left_out=())
    return None


async def _outcome(state: AppState, operation_id: str, caller: str) -> str | None:
    operation = await state.journal.find(operation_id, caller)
    if operation is None:
        return None
    outcome = await _calling(state, caller).outcome(operation)
    view = outcome_view(outcome, state.settings.language)
    return _drawn(state, "outcome.html", "outcome.title", view=view)


async def _batch(state: AppState, batch_id: str, caller: str) -> str | None:
    try:
        batch = await state.batches.get(batch_id, caller)
    except BeelMcpError:
        return None
    return _within(await to_thread.run_sync(batch_page.card, batch, state))


async def _package(state: AppState, file_name: str, caller: str) -> str | None:
    package = state.packages.saved_as(file_name, caller)
    if package is None:
        return None
    return _within(await to_thread.run_sync(package_page.card, package, state))


def _calling(state: AppState, caller: str) -> WriteCall:
    return WriteCall(state, caller, Asking("page", state.settings.language, can_ask=False))


def _drawn(state: AppState, template: str, title: str, **values: object) -> str | None:
    return _within(view_card(state, template, title, **values))


def _within(drawn: str) -> str | None:
    return drawn if len(drawn.encode()) <= MOST_BYTES else None
