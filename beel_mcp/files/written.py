"""What this server wrote into the files folder, and for whom: no other file is given out."""

import hashlib
import json
import logging
import os
import stat
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import quote

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError
from beel_mcp.files.place import opened

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
