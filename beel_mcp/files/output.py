"""Files for the person: saved whole or not at all, private, never over another, given out again."""

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
from dataclasses import asdict, dataclass, replace
from io import BufferedRandom
from itertools import count
from pathlib import Path, PurePath
from typing import BinaryIO, Final
from urllib.parse import quote

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError
from beel_mcp.files.safe_dir import SafeDir, append, open_dir, unusable

logger = logging.getLogger(__name__)

RECORDS: Final = "files.jsonl"  # in the state folder
FILES: Final = "beel://files/"
# A file travels in one message, a third longer than it is; apps choke on more.
MOST_BYTES: Final = 10_000_000
_TEMPORARY: Final = re.compile(r"\.beel-mcp-[0-9a-f]{16}")


@dataclass(frozen=True)
class SavedFile:
    """A file as it was when it was saved; `sha256` is "" if it is too large to be given out."""

    name: str
    caller: str
    size_bytes: int
    sha256: str


@dataclass
class SavedFiles:
    """The files that were saved for one caller, now or before a restart.

    They are recorded in the state folder as lines of JSON, which several processes append to.
    """

    files_dir: Path
    state_dir: Path
    caller: str
    has_new: bool = False  # something was recorded by this very object

    @property
    def _records(self) -> Path:
        return self.state_dir / RECORDS

    def describe(self, stream: BinaryIO) -> SavedFile | None:
        """Describe a file that has no name yet; None if it cannot be read again."""
        try:
            size = os.fstat(stream.fileno()).st_size
            stream.seek(0)
            digest = hashlib.sha256(stream.read()).hexdigest() if size <= MOST_BYTES else ""
        except OSError as error:
            logger.warning("a saved file could not be noted (%s)", type(error).__name__)
            return None
        return SavedFile("", self.caller, size, digest)

    def record(self, file: SavedFile) -> None:
        """Record a file that has just got its name; it stays saved if that fails."""
        try:
            self._records.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            append(self._records, json.dumps(asdict(file)).encode() + b"\n")
        except OSError as error:
            logger.warning("a saved file could not be noted (%s)", type(error).__name__)
        else:
            self.has_new = True

    def list(self) -> list[SavedFile]:
        """List the files that are still there, the newest first."""
        newest: dict[str, SavedFile] = {}
        for file in self._recorded():
            newest.pop(file.name, None)
            newest[file.name] = file
        try:
            with open_dir(self.files_dir, create=False) as directory:
                return [
                    file
                    for file in reversed(newest.values())
                    if _size(directory, file.name) == file.size_bytes
                ]
        except OSError:
            return []

    def read(self, name: str) -> bytes:
        """Read a file, if it is still the very bytes that were saved for this caller.

        Raises:
            CallerError: there is no such file, or it was changed, or it is too large.
        """
        recorded = [file for file in self._recorded() if file.name == name]
        if not recorded:
            raise _not_found(name)
        path = quoted(str(self.files_dir / name), 300)
        if recorded[-1].size_bytes > MOST_BYTES:
            raise CallerError(
                f"The file {quoted(name, 120)} has more than the {MOST_BYTES // 1_000_000} MB that"
                " fit into one answer.",
                code="file_too_large",
                remedy=f"It is on this computer: the person can open {path}.",
            )
        try:
            with (
                open_dir(self.files_dir, create=False) as directory,
                directory.open(name) as stream,
            ):
                content = stream.read(MOST_BYTES + 1)
        except OSError:
            raise _not_found(name) from None
        if hashlib.sha256(content).hexdigest() not in {file.sha256 for file in recorded}:
            raise CallerError(
                f"The file {quoted(name, 120)} was changed after this server wrote it, and only"
                " what it wrote is given out.",
                code="file_changed",
                remedy=f"The person can open {path}; a list that was corrected"
                " there is read by validate_customers with source_path.",
            )
        return content

    def _recorded(self) -> Iterator[SavedFile]:
        try:
            lines = self._records.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return
        for line in lines:
            try:
                file = SavedFile(**json.loads(line))
            except (ValueError, TypeError):
                continue  # half a line, of a process that was killed
            is_bare = file.name not in {"", ".", ".."} and not {"/", "\0"} & set(file.name)
            if file.caller == self.caller and is_bare:
                yield file


