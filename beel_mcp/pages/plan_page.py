"""The page of a plan: the person reads what would be done, and says yes or no.

A yes runs the plan here and now. Nothing but this page's own form, sent in the session of a link
that no model saw, comes to that line.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from beel_mcp.answers.plan import WriteAnswer
from beel_mcp.context import AppState
from beel_mcp.door.links import Target
from beel_mcp.errors import BeelMcpError
from beel_mcp.files.output import SAVED_FILES, SavedFiles
from beel_mcp.pages.plan_view import OutcomeView, changed_view, outcome_view, plan_view
from beel_mcp.pages.rendering import say
from beel_mcp.pages.view_pages import view_page
from beel_mcp.usecases.confirmation import WriteCall
from beel_mcp.usecases.plan_confirmation import CONFIRMABLE
from beel_mcp.writes.consent.elicitation import YES, Asking, form_for
from beel_mcp.writes.journal.plan import Plan
from beel_mcp.writes.journal.records import Operation
from beel_mcp.writes.run.execution import Agreed
from beel_mcp.writes.run.gate import NotConfirmed

_MOST_FIELDS: Final = 10


class PlanPage:
    """One request to the page of a plan."""

    def __init__(self, request: Request, state: AppState, target: Target) -> None:
        self._request = request
        self._state = state
        self._target = target
        self._language = state.settings.language
        asking = Asking("page", self._language, can_ask=False)
        self._call = WriteCall(state, target.caller, asking)

    async def find(self) -> Plan | Operation | None:
        """Find the plan, if it is still open and of the company in use now, or what it became."""
        try:
            return await self._call.gate.find(self._target.id)
        except BeelMcpError:
            return None

    async def settled(self, found: Operation | None = None) -> Response:
        """Show what became of a plan that is open no more, as the journal has it."""
        target = self._target
        operation = found or await self._state.journal.find_confirmed(target.id, target.caller)
        if operation is None:
            return self.tell_over()
        return self.tell(outcome_view(await self._call.outcome(operation), self._language))

    def ask(self, plan: Plan, *, wrong: str = "") -> Response:
        """Show the plan, and ask for an answer where the person may give it here."""
        write = self._call.gate.write(plan.kind, plan.arguments)
        view = plan_view(plan, write, self._language)
        may_answer = self._target.may_answer
        title = "plan.title" if may_answer else "plan.only_look"
        return self._page(
            "plan.html", title, 422 if wrong else 200, view=view, may_answer=may_answer, wrong=wrong
        )

    def tell(self, view: OutcomeView) -> Response:
        """Show what became of the plan; nothing is asked any more."""
        return self._page("outcome.html", "outcome.title", 200, view=view)

    def tell_over(self, code: str = "outcome.over") -> Response:
        """Say that there is no question any more."""
        return self.tell(OutcomeView(say(self._language, code), is_good=False))

    def _page(self, template: str, title: str, status: int, **values: object) -> Response:
        return view_page(self._request, self._state, template, title, status, **values)

    async def decline(self, plan: Plan) -> Response:
        """Drop the plan, and tell whoever waits for it that the person said no."""
        if not await self._state.journal.plans.drop(plan):
            return await self.settled()
        no = NotConfirmed(plan, is_no=True)
        self._answer(plan, await CONFIRMABLE[plan.kind].answer(self._call, no))
        return self.tell(OutcomeView(say(self._language, "outcome.said_no"), is_good=True))

    async def refuse(self, plan: Plan, code: str) -> Response:
        """Ask again, three times in all: whoever guesses has not read it."""
        left = await self._state.journal.plans.count_wrong(plan)
        if left is None:
            return await self.settled()
        if left:
            return self.ask(plan, wrong=say(self._language, code, left=left))
        self._answer(plan, await CONFIRMABLE[plan.kind].answer(self._call, NotConfirmed(plan)))
        return self.tell_over("outcome.ended")

    async def carry_out(self, plan: Plan) -> Response:
        """Run the plan that the person agreed to, once, and show what became of it."""
        state = self._state
        folders = (state.settings.files_dir, state.settings.state_dir)
        SAVED_FILES.set(SavedFiles(*folders, self._target.caller))
        try:
            agreed = Agreed(plan, "page")
            answer = await CONFIRMABLE[plan.kind].carry_out(self._call, agreed)
        except BeelMcpError as error:
            if isinstance(await self.find(), Plan):  # it may still be said: ask again, and why
                return self.ask(plan, wrong=say(self._language, "plan.again", reason=error.message))
            if error.code == "plan_expired":
                return await self.settled()
            self._answer(plan, error)
            code = "outcome.refused" if error.changed == "nothing" else "outcome.unsure"
            sentence = say(self._language, code, reason=error.message)
            return self.tell(OutcomeView(sentence, is_good=False))
        self._answer(plan, answer)
        if answer.changed_since:
            return self.tell(changed_view(answer, self._language))
        return await self.settled()

    def _answer(self, plan: Plan, answer: WriteAnswer | BeelMcpError) -> None:
        self._state.page_answers.answer(plan, answer)


async def show(request: Request, state: AppState, target: Target) -> Response:
    """Show a plan that is open."""
    page = PlanPage(request, state, target)
    found = await page.find()
    return page.ask(found) if isinstance(found, Plan) else await page.settled(found)


async def answer(request: Request, state: AppState, target: Target) -> Response:
    """Take the person's answer: the right one runs the plan, no drops it, any other asks again."""
    page = PlanPage(request, state, target)
    plan = await page.find()
    if not isinstance(plan, Plan):
        return await page.settled(plan)
    if not target.may_answer:  # guard: a link from an answer only shows
        return page.ask(plan)
    return await _act(page, plan, _read(await request.body()))


async def _act(page: PlanPage, plan: Plan, form: Mapping[str, str]) -> Response:
    if form.get("answer") == "no":
        return await page.decline(plan)
    if form.get("answer") != YES:  # guard: the person pressed yes
        return await page.refuse(plan, "plan.unchosen")
    try:
        filled_in = form_for(plan, "en").model_validate(
            {"confirm": YES} if plan.count == 1 else {"count": form.get("count", "").strip()}
        )
    except ValidationError:
        return await page.refuse(plan, "plan.wrong")
    if not filled_in.agrees_to(plan):  # guard: the number was read
        return await page.refuse(plan, "plan.wrong")
    return await page.carry_out(plan)


def _read(body: bytes) -> Mapping[str, str]:
    """Read the fields of a form; one that no browser would send has none."""
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=_MOST_FIELDS))
    except ValueError:
        return {}
