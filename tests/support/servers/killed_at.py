"""Runs our server and kills it, unannounced, before or after a step of the journal."""

import os
import signal
import sys
from itertools import count
from typing import Any

from beel_mcp.cli import main
from beel_mcp.writes.journal.journal import Journal


def arm(step: str, moment: str, time: int = 1) -> None:
    """Make one of the journal's methods, the n-th time, the last thing that this process does."""
    original = getattr(Journal, step)
    times = count(1)

    async def deadly(self: Journal, *args: Any, **kwargs: Any) -> Any:
        if next(times) < time:
            return await original(self, *args, **kwargs)
        if moment == "after":
            await original(self, *args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    setattr(Journal, step, deadly)


if __name__ == "__main__":
    arm(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
    sys.exit(main([]))
