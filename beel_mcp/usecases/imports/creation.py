"""create_customers: from a validated batch, or inline rows, to customers in BeeL."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from mcp.server.mcpserver import Context

from beel_mcp.answers.answer import NEXT_CAP, next_steps, plural
from beel_mcp.answers.batch_rows import changed_fields
from beel_mcp.answers.creations import CreationAnswer, CreationCounts, creation_answer
from beel_mcp.answers.problems import problem_fields, skipped_rows_fields
from beel_mcp.answers.validation import continuing_call, creation_call, document_call
from beel_mcp.context import AppState, app_state
from beel_mcp.errors import CallerError, FieldError, NextCall
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.batch_store import superseded
from beel_mcp.lists.inline import changed_values, read_inline
from beel_mcp.usecases.advice import with_namesakes
from beel_mcp.usecases.confirmation import WriteCall, asked, call_of, with_remarks
from beel_mcp.usecases.imports.validation import Validator, is_old
from beel_mcp.usecases.write_context import batch_rows
from beel_mcp.writes.consent.elicitation import Consent, Decided, NothingToDo, NotNeeded, Question
from beel_mcp.writes.journal.entries import DecidedMeanwhileError
from beel_mcp.writes.journal.records import Decision, Operation
from beel_mcp.writes.kinds.create_customers import (
    CustomerCreation,
    is_overtaken,
    refuse_double,
)
from beel_mcp.writes.run.execution import Agreed, check_account, plan_not_open
from beel_mcp.writes.run.gate import Executed

TOOL = CustomerCreation.name
CHANGES = 3  # kinds of changed values that an answer tells


@dataclass(frozen=True)
class CreateRequest:
    """The arguments of create_customers."""

    customers: Sequence[Any] | None
    batch_id: str | None
    expected_count: int | None
    skip_problems: bool

    def __post_init__(self) -> None:
        """Take an empty list beside a batch for none: some apps fill in everything."""
        if not self.customers and self.batch_id:
            object.__setattr__(self, "customers", None)

    def check(self) -> None:
        """Refuse arguments that do not go together.

        Raises:
            CallerError: they do not.
        """
        inline = self.customers is not None
        if inline == (self.batch_id is not None) or (inline and self.skip_problems):
            raise CallerError(
                "Give either batch_id (from validate_customers) or customers; skip_problems goes"
                " with batch_id."
            )


async def ask_to_create(ctx: Context[AppState], request: CreateRequest) -> Question:
    """Ask the person, if the operator wants a yes for what only adds."""
    if not app_state(ctx).settings.confirm_creates:  # guard: the operator's word
        return NotNeeded()
    call = call_of(ctx)
    return await asked(ctx, call, TOOL, lambda: _ask(call, request))


async def _ask(call: WriteCall, request: CreateRequest) -> Question:
    request.check()
    call.gate.check()
    if earlier := await _earlier(call, request.batch_id):
        if earlier.confirmed_by is None:  # guard: begun before a yes was wanted
            raise CallerError(
                "The creation of this batch was begun before the operator wanted a person's yes.",
                code="batch_expired",
                remedy="Call validate_customers again with the same list.",
            )
        return Decided(earlier)
    batch = await _ready_batch(call, request)
    write = _write(call, batch)
    if has_problems(batch, request):
        return NothingToDo(await write.preview())
    if request.batch_id is None:
        await call.state.batches.add(batch)
    return await call.gate.ask(write)


async def create(call: WriteCall, consent: Consent, request: CreateRequest) -> CreationAnswer:
    """Create what was asked for and agreed to, or say what happened instead.

    Raises:
        BeelMcpError: nothing was sent.
    """
    verdict = await call.verdict(consent)
    if isinstance(verdict, Agreed):
        return await create_agreed(call, verdict)
    if isinstance(verdict, Executed):
        return await _answer(call, verdict)
    if isinstance(verdict, Decided):
        return await _go_on(call, verdict.operation, request.expected_count)
    if isinstance(verdict, NothingToDo):
        return nothing_created(await _ready_batch(call, request), request)
    if isinstance(verdict, NotNeeded):
        return await _create_without_asking(call, request)
    return await call.unconfirmed(CreationAnswer, verdict, TOOL)


async def create_agreed(call: WriteCall, agreed: Agreed) -> CreationAnswer:
    """Create the batch of a plan that the person agreed to, if it still is as it was shown.

    Raises:
        BeelMcpError: nothing was sent.
    """
    batch = await call.state.batches.get(agreed.plan.arguments["batch_id"], call.caller)
    await _refuse_superseded(call, batch.batch_id)
    write = _write(call, batch)
    if differs := await call.gate.changed_since(agreed, write, await write.preview()):
        return await call.unconfirmed(CreationAnswer, differs, TOOL)
    answer = await _answer(call, await _execute(call, batch, agreed))
    answer = with_remarks(answer, agreed.plan.preview)
    return _with_left_out(answer, batch)


async def _create_without_asking(call: WriteCall, request: CreateRequest) -> CreationAnswer:
    request.check()
    if earlier := await _earlier(call, request.batch_id):
        return await _go_on(call, earlier, request.expected_count)
    batch = await _ready_batch(call, request)
    if has_problems(batch, request):
        await call.state.batches.add(batch)
        return nothing_created(batch, request)
    answer = await _answer(call, await _execute(call, batch))
    if request.batch_id:
        return _with_left_out(answer, batch)
    # What is worth telling about rows that were created without a check before.
    return answer.model_copy(update={**problem_fields(batch), **changed_fields(batch, CHANGES)})


async def _earlier(call: WriteCall, batch_id: str | None) -> Operation | None:
    """Find what was made of a batch before, in this process or another."""
    if batch_id is None:
        return None
    return await call.state.journal.find_decision(TOOL, call.caller, batch_id)


def _write(call: WriteCall, batch: Batch) -> CustomerCreation:
    context = replace(call.context, batch=batch_rows(batch, call.state))
    return CustomerCreation(context, {"batch_id": batch.batch_id})


async def _go_on(
    call: WriteCall, operation: Operation, expected_count: int | None
) -> CreationAnswer:
    """Go on with a decision: wait for it, settle what is unknown, send what was never sent.

    Raises:
        CallerError: another number was agreed to, or BeeL would not take the rest any more.
        BeelMcpError: nothing was sent.
    """
    check_account(operation, await call.state.beel.account())
    now, stopped = operation, None
    if operation.is_open or await call.sendable(operation):
        _hold_count(operation, expected_count)
        write = CustomerCreation(call.context, {"batch_id": operation.subject})
        now, stopped = await call.resume(operation, write)
    executed = call.executed(now, stopped)
    return await _answer(call, replace(executed, replayed=executed.replayed or now == operation))


def _hold_count(operation: Operation, expected_count: int | None) -> None:
    """Hold the number that the person agreed to against what was begun.

    Raises:
        CallerError: they differ.
    """
    if expected_count != operation.planned:
        raise CallerError(
            f"The creation of this batch was begun with {operation.planned} rows and has not"
            " ended.",
            code="wrong_count",
            field_errors=(FieldError("expected_count", f"must be {operation.planned}"),),
        )


async def _execute(call: WriteCall, batch: Batch, agreed: Agreed | None = None) -> Executed:
    """Record the decision and carry it out; a plan that was agreed to is spent on it.

    Raises:
        BeelMcpError: nothing was sent.
    """
    journal, write = call.state.journal, _write(call, batch)
    account = await call.state.beel.account()
    # Another call with the same batch may have decided while this one waited.
    if earlier := await _earlier(call, batch.batch_id):
        check_account(earlier, account)
        if earlier.is_open or await call.sendable(earlier):
            _hold_count(earlier, len(write.batch.rows))
        now, stopped = await call.resume(await call.execution.go_on(earlier, agreed), write)
        return call.executed(now, stopped)
    seen = await journal.decided(TOOL, batch.payload_digest, account, call.caller)
    rows, known_upto = write.batch.rows, write.batch.known_upto
    await refuse_double(journal, account, rows, batch.batch_id, known_upto)
    if begun := await _begun(call, seen, write):
        begun = await call.execution.go_on(begun, agreed)
        now, stopped = await call.execution.finish(begun, write, call.deadline)
        return call.executed(now, stopped)
    decision = Decision(
        kind=TOOL,
        caller=call.caller,
        subject=batch.batch_id,
        payload_digest=batch.payload_digest,
        account=account,
        total=len(batch.rows),
        checked_at=write.batch.checked_at,
        known_upto=known_upto,
    )
    try:
        operation = await call.execution.begin(decision, write.chunks(), write, agreed, seen)
    except DecidedMeanwhileError:
        return await _execute(call, batch, agreed)
    if operation is None:
        raise plan_not_open()
    now, stopped = await call.execution.finish(operation, write, call.deadline)
    return call.executed(now, stopped)


async def _begun(
    call: WriteCall, decided: Sequence[Operation], write: CustomerCreation
) -> Operation | None:
    """Find the same decision, begun and not carried out: it goes on under its own keys."""
    journal = call.state.journal
    begun = next((one for one in decided if one.is_left_to_send), None)
    if not begun or len(await call.sendable(begun)) < len(begun.chunks):
        return None
    kept = await journal.personal_data.payload(*begun.chunks)
    if [row.payload for row in kept] != [row.payload for row in write.batch.rows]:
        return None
    return None if await is_overtaken(journal, begun, kept) else begun


async def _answer(call: WriteCall, executed: Executed) -> CreationAnswer:
    batches = call.state.batches.of(call.caller)
    subject = executed.operation.subject
    can_check = any(batch.batch_id == subject for batch in batches)
    outcome = await call.outcome(executed.operation)
    return creation_answer(outcome, executed, can_check=can_check)


async def _ready_batch(call: WriteCall, request: CreateRequest) -> Batch:
    """Give the batch, checked lately, and hold the count that the person agreed to against it.

    Raises:
        BeelMcpError: it cannot be checked, or the count differs.
    """
    state = call.state
    validator = Validator(state.beel, state.journal, state.timing.now, call.deadline.at)
    if request.batch_id is None:
        rows = read_inline(request.customers or [])
        changes = changed_values(request.customers or [])
        given = Batch(call.caller, "inline", rows, values_changed=changes)
        batch = await with_namesakes((await validator.validate(given))[0], state.beel)
        if request.expected_count not in (None, len(batch.rows)):
            fact = f"{len(batch.rows)} customers were given"
            raise _wrong_count(request.expected_count, len(batch.rows), fact)
        return batch
    batch = await state.batches.get(request.batch_id, call.caller)
    await _refuse_superseded(call, batch.batch_id)
    if any(check and is_old(check, state.timing.now) for check in batch.checks):
        batch, _ = await validator.validate(batch)  # BeeL may have changed since
        await state.batches.replace(batch)
    check_count(batch, request.expected_count, skip_problems=request.skip_problems)
    return batch


async def _refuse_superseded(call: WriteCall, batch_id: str) -> None:
    """Refuse a list that the person has corrected on its page: they mean what they made of it.

    Raises:
        CallerError: they did; the call that goes on is in it.
    """
    if newer := call.state.batches.superseded_by(batch_id, call.caller):
        made = await call.state.batches.get(newer, call.caller)
        raise superseded(newer, creation_call(made))


def has_problems(batch: Batch, request: CreateRequest) -> bool:
    """Tell whether rows with problems keep the others from being created."""
    return not request.skip_problems and len(batch.importable()) < len(batch.rows)


def check_count(batch: Batch, expected_count: int | None, *, skip_problems: bool) -> None:
    """Hold the number that the person agreed to against what would be created.

    Raises:
        CallerError: they differ, or nothing can be created.
    """
    importable = len(batch.importable())
    if expected_count is None:
        raise CallerError(
            f"create_customers needs expected_count with batch_id; {importable} rows of this"
            " batch can be created.",
            field_errors=(FieldError("expected_count", "is required with batch_id"),),
        )
    if unchecked := batch.counts()["unchecked"]:
        raise CallerError(
            f"{plural(unchecked, 'row')} of this batch {'is' if unchecked == 1 else 'are'} not"
            " checked yet.",
            code="unchecked_rows",
            retryable=True,
            next_calls=(continuing_call(batch),),
        )
    if expected_count == importable > 0:
        return
    if not importable:
        listing = NextCall("list_batch_rows", {"batch_id": batch.batch_id}, "says why, row by row")
        message = "No row of this batch can be created."
        raise CallerError(message, code="nothing_importable", next_calls=(listing,))
    all_go = skip_problems or importable == len(batch.rows)
    raise _wrong_count(
        expected_count,
        importable,
        f"{importable} of {len(batch.rows)} rows can be created",
        remedy="Tell the person the right number and ask again."
        if all_go
        else "The other rows have problems: ask the person whether to leave them out.",
        next_calls=(call,) if (call := creation_call(batch)) else (),
    )


def _wrong_count(stated: int | None, right: int, fact: str, **details: Any) -> CallerError:
    return CallerError(
        f"expected_count is {stated}, but {fact}.",
        code="wrong_count",
        field_errors=(FieldError("expected_count", f"must be {right}"),),
        **details,
    )


def nothing_created(batch: Batch, request: CreateRequest) -> CreationAnswer:
    """Say which rows keep the batch from being created."""
    others = len(batch.rows) - len(batch.importable())
    return CreationAnswer(
        status="nothing_done",
        summary=f"Nothing was created: {plural(others, 'row')} of {len(batch.rows)}"
        f" {'has' if others == 1 else 'have'} problems.",
        total=len(batch.rows),
        counts=CreationCounts(not_attempted=len(batch.rows)),
        **problem_fields(batch),
        # Inline rows were never agreed to without the others.
        next=next_steps(creation_call(batch) if request.batch_id else None, document_call(batch)),
    )


def _with_left_out(answer: CreationAnswer, batch: Batch) -> CreationAnswer:
    """Say which rows were left out; the calls that show them come after what goes on."""
    fields = skipped_rows_fields(batch)
    steps = [*(answer.next or ()), *(fields["next"] or ())][:NEXT_CAP]
    return answer.model_copy(update={**fields, "next": steps or None})
