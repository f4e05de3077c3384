"""The file layer of Windows, which has no descriptors of folders: they are held in place instead.

Windows renames and removes nothing that somebody holds open without sharing that right. So each
folder on a way is opened itself (a link as the link), held, and only then looked at: what was
seen stays true while it is held. Handles come from `_winapi`, which `multiprocessing` stands on;
what they show is read by `os.lstat`, which knows links and junctions from files in the cloud.
"""

import _winapi
import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from io import BufferedRandom
from pathlib import Path
from typing import BinaryIO, Final

from beel_mcp.files.portable_names import is_windows_name, leads_away, long_path

assert sys.platform == "win32"  # type checkers believe it, too

__all__ = [
    "SafeDir",
    "append",
    "hold",
    "is_path",
    "leads_away",
    "open_below",
    "open_dir",
    "open_nameless",
    "open_private",
    "replace",
    "try_to_open",
]

# Without O_BINARY every \n that is written becomes \r\n.
_READ: Final = os.O_RDONLY | os.O_BINARY | os.O_NOINHERIT
_WRITE: Final = os.O_RDWR | os.O_CREAT | os.O_BINARY | os.O_NOINHERIT
# FILE_TRAVERSE and FILE_READ_ATTRIBUTES: a handle that asks for less is not counted as a holder.
_PASS: Final = 0x20 | 0x80
_SHARE_READ_AND_WRITE: Final = 1 | 2  # and not 4, the right to rename or remove it
_OPEN_EXISTING: Final = 3
_FOLDER_OR_LINK_ITSELF: Final = 0x0200_0000 | 0x0020_0000
# Set in the tag of what leads elsewhere: links, junctions; not in that of a file in the cloud.
_NAME_SURROGATE: Final = 0x2000_0000
_TO_READ: Final = 0x8000_0000
_TO_WRITE: Final = 0x4000_0000
_IN_USE: Final = 32  # ERROR_SHARING_VIOLATION
# A file that its process has closed, but not yet named, must not be taken for a leftover.
_LEFTOVER_AGE_S: Final = 60.0
# Scanners for viruses look into a file right after it was closed.
_PAUSES_S: Final = (0.05, 0.1, 0.2, 0.4)
_LONGEST_PATH: Final = 4096


class SafeDir:
    """A folder that stays where it is, with all that lead to it, as long as it is open.

    All methods raise OSError where the system refuses.
    """

    def __init__(self, path: Path, found: os.stat_result) -> None:
        self.path = path
        self._found = found
        self._absolute = os.path.abspath(path)  # noqa: PTH100 - resolve() follows links

    def names(self) -> list[str]:
        return os.listdir(long_path(self._absolute))  # noqa: PTH208 - names, not paths

    def create(self, name: str) -> BufferedRandom | None:
        """Make a file, which nobody can remove as long as it is open."""
        fd = os.open(self._at(name), _WRITE | os.O_EXCL, 0o600)
        try:
            return os.fdopen(fd, "w+b")
        except BaseException:
            os.close(fd)
            with suppress(OSError):
                self.unlink(name)
            raise

    def open(self, name: str) -> BinaryIO:
        """Open a regular file for reading."""
        return _open_itself(self._at(name))

    def stat(self, name: str) -> os.stat_result:
        """Describe whatever has the name; a link itself, not what it leads to."""
        return os.lstat(self._at(name))

    def name(self, temporary: str, name: str, stream: BufferedRandom) -> None:
        """Give a written file its name in place of the temporary one; `stream` is closed.

        Raises:
            FileExistsError: the name is taken, also by a file that another program has open.
        """
        stream.close()  # an open file cannot be renamed
        # Windows replaces nothing here, unlike other systems.
        _patiently(lambda: os.rename(self._at(temporary), self._at(name)))  # noqa: PTH104

    def unlink(self, name: str) -> None:
        os.unlink(self._at(name))  # noqa: PTH108 - tests make its calls fail one by one

    def remove_leftover(self, name: str) -> None:
        """Remove a file that no process has open, and that was not written to just now."""
        if time.time() - self.stat(name).st_mtime > _LEFTOVER_AGE_S:
            self.unlink(name)

    def sync(self) -> None:
        """Do nothing: Windows keeps names in a journal, and cannot be told to hurry."""

    def is_writable(self) -> bool:
        """Try, as rights are lists here and programs may be kept out: a refusal is an OSError."""
        name = f".beel-mcp-{os.urandom(8).hex()}"
        if stream := self.create(name):
            stream.close()
            _patiently(lambda: self.unlink(name))
        return True

    def verify(self, name: str, file: os.stat_result) -> None:
        """See that the folder's path still leads to it, and the name to the file.

        Raises:
            OSError: ENOTDIR; somebody put something else in the place of one of them.
        """
        is_same_folder = False
        with suppress(OSError), open_dir(self.path, create=False) as again:
            is_same_folder = again._found.st_ino == self._found.st_ino  # noqa: SLF001
        if not is_same_folder or self.stat(name).st_ino != file.st_ino:
            raise OSError(errno.ENOTDIR, "the folder was moved")

    def _at(self, name: str) -> str:
        if not is_windows_name(name):
            raise FileNotFoundError(errno.ENOENT, "no name of a file")
        return long_path(os.path.join(self._absolute, name))  # noqa: PTH118 - as it is


@contextmanager
def open_dir(folder: Path, *, create: bool = True) -> Iterator[SafeDir]:
    """Open a folder, made where it is missing; a link on the way to it is refused.

    What it is made in decides who can look into it: in the person's profile nobody else.

    Raises:
        OSError: it cannot be opened or made, or is reached through a link.
    """
    whole = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve() follows links
    with ExitStack() as held:
        for step in (*reversed(whole.parents), whole):
            found = _hold(held, long_path(str(step)), create=create)
        yield SafeDir(folder, found)


