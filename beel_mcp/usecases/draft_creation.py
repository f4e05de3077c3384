"""create_draft_invoice: one draft in BeeL, once, whatever happens to the answer."""

from collections.abc import Mapping
from typing import Any

import anyio
from mcp.server.mcpserver import Context

from beel_mcp.answers.creations import DraftAnswer, draft_answer, found_again
from beel_mcp.answers.plan import remark_fields
from beel_mcp.api.company import Account
from beel_mcp.api.models import Invoice
from beel_mcp.context import AppState, app_state
from beel_mcp.errors import NotFoundError
from beel_mcp.usecases.confirmation import WriteCall, asked, call_of
from beel_mcp.writes.consent.elicitation import Consent, Decided, NotNeeded, Question
from beel_mcp.writes.journal.entries import DecidedMeanwhileError
from beel_mcp.writes.journal.records import Decision, Operation
from beel_mcp.writes.kinds.create_draft import DraftCreation, invoice_facts
from beel_mcp.writes.run.execution import Agreed, plan_not_open
from beel_mcp.writes.run.gate import Executed

TOOL = DraftCreation.name


async def ask_to_draft(ctx: Context[AppState], values: Mapping[str, Any]) -> Question:
    """Ask the person, if the operator wants a yes for what only adds."""
    if not app_state(ctx).settings.confirm_creates:  # guard: the operator's word for a draft
        return NotNeeded()
    call = call_of(ctx)
    return await asked(ctx, call, TOOL, lambda: _ask(call, values))


async def _ask(call: WriteCall, values: Mapping[str, Any]) -> Question:
    call.gate.check()
    drafting = Drafting(call, values)
    if earlier := await drafting.earlier():
        return Decided(earlier[0])
    return await call.gate.ask(drafting.write)


async def create_draft(call: WriteCall, consent: Consent, values: Mapping[str, Any]) -> DraftAnswer:
    """Create the draft that was asked for and agreed to, or say what happened instead.

    Raises:
        BeelMcpError: nothing was sent, or BeeL refused it.
    """
    verdict = await call.verdict(consent)
    if isinstance(verdict, Agreed):
        return await draft_agreed(call, verdict)
    if isinstance(verdict, Executed):
        return draft_answer(await call.outcome(verdict.operation), verdict)
    if isinstance(verdict, NotNeeded):
        return await Drafting(call, values).create()
    if isinstance(verdict, Decided):
        return await Drafting(call, values).find_again(verdict.operation)
    return await call.unconfirmed(DraftAnswer, verdict, TOOL)


async def draft_agreed(call: WriteCall, agreed: Agreed) -> DraftAnswer:
    """Create the draft of a plan that the person agreed to, for whom they saw.

    Raises:
        BeelMcpError: nothing was sent, or BeeL refused it.
    """
    drafting = Drafting(call, agreed.plan.arguments)
    write = drafting.write
    if differs := await call.gate.changed_since(agreed, write, await write.preview()):
        return await call.unconfirmed(DraftAnswer, differs, TOOL)
    return await drafting.create(agreed)


class Drafting:
    """Creates the draft of one call, or finds what an earlier call made of the very same one."""

    def __init__(self, call: WriteCall, values: Mapping[str, Any]) -> None:
        self.write = DraftCreation(call.context, values)
        self._call = call
        self._journal = call.state.journal
        self._beel = call.state.beel
        self._digest = self.write.request

    async def earlier(self) -> tuple[Operation, Invoice | None] | None:
        """Find what a call of the last day made of the very same draft, if that still stands.

        One that was deleted or issued meanwhile is no reason not to make another. The invoice is
        given where it was known before this call to have been created.

        Raises:
            BeelMcpError: BeeL cannot be asked.
        """
        for decided in await self._decided(await self._beel.account()):
            operation, _ = await self._call.settle(decided)
            if await self._call.is_running(operation) or operation.is_open:
                return operation, None
            if operation.is_committed:
                if decided.is_open:  # its answer was lost, or is not a minute old
                    return operation, None
                if invoice := await self._standing(operation):
                    return operation, invoice
        return None

    async def find_again(self, operation: Operation) -> DraftAnswer:
        """Say what became of the very same draft, which an earlier call decided."""
        if earlier := await self.earlier():
            return await self._told(*earlier)
        return await self._told(operation, None)

    async def create(self, agreed: Agreed | None = None) -> DraftAnswer:
        """Create it; a plan that was agreed to is spent on it.

        Raises:
            BeelMcpError: nothing was sent, or BeeL refused it.
        """
        account, execution = await self._beel.account(), self._call.execution
        seen = await self._decided(account)
        if earlier := await self.earlier():
            return await self._told(*earlier)
        await self.write.list_known()
        for begun in await self._decided(account):
            # Proven not to be there, or never sent: it goes on under its own key.
            if len(await self._call.sendable(begun)) == len(begun.chunks):
                return await self._finish(await execution.go_on(begun, agreed))
        decision = Decision(
            kind=TOOL,
            caller=self._call.caller,
            subject=await self._subject(),
            payload_digest=self._digest,
            account=account,
            total=1,
            checked_at=self._journal.time(),
        )
        chunks = self.write.chunks()
        try:
            operation = await execution.begin(decision, chunks, self.write, agreed, seen)
        except DecidedMeanwhileError:
            return await self.create(agreed)
        if operation is None:
            raise plan_not_open()
        return await self._finish(operation)

    async def _finish(self, operation: Operation) -> DraftAnswer:
        now, error = await self._call.execution.finish(operation, self.write, self._call.deadline)
        if error and not now.is_open and not now.is_committed:
            raise error
        answer = draft_answer(await self._call.outcome(now), self._call.executed(now))
        if now.is_committed:
            with anyio.move_on_after(self._call.deadline.left_s):
                answer = answer.model_copy(update=remark_fields(await self.write.remarks()))
        return answer

    async def _told(self, operation: Operation, invoice: Invoice | None) -> DraftAnswer:
        if invoice is not None:
            return found_again(operation, invoice_facts(invoice, self.write.draft))
        return draft_answer(await self._call.outcome(operation), Executed(operation))

    async def _decided(self, account: Account) -> list[Operation]:
        return await self._journal.decided(TOOL, self._digest, account, self._call.caller)

    async def _subject(self) -> str:
        """Give the decision a number of its own: two processes cannot make the same one."""
        number, find = 1, self._journal.find_decision
        while await find(TOOL, self._call.caller, f"{self._digest}-{number}"):
            number += 1
        return f"{self._digest}-{number}"

    async def _standing(self, operation: Operation) -> Invoice | None:
        """Read the draft that was made before; None if it is none any more."""
        records = await self._journal.personal_data.record(operation.chunks[0])
        if not records or not records[0].record_id:
            return None
        try:
            invoice = await self._beel.invoices.get(records[0].record_id)
        except NotFoundError:
            return None
        return invoice if invoice.is_draft else None
