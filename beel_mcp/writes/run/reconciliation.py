"""Finds out what became of a write whose answer was lost, by reading only."""

from collections.abc import Sequence
from typing import Final, Literal

from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import (
    UNKNOWN,
    Chunk,
    ChunkResult,
    Observation,
    RowOutcome,
    RowRecord,
    Sleep,
)
from beel_mcp.writes.kinds.protocol import Found, Write

# A request that was cut off may still be committed this much later.
LATE_COMMIT_S: Final = 5.0
# Two readings that find nothing prove something only if they are this far apart.
APART_S: Final = 10.0
ROUNDS: Final = 3
NOT_DONE: Final = RowOutcome(
    "failed", "not_done", "BeeL did not answer, and two looks found it unchanged."
)
Conclusion = Literal["done", "not done", "mixed", "open"]


class Reconciliation:
    """Settles operations within the time of a call; what it saw is kept for the next one."""

    def __init__(self, journal: Journal, sleep: Sleep) -> None:
        self._journal = journal
        self._sleep = sleep

    async def settle(self, operation_id: str, write: Write, until: float) -> int | None:
        """Settle the UNKNOWN chunks of an operation before `until`, in epoch seconds.

        Returns the seconds after which to call again, if time ran out.

        Raises:
            BeelMcpError: BeeL cannot be read.
        """
        for chunk in (await self._journal.get(operation_id)).chunks:
            if chunk.state == "UNKNOWN":
                wait_s = await self.settle_chunk(chunk, write, until)
                if wait_s is not None:
                    return wait_s
        return None

    async def settle_chunk(self, chunk: Chunk, write: Write, until: float) -> int | None:
        """Settle one chunk that is UNKNOWN, as `settle` does."""
        result = await ChunkResult.of(self._journal, chunk)
        if not result.rows:
            return None
        conclude = self._conclude_together if write.all_or_none else self._conclude_each
        for _ in range(ROUNDS):
            # A clock that went back must not make anybody wait for a day.
            next_at = await self._next_reading(chunk)
            wait_s = min(next_at - self._journal.time(), _longest_wait_s(chunk))
            if self._journal.time() + max(wait_s, 0.0) > until:
                return max(int(wait_s) + 1, 1)
            if wait_s > 0:
                await self._sleep(wait_s)
            found = await write.find(chunk, result.unknown())
            await self._journal.observations.add(chunk, found.finding)
            if await conclude(result, found):
                return None
        return None

    async def _next_reading(self, chunk: Chunk) -> float:
        """Not before a late commit could have come, nor too soon after the reading before."""
        lost_at = chunk.settled_at or chunk.sent_at or 0.0
        earlier = await self._journal.observations.of(chunk)
        after_earlier = earlier[-1].at + APART_S if earlier else 0.0
        return max(lost_at + _late_commit_s(chunk), after_earlier)

    async def _conclude_together(self, result: ChunkResult, found: Found) -> bool:
        """Settle a request that succeeds as a whole; tell whether no reading is needed now."""
        conclusion = conclusion_of(await self._journal.observations.of(result.chunk))
        if conclusion == "done":
            result.add_found(found.outcomes)
            await result.settle(code="settled", by_reading=True)
        elif conclusion == "not done":
            # Why it was lost stays said: a spent key is not sent again, a refusal is to be mended.
            code = result.chunk.code or "settled"
            await self._journal.settle(result.chunk, "NOT_DONE", code=code, by_reading=True)
        elif conclusion == "mixed" and found.finding == "mixed":  # a later one may show less
            await self._journal.observations.keep_rows(
                result.chunk,
                [RowRecord.of(row, found.outcomes.get(row.number, UNKNOWN)) for row in result.rows],
            )
        return conclusion != "open"

    async def _conclude_each(self, result: ChunkResult, found: Found) -> bool:
        """Settle what is certain of each row; tell whether all of them are."""
        result.add_found(found.outcomes)
        unchanged = [
            observation.at
            for observation in await self._journal.observations.of(result.chunk)
            if observation.finding == "none"
        ]
        if unchanged and unchanged[-1] - unchanged[0] >= APART_S:
            result.add_found(dict.fromkeys(found.unchanged, NOT_DONE))
        await result.settle(code="settled", by_reading=True)
        return not result.unknown()


def conclusion_of(observations: Sequence[Observation]) -> Conclusion:
    """Say what the readings of a chunk prove so far; `mixed` needs a person."""
    if not observations:
        return "open"
    if observations[-1].finding == "all":
        return "done"
    if any(observation.finding == "mixed" for observation in observations):
        return "mixed"
    empty = [observation.at for observation in observations if observation.finding == "none"]
    if len(empty) >= 2 and empty[-1] - empty[0] >= APART_S:
        return "not done"
    return "open"


def _late_commit_s(chunk: Chunk) -> float:
    return max(LATE_COMMIT_S, 2 * chunk.processing_time_ms / 1000)


def _longest_wait_s(chunk: Chunk) -> float:
    return max(_late_commit_s(chunk), APART_S)
