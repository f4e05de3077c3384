"""A question that a person answers on a page: who opens it, and what came of it."""

import logging
import secrets
from dataclasses import dataclass
from typing import Final, TypeVar, cast

import anyio
from mcp.server.mcpserver import Context
from mcp_types.version import is_version_at_least

from beel_mcp.answers.plan import WriteAnswer
from beel_mcp.context import AppState, app_state, ask_app_to_open
from beel_mcp.door.links import Target
from beel_mcp.errors import BeelMcpError, OperatorError
from beel_mcp.language import localized
from beel_mcp.writes.consent.elicitation import MODERN, Asking, OnPage, page_key
from beel_mcp.writes.journal.plan import PLAN_TTL_S, Plan, digest_of
from beel_mcp.writes.run.gate import Executed, NotConfirmed, Result, Waiting

logger = logging.getLogger(__name__)
P = TypeVar("P", bound=WriteAnswer)
# An app that waits for the page to be done with has so long to notice it by itself.
APP_GRACE_S: Final = 2.0


@dataclass(frozen=True)
class OnPageAnswered:
    """What the tool whose plan it was answers: the person has answered on the page."""

    tool: str
    answer: WriteAnswer

    def told(self, _: type[P]) -> P:
        """Give it as the answer of that tool, whose it is."""
        return cast("P", self.answer)


def _request_of(ctx: Context[AppState], tool: str) -> str:
    """Tell a call from others: the answer to a question belongs to the call that asked it."""
    return digest_of([tool, (ctx.request_context.params or {}).get("arguments")])


def app_has_opened(ctx: Context[AppState], tool: str, owner: str) -> OnPage | None:
    """Find the page that the app was asked to open before it made this very call again.

    The plan may be spent by now, and what it was about no more as it was; so nothing is looked up.
    """
    for key, response in (ctx.input_responses or {}).items():
        plan = app_state(ctx).page_answers.find(key, owner, _request_of(ctx, tool))
        if plan is not None:
            return OnPage(plan, opened=getattr(response, "action", "") == "accept")
    return None


async def opened(ctx: Context[AppState], asking: Asking, tool: str, question: OnPage) -> OnPage:
    """Bring the page of a plan to the person, by their app or in their browser.

    The link is never in an answer: the app opens it without the model, or this server does.

    Raises:
        OperatorError: the page cannot be opened.
    """
    state, plan = app_state(ctx), question.plan
    if question.opened and state.page_answers.is_waiting(plan):
        return question
    if question.opened:  # by another process, or answered without an end
        await asking.count(state.journal.plans, plan)
    target = Target("plan", plan.plan_id, plan.caller, may_answer=True, until=plan.expires_at)
    if not asking.can_open:
        if not asking.may_browse:  # guard: no window opens that the operator did not allow
            raise _unavailable()
        return await _in_browser(state, plan, target)
    state.page_answers.ask(plan, _request_of(ctx, tool))
    try:
        link = await state.door.link(target)
    except OSError:
        raise _unavailable() from None
    message = _message(asking, plan)
    if ctx.protocol_version and is_version_at_least(ctx.protocol_version, MODERN):
        ask_app_to_open(page_key(plan), link, message)
        return OnPage(plan)
    return OnPage(plan, opened=await _app_opens(ctx, state, plan, link, message))


async def _app_opens(
    ctx: Context[AppState], state: AppState, plan: Plan, link: str, message: str
) -> bool:
    """Have an app of the older era open a page; once the person has answered there, it has."""
    is_open, said = False, anyio.Event()

    async def ask() -> None:
        nonlocal is_open
        try:
            answer = await ctx.elicit_url(message, link, secrets.token_urlsafe(16))
            is_open = answer.action == "accept"
        except Exception as error:  # noqa: BLE001 - whatever an app does, the journal knows
            logger.info("the app failed while it opened a page (%s)", type(error).__name__)
        said.set()

    async def wait() -> None:
        await state.page_answers.wait(plan, PLAN_TTL_S)
        with anyio.move_on_after(APP_GRACE_S):
            await said.wait()
        said.set()

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        group.start_soon(wait)
        await said.wait()
        group.cancel_scope.cancel()
    return is_open


async def _in_browser(state: AppState, plan: Plan, target: Target) -> OnPage:
    state.page_answers.ask(plan)
    try:
        is_open = await state.door.browse(target)
    except OSError:
        is_open = False
    if not is_open:
        raise _unavailable()
    return OnPage(plan, opened=True)


def _unavailable() -> OperatorError:
    return OperatorError(
        "The page on which the person would answer could not be opened on this computer.",
        code="confirmation_unavailable",
        remedy="Only the person who set the server up can allow another way: BEEL_CONFIRM=plan"
        " returns a plan for confirm_plan.",
    )


def _message(asking: Asking, plan: Plan) -> str:
    opening = localized(
        asking.language,
        en="Open the page to read what would be done, and to say yes or no there.",
        es="Abra la página para ver lo que se haría y decir ahí sí o no.",
    )
    return f"{opening}\n\n{plan.statement}"


async def answered_on_page(state: AppState, question: OnPage) -> Result | OnPageAnswered:
    """Wait for the person for as long as a call may, and tell what came of the plan.

    The page alone runs a plan: a model has no way to it.

    Raises:
        BeelMcpError: the page tried, and nothing was sent.
    """
    plan = question.plan
    if question.opened is None:  # the app is asked to open it now
        return Waiting(plan)
    if question.opened:
        await state.page_answers.wait(plan, state.timing.patience_s)
    replayed = state.page_answers.is_told(plan)
    answer = state.page_answers.take(plan)
    if isinstance(answer, BeelMcpError):
        raise answer
    if isinstance(answer, WriteAnswer):
        return OnPageAnswered(plan.kind, answer)
    is_open = await state.journal.plans.find(plan.plan_id, plan.caller) is not None
    if is_open and not question.opened:
        # Whatever the app says: what the person did on the page meanwhile counts.
        is_open = not await state.journal.plans.drop(plan)
    elif is_open:
        return Waiting(plan)
    spent = await state.journal.find_confirmed(plan.plan_id, plan.caller)
    # It is being carried out, or was in another process.
    return NotConfirmed(plan) if spent is None else Executed(spent, replayed=replayed)


async def view_of_plan(state: AppState, plan: Plan) -> str | None:
    """Give a link to a plan's records, if the operator has links in answers."""
    target = Target("plan", plan.plan_id, plan.caller, until=plan.expires_at)
    return await state.view(target)
