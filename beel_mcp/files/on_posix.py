"""The file layer of Linux and macOS: folders by descriptor, following no link, and locks."""

import errno
import fcntl
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedRandom
from pathlib import Path
from typing import BinaryIO, Final

assert sys.platform != "win32"  # type checkers believe it, too

_NO_LINK: Final = os.O_CLOEXEC | os.O_NOFOLLOW
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | _NO_LINK
# A folder on the way need not be readable, only passable; not every system can say so.
_ON_THE_WAY: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | _NO_LINK
# A pipe or a terminal must neither block the server nor become its own.
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | _NO_LINK
_WRITE: Final = os.O_RDWR | os.O_CREAT | _NO_LINK
_LONGEST_PATH: Final = 4096


class SafeDir:
    """An open folder. Its files are reached through its descriptor, wherever its path leads now.

    All methods raise OSError where the system refuses.
    """

    def __init__(self, path: Path, dir_fd: int) -> None:
        self.path = path
        self._dir_fd = dir_fd

    def names(self) -> list[str]:
        with os.scandir(self._dir_fd) as entries:
            return [entry.name for entry in entries]

    def create(self, name: str) -> BufferedRandom | None:
        """Make a file of its owner's, locked as long as it is open, which shows that we live.

        None if another process took it for a leftover in the moment before it was locked.
        """
        fd = os.open(name, _WRITE | os.O_EXCL, 0o600, dir_fd=self._dir_fd)
        try:
            if _lock(fd) and os.fstat(fd).st_nlink:
                return os.fdopen(fd, "w+b")
        except BaseException:
            os.close(fd)
            with suppress(OSError):
                self.unlink(name)
            raise
        os.close(fd)
        return None

    def open(self, name: str) -> BinaryIO:
        """Open a regular file for reading; a pipe of that name is not waited for."""
        return _regular_file(os.open(name, _READ, dir_fd=self._dir_fd))

    def stat(self, name: str) -> os.stat_result:
        """Describe whatever has the name; a link itself, not what it leads to."""
        return os.stat(name, dir_fd=self._dir_fd, follow_symlinks=False)

    def name(self, temporary: str, name: str, stream: BufferedRandom) -> None:
        """Give a written file its name. Its temporary one stays, and so does `stream`.

        Raises:
            FileExistsError: the name is taken.
        """
        # Unlike a rename, a link replaces nothing.
        here = self._dir_fd
        os.link(temporary, name, src_dir_fd=here, dst_dir_fd=here, follow_symlinks=False)

    def unlink(self, name: str) -> None:
        os.unlink(name, dir_fd=self._dir_fd)

    def remove_leftover(self, name: str) -> None:
        """Remove a file that its process does not keep locked any more."""
        fd = os.open(name, _READ, dir_fd=self._dir_fd)
        try:
            if _try_lock(fd):
                self.unlink(name)
        finally:
            os.close(fd)

    def sync(self) -> None:
        """Put its names on the disk."""
        os.fsync(self._dir_fd)

    def is_writable(self) -> bool:
        return os.access(".", os.W_OK | os.X_OK, dir_fd=self._dir_fd)

    def verify(self, name: str, file: os.stat_result) -> None:
        """See that the folder's path still leads to it, and the name to the file.

        Raises:
            OSError: ENOTDIR; somebody put something else in the place of one of them.
        """
        is_same_folder = False
        with suppress(OSError), open_dir(self.path, create=False) as again:
            is_same_folder = os.path.sameopenfile(again._dir_fd, self._dir_fd)  # noqa: SLF001
        if not is_same_folder or not os.path.samestat(self.stat(name), file):
            raise OSError(errno.ENOTDIR, "the folder was moved")


@contextmanager
def open_dir(folder: Path, *, create: bool = True) -> Iterator[SafeDir]:
    """Open a folder, made 0700 where it is missing; a link on the way to it is refused.

    Only the system can put a link right into the root (`/home` -> `/var/home`): that one is
    followed.

    Raises:
        OSError: it cannot be opened or made, or is reached through a link.
    """
    parts = Path(os.path.abspath(folder)).parts  # noqa: PTH100 - resolve() follows links
    top = os.path.realpath(Path(*parts[:2]))
    dir_fd = _descend(top, parts[2:], _FOLDER, create=create)
    try:
        yield SafeDir(folder, dir_fd)
    finally:
        _close(dir_fd)


