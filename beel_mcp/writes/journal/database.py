"""The SQLite file behind the journal: opened late, private, versioned, and never on the loop."""

import os
import secrets
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import anyio
from anyio import to_thread

from beel_mcp.errors import BeelMcpError, NextCall

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

DATABASE: Final = "journal.sqlite3"
VERSION: Final = 4
# "BeeL" in ASCII: the file is ours, and not some other program's.
APPLICATION_ID: Final = 0x4265654C
# How long a write waits for its turn, in this process and among others.
BUSY_S: Final = 10.0
LEAST_FREE_BYTES: Final = 1_000_000  # a list of 500 rows and its write-ahead log


class JournalError(BeelMcpError):
    """The journal cannot be read or written: a fact, and what follows where it stands in the way.

    That is that nothing was sent, unless whoever knows better says it anew.
    """

    default_code = "journal_unavailable"

    def __init__(
        self, fact: str, consequence: str = "nothing was sent to BeeL", **details: Any
    ) -> None:
        super().__init__(f"{fact}; {consequence}.", **details)
        self.fact = fact

    def in_doubt(self, operation_id: str, *, retryable: bool = False) -> Self:
        """Say of what was begun that nobody knows its end; reading finds it out.

        `retryable`: the call only reads, or would not begin it a second time.
        """
        check = NextCall("check_operation", {"operation_id": operation_id}, "finds out, by reading")
        return type(self)(
            self.fact,
            "what was asked for may or may not have been carried out",
            changed="unknown",
            retryable=retryable,
            retry_after_s=self.retry_after_s if retryable else None,
            remedy="Do not repeat the write itself.",
            next_calls=(check,),
        )


class JournalBusyError(JournalError):
    """Somebody else kept the journal for as long as a write waits for it."""

    default_code = "busy"


