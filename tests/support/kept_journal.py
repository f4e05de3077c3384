"""A journal that somebody else keeps, as another process does in the middle of a write."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from beel_mcp.writes.journal.database import Database


@contextmanager
def kept(state: Path) -> Iterator[None]:
    """Hold the lock that every write of the journal needs; reading needs none."""
    db = sqlite3.connect(state / "journal.sqlite3", isolation_level=None)
    try:
        db.execute("BEGIN IMMEDIATE")
        yield
        db.execute("ROLLBACK")
    finally:
        db.close()


class Waiting:
    """Counts the writes that have asked for their turn, so that a test need not wait for a time."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.asked = 0
        self._changed = anyio.Event()
        write = Database.write

        async def noted(database: Database, work: Callable[..., Any], **how: Any) -> Any:
            if how.get("within_s") is None:
                self.asked += 1
                self._changed.set()
            return await write(database, work, **how)

        patch.setattr(Database, "write", noted)

    async def until(self, number: int = 1) -> None:
        """Wait until so many writes have asked since the last time."""
        while self.asked < number:
            self._changed = anyio.Event()
            await self._changed.wait()
        self.asked = 0
