"""How long one call works before it answers with what it has."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import anyio

from beel_mcp.errors import BeelMcpError
from beel_mcp.writes.journal.records import Clock


@dataclass(frozen=True)
class TimeBudget:
    """How long a call works before it answers with what it has, on the clock and the event loop."""

    now: Clock
    ends: datetime
    ends_at: float  # in the event loop's seconds

    @classmethod
    def start(cls, now: Clock, seconds: float) -> "TimeBudget":
        return cls(now, now() + timedelta(seconds=seconds), anyio.current_time() + seconds)

    def left_s(self) -> float:
        """Seconds that are left; below 0 it is over."""
        return (self.ends - self.now()).total_seconds()

    async def limit(self, work: Callable[[], Awaitable[None]]) -> None:
        """Work until it is done or time is over, whichever is first."""
        failure: BeelMcpError | None = None
        async with anyio.create_task_group() as group:
            # Not a deadline: requests would take it for theirs, and fail before it.
            group.start_soon(self._cancel_at_the_end, group.cancel_scope)
            try:
                await work()
            except BeelMcpError as error:  # the group would wrap it
                failure = error
            group.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _cancel_at_the_end(self, scope: anyio.CancelScope) -> None:
        await anyio.sleep_until(self.ends_at)
        scope.cancel()
