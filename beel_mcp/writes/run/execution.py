"""Carries a confirmed plan out, once: taken, looked at again, on the journal, and then in BeeL."""

from collections.abc import Sequence

from beel_mcp.api.client import BeelClient
from beel_mcp.errors import BeelMcpError, CallerError, NextCall, UnknownOutcomeError
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.personal_data import KEPT_FOR
from beel_mcp.writes.journal.plan import UNCHANGED, Affected, ConfirmedBy, LeftAlone, Look, Plan
from beel_mcp.writes.journal.records import Chunk, Decision, Operation, Planned, PlannedRow
from beel_mcp.writes.journal.workers import Writes
from beel_mcp.writes.kinds.create_customers import TURN_S
from beel_mcp.writes.kinds.protocol import Change, Outcome
from beel_mcp.writes.run.chunk_result import Report, recorded
from beel_mcp.writes.run.reconciliation import LATE_COMMIT_S, Sleep


class StateChangedError(BeelMcpError):
    """What the plan showed is no longer so; nothing was sent."""

    default_code = "state_changed"

    def __init__(self, look: Look) -> None:
        super().__init__("The records are not as they were when the person was shown them.")
        self.look = look


class AnotherAccountError(CallerError):
    """The plan belongs to another key, company or environment."""

    default_code = "another_company"


class Changing:
    """The one way from a plan to BeeL. Whoever comes here brings a yes."""

    def __init__(self, beel: BeelClient, journal: Journal, writes: Writes, sleep: Sleep) -> None:
        self._beel = beel
        self._journal = journal
        self._writes = writes
        self._sleep = sleep

    def take(self, plan: Plan, change: Change, confirmed_by: ConfirmedBy) -> Operation | None:
        """Spend the plan and start what it decided; None if somebody else has taken it."""
        decision = Decision(
            *(plan.kind, plan.caller, plan.plan_id, plan.digest, plan.account),
            total=plan.look.requested,
            checked_at=plan.created_at,
            plan_id=plan.plan_id,
            confirmed_by=confirmed_by,
            terms=plan.look.meaning,
        )
        operation = self._journal.take(plan, decision, _chunks(plan, change))
        if operation is None:  # guard: no plan, no change
            return None
        operation_id = operation.operation_id
        self._writes.start(operation_id, lambda: self._run(operation_id, plan, change))
        return operation

    async def _run(self, operation_id: str, plan: Plan, change: Change) -> None:
        """Wait for the turn and carry out; why something was not sent is on the journal then.

        Raises:
            StateChangedError: BeeL has changed since the plan was shown.
            BeelMcpError: nothing was sent, or not everything.
        """
        try:
            account = await self._beel.account()
            if account != plan.account:  # guard: same key, environment and company
                raise AnotherAccountError("This plan was made for another key or company.")
            async with self._writes.turn(account.ledger_id, TURN_S):
                await self._carry_out(operation_id, plan, change)
        except BeelMcpError as error:
            self._journal.explain(operation_id, error.code)
            raise
        finally:
            self._journal.end(operation_id)

    async def _carry_out(self, operation_id: str, plan: Plan, change: Change) -> None:
        """Look again, then send request by request; stop at the first that does not go well."""
        refuse_overlap(self._journal, self._journal.get(operation_id))
        look = await change.look()
        if look.digest != plan.digest:  # guard: the state is as it was shown
            raise StateChangedError(look)
        path = await change.prepare(look)
        if path:
            self._journal.keep_path(operation_id, path)
        for chunk in self._journal.get(operation_id).chunks:
            if chunk.state == "READY" and not await self._send(chunk, change):
                break

    async def _send(self, chunk: Chunk, change: Change) -> bool:
        """Send one request; tell whether the outcome of every row is known then.

        What a lost answer left unknown is looked for, and only what was seen to be as it was
        before is sent again, once.
        """
        report = Report(self._journal, chunk)
        await self._attempt(report, report.rows, change)
        if lost := report.unknown():
            await self._sleep(LATE_COMMIT_S)
            try:
                same = await report.look(change, lost)
            except BeelMcpError:
                return False  # check_operation goes on looking
            if same:
                await self._attempt(report, same, change, is_again=True)
            else:
                report.settle()
        return not report.unknown()

    async def _attempt(
        self,
        report: Report,
        rows: Sequence[PlannedRow],
        change: Change,
        *,
        is_again: bool = False,
    ) -> None:
        self._journal.pending(report.chunk)
        try:
            outcomes = await change.send(rows)
        except UnknownOutcomeError as error:
            report.settle(code=error.code, request_id=error.request_id)
        except BeelMcpError as error:
            # Never sent, or turned away at the door: of these rows nothing happened now. What was
            # lost before this may still be carried out, as one look cannot tell.
            report.settle(code=error.code, request_id=error.request_id, is_sent=is_again)
            raise
        except Exception:
            report.settle(code="internal_error")
            raise
        else:
            report.add(rows, outcomes)
            report.settle()


def refuse_overlap(journal: Journal, operation: Operation) -> None:
    """Keep two of our own operations from being at the same records at once.

    Raises:
        CallerError: what became of some of these records is not settled.
    """
    mine = _identities(journal, operation)
    recent = journal.time() - KEPT_FOR.total_seconds()
    for other in journal.open_operations(operation.account):
        is_recent = any((chunk.sent_at or 0.0) > recent for chunk in other.chunks)
        if is_recent and mine & _identities(journal, other):
            raise CallerError(
                "An earlier change of some of these records is not settled. Nothing was sent.",
                code="operation_unsettled",
                retryable=True,
                next_calls=(
                    NextCall(
                        "check_operation",
                        {"operation_id": other.operation_id},
                        "settles it, by reading",
                    ),
                ),
            )


def _identities(journal: Journal, operation: Operation) -> set[str]:
    return {
        row.identity for chunk in operation.chunks for row in journal.private.payload(chunk) or ()
    }


def _chunks(plan: Plan, change: Change) -> list[Planned]:
    """Divide a plan into requests, its refusals first: they are known already."""
    chunks = []
    number = plan.count + 1
    for code, left in _by_fate(plan.look.left):
        rows = [PlannedRow(place, _shown(one)) for place, one in enumerate(left, number)]
        number += len(rows)
        refusal = [
            recorded(row, Outcome("failed", one.code, one.message))
            for row, one in zip(rows, left, strict=True)
        ]
        chunks.append(Planned(rows, refusal=refusal, code=code))
    number = 1
    for part in change.parts(plan.look):
        planned = [
            PlannedRow(place, {**_shown(one), **one.facts, **change.terms})
            for place, one in enumerate(part, number)
        ]
        number += len(planned)
        chunks.append(Planned(planned))
    return chunks


def _by_fate(left: Sequence[LeftAlone]) -> list[tuple[str | None, list[LeftAlone]]]:
    """Tell those that BeeL would refuse from those that are already as wanted."""
    refused = [one for one in left if one.code != UNCHANGED]
    same = [one for one in left if one.code == UNCHANGED]
    return [(code, some) for code, some in ((None, refused), (UNCHANGED, same)) if some]


def _shown(one: Affected | LeftAlone) -> dict[str, str]:
    """Give what a person knows a record by."""
    return {"record_id": one.record_id, "name": one.name, "identifier": one.identifier}