class Database:
    """One file in the state folder, shared by all our processes.

    Work is given as a function of a connection, and done in a thread as one transaction. Writes
    of a process take turns; reads have a connection of their own, and wait for no write.
    """

    def __init__(self, folder: Path, busy_s: float = BUSY_S) -> None:
        self.path = folder / DATABASE
        self._busy_s = busy_s
        self._connections: dict[bool, sqlite3.Connection] = {}  # by whether it writes
        self._turns = {True: anyio.Lock(), False: anyio.Lock()}
        # Held by the thread that is at a connection: nobody may close it meanwhile.
        self._in_use = {True: threading.Lock(), False: threading.Lock()}
        self._is_closed = False
        # Spreadsheets and PDFs that are read meanwhile keep their threads, and we ours.
        self._threads = anyio.CapacityLimiter(2)
        self._is_tidy = True

    def exists(self) -> bool:
        try:
            self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:  # it cannot be said of a folder that may not be looked into
            raise unavailable(self.path.parent, error) from None
        return True

    def close(self) -> None:
        """End its use: what a thread is at is finished and closed then, and nothing begins."""
        self._is_closed = True
        for writes in self._in_use:
            self._close_if_free(writes=writes)

    @property
    def is_tidy(self) -> bool:
        """Whether no deleted rows are left in the write-ahead log, as far as we made them."""
        return self._is_tidy

    async def check(self) -> None:
        """Tell whether a write would find its place; leaves no trace, and waits for nobody.

        Raises:
            JournalError: it would be refused.
        """
        try:
            await to_thread.run_sync(self._check_place, limiter=self._threads)
        except OSError as error:
            raise unavailable(self.path.parent, error) from None
        if self.exists():
            await self.read(lambda db: db.execute("SELECT 1 FROM operations LIMIT 1").fetchone())

    async def write(
        self, work: Work[T], *, within_s: float | None = None, tidies: bool = False
    ) -> T:
        """Write as one transaction, which is on disk then; what the work returns.

        It is finished also when the caller is cancelled meanwhile: what happened is recorded.
        `within_s` is how long it waits for its turn, where that is not as usual. `tidies` folds
        the write-ahead log in, where deleted rows would stand for as long as we run.

        Raises:
            JournalBusyError: its turn did not come in time.
            JournalError: it could not be written; nothing of it was.
        """
        ends_at = anyio.current_time() + (self._busy_s if within_s is None else within_s)
        turn = self._turns[True]
        with anyio.CancelScope(shield=True):
            await self._wait_for(turn, ends_at)
            try:
                left_s = max(ends_at - anyio.current_time(), 0.0)
                write = partial(self._write, work, left_s, tidies=tidies)
                value = await to_thread.run_sync(write, limiter=self._threads)
            finally:
                turn.release()
        return value

    async def read(self, work: Work[T]) -> T:
        """Read one state of it, whatever is written meanwhile; what the work returns.

        Raises:
            JournalError: it cannot be read.
        """
        async with self._turns[False]:
            return await to_thread.run_sync(self._read, work, limiter=self._threads)

    async def _wait_for(self, turn: anyio.Lock, until: float) -> None:
        try:
            turn.acquire_nowait()
        except anyio.WouldBlock:
            with anyio.CancelScope(deadline=until) as waited:
                await turn.acquire()
            if waited.cancelled_caught:
                raise self._busy() from None

    def _write(self, work: Work[T], patience_s: float, *, tidies: bool) -> T:
        try:
            with self._connected(patience_s, writes=True) as db:
                value = _transact(db, "BEGIN IMMEDIATE", work)
                if tidies:
                    self._is_tidy = _is_folded(db)
        except (sqlite3.Error, OSError) as error:
            raise self._refusal(error) from None
        return value

    def _read(self, work: Work[T]) -> T:
        try:
            with self._connected(self._busy_s, writes=False) as db:
                return _transact(db, "BEGIN", work)
        except (sqlite3.Error, OSError) as error:
            raise self._refusal(error) from None

    def _check_place(self) -> None:
        _check_folder(self.path.parent)
        if self.exists() and not os.access(self.path, os.R_OK | os.W_OK):
            raise PermissionError

    @contextmanager
    def _connected(self, patience_s: float, *, writes: bool) -> Iterator[sqlite3.Connection]:
        try:
            with self._in_use[writes]:
                if self._is_closed:
                    raise OSError("closed")
                try:
                    yield self._connection(patience_s, writes=writes)
                finally:
                    open_one = self._connections.get(writes)
                    # It would keep everybody else out, and refuse whatever comes next.
                    if open_one is not None and open_one.in_transaction:
                        self._connections.pop(writes).close()
        finally:
            if self._is_closed:
                self._close_if_free(writes=writes)

    def _close_if_free(self, *, writes: bool) -> None:
        if self._in_use[writes].acquire(blocking=False):
            with suppress(KeyError):
                self._connections.pop(writes).close()
            self._in_use[writes].release()

    def _connection(self, patience_s: float, *, writes: bool) -> sqlite3.Connection:
        from filelock import FileLock, Timeout  # noqa: PLC0415 - only a journal in use needs it

        if writes not in self._connections:
            make_private(self.path.parent)
            lock = FileLock(self.path.with_suffix(".lock"), timeout=patience_s, mode=0o600)
            try:
                # Two processes may make the file at once, and SQLite waits for nobody then.
                with lock:
                    self._connections[writes] = self._open(writes=writes)
            except Timeout:
                raise self._busy() from None
        db = self._connections[writes]
        db.execute(f"PRAGMA busy_timeout = {int(patience_s * 1000)}")
        return db

    def _open(self, *, writes: bool) -> sqlite3.Connection:
        # SQLite would create it with whatever the umask leaves; its -wal and -shm files follow it.
        self.path.touch(mode=0o600)
        self.path.chmod(0o600)  # also one that somebody copied here with other rights
        # Whose turn it is has it to itself, in whatever thread.
        db = sqlite3.connect(
            self.path, timeout=self._busy_s, isolation_level=None, check_same_thread=False
        )
        try:
            _refuse_strange(db)
            db.execute("PRAGMA journal_mode = WAL")
            # A commit is on disk when it returns, also when the power fails.
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
            # What is deleted is overwritten, whatever this build's default is.
            db.execute("PRAGMA secure_delete = ON")
            if _is_new(db):
                _transact(db, "BEGIN IMMEDIATE", _create)
            if not writes:
                db.execute("PRAGMA query_only = ON")
        except BaseException:
            db.close()
            raise
        return db

    def _refusal(self, error: Exception) -> JournalError:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
        is_busy = code & 0xFF == sqlite3.SQLITE_BUSY  # whatever extends it
        return self._busy() if is_busy else unavailable(self.path.parent, error)

    def _busy(self) -> JournalBusyError:
        return JournalBusyError(
            "Somebody else is writing in the journal",
            retryable=True,
            retry_after_s=15,
            remedy="Make the same call again.",
            next_calls=(NextCall("check_operation", {}, "tells what is in flight"),),
        )


