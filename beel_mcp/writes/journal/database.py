"""The SQLite file behind the journal: opened late, private, versioned, never misread."""

import os
import secrets
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from beel_mcp.errors import BeelMcpError

VERSION: Final = 3
# "BeeL" in ASCII: the file is ours, and not some other program's.
APPLICATION_ID: Final = 0x4265654C
BUSY_TIMEOUT_S: Final = 10.0
LEAST_FREE_BYTES: Final = 1_000_000  # a list of 500 rows and its write-ahead log


class JournalError(BeelMcpError):
    """The journal cannot be read or written, so nothing is sent."""

    default_code = "journal_unavailable"


class Database:
    """One file in the state folder, shared by all our processes."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.sqlite3"

    def exists(self) -> bool:
        try:
            self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:  # it cannot be said of a folder that may not be looked into
            raise unavailable(self.path.parent, error) from None
        return True

    def close(self) -> None:
        if "_connection" in self.__dict__:
            self._connection.close()
            del self.__dict__["_connection"]

    def check(self) -> None:
        """Tell whether a write would find its place; leaves no trace, and waits for nobody.

        Raises:
            JournalError: it would be refused.
        """
        folder = self.path.parent
        try:
            _check_folder(folder)
            if self.exists():
                if not os.access(self.path, os.R_OK | os.W_OK):
                    raise PermissionError
                with self.reading() as db:
                    db.execute("SELECT 1 FROM operations LIMIT 1").fetchone()
        except OSError as error:
            raise unavailable(folder, error) from None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Write as one transaction, which is on disk when the block has ended.

        Raises:
            JournalError: it could not be written; nothing of it was.
        """
        try:
            db = self._connection
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise unavailable(self.path.parent, error) from None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Read.

        Raises:
            JournalError: it cannot be read.
        """
        try:
            yield self._connection
        except (sqlite3.Error, OSError) as error:
            raise unavailable(self.path.parent, error) from None

    def tidy(self) -> None:
        """Fold the write-ahead log in, where deleted rows would stand for as long as we run."""
        with self.reading() as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    @cached_property
    def _connection(self) -> sqlite3.Connection:
        from filelock import FileLock, Timeout  # noqa: PLC0415 - only a journal in use needs it

        make_private(self.path.parent)
        try:
            # Two processes may make the file at once, and SQLite waits for nobody while it does.
            with FileLock(self.path.with_suffix(".lock"), timeout=BUSY_TIMEOUT_S, mode=0o600):
                return self._open()
        except Timeout as error:
            raise OSError("another process keeps the journal") from error

    def _open(self) -> sqlite3.Connection:
        # SQLite would create it with whatever the umask leaves; its -wal and -shm files follow it.
        self.path.touch(mode=0o600)
        self.path.chmod(0o600)  # also one that somebody copied here with other rights
        db = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
        try:
            _refuse_strange(db)
            db.execute("PRAGMA journal_mode = WAL")
            # A commit is on disk when it returns, also when the power fails.
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA foreign_keys = ON")
            # What is deleted is overwritten, whatever this build's default is.
            db.execute("PRAGMA secure_delete = ON")
            _prepare(db)
        except BaseException:
            db.close()
            raise
        return db


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


def _prepare(db: sqlite3.Connection) -> None:
    # Two processes may open a new file at once: the second one waits, and finds it made.
    db.execute("BEGIN IMMEDIATE")
    if _is_new(db):
        _create(db)
    db.execute("COMMIT")


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
        f"The journal in {folder} cannot be used ({kind}), so nothing was sent to BeeL.",
        remedy="Check that BEEL_STATE_DIR is a folder of yours with free space, written by this"
        " version of beel-mcp.",
    )