def open_below(folder: str, parts: Sequence[str]) -> BinaryIO:
    """Open a regular file below a folder for reading; none of `parts` may be a link.

    Raises:
        OSError: it cannot be opened: ELOOP or ENOTDIR for a link, ENXIO for what is no file.
    """
    if not all(map(is_windows_name, parts)):
        raise FileNotFoundError(errno.ENOENT, "no name of a file")
    whole = Path(folder, *parts)
    on_the_way = [Path(folder, *parts[:number]) for number in range(len(parts))]
    with ExitStack() as held:
        for step in on_the_way:
            _hold(held, long_path(str(step)), create=False)
        return _open_itself(long_path(str(whole)))


def open_private(path: Path, flags: int = 0) -> int:
    """Open a file for reading and writing, made where it is missing.

    It is the owner's alone because its folder is.

    Raises:
        OSError: it cannot be opened, or is a link.
    """
    spelt = long_path(str(path))
    with suppress(FileNotFoundError):
        _refuse_links(os.lstat(spelt))
    return os.open(spelt, _WRITE | flags, 0o600)


def open_nameless(path: Path) -> BinaryIO:
    """Open a new file that is gone when it is closed, however the process ends.

    Raises:
        OSError: it cannot be made.
    """
    return os.fdopen(open_private(path, os.O_EXCL | os.O_TEMPORARY), "w+b")


@contextmanager
def hold(path: Path) -> Iterator[bool]:
    """Hold a lock, however the process ends; yields False if another has it.

    Raises:
        OSError: there are no locks in this folder.
    """
    from filelock import FileLock, Timeout  # noqa: PLC0415 - only a package of PDFs needs it

    lock = FileLock(path, mode=0o600)
    with suppress(Timeout):
        lock.acquire(timeout=0)
    try:
        yield lock.is_locked
    finally:
        lock.release()


def append(path: Path, line: bytes) -> None:
    """Add a line to a file of the owner's that other processes add to as well.

    Raises:
        OSError: it cannot be written.
    """
    from filelock import FileLock  # noqa: PLC0415 - only a file that is saved needs it

    # To append is to look for the end and then to write: two may find the same end.
    with FileLock(path.with_suffix(".lock"), timeout=1, mode=0o600):
        fd = open_private(path, os.O_APPEND)
        try:
            os.write(fd, line)
        finally:
            os.close(fd)


def replace(path: Path, other: Path) -> None:
    """Put a file in another's place, which is the old or the new at every moment.

    Raises:
        OSError: it cannot be done; both are as they were.
    """
    _patiently(lambda: path.replace(other))


def try_to_open(path: Path, *, to_write: bool = False) -> None:
    """Open a file that is there, and close it again: nothing is read, nothing changes.

    Raises:
        OSError: with the reason as Windows numbers it, which `os.open` leaves out.
    """
    access = _TO_READ | (_TO_WRITE if to_write else 0)
    spelt, share = long_path(str(path)), _SHARE_READ_AND_WRITE  # as `os.open` shares it
    _winapi.CloseHandle(_winapi.CreateFile(spelt, access, share, 0, _OPEN_EXISTING, 0, 0))


def is_path(text: str) -> bool:
    """Tell whether a path may name a file that can be looked at without harm."""
    is_text = not any("\ud800" <= character <= "\udfff" for character in text)
    if not is_text or not 0 < len(text) <= _LONGEST_PATH:
        return False
    parts = Path(text).parts[1 if Path(text).anchor else 0 :]
    return all(part == ".." or is_windows_name(part) for part in parts)


def _hold(held: ExitStack, path: str, *, create: bool) -> os.stat_result:
    """Keep a folder from being renamed or removed, and see that it is one; its description."""
    try:
        _keep(held, path)
    except FileNotFoundError:
        if not create:
            raise
        with suppress(FileExistsError):  # somebody else made it meanwhile
            os.mkdir(path, 0o700)  # noqa: PTH102 - tests make its calls fail one by one
        _keep(held, path)
    found = os.lstat(path)
    _refuse_links(found)
    if not stat.S_ISDIR(found.st_mode):
        raise OSError(errno.ENOTDIR, "not a folder")
    return found


def _keep(held: ExitStack, path: str) -> None:
    try:
        handle = _winapi.CreateFile(
            path, _PASS, _SHARE_READ_AND_WRITE, 0, _OPEN_EXISTING, _FOLDER_OR_LINK_ITSELF, 0
        )
    except PermissionError as error:
        if getattr(error, "winerror", 0) == _IN_USE:
            raise
        return  # what we may not even pass, we may not rename: nor may who has our rights
    held.callback(_winapi.CloseHandle, handle)


def _open_itself(path: str) -> BinaryIO:
    """Open a regular file for reading, and not one that somebody put in its place meanwhile."""
    found = os.lstat(path)
    _refuse_links(found)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.ENXIO, "not a regular file")
    try:
        fd = os.open(path, _READ)
    except PermissionError:
        try_to_open(Path(path))  # refused as well and told why, unless it was let go meanwhile
        fd = os.open(path, _READ)
    if os.fstat(fd).st_ino != found.st_ino:
        os.close(fd)
        raise OSError(errno.ELOOP, "another file took its place")
    return os.fdopen(fd, "rb")


def _refuse_links(found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode) or getattr(found, "st_reparse_tag", 0) & _NAME_SURROGATE:
        raise OSError(errno.ELOOP, "a link")


def _patiently(act: Callable[[], object]) -> None:
    for pause_s in _PAUSES_S:
        try:
            act()
        except PermissionError:
            time.sleep(pause_s)
        else:
            return
    act()
