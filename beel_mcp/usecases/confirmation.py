"""What every tool that writes shares: its gate, the question to the person, and the answer."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any, Final, TypeVar

import anyio
from mcp.server.mcpserver import Context, Resolve

from beel_mcp.answers.changes import (
    ChangeAnswer,
    change_answer,
    left_out_fields,
    nothing_to_change,
)
from beel_mcp.answers.operations import (
    LONG_PAGE_SIZE,
    EndedOperation,
    OpenOperation,
    ended_operation,
    open_operation,
    over,
    undone,
)
from beel_mcp.answers.outcome import RETRY_AFTER_S, Outcome, read_outcomes
from beel_mcp.answers.plan import WriteAnswer, not_confirmed, remark_fields, waiting
from beel_mcp.api.company import Account
from beel_mcp.context import AppState, app_state, asking_of, caller
from beel_mcp.errors import ApiError, BeelMcpError, CallerError, crashed
from beel_mcp.memory.selections import Noun
from beel_mcp.usecases.page_question import (
    OnPageAnswered,
    answered_on_page,
    app_has_opened,
    opened,
    view_of_plan,
)
from beel_mcp.usecases.write_context import find_operation, write_context
from beel_mcp.writes.consent.elicitation import (
    Asking,
    Consent,
    NothingToDo,
    OnPage,
    Question,
    Refused,
    instead_of,
)
from beel_mcp.writes.journal.database import JournalError
from beel_mcp.writes.journal.plan import Preview
from beel_mcp.writes.journal.records import Chunk, Operation
from beel_mcp.writes.kinds import KINDS
from beel_mcp.writes.kinds.protocol import Write, settling_call
from beel_mcp.writes.run.execution import (
    Agreed,
    Deadline,
    Execution,
    in_doubt_if_unread,
)
from beel_mcp.writes.run.gate import ConfirmationGate, Executed, NotConfirmed, Result, Waiting
from beel_mcp.writes.run.reconciliation import Reconciliation

logger = logging.getLogger(__name__)
A = TypeVar("A", bound=ChangeAnswer)
P = TypeVar("P", bound=WriteAnswer)
Verdict = Result | OnPageAnswered | Agreed

PREVIEW_LIMIT_S: Final = 43.0


class WriteCall:
    """One call of a tool that writes: its gate, its execution, and what it can look up."""

    def __init__(self, state: AppState, owner: str, asking: Asking) -> None:
        self.state = state
        self.caller = owner
        self.asking = asking
        self.context = write_context(state, owner)
        self.execution = Execution(self.context, self.state.writes, self.state.timing.sleep)
        self.deadline = Deadline(self.state.timing.patience_s)
        self.gate = ConfirmationGate(
            self.context,
            self.state.writes,
            self.execution,
            asking,
            caller=owner,
            patience_s=self.state.timing.patience_s,
        )

    async def verdict(self, consent: Consent) -> Verdict:
        """Tell whether a person said yes; the time that they took is not the call's."""
        instead = instead_of(consent)
        if isinstance(instead, OnPage):
            return await answered_on_page(self.state, instead)
        verdict = await self.gate.verdict(consent)
        self.deadline = Deadline(self.state.timing.patience_s)
        return verdict

    async def answer(self, consent: Consent) -> Result | OnPageAnswered:
        """Execute what the person said yes to, or say what happened instead.

        Raises:
            BeelMcpError: nothing was sent.
        """
        verdict = await self.verdict(consent)
        return await self.gate.execute(verdict) if isinstance(verdict, Agreed) else verdict

    async def outcome(self, operation: Operation) -> Outcome:
        """Give an operation as it is now, with what is recorded of its rows."""
        state = self.state
        with in_doubt_if_unread(operation.operation_id):
            [outcome] = await read_outcomes(state.journal, state.writes, operation.operation_id)
        return outcome

    async def is_running(self, operation: Operation) -> bool:
        """Tell whether somebody is at an operation: this process, or another one."""
        is_here = self.state.writes.running(operation.operation_id) is not None
        return is_here or await self.state.journal.lease.runs_elsewhere(operation)

    async def find_operation(self, operation_id: str) -> Operation:
        """Find an operation of this caller.

        Raises:
            CallerError: there is none with this id.
        """
        return await find_operation(self.state, self.caller, operation_id)

    async def open_operations(self, account: Account) -> list[OpenOperation]:
        """List what waits for its turn, is running, unsettled or interrupted."""
        state = self.state
        found = await state.journal.not_over(account, self.caller, state.writes.running)
        return [open_operation(one, running=running) for one, running in found]

    async def ended_operations(
        self, account: Account, page: int
    ) -> tuple[list[EndedOperation], int]:
        """List a page of what ended in the last 24 hours, the newest first, and how many did."""
        recent = over(await self.state.journal.recent(self.caller), account.ledger_id)
        undoings = undone(recent)
        start = (page - 1) * LONG_PAGE_SIZE
        ids = [found.operation_id for found in recent[start : start + LONG_PAGE_SIZE]]
        outcomes = await read_outcomes(self.state.journal, self.state.writes, *ids)
        return [
            ended_operation(outcome, undoings.get(outcome.operation.operation_id))
            for outcome in outcomes
        ], len(recent)

    @asynccontextmanager
    async def in_doubt(self, operation_id: str) -> AsyncIterator[None]:
        """Let no error say that nothing was changed while nobody knows what an operation did."""
        try:
            yield
        except JournalError as error:
            raise error.in_doubt(operation_id, retryable=True) from error
        except ApiError as error:
            operation = await self.state.journal.find(operation_id, self.caller)
            if operation is not None and operation.is_open:
                error.changed = "unknown"
                error.next_calls = error.next_calls or (settling_call(operation_id),)
            raise

    async def settle(self, operation: Operation) -> tuple[Operation, int | None]:
        """Wait for an operation, or find out by reading what became of it.

        Returns it as it is now, and the seconds after which to ask again, if time ran out.

        Raises:
            BeelMcpError: BeeL cannot be read.
        """
        journal, operation_id = self.state.journal, operation.operation_id
        retry_after_s: int | None
        if running := self.state.writes.running(operation_id):
            retry_after_s = None if await running.wait(self.deadline.left_s) else RETRY_AFTER_S
        elif await journal.lease.runs_elsewhere(operation):
            retry_after_s = RETRY_AFTER_S
        else:
            write = self.gate.write(operation.kind, {})
            reconciliation = Reconciliation(journal, self.state.timing.sleep)
            until = journal.time() + self.deadline.left_s
            async with self.in_doubt(operation_id):
                retry_after_s = await reconciliation.settle(operation_id, write, until)
        operation = await journal.get(operation_id)
        is_over = not operation.is_open and not await self.is_running(operation)
        if operation.ended_at is None and is_over:
            with suppress(JournalError):  # what is done is told, whether or not that is noted
                await journal.end(operation_id)  # what was left half sent is known to somebody now
            operation = await journal.get(operation_id)
        return operation, retry_after_s

    async def sendable(self, operation: Operation) -> list[Chunk]:
        """List what of an operation was not sent, and may be now."""
        return await self.state.journal.sendable(operation.chunks)

    async def resume(
        self, operation: Operation, write: Write
    ) -> tuple[Operation, BeelMcpError | None]:
        """Go on with an operation: wait for it, settle what is unknown, send what was never sent.

        Returns it as it is now, and why the rest was not sent.

        Raises:
            BeelMcpError: nothing was sent.
        """
        is_running = self.state.writes.running(operation.operation_id) is not None
        operation, _ = await self.settle(operation)
        if is_running or operation.is_open or not await self.sendable(operation):
            return operation, None
        return await self.execution.finish(operation, write, self.deadline)

    def executed(self, operation: Operation, stopped: BeelMcpError | None = None) -> Executed:
        """Say what a decision became, and that another call carried it out where one did."""
        is_over = not (operation.is_open or operation.is_left_to_send)
        replayed = is_over and not self.execution.has_sent
        return Executed(operation, replayed=replayed, stopped=stopped)

    async def changed(self, answer: type[A], result: Result | OnPageAnswered, tool: str) -> A:
        """Answer a call that changes records."""
        if isinstance(result, OnPageAnswered):
            return result.told(answer)
        if isinstance(result, Executed):
            told = change_answer(
                answer, await self.outcome(result.operation), replayed=result.replayed
            )
            return with_remarks(told, result.preview)
        if isinstance(result, NothingToDo):
            return nothing_to_change(answer, result.preview, tool)
        unanswered = await self.unconfirmed(answer, result, tool)
        if not isinstance(result, Waiting):
            return unanswered
        # How many are already so is in the statement; which, in the outcome.
        preview = result.plan.preview
        left_out = left_out_fields(preview, KINDS[tool].words)
        return unanswered.model_copy(update={"requested": preview.requested, **left_out})

    async def unconfirmed(self, answer: type[P], result: Result | OnPageAnswered, tool: str) -> P:
        """Answer a call whose plan waits for its yes, or whose yes did not come."""
        match result:
            case OnPageAnswered():
                return result.told(answer)
            case Waiting(plan):
                view = None if plan.shown_as == "page" else await view_of_plan(self.state, plan)
                return answer(**waiting(result), view=view)
            case NotConfirmed():
                return answer(**not_confirmed(result)).with_changed(result.changed)
        raise crashed(tool)


