"""What guarded tools share: the guard of this request, the question, and the answer."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar

import anyio
from anyio import to_thread
from mcp.server.mcpserver import Context, Resolve

from beel_mcp.answers.batches import CreationAnswer
from beel_mcp.answers.changes import ChangeAnswer, ConfirmationAnswer, answer_to
from beel_mcp.answers.creations import creation_answer
from beel_mcp.answers.drafts import DraftAnswer, draft_answer
from beel_mcp.answers.plan import not_confirmed, waiting
from beel_mcp.api.models import Customer
from beel_mcp.context import AppState, app_state, asking_of, caller
from beel_mcp.errors import BeelMcpError, CallerError
from beel_mcp.files.output import save_file
from beel_mcp.lists.export.workbook import backup_csv
from beel_mcp.tools.declare import crashed
from beel_mcp.writes.consent.elicitation import Question, Refused, Told
from beel_mcp.writes.kinds.create_customers import KIND as CREATION
from beel_mcp.writes.kinds.create_draft import KIND as NEW_DRAFT
from beel_mcp.writes.kinds.deactivate_customers import Deactivation
from beel_mcp.writes.kinds.delete_drafts import KIND as DRAFTS
from beel_mcp.writes.kinds.delete_drafts import DraftDeletion
from beel_mcp.writes.kinds.protocol import Change
from beel_mcp.writes.kinds.update_customers import KIND as UPDATE
from beel_mcp.writes.kinds.update_customers import Update
from beel_mcp.writes.run.chunk_result import known_rows
from beel_mcp.writes.run.execution import Changing
from beel_mcp.writes.run.gate import CarriedOut, Guard, NotConfirmed, Result, Waiting

logger = logging.getLogger(__name__)
A = TypeVar("A", bound=ChangeAnswer)

LOOK_LIMIT_S: Final = 43.0


class Guarded:
    """The guard of one request, and its results in words."""

    def __init__(self, state: AppState, guard: Guard) -> None:
        self.state = state
        self.guard = guard

    def change_of(self, kind: str, arguments: Mapping[str, Any]) -> Change:
        """Make the change that an operation was made of, to look after it."""
        return change_of(self.state, kind, arguments)

    def told_creation(self, result: Result) -> CreationAnswer:
        """Put a result of create_customers into words, where nothing was created by this call."""
        if isinstance(result, Told):
            known: CreationAnswer = result.answer
            return known
        if isinstance(result, CarriedOut):
            operation = result.operation
            return creation_answer(
                operation,
                self.state.journal.private.records(operation),
                running=self.state.writes.running(operation.operation_id) is not None,
                replayed=result.replayed,
            )
        if isinstance(result, Waiting):
            return CreationAnswer(**waiting(result))
        if isinstance(result, NotConfirmed):
            return CreationAnswer(**not_confirmed(result))
        raise crashed(CREATION)

    def told_draft(self, result: Result) -> DraftAnswer:
        """Put a result of create_draft_invoice into words, where this call created nothing."""
        if isinstance(result, Told):
            known: DraftAnswer = result.answer
            return known
        if isinstance(result, CarriedOut):
            operation = result.operation
            return draft_answer(
                operation,
                self.state.journal.private.records(operation),
                running=self.state.writes.running(operation.operation_id) is not None,
                replayed=result.replayed,
            )
        if isinstance(result, Waiting):
            return DraftAnswer(**waiting(result))
        if isinstance(result, NotConfirmed):
            return DraftAnswer(**not_confirmed(result))
        raise crashed(NEW_DRAFT)

    def confirmed(self, result: Result) -> ConfirmationAnswer:
        """Put the result of confirm_plan into the words of the tool whose plan it was."""
        if isinstance(result, CarriedOut) and result.operation.kind == CREATION:
            return confirmed_addition(self.told_creation(result), CREATION)
        if isinstance(result, CarriedOut) and result.operation.kind == NEW_DRAFT:
            return confirmed_addition(self.told_draft(result), NEW_DRAFT)
        plan = result.plan if isinstance(result, NotConfirmed | Waiting) else None
        kind = result.operation.kind if isinstance(result, CarriedOut) else plan and plan.kind
        answer = self.told(ConfirmationAnswer, result, kind or "confirm_plan")
        return answer.model_copy(update={"tool": kind})

    def told(self, kind: type[A], result: Result, tool: str) -> A:
        """Put a result into words."""
        journal, operation = self.state.journal, None
        if isinstance(result, CarriedOut):
            operation = result.operation
        return answer_to(
            kind,
            result,
            tool,
            known_rows(journal, operation) if operation else {},
            running=bool(operation and self.state.writes.running(operation.operation_id)),
        )


def confirmed_addition(answer: CreationAnswer | DraftAnswer, tool: str) -> ConfirmationAnswer:
    """Give the fields of a tool that only adds as confirm_plan's."""
    return ConfirmationAnswer(**answer.model_dump(exclude_none=True), tool=tool)


