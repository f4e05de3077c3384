"""Puts a file into the person's folder: whole or not at all, private, and never over another."""

import errno
import fcntl
import hashlib
import json
import logging
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path, PurePath
from typing import BinaryIO, Final
from urllib.parse import quote

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError
from beel_mcp.files.safe_dir import is_still, opened, unusable

logger = logging.getLogger(__name__)

NOTES: Final = "files.jsonl"  # in the state folder
FILES: Final = "beel://files/"
# A file travels in one message, a third longer than it is; apps choke on more.
MOST_BYTES: Final = 10_000_000
_APPEND: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
# A name of ours may have been taken for a pipe; it must not hold us up.
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True)
class Note:
    """A file as it was when it was written; one that is too large to give out has no digest."""

    name: str
    caller: str
    size_bytes: int
    sha256: str


class Written:
    """The files that were written for one caller, now or before a restart."""

    def __init__(self, files_dir: Path, state_dir: Path, caller: str) -> None:
        self._folder = files_dir
        self._notes = state_dir / NOTES
        self._caller = caller
        self.is_longer = False  # something was noted by this very object

    def note(self, name: str, stream: BinaryIO) -> None:
        """Note a file that has just got its name; it is saved even if that fails."""
        try:
            size = os.fstat(stream.fileno()).st_size
            stream.seek(0)
            digest = hashlib.sha256(stream.read()).hexdigest() if size <= MOST_BYTES else ""
            line = json.dumps(asdict(Note(name, self._caller, size, digest))) + "\n"
            self._notes.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(self._notes, _APPEND, 0o600)
            try:
                os.write(file, line.encode())  # one write: other processes append, too
            finally:
                os.close(file)
        except OSError as error:
            logger.warning("a saved file could not be noted (%s)", type(error).__name__)
        else:
            self.is_longer = True

    def list(self) -> list[Note]:
        """List the files that are still there, the newest first."""
        newest: dict[str, Note] = {}
        for note in self._read_notes():
            newest.pop(note.name, None)
            newest[note.name] = note
        try:
            with opened(self._folder, is_made=False) as place:
                return [
                    note
                    for note in reversed(newest.values())
                    if _size(note.name, place) == note.size_bytes
                ]
        except OSError:
            return []

    def read(self, name: str) -> bytes:
        """Give a file out, if it is still the very bytes that were written for this caller.

        Raises:
            CallerError: there is no such file, or it was changed, or it is too large.

        """
        notes = [note for note in self._read_notes() if note.name == name]
        if not notes:
            raise _not_found(name)
        path = self._folder / name
        if notes[-1].size_bytes > MOST_BYTES:
            raise CallerError(
                f"The file {quoted(name, 120)} has more than the {MOST_BYTES // 1_000_000} MB that"
                " fit into one answer.",
                code="file_too_large",
                remedy=f"It is on this computer: the person can open {quoted(str(path), 300)}.",
            )
        try:
            data = self._bytes(name)
        except OSError:
            raise _not_found(name) from None
        if hashlib.sha256(data).hexdigest() not in {note.sha256 for note in notes}:
            raise CallerError(
                f"The file {quoted(name, 120)} was changed after this server wrote it, and only"
                " what it wrote is given out.",
                code="file_changed",
                remedy=f"The person can open {quoted(str(path), 300)}; a list that was corrected"
                " there is read by validate_customers with source_path.",
            )
        return data

    def _bytes(self, name: str) -> bytes:
        with opened(self._folder, is_made=False) as place:
            file = os.open(name, _READ, dir_fd=place)
            with os.fdopen(file, "rb") as stream:
                if not stat.S_ISREG(os.fstat(file).st_mode):
                    raise FileNotFoundError(name)
                return stream.read(MOST_BYTES + 1)

    def _read_notes(self) -> Iterator[Note]:
        try:
            lines = self._notes.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return
        for line in lines:
            try:
                note = Note(**json.loads(line))
            except (ValueError, TypeError):
                continue  # half a line, of a process that was killed
            if note.caller == self._caller and _is_bare(note.name):
                yield note


# Set by every request: whoever saves a file then need not know for whom, and cannot forget.
WRITTEN: Final[ContextVar[Written | None]] = ContextVar("written", default=None)


def file_uri(name: str) -> str:
    """Give the address under which this server gives a file out that it wrote."""
    return FILES + quote(name, safe="")


def forget_notes(state_dir: Path) -> None:
    """Forget which files were written, and for whom; the files stay."""
    (state_dir / NOTES).unlink(missing_ok=True)


