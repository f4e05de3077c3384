"""Runs our server and kills it, unannounced, before or after a step of the journal."""

import os
import signal
import sys
from typing import Any

from beel_mcp.cli import main
from beel_mcp.guards.journal import Journal


def arm(step: str, moment: str) -> None:
    """Make one of the journal's methods the last thing that this process does."""
    original = getattr(Journal, step)

    def deadly(self: Journal, *args: Any, **kwargs: Any) -> Any:
        if moment == "after":
            original(self, *args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(Journal, step, deadly)


if __name__ == "__main__":
    arm(sys.argv[1], sys.argv[2])
    sys.exit(main([]))