# Set by every request: whoever saves a file then need not know for whom, and cannot forget.
SAVED_FILES: Final[ContextVar[SavedFiles | None]] = ContextVar("saved_files", default=None)


def file_uri(name: str) -> str:
    """Give the address under which this server gives out a file that it saved."""
    return FILES + quote(name, safe="")


def forget_files(state_dir: Path) -> None:
    """Forget which files were saved, and for whom; the files stay."""
    (state_dir / RECORDS).unlink(missing_ok=True)


def _size(directory: SafeDir, name: str) -> int | None:
    try:
        found = directory.stat(name)
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


@dataclass
class NewFile:
    """A file that is being written; it has its final `path` once the block has ended well."""

    stream: BufferedRandom
    path: Path


@contextmanager
def new_file(folder: Path, name: str, *, needed_bytes: int = 0) -> Iterator[NewFile]:
    """Write a file of that name, or of the next free one: `name (2).zip`.

    Leftovers of processes that died are removed first. A file that a request saves is recorded
    as the caller's.

    Raises:
        OperatorError: the folder cannot be written to, or is full; nothing was saved.
    """
    try:
        with open_dir(folder) as directory:
            _remove_leftovers(directory)
            with _temporary(directory) as (temporary, stream):
                new = NewFile(stream, folder / temporary)
                yield new
                stream.flush()
                os.fsync(stream.fileno())
                saved_files = SAVED_FILES.get()
                described = saved_files.describe(stream) if saved_files else None
                final = _name_finally(directory, temporary, name, stream)
                if saved_files and described:
                    saved_files.record(replace(described, name=final))
            new.path = folder / final
    except OSError as error:
        raise unusable(error, needed_bytes) from None


def save_file(folder: Path, name: str, content: bytes) -> Path:
    """Save bytes under that name, or the next free one; the path.

    Raises:
        OperatorError: the folder cannot be written to, or is full; nothing was saved.
    """
    with new_file(folder, name, needed_bytes=len(content)) as new:
        new.stream.write(content)
    return new.path


@contextmanager
def _temporary(directory: SafeDir) -> Iterator[tuple[str, BufferedRandom]]:
    """Open a file under a name that is taken away again, whatever else it is named by then."""
    name, stream = _create(directory)
    try:
        yield name, stream
    finally:
        try:
            with suppress(OSError):
                stream.close()
        finally:
            with suppress(OSError):
                directory.unlink(name)


def _create(directory: SafeDir) -> tuple[str, BufferedRandom]:
    while True:
        name = f".beel-mcp-{secrets.token_hex(8)}"
        if stream := directory.create(name):
            return name, stream


def _remove_leftovers(directory: SafeDir) -> None:
    for name in filter(_TEMPORARY.fullmatch, directory.names()):
        with suppress(OSError):
            directory.remove_leftover(name)


def _name_finally(directory: SafeDir, temporary: str, name: str, stream: BufferedRandom) -> str:
    """Give the file the first name that is free."""
    wanted = PurePath(name)
    file = os.fstat(stream.fileno())
    for number in count(1):
        final = name if number == 1 else f"{wanted.stem} ({number}){wanted.suffix}"
        try:
            directory.name(temporary, final, stream)
        except FileExistsError:
            continue
        _confirm(directory, final, file)
        return final
    raise AssertionError


def _confirm(directory: SafeDir, final: str, file: os.stat_result) -> None:
    """Make the name last, and see that the path leads to our file; otherwise take it back."""
    try:
        directory.sync()
        directory.verify(final, file)
    except OSError:
        with suppress(OSError):
            directory.unlink(final)
        raise
