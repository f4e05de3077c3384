"""From a draft that was asked for to one in BeeL: once, whatever happens to the answer."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import anyio

from beel_mcp.answers.drafts import DraftAnswer, draft_answer, found_again
from beel_mcp.api.company import Account
from beel_mcp.api.models import Invoice
from beel_mcp.api.new_draft import NewDraft, read_draft
from beel_mcp.context import AppState, caller
from beel_mcp.errors import NotFoundError
from beel_mcp.usecases.confirmation import Guarded
from beel_mcp.usecases.imports.creation import in_the_dark
from beel_mcp.writes.journal.database import JournalError
from beel_mcp.writes.journal.plan import Look
from beel_mcp.writes.journal.records import Decision, Operation, Planned
from beel_mcp.writes.kinds.create_draft import (
    KIND,
    Drafting,
    DraftSettling,
    digest,
    drafts_of,
    invoice_facts,
    planned_row,
)
from beel_mcp.writes.kinds.creation_plan import DraftAddition
from beel_mcp.writes.run.gate import Agreed, not_open


class Drafter:
    """Creates the draft of one call, or finds what an earlier call made of the very same one."""

    def __init__(self, state: AppState, values: Mapping[str, Any]) -> None:
        self._state = state
        self._values = values
        self.draft: NewDraft = read_draft(values)
        self.digest = digest(self.draft)
        self._drafting = Drafting(state.beel, state.journal, state.writes)
        self._ends_at = anyio.current_time() + state.timing.patience_s

    async def shown(self) -> tuple[DraftAddition, Look]:
        """Give what a person is shown of it: whom it is for is read from BeeL, now.

        Raises:
            BeelMcpError: the customer cannot be read.
        """
        addition = DraftAddition(self._values, self.draft)
        return addition, addition.look(await self._state.beel.customers.get(self.draft.customer_id))

    async def before(self) -> DraftAnswer | None:
        """Tell what a call of the last day made of the very same draft, if that still stands.

        One that was deleted or issued meanwhile is no reason not to make another.

        Raises:
            BeelMcpError: BeeL cannot be asked.
        """
        for earlier in self._decided(await self._state.beel.account()):
            operation = await self._settled(earlier)
            is_running = self._state.writes.running(operation.operation_id) is not None
            if is_running or operation.is_open:
                return told(self._state, operation)
            if operation.chunks[0].state == "COMMITTED":
                if earlier.is_open:  # its answer was lost, or is not a minute old
                    return told(self._state, operation)
                if invoice := await self._standing(operation):
                    return found_again(operation, invoice_facts(invoice))
        return None

    async def create(self, agreed: Agreed | None = None) -> DraftAnswer:
        """Create it; a plan that was agreed to is spent on it.

        Raises:
            BeelMcpError: nothing was sent, or BeeL refused it.
        """
        account, journal = await self._state.beel.account(), self._state.journal
        seen = {one.operation_id for one in self._decided(account)}
        if answer := await self.before():
            return answer
        known = await drafts_of(self._state.beel, self.draft.customer_id)
        # From here to the record nothing is waited for: no other call comes between.
        decided = self._decided(account)
        if any(one.operation_id not in seen for one in decided):
            return await self.create(agreed)
        for begun in decided:
            # Proven not to be there, or never sent: it goes on under its own key.
            if all(map(self._drafting.may_send, begun.chunks)):
                if agreed:
                    journal.plans.drop(agreed.plan)
                return await self._carry_out(begun)
        now = self._state.timing.now().timestamp()
        decision = Decision(KIND, caller(), self._subject(), self.digest, account, 1, now)
        return await self._carry_out(
            self._begin(decision, Planned([planned_row(self._values, known)]), agreed)
        )

    def _decided(self, account: Account) -> list[Operation]:
        return self._state.journal.decided(KIND, self.digest, account, caller())

    def _subject(self) -> str:
        """Give the decision a number of its own: two processes cannot make the same one."""
        number, find = 1, self._state.journal.find_decision
        while find(KIND, caller(), f"{self.digest}-{number}"):
            number += 1
        return f"{self.digest}-{number}"

    def _begin(self, decision: Decision, chunk: Planned, agreed: Agreed | None) -> Operation:
        if agreed is None:
            return self._state.journal.begin(decision, [chunk])
        plan = agreed.plan
        confirmed = replace(decision, plan_id=plan.plan_id, confirmed_by=agreed.confirmed_by)
        operation = self._state.journal.take(plan, confirmed, [chunk])
        if operation is None:
            raise not_open()
        return operation

    async def _standing(self, operation: Operation) -> Invoice | None:
        """Read the draft that was made before; None if it is none any more."""
        [row] = self._state.journal.private.record(operation.chunks[0]) or [{}]
        if "invoice_id" not in row:
            return None
        try:
            invoice = await self._state.beel.invoices.get(row["invoice_id"])
        except NotFoundError:
            return None
        return invoice if invoice.is_draft else None

    async def _settled(self, operation: Operation) -> Operation:
        """Wait for it, or look what became of it, as long as the call lasts."""
        state, operation_id = self._state, operation.operation_id
        if running := state.writes.running(operation_id):
            await running.wait(self._left_s())
        elif operation.is_open:
            settling = DraftSettling(state.beel, state.journal, state.timing.sleep)
            await settling.settle(operation_id, state.journal.time() + self._left_s())
        return state.journal.get(operation_id)

    async def _carry_out(self, operation: Operation) -> DraftAnswer:
        state, operation_id = self._state, operation.operation_id
        running = state.writes.start(operation_id, lambda: self._drafting.run(operation_id))
        await running.wait(self._left_s())
        try:
            now = state.journal.get(operation_id)
        except JournalError as error:
            raise in_the_dark(operation_id, "the draft invoice") from error
        if running.error and not now.is_open and now.chunks[0].state != "COMMITTED":
            raise running.error
        return told(state, now)

    def _left_s(self) -> float:
        return max(self._ends_at - anyio.current_time(), 0.0)


async def draft_agreed(call: Guarded, agreed: Agreed) -> DraftAnswer:
    """Create the draft that the person agreed to, for whom they saw.

    Raises:
        BeelMcpError: nothing was sent, or BeeL refused it.
    """
    drafter = Drafter(call.state, agreed.plan.arguments)
    if changed := await call.guard.changed_since(agreed, *await drafter.shown()):
        return call.told_draft(changed)
    return await drafter.create(agreed)


def told(state: AppState, operation: Operation, *, replayed: bool = False) -> DraftAnswer:
    """Say what became of a draft."""
    return draft_answer(
        operation,
        state.journal.private.records(operation),
        running=state.writes.running(operation.operation_id) is not None,
        replayed=replayed,
    )