def with_remarks(answer: P, preview: Preview | None) -> P:
    """Tell the model what the person was told to be doubtful, or would have been."""
    if preview is None:
        return answer
    return answer.model_copy(update=remark_fields(preview.remarks, len(preview.affected)))


async def write_call(ctx: Context[AppState]) -> WriteCall:
    """Make the gate of a request, from what its app can do and the operator has set."""
    return call_of(ctx)


def call_of(ctx: Context[AppState]) -> WriteCall:
    """Make the gate of a request, where no resolver can give it."""
    return WriteCall(app_state(ctx), caller(), asking_of(ctx))


Call = Annotated[WriteCall, Resolve(write_call)]


async def asked(
    ctx: Context[AppState],
    call: WriteCall,
    tool: str,
    question: Callable[[], Awaitable[Question]],
) -> Question:
    """Ask, within the time of a call; the SDK would hide what a resolver raises.

    A person has longer to open a page.
    """
    if there := app_has_opened(ctx, tool, call.caller):
        return there
    try:
        with anyio.fail_after(PREVIEW_LIMIT_S):
            made = await question()
        return await opened(ctx, call.asking, tool, made) if isinstance(made, OnPage) else made
    except BeelMcpError as error:
        return Refused(error)
    except TimeoutError:
        return Refused(
            CallerError(
                f"BeeL did not show all of these records within {PREVIEW_LIMIT_S:.0f} s; nobody was"
                " asked.",
                code="deadline",
                retryable=True,
                remedy="Try again, or with fewer records at a time.",
            )
        )
    except Exception:
        logger.exception("%s could not be planned", tool)
        return Refused(crashed(tool))


def chosen(
    ctx: Context[AppState],
    noun: Noun,
    ids: Sequence[str] | None,
    selection_id: str | None,
    *,
    most: int,
) -> dict[str, Any]:
    """Give the argument of ids that a plan keeps: it survives a restart, a selection does not.

    Raises:
        CallerError: neither ids nor a selection was given, or both, or too many.
    """
    if selection_id or not ids:
        ids = app_state(ctx).selections.ids(noun, caller(), ids, selection_id, most=most)
    return {f"{noun.removesuffix('s')}_ids": list(ids)}


async def ask(
    ctx: Context[AppState], tool: str, arguments: Callable[[], Mapping[str, Any]]
) -> Question:
    """Ask the person about a change, or return what stands instead of a question.

    `arguments` are read in there: it may raise BeelMcpError.
    """

    async def question() -> Question:
        return await call.gate.ask(call.gate.write(tool, arguments()))

    call = call_of(ctx)
    return await asked(ctx, call, tool, question)
