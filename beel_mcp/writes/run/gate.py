"""The confirmation gate: preview, show, wait for a yes, execute. Nothing else leads to a change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from beel_mcp.errors import BeelMcpError, CallerError, NextCall
from beel_mcp.writes.consent.elicitation import (
    Asking,
    Consent,
    Decided,
    Instead,
    NothingToDo,
    NotNeeded,
    OnPage,
    Question,
    Refused,
    Shown,
    Spent,
    Stated,
    agreed,
    asked_about,
    instead_of,
)
from beel_mcp.writes.consent.statement import environment_label
from beel_mcp.writes.journal.plan import (
    PLAN_ID,
    Difference,
    Plan,
    Preview,
    Proposal,
    ShownAs,
    differences,
)
from beel_mcp.writes.journal.records import Operation
from beel_mcp.writes.journal.workers import BackgroundWrites, RunningWrite
from beel_mcp.writes.kinds import write_of
from beel_mcp.writes.kinds.protocol import (
    AnotherAccountError,
    StateChangedError,
    Write,
    WriteContext,
)
from beel_mcp.writes.run.execution import Agreed, Execution, in_doubt_if_unread, plan_not_open


@dataclass(frozen=True)
class Waiting:
    """A plan that waits for its yes, and what is different from the one before it."""

    plan: Plan
    changed: tuple[tuple[str, Difference], ...] = ()


@dataclass(frozen=True)
class NotConfirmed:
    """No yes arrived, or not to what is so now; `is_no` where the person said it on a page."""

    plan: Plan | None = None
    changed: tuple[tuple[str, Difference], ...] = ()
    is_no: bool = False


@dataclass(frozen=True)
class Executed:
    """What a decision became.

    `stopped` says why the rest was not sent; `preview` is what was agreed to, where it just was.
    """

    operation: Operation
    replayed: bool = False
    stopped: BeelMcpError | None = None
    preview: Preview | None = None


Result = Waiting | NotConfirmed | NothingToDo | NotNeeded | Decided | Executed


class ConfirmationGate:
    """Takes one call of a guarded tool from what was asked for to what became of it."""

    def __init__(
        self,
        context: WriteContext,
        writes: BackgroundWrites,
        execution: Execution,
        asking: Asking,
        *,
        caller: str,
        patience_s: float,
    ) -> None:
        self._context = context
        self._beel = context.beel
        self._journal = context.journal
        self._writes = writes
        self._execution = execution
        self._asking = asking
        self._caller = caller
        self._patience_s = patience_s

    def write(self, kind: str, arguments: Mapping[str, Any]) -> Write:
        return write_of(kind, self._context, arguments)

    def check(self) -> None:
        """Refuse where nobody can be asked, before anything is read.

        Raises:
            OperatorError: this app shows no forms, and the operator wants one.
        """
        self._asking.check()

    async def ask(self, write: Write) -> Question:
        """Preview a write and ask the person about it, or return what stands instead of a question.

        Raises:
            BeelMcpError: nobody is asked.
        """
        self.check()
        preview = await write.preview()
        if not preview.affected:
            return NothingToDo(preview)
        plan = await self._open_plan(write, preview, self._asking.shown_as)
        return Shown(plan) if plan.shown_as == "plan" else await self._question(plan)

    async def ask_again(self, plan_id: str, statement: str) -> Question:
        """Ask about a plan that was returned; where no form can be shown, its statement says yes.

        Raises:
            BeelMcpError: nobody is asked.
        """
        self.check()
        await self._beel.account()  # without a key there is nothing to confirm
        plan = await self._returned(plan_id)
        if isinstance(plan, Operation):
            return Spent(plan)
        if not plan.matches(statement):  # guard: what runs is what was shown
            raise await self._wrong_statement(plan)
        if plan.shown_as == "page":  # guard: a page's plan is run by the page alone
            return OnPage(plan, opened=True)
        return await self._question(plan)

    async def _question(self, plan: Plan) -> Question:
        """Ask about a plan as this app and the operator have it; a sentence was said already."""
        match self._asking.shown_as:
            case "form":
                return await self._asking.question(self._journal.plans, plan)
            case "page":
                await self._asking.count(self._journal.plans, plan)
                return OnPage(plan)
            case "plan":
                return Stated(plan.plan_id)

    async def answer(self, consent: Consent) -> Result:
        """Execute what the person said yes to, or say what happened instead.

        Raises:
            BeelMcpError: nothing was sent.
        """
        verdict = await self.verdict(consent)
        return await self.execute(verdict) if isinstance(verdict, Agreed) else verdict

    async def verdict(self, consent: Consent) -> Result | Agreed:
        """Tell whether a person said yes, and to which plan.

        Raises:
            BeelMcpError: nobody could be asked, or nobody has to be any more.
        """
        if instead := instead_of(consent):
            return await self._without_form(instead)
        plan_id = asked_about(consent)
        if plan_id is None:
            return NotConfirmed()
        plan = await self.find(plan_id)
        if isinstance(plan, Operation):
            return Executed(plan, replayed=True)
        if not agreed(consent, plan):  # guard: a person said yes
            return NotConfirmed(plan)
        return Agreed(plan, "form")

    async def _without_form(self, instead: Instead) -> Result | Agreed:
        match instead:
            case Refused(error):
                raise error
            case Shown(plan):
                return Waiting(plan)
            case Spent(operation):
                return Executed(operation, replayed=True)
            case OnPage(plan):
                return Waiting(plan)
            case Stated(plan_id):
                found = await self._returned(plan_id)
                if isinstance(found, Operation):
                    return Executed(found, replayed=True)
                return Agreed(found, "statement")
            case _:
                return instead

    async def execute(self, agreed: Agreed) -> Result:
        """Take a plan of a change that a person agreed to, and wait for what it becomes.

        Raises:
            BeelMcpError: nothing was sent.
        """
        plan = agreed.plan
        write = self.write(plan.kind, plan.arguments)
        operation = await self._execution.take(agreed, write)
        if operation is None:
            return await self._taken_by_another(plan)
        running = self._writes.running(operation.operation_id)
        if running:
            await running.wait(self._patience_s)
        return await self._outcome(plan, operation.operation_id, write, running)

    async def changed_since(
        self, agreed: Agreed, write: Write, preview: Preview
    ) -> Waiting | NotConfirmed | None:
        """Say what is not as the person saw it, and spend their yes; None: all is as it was.

        For creations, before their plan is taken; a change previews again when its turn has come.
        """
        if preview.digest != agreed.plan.digest:  # guard: what is created is what was shown
            await self._journal.plans.drop(agreed.plan)
            return await self._differs(agreed.plan, write, preview)
        return None

    async def _taken_by_another(self, plan: Plan) -> Executed:
        """Tell what a plan became that somebody else took since it was found.

        Raises:
            CallerError: nobody took it; it expired.
        """
        spent = await self._spent_on(plan.plan_id)
        if spent is None:
            raise plan_not_open()
        return Executed(spent, replayed=True)

    async def _outcome(
        self, plan: Plan, operation_id: str, write: Write, running: RunningWrite | None
    ) -> Result:
        error = running.error if running else None
        if isinstance(error, StateChangedError):
            return await self._differs(plan, write, error.preview)
        with in_doubt_if_unread(operation_id):
            operation = await self._journal.get(operation_id)
        if error and not any(chunk.attempts for chunk in operation.chunks):
            spent = f"This plan is used up: call {plan.kind} again for a new one."
            error.remedy = f"{error.remedy} {spent}".strip()
            raise error
        return Executed(operation, preview=plan.preview)

    async def _differs(self, plan: Plan, write: Write, preview: Preview) -> Waiting | NotConfirmed:
        """Say what is different, with a new plan where the old one was a plan."""
        changed = tuple(differences(plan.preview, preview))
        if plan.shown_as != "plan" or not preview.affected:
            return NotConfirmed(plan, changed)
        # Also where the yes came by a form: it is returned, so confirm_plan has to find it.
        return Waiting(await self._open_plan(write, preview, "plan"), changed)

    async def _open_plan(self, write: Write, preview: Preview, shown_as: ShownAs) -> Plan:
        account = await self._beel.account()
        company = (await self._beel.active_company()).company
        language = self._asking.language
        environment = environment_label(account, company.label if company else None, language)
        return await self._journal.plans.open(
            Proposal(
                kind=write.name,
                caller=self._caller,
                shown_as=shown_as,
                request=write.request,
                arguments=write.arguments,
                preview=preview,
                statement=write.statement(preview, environment, language),
                account=account,
            )
        )

    async def find(self, plan_id: str) -> Plan | Operation:
        """Find an open plan of this caller, or what it became.

        Raises:
            CallerError: there is neither, or the plan is of another key, company or environment.
        """
        # In this order: whoever takes it in between leaves the operation in its place.
        plan = await self._journal.plans.find(plan_id, self._caller)
        if spent := await self._spent_on(plan_id):
            return spent
        if plan is None:
            raise plan_not_open()
        if plan.account != await self._beel.account():  # guard: same key, environment and company
            raise AnotherAccountError(
                "This plan was made for another key, company or environment.",
                remedy="Plan it again with the settings that are in use now.",
            )
        return plan

    async def _returned(self, plan_id: str) -> Plan | Operation:
        """Find a plan whose id the caller was given, or what it became."""
        found = await self.find(plan_id)
        if isinstance(found, Operation):
            return found
        if found.shown_as == "form":  # guard: a form's plan is the form's alone
            raise plan_not_open()
        return found

    async def _spent_on(self, plan_id: str) -> Operation | None:
        is_id = PLAN_ID.fullmatch(plan_id)
        return await self._journal.find_confirmed(plan_id, self._caller) if is_id else None

    async def _wrong_statement(self, plan: Plan) -> CallerError:
        left = await self._journal.plans.count_wrong(plan)
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
