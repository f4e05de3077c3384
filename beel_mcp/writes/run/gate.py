"""The way of a guarded call: look, show, wait for a yes, carry out. Nothing else leads to BeeL."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from beel_mcp.api.client import BeelClient
from beel_mcp.errors import CallerError, NextCall
from beel_mcp.writes.consent.elicitation import (
    Asking,
    Consent,
    NothingToDo,
    NotNeeded,
    Question,
    Refused,
    Shown,
    Spent,
    Stated,
    Told,
    agreed,
    asked_about,
    instead_of,
)
from beel_mcp.writes.consent.statement import place_of
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.plan import PLAN_ID, ConfirmedBy, Look, Plan, ShownAs, differences
from beel_mcp.writes.journal.plan_store import Proposal
from beel_mcp.writes.journal.records import Operation
from beel_mcp.writes.journal.workers import Running, Writes
from beel_mcp.writes.kinds.protocol import Change, ChangeOf, Described
from beel_mcp.writes.run.execution import AnotherAccountError, Changing, StateChangedError


@dataclass(frozen=True)
class Waiting:
    """A plan that waits for its yes, and what is different from the one before it."""

    plan: Plan
    changed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class NotConfirmed:
    """No yes arrived, or not to what is so now."""

    plan: Plan | None = None
    changed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class CarriedOut:
    """What a confirmed plan became."""

    operation: Operation
    replayed: bool = False


@dataclass(frozen=True)
class Agreed:
    """A person said yes to this plan, and how; it is still to be taken."""

    plan: Plan
    confirmed_by: ConfirmedBy


Changed = Waiting | NotConfirmed
Result = Waiting | NotConfirmed | NothingToDo | NotNeeded | Told | CarriedOut


class Guard:
    """Takes one guarded call from what was asked for to what became of it."""

    def __init__(
        self,
        beel: BeelClient,
        journal: Journal,
        writes: Writes,
        changing: Changing,
        asking: Asking,
        *,
        change_of: ChangeOf,
        caller: str,
        patience_s: float,
    ) -> None:
        self._beel = beel
        self._journal = journal
        self._writes = writes
        self._changing = changing
        self._asking = asking
        self._change_of = change_of
        self._caller = caller
        self._patience_s = patience_s

    async def ask(self, kind: str, arguments: Mapping[str, Any]) -> Question:
        """Look what would change, and ask the person; or say what stands instead of a question.

        Raises:
            BeelMcpError: nobody is asked.
        """
        self._asking.check()
        change = self._change_of(kind, arguments)
        return await self.ask_about(change, await change.look())

    async def ask_about(self, change: Described, look: Look) -> Question:
        """Ask about what a look has shown, or say what stands instead of a question.

        Raises:
            BeelMcpError: nobody is asked.
        """
        if not look.affected:
            return NothingToDo(look)
        plan = await self._show(change, look, self._asking.shown_as)
        if self._asking.shown_as == "plan":
            return Shown(plan)
        return self._asking.question(self._journal.plans, plan)

    def check(self) -> None:
        """Refuse where nobody can be asked, before anything is looked up.

        Raises:
            OperatorError: this app shows no forms, and the operator wants one.
        """
        self._asking.check()

    async def ask_again(self, plan_id: str, statement: str) -> Question:
        """Ask about a plan that was returned; where no form can be shown, its sentence says yes.

        Raises:
            BeelMcpError: nobody is asked.
        """
        self._asking.check()
        await self._beel.account()  # without a key there is nothing to confirm
        if spent := self._spent(plan_id):
            return Spent(spent)
        plan = await self._returned(plan_id)
        if not plan.is_said_by(statement):  # guard: what runs is what was shown
            raise self._wrong_statement(plan)
        if self._asking.shown_as == "plan":
            return Stated(plan.plan_id)
        return self._asking.question(self._journal.plans, plan)

    async def answer(self, consent: Consent) -> Result:
        """Carry out what the person said yes to; say what happened instead, if they did not.

        Raises:
            BeelMcpError: nothing was sent.
        """
        verdict = await self.verdict(consent)
        return await self.carry_out(verdict) if isinstance(verdict, Agreed) else verdict

    async def verdict(self, consent: Consent) -> Result | Agreed:
        """Tell whether a person said yes, and to which plan.

        Raises:
            BeelMcpError: nobody could be asked, or nobody has to be any more.
        """
        instead = instead_of(consent)
        if isinstance(instead, Refused):
            raise instead.error
        if isinstance(instead, Shown):
            return Waiting(instead.plan)
        if isinstance(instead, Spent):
            return CarriedOut(instead.operation, replayed=True)
        if isinstance(instead, NothingToDo | NotNeeded | Told):
            return instead
        if isinstance(instead, Stated):
            plan = await self._returned(instead.plan_id)
            return Agreed(plan, "statement")
        return await self._answered(consent)

    async def _answered(self, consent: Consent) -> Result | Agreed:
        plan_id = asked_about(consent)
        if plan_id is None:
            return NotConfirmed()
        if spent := self._spent(plan_id):
            return CarriedOut(spent, replayed=True)
        plan = await self._open(plan_id)
        if not agreed(consent, plan):  # guard: a person said yes
            return NotConfirmed(plan)
        return Agreed(plan, "form")

    async def changed_since(self, agreed: Agreed, what: Described, look: Look) -> Changed | None:
        """Say what is not as the person saw it, and drop their plan; None: all is as it was."""
        if look.digest != agreed.plan.digest:  # guard: what is created is what was shown
            self._journal.plans.drop(agreed.plan)
            return await self._changed(agreed.plan, what, look)
        return None

    def already_taken(self, plan: Plan) -> CarriedOut:
        """Tell what a plan became that somebody else took since it was looked up.

        Raises:
            CallerError: nobody took it; it expired.
        """
        spent = self._spent(plan.plan_id)
        if spent is None:
            raise not_open()
        return CarriedOut(spent, replayed=True)

    async def carry_out(self, agreed: Agreed) -> Result:
        """Take a plan that a person agreed to, and wait for what it becomes.

        Raises:
            BeelMcpError: nothing was sent.
        """
        plan = agreed.plan
        change = self._change_of(plan.kind, plan.arguments)
        operation = self._changing.take(plan, change, agreed.confirmed_by)
        if operation is None:
            return self.already_taken(plan)
        running = self._writes.running(operation.operation_id)
        if running:
            await running.wait(self._patience_s)
        return await self._outcome(plan, operation.operation_id, change, running)

    async def _outcome(
        self, plan: Plan, operation_id: str, change: Change, running: Running | None
    ) -> Result:
        error = running.error if running else None
        if isinstance(error, StateChangedError):
            return await self._changed(plan, change, error.look)
        operation = self._journal.get(operation_id)
        if error and not any(chunk.attempts for chunk in operation.chunks):
            spent = f"This plan is used up: call {plan.kind} again for a new one."
            error.remedy = f"{error.remedy} {spent}".strip()
            raise error
        return CarriedOut(operation)

    async def _changed(self, plan: Plan, change: Described, look: Look) -> Changed:
        """Say what is different, with a new plan where the old one was a plan."""
        changed = tuple(differences(plan.look, look))
        if plan.shown_as == "form" or not look.affected:
            return NotConfirmed(plan, changed)
        # Also where the yes came by a form: it is returned, so confirm_plan has to find it.
        return Waiting(await self._show(change, look, "plan"), changed)

    async def _show(self, change: Described, look: Look, shown_as: ShownAs) -> Plan:
        account = await self._beel.account()
        company = (await self._beel.active_company()).company
        language = self._asking.language
        place = place_of(account, company.label if company else None, language)
        return self._journal.plans.open(
            Proposal(
                *(change.kind, self._caller, shown_as, change.request),
                *(change.arguments, look, change.say(look, place, language), account),
            )
        )

    async def _open(self, plan_id: str) -> Plan:
        plan = self._journal.plans.find(plan_id, self._caller)
        if plan is None:
            raise not_open()
        if plan.account != await self._beel.account():  # guard: same key, environment and company
            raise AnotherAccountError(
                "This plan was made for another key, company or environment.",
                remedy="Plan it again with the settings that are in use now.",
            )
        return plan

    async def _returned(self, plan_id: str) -> Plan:
        """Find a plan that was returned to the caller, as its id says it was."""
        plan = await self._open(plan_id)
        if plan.shown_as != "plan":  # guard: a form's plan is the form's alone
            raise not_open()
        return plan

    def _spent(self, plan_id: str) -> Operation | None:
        return (
            self._journal.find_confirmed(plan_id, self._caller)
            if PLAN_ID.fullmatch(plan_id)
            else None
        )

    def _wrong_statement(self, plan: Plan) -> CallerError:
        left = self._journal.plans.count_wrong(plan)
        again = NextCall(
            "confirm_plan",
            {"plan_id": plan.plan_id, "statement": plan.statement},
            "if the person agrees to just this",
        )
        return CallerError(
            "The statement is not the plan's own, word for word.",
            code="wrong_statement",
            remedy=f"Copy it character by character; {left} more {'try' if left == 1 else 'tries'}."
            if left
            else "That was the last try: the plan is gone. Call the tool that made it again, and"
            " show the person the new one.",
            next_calls=(again,) if left else (),
        )


def not_open() -> CallerError:
    """Say that there is nothing to confirm under this id."""
    return CallerError(
        "There is no open plan with this id: it has expired (a plan lasts 10 minutes), was given up"
        " after wrong statements, what it showed has changed, or it was never made.",
        code="plan_expired",
        remedy="Call the tool that made the plan again, and show the person the new one.",
    )
