"""Who is alive: a process holds a file lock, and the lock is let go of however it ends."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from beel_mcp.guards.database import make_private, unavailable

if TYPE_CHECKING:
    from filelock import FileLock


class Owner:
    """This process, as other processes on the same state folder see it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "owners"
        self.name = secrets.token_hex(8)
        self._lock: FileLock | None = None

    def appear(self) -> None:
        """Take the lock that says that this process lives; the first write needs it.

        Raises:
            JournalError: it cannot be taken.
        """
        if self._lock is not None:
            return
        from filelock import FileLock, Timeout  # noqa: PLC0415 - only a write needs it

        try:
            make_private(self._folder.parent)
            make_private(self._folder)
            lock = FileLock(self._folder / f"{self.name}.lock", mode=0o600)
            lock.acquire(timeout=0)
        except (OSError, Timeout) as error:
            raise unavailable(self._folder.parent, error) from None
        self._lock = lock

    def leave(self) -> None:
        """Let go of the lock."""
        if self._lock is not None:
            self._lock.release()
            (self._folder / f"{self.name}.lock").unlink(missing_ok=True)
            self._lock = None

    def is_alive(self, name: str) -> bool:
        """Tell whether the process behind a name still holds its lock."""
        if self._lock is not None and name == self.name:
            return True
        path = self._folder / f"{name}.lock"
        if not path.exists():
            return False
        from filelock import FileLock, Timeout  # noqa: PLC0415 - only a write needs it

        probe = FileLock(path, mode=0o600)
        try:
            probe.acquire(timeout=0)
        except Timeout:
            return True
        probe.release()
        path.unlink(missing_ok=True)
        return False
