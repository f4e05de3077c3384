"""Finds out what became of a confirmed change whose answer was lost, by reading only."""

from beel_mcp.guards.change import ChangeOf, Outcome
from beel_mcp.guards.journal import Journal
from beel_mcp.guards.records import Chunk
from beel_mcp.guards.report import Report
from beel_mcp.guards.settling import APART_S, LATE_COMMIT_S, ROUNDS, Sleep

NOT_DONE = Outcome("failed", "not_done", "BeeL did not answer, and two looks found it unchanged.")


class Checking:
    """Settles a change within the time of a call; what it saw is kept for the next one."""

    def __init__(self, journal: Journal, change_of: ChangeOf, sleep: Sleep) -> None:
        self._journal = journal
        self._change_of = change_of
        self._sleep = sleep

    async def settle(self, operation_id: str, until: float) -> int | None:
        """Settle the open chunks of an operation; seconds to wait if time (`until`) ran out."""
        operation = self._journal.get(operation_id)
        for chunk in operation.chunks:
            if chunk.state == "UNKNOWN":
                wait = await self._settle(operation.kind, chunk, until)
                if wait is not None:
                    return wait
        return None

    async def _settle(self, kind: str, chunk: Chunk, until: float) -> int | None:
        report = Report(self._journal, chunk)
        if not report.rows:
            return None
        change = self._change_of(kind, report.rows[0].values)
        for _ in range(ROUNDS):
            wait = min(self._next_look(chunk) - self._journal.time(), APART_S)
            if self._journal.time() + max(wait, 0.0) > until:
                return max(int(wait) + 1, 1)
            if wait > 0:
                await self._sleep(wait)
            same = await report.look(change, report.unknown())
            is_clear = len(same) == len(report.unknown())
            self._journal.observe(chunk, "unclear" if not is_clear else "none" if same else "all")
            looks = [
                seen.at for seen in self._journal.observations(chunk) if seen.picture == "none"
            ]
            if looks and looks[-1] - looks[0] >= APART_S:
                report.add(same, [NOT_DONE] * len(same))
            report.settle(code="settled", by_looking=True)
            if not report.unknown():
                return None
        return None

    def _next_look(self, chunk: Chunk) -> float:
        """Not before a late commit could have come, nor too soon after the look before."""
        seen = self._journal.observations(chunk)
        lost_at = chunk.settled_at or chunk.sent_at or 0.0
        return seen[-1].at + APART_S if seen else lost_at + LATE_COMMIT_S
