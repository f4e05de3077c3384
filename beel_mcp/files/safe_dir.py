"""Folders and files opened by descriptor, following no link, and locks on them."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from beel_mcp.errors import OperatorError

_NO_LINK: Final = os.O_CLOEXEC | os.O_NOFOLLOW
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | _NO_LINK
# A folder on the way need not be readable, only passable; not every system can say so.
_ON_THE_WAY: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | _NO_LINK
# A pipe or a terminal must neither block the server nor become its own.
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | _NO_LINK
_WRITE: Final = os.O_RDWR | os.O_CREAT | _NO_LINK
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_FOLDER: Final = (errno.ENOTDIR, errno.ELOOP)


class SafeDir:
    """An open folder. Its files are reached through its descriptor, wherever its path leads now.

    All methods raise OSError where the system refuses.
    """

    def __init__(self, path: Path, dir_fd: int) -> None:
        self.path = path
        self.dir_fd = dir_fd

    def names(self) -> list[str]:
        with os.scandir(self.dir_fd) as entries:
            return [entry.name for entry in entries]

    def create(self, name: str) -> int:
        """Open a new file of its owner's for reading and writing; a descriptor."""
        return os.open(name, _WRITE | os.O_EXCL, 0o600, dir_fd=self.dir_fd)

    def open(self, name: str) -> int:
        """Open whatever has the name, without waiting for it; a descriptor."""
        return os.open(name, _READ, dir_fd=self.dir_fd)

    def stat(self, name: str) -> os.stat_result:
        """Describe whatever has the name; a link itself, not what it leads to."""
        return os.stat(name, dir_fd=self.dir_fd, follow_symlinks=False)

    def link(self, name: str, other: str) -> None:
        """Give a file another name; unlike a rename it fails where that name is taken."""
        here = self.dir_fd
        os.link(name, other, src_dir_fd=here, dst_dir_fd=here, follow_symlinks=False)

    def unlink(self, name: str) -> None:
        os.unlink(name, dir_fd=self.dir_fd)

    def sync(self) -> None:
        os.fsync(self.dir_fd)

    def is_writable(self) -> bool:
        return os.access(".", os.W_OK | os.X_OK, dir_fd=self.dir_fd)

    def verify(self, name: str, fd: int) -> None:
        """See that the folder's path still leads to it, and the name to the open file `fd`.

        Raises:
            OSError: ENOTDIR; somebody put something else in the place of one of them.
        """
        is_same_folder = False
        with suppress(OSError), open_dir(self.path, create=False) as again:
            is_same_folder = os.path.sameopenfile(again.dir_fd, self.dir_fd)
        if not is_same_folder or not os.path.samestat(self.stat(name), os.fstat(fd)):
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
    return regular_file(_descend(folder, parts, _READ, create=False))


def regular_file(fd: int) -> BinaryIO:
    """Make a stream for reading of a descriptor.

    Raises:
        OSError: ENXIO; it is a folder, a pipe or a device. The descriptor is closed.
    """
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return os.fdopen(fd, "rb")
    _close(fd)
    raise OSError(errno.ENXIO, "not a regular file")


def open_private(path: Path, flags: int = 0) -> int:
    """Open a file of the owner's for reading and writing, made where it is missing.

    Raises:
        OSError: it cannot be opened, or is a link.
    """
    return os.open(path, _WRITE | flags, 0o600)


def try_lock(fd: int) -> bool:
    """Lock a file until it is closed, however the process ends; False if another has it.

    Raises:
        OSError: the file system has no locks.
    """
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def check_folder(folder: Path) -> None:
    """Find out before any work whether a file could be saved in a folder.

    Raises:
        OperatorError: it could not.
    """
    try:
        with open_dir(folder) as directory:
            is_writable = directory.is_writable()
    except OSError as error:
        raise unusable(error) from None
    if not is_writable:
        raise unusable(PermissionError())


def unusable(error: OSError, needed_bytes: int = 0) -> OperatorError:
    """Make the error for a files folder that cannot be used, without the system's words."""
    if error.errno in _FULL:
        size = f" ({-(-needed_bytes // 1_000_000)} MB)" if needed_bytes else ""
        return OperatorError(
            f"There is not enough room for the file{size}; nothing was saved.",
            code="disk_full",
            remedy="Free some space where BEEL_FILES_DIR and BEEL_STATE_DIR are.",
        )
    if error.errno in _NO_FOLDER:
        return OperatorError(
            "The files folder, or one on the way to it, is a link or no folder; nothing was saved.",
            code="folder_unusable",
            remedy="Set BEEL_FILES_DIR to the folder itself, not to a link that leads there.",
        )
    return OperatorError(
        f"No file can be saved in the files folder ({type(error).__name__}).",
        code="folder_unusable",
        remedy="Check that BEEL_FILES_DIR is a folder of yours that can be written to.",
    )


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