def open_below(folder: str, parts: Sequence[str]) -> BinaryIO:
    """Open a regular file below a folder for reading; none of `parts` may be a link.

    Raises:
        OSError: it cannot be opened: ELOOP or ENOTDIR for a link, ENXIO for what is no file.
    """
    return _regular_file(_descend(folder, parts, _READ, create=False))


def open_private(path: Path, flags: int = 0) -> int:
    """Open a file of the owner's for reading and writing, made where it is missing.

    Raises:
        OSError: it cannot be opened, or is a link.
    """
    return os.open(path, _WRITE | flags, 0o600)


def open_nameless(path: Path) -> BinaryIO:
    """Open a new file that is gone when it is closed, however the process ends.

    Raises:
        OSError: it cannot be made.
    """
    stream = os.fdopen(open_private(path, os.O_EXCL), "w+b")
    try:
        path.unlink()
    except OSError:
        stream.close()
        raise
    return stream


@contextmanager
def hold(path: Path) -> Iterator[bool]:
    """Hold a lock, however the process ends; yields False if another has it.

    Raises:
        OSError: there are no locks in this folder.
    """
    fd = open_private(path)
    try:
        yield _try_lock(fd)
    finally:
        _close(fd)


def append(path: Path, line: bytes) -> None:
    """Add a line to a file of the owner's that other processes add to as well.

    Raises:
        OSError: it cannot be written.
    """
    fd = open_private(path, os.O_APPEND)
    try:
        os.write(fd, line)  # in one write, and so in one piece
    finally:
        os.close(fd)


def replace(path: Path, other: Path) -> None:
    """Put a file in another's place, which is the old or the new at every moment.

    Raises:
        OSError: it cannot be done; both are as they were.
    """
    path.replace(other)


def try_to_open(path: Path, *, to_write: bool = False) -> None:
    """Open a file that is there, and close it again: nothing is read, nothing changes.

    Raises:
        OSError: it cannot be opened, or is a link.
    """
    os.close(os.open(path, _READ | (os.O_RDWR if to_write else 0)))


def is_path(text: str) -> bool:
    """Tell whether a file system can hold such a name at all."""
    try:
        return 0 < len(os.fsencode(text)) <= _LONGEST_PATH and "\0" not in text
    except UnicodeEncodeError:
        return False


def leads_away(path: Path, folders: Iterable[Path]) -> bool:
    """Tell whether to look at a path would be too much already; here it is not."""
    return False


def _regular_file(fd: int) -> BinaryIO:
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return os.fdopen(fd, "rb")
    _close(fd)
    raise OSError(errno.ENXIO, "not a regular file")


def _lock(fd: int) -> bool:
    try:
        return _try_lock(fd)
    except OSError:  # a file system without locks: then leftovers stay, too
        return True


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _descend(top: str, parts: Sequence[str], last: int, *, create: bool) -> int:
    """Walk down by descriptors, so that nobody can put a link in the way meanwhile.

    `last` are the flags to open the end of the way with; its descriptor is returned.
    """
    flags = [*[_ON_THE_WAY] * len(parts), last]
    current = os.open(top, flags[0])
    for part, flag in zip(parts, flags[1:], strict=True):
        try:
            inner = _step(current, part, flag, create=create)
        finally:
            _close(current)
        current = inner
    return current


def _step(dir_fd: int, part: str, flags: int, *, create: bool) -> int:
    try:
        return os.open(part, flags, dir_fd=dir_fd)
    except FileNotFoundError:
        if not create:
            raise
    with suppress(FileExistsError):  # somebody else made it meanwhile
        os.mkdir(part, 0o700, dir_fd=dir_fd)
    return os.open(part, flags, dir_fd=dir_fd)


def _close(fd: int) -> None:
    with suppress(OSError):  # nothing was written through it
        os.close(fd)
