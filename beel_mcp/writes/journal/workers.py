"""Writes outlive the call that asked for them, and go out one at a time per ledger."""

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from beel_mcp.errors import BeelMcpError, NextCall
from beel_mcp.writes.journal.database import make_private, unavailable
from beel_mcp.writes.journal.records import Operation

if TYPE_CHECKING:
    from filelock import FileLock


logger = logging.getLogger(__name__)

# A closed stdin waits this long for a write in flight; then the journal has the last word.
LINGER_S = 10.0
# How often another process's lock is polled: it sets no event of ours.
POLL_S = 0.05


class ProcessLease:
    """Process liveness by file lock: the operating system releases it on any exit.

    It touches files: the journal's threads do that. One of them takes the lock, in its turn.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "owners"
        self.name = secrets.token_hex(8)
        self._lock: FileLock | None = None

    def acquire(self) -> None:
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
            path = self._folder / f"{self.name}.lock"
            lock = FileLock(path, mode=0o600, thread_local=False)
            lock.acquire(timeout=0)
        except (OSError, Timeout) as error:
            raise unavailable(self._folder.parent, error) from None
        self._lock = lock

    def release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            with suppress(OSError):
                (self._folder / f"{self.name}.lock").unlink()
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
        with suppress(OSError):  # Windows keeps it while another process looks, too
            path.unlink()
        return False

    async def runs_elsewhere(self, operation: Operation) -> bool:
        """Tell whether another process is at an operation, and lives."""
        is_others = operation.ended_at is None and operation.owner != self.name
        return is_others and await to_thread.run_sync(self.is_alive, operation.owner)


class BusyError(BeelMcpError):
    """Another write is in flight for this ledger."""

    default_code = "busy"


@dataclass
class RunningWrite:
    """A job that goes on whether or not anybody waits for it."""

    ended: anyio.Event = field(default_factory=anyio.Event)
    error: BeelMcpError | None = None

    async def wait(self, seconds: float) -> bool:
        """Wait for its end, but no longer; tell whether it ended."""
        with anyio.move_on_after(seconds):
            await self.ended.wait()
        return self.ended.is_set()


class BackgroundWrites:
    """The writes of one server process; each runs on when the call that began it is cancelled."""

    def __init__(
        self,
        group: TaskGroup,
        folder: Path,
        ended: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self._group = group
        self._ended = ended
        self._folder = folder / "locks"
        self._running: dict[str, RunningWrite] = {}

    def running(self, operation_id: str) -> RunningWrite | None:
        return self._running.get(operation_id)

    def start(self, operation_id: str, job: Callable[[], Awaitable[None]]) -> RunningWrite:
        """Start a job, or find it running; a call that is cancelled leaves it running."""
        if operation_id in self._running:
            return self._running[operation_id]
        running = self._running[operation_id] = RunningWrite()
        self._group.start_soon(self._run, operation_id, running, job)
        return running

    async def _run(
        self, operation_id: str, running: RunningWrite, job: Callable[[], Awaitable[None]]
    ) -> None:
        try:
            await job()
        except BeelMcpError as error:
            running.error = error
        except Exception:
            # What it did stands in the journal; what it did not is unknown there, and settled.
            logger.exception("a write failed")
        finally:
            if self._running.get(operation_id) is running:
                del self._running[operation_id]
            running.ended.set()
        if self._ended:
            await self._ended(operation_id)

    async def linger(self) -> None:
        with anyio.move_on_after(LINGER_S, shield=True):
            for running in list(self._running.values()):
                await running.ended.wait()
        self._group.cancel_scope.cancel()

    @asynccontextmanager
    async def turn(self, ledger_id: str, within_s: float) -> AsyncIterator[None]:
        """Hold the ledger's one turn to write, against other processes as well.

        Raises:
            BusyError: another process did not end its write in time.
            JournalError: nobody can say whose turn it is.
        """
        try:
            lock = await to_thread.run_sync(self._lock_of, ledger_id)
            with anyio.move_on_after(within_s) as scope:
                while not await to_thread.run_sync(_taken, lock):  # noqa: ASYNC110
                    await anyio.sleep(POLL_S)
        except OSError as error:
            raise unavailable(self._folder.parent, error) from None
        if scope.cancelled_caught:
            raise BusyError(
                "Another write to this account is still in flight; nothing was sent.",
                retryable=True,
                retry_after_s=15,
                next_calls=(NextCall("check_operation", {}, "tells what is in flight"),),
            )
        try:
            yield
        finally:
            # The system has let go of it by then, whatever it complains of.
            with anyio.CancelScope(shield=True), suppress(OSError):
                await to_thread.run_sync(lock.release)

    def _lock_of(self, ledger_id: str) -> "FileLock":
        from filelock import FileLock  # noqa: PLC0415 - only a write needs it

        make_private(self._folder)
        # Whichever thread takes it, another may release it.
        return FileLock(self._folder / f"{ledger_id}.lock", mode=0o600, thread_local=False)


def _taken(lock: "FileLock") -> bool:
    from filelock import Timeout  # noqa: PLC0415 - only a write needs it

    try:
        lock.acquire(timeout=0)
    except Timeout:
        return False
    return True