def _transact(db: sqlite3.Connection, begin: str, work: Work[T]) -> T:
    db.execute(begin)
    try:
        value = work(db)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # a full disk ends it by itself
            db.execute("ROLLBACK")
        raise
    return value


def _is_folded(db: sqlite3.Connection) -> bool:
    """Fold the write-ahead log in, unless somebody reads: no write waits for that."""
    try:
        db.execute("PRAGMA busy_timeout = 0")
        [is_busy, *_] = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error:  # what was written is on disk all the same
        return False
    return not is_busy


def insert(db: sqlite3.Connection, table: str, **columns: Any) -> None:
    """Insert by column name, so that the order of the schema does not matter."""
    marks = ", ".join("?" * len(columns))
    db.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608 - our names
        [*columns.values()],
    )


def secret_of(db: sqlite3.Connection) -> bytes:
    """Give the key of this journal's keyed digests; it never leaves the file."""
    [secret] = db.execute("SELECT value FROM secret").fetchone()
    return bytes(secret)


def _check_folder(folder: Path) -> None:
    """Look whether a file could be made in a folder, or the folder itself.

    Raises:
        OSError: it could not be.
    """
    # What is missing is made in the nearest folder above; a drive may be missing, too.
    there = next((above for above in (folder, *folder.parents) if os.path.lexists(above)), None)
    if there is None or not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise PermissionError
    if shutil.disk_usage(there).free < LEAST_FREE_BYTES:
        raise OSError("no space is left")


def make_private(folder: Path) -> None:
    """Make a folder that only its owner can look into; one that is there stays as it is."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def _is_new(db: sqlite3.Connection) -> bool:
    return not db.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()


def _refuse_strange(db: sqlite3.Connection) -> None:
    """Leave another version's file, or another program's, as it is."""
    [application] = db.execute("PRAGMA application_id").fetchone()
    [version] = db.execute("PRAGMA user_version").fetchone()
    wanted = (0, 0) if _is_new(db) else (APPLICATION_ID, VERSION)
    if (application, version) != wanted:
        raise sqlite3.DatabaseError("not a journal of this version")


def _create(db: sqlite3.Connection) -> None:
    schema = files("beel_mcp.writes.journal").joinpath("schema.sql").read_text(encoding="utf-8")
    for statement in schema.split(";\n"):
        db.execute(statement)
    db.execute("INSERT INTO secret VALUES (?)", (secrets.token_bytes(32),))
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    db.execute(f"PRAGMA user_version = {VERSION}")


def unavailable(folder: Path, error: Exception) -> JournalError:
    """Say that the journal cannot be used, without the words of whoever refused."""
    kind = type(error).__name__
    return JournalError(
        f"The journal in {folder} cannot be used ({kind})",
        remedy="Check that BEEL_STATE_DIR is a folder of yours with free space, written by this"
        " version of beel-mcp.",
    )