def _is_bare(name: str) -> bool:
    return name not in {"", ".", ".."} and not {"/", "\0"} & set(name)


def _size(name: str, place: int) -> int | None:
    try:
        found = os.stat(name, dir_fd=place, follow_symlinks=False)
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _not_found(name: str) -> CallerError:
    return CallerError(
        f"This server wrote no file named {quoted(name, 120)}, or it is not in the files folder"
        " any more.",
        code="file_not_found",
        remedy="The answer of the tool that saved it has its name and its path.",
    )


_TEMPORARY: Final = re.compile(r"\.beel-mcp-[0-9a-f]{16}")
_NEW: Final = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# A name of ours may have been taken for a pipe; it must not hold us up.
_OLD: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass
class NewFile:
    """A file that is being written; it has its name once the block has ended well."""

    stream: BinaryIO
    path: Path


@contextmanager
def new_file(folder: Path, name: str, *, needed_bytes: int = 0) -> Iterator[NewFile]:
    """Write a file of that name, or of the next free one: `name (2).zip`.

    The folder is used by its descriptor. Leftovers of processes that died are removed first. A
    file that a request saves is noted as ours.

    Raises:
        OperatorError: the folder cannot be written to, or is full; nothing was saved.

    """
    try:
        with opened(folder) as place:
            _remove_leftovers(place)
            with _temporary(place) as (temporary, stream):
                made = NewFile(stream, folder / temporary)
                yield made
                stream.flush()
                os.fsync(stream.fileno())
                final = _put_in_place(place, temporary, name)
                _settle(folder, place, stream.fileno(), final)
                if written := WRITTEN.get():
                    written.note(final, stream)
            made.path = folder / final
    except OSError as error:
        raise unusable(error, needed_bytes) from None


def save_file(folder: Path, name: str, data: bytes) -> Path:
    """Save bytes under a name of ours.

    Raises:
        OperatorError: the folder cannot be written to, or is full; nothing was saved.

    """
    with new_file(folder, name, needed_bytes=len(data)) as made:
        made.stream.write(data)
    return made.path


@contextmanager
def _temporary(place: int) -> Iterator[tuple[str, BinaryIO]]:
    """Write a file that goes again; what was written is on the disk by then, or not wanted."""
    name, stream = _made(place)
    try:
        yield name, stream
    finally:
        try:
            with suppress(OSError):
                os.unlink(name, dir_fd=place)
        finally:
            with suppress(OSError):
                stream.close()


def _made(place: int) -> tuple[str, BinaryIO]:
    """Make a file that is locked as long as we live, which is how others see that we do."""
    while True:
        name = f".beel-mcp-{secrets.token_hex(8)}"
        file = os.open(name, _NEW, 0o600, dir_fd=place)
        try:
            if _lock(file) and os.fstat(file).st_nlink:
                return name, os.fdopen(file, "w+b")
        except BaseException:
            os.close(file)
            with suppress(OSError):
                os.unlink(name, dir_fd=place)
            raise
        os.close(file)  # taken for a leftover in the moment before it was locked


def _lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: then leftovers stay, too
        return True
    return True


def _remove_leftovers(place: int) -> None:
    with os.scandir(place) as entries:
        names = [entry.name for entry in entries if _TEMPORARY.fullmatch(entry.name)]
    for name in names:
        with suppress(OSError):
            file = os.open(name, _OLD, dir_fd=place)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(name, dir_fd=place)
            finally:
                os.close(file)


def _put_in_place(place: int, temporary: str, name: str) -> str:
    """Give the file its name; a link fails where a name is taken, and a rename does not."""
    wanted = PurePath(name)
    for number in count(1):
        final = name if number == 1 else f"{wanted.stem} ({number}){wanted.suffix}"
        try:
            os.link(temporary, final, src_dir_fd=place, dst_dir_fd=place, follow_symlinks=False)
        except FileExistsError:
            continue
        return final
    raise AssertionError


def _settle(folder: Path, place: int, file: int, final: str) -> None:
    """Make the name last, and see that the path leads to our file; otherwise take it back."""
    try:
        found = os.stat(final, dir_fd=place, follow_symlinks=False)
        os.fsync(place)
        is_ours = os.path.samestat(found, os.fstat(file)) and is_still(folder, place)
        error = None if is_ours else OSError(errno.ENOTDIR, "the folder was moved")
    except OSError as failure:
        error = failure
    if error is not None:
        with suppress(OSError):
            os.unlink(final, dir_fd=place)
        raise error