def change_of(state: AppState, kind: str, arguments: Mapping[str, Any]) -> Change:
    """Make the change of a guarded tool."""
    if kind == DRAFTS:
        return DraftDeletion(state.beel, arguments)
    if kind == UPDATE:

        async def note(before: Sequence[Mapping[str, Any]]) -> str:
            return await to_thread.run_sync(_save_before, state, before)

        return Update(state.beel, arguments, note)

    async def keep(customers: Sequence[Customer]) -> str:
        return await to_thread.run_sync(_save_backup, state, customers)

    return Deactivation(state.beel, arguments, keep)


def guarded_call(ctx: Context[AppState]) -> Guarded:
    """Make the guard of a request, from what its app can do and the operator has set."""
    state = app_state(ctx)
    changing = Changing(state.beel, state.journal, state.writes, state.timing.sleep)
    guard = Guard(
        state.beel,
        state.journal,
        state.writes,
        changing,
        asking_of(ctx),
        change_of=lambda kind, arguments: change_of(state, kind, arguments),
        caller=caller(),
        patience_s=state.timing.patience_s,
    )
    return Guarded(state, guard)


GuardedCall = Annotated[Guarded, Resolve(guarded_call)]


async def ask(ctx: Context[AppState], kind: str, arguments: Mapping[str, Any]) -> Question:
    """Ask the person about a change, or say what stands instead of a question."""
    return await asked(kind, lambda: guarded_call(ctx).guard.ask(kind, arguments))


async def asked(tool: str, question: Callable[[], Awaitable[Question]]) -> Question:
    """Ask, within the time of a call; the SDK would hide what a resolver raises."""
    try:
        with anyio.fail_after(LOOK_LIMIT_S):
            return await question()
    except BeelMcpError as error:
        return Refused(error)
    except TimeoutError:
        return Refused(_too_slow())
    except Exception:
        logger.exception("%s could not be planned", tool)
        return Refused(crashed(tool))


def _too_slow() -> BeelMcpError:
    return CallerError(
        f"BeeL did not show all of these records within {LOOK_LIMIT_S:.0f} s; nobody was asked.",
        code="deadline",
        retryable=True,
        remedy="Try again, or with fewer records at a time.",
    )


def _save_backup(state: AppState, customers: Sequence[Customer]) -> str:
    """Save customers as a list that validate_customers reads."""
    today = state.timing.now().date().isoformat()
    rows = [customer.model_dump(mode="json") for customer in customers]
    path = save_file(state.settings.files_dir, f"clientes {today}.csv", backup_csv(rows))
    return str(path)


def _save_before(state: AppState, before: Sequence[Mapping[str, Any]]) -> str:
    """Save old values as calls of update_customers that put them back."""
    today = state.timing.now().date().isoformat()
    text = json.dumps({"update_customers": before}, ensure_ascii=False, indent=2)
    name = f"clientes antes del cambio {today}.json"
    return str(save_file(state.settings.files_dir, name, text.encode()))
