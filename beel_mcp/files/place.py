"""The person's folder by its descriptor, so that no link can lead elsewhere, now or meanwhile."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from beel_mcp.errors import OperatorError

_NO_LINK: Final = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY
# A folder on the way need not be readable, only passable; not every system can say so.
_ON_THE_WAY: Final = getattr(os, "O_PATH", os.O_RDONLY) | _NO_LINK
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_FOLDER: Final = (errno.ENOTDIR, errno.ELOOP)


@contextmanager
def opened(folder: Path, *, is_made: bool = True) -> Iterator[int]:
    """Open a folder, made 0700 where it is missing; a link on the way to it is refused.

    Only the system can put a link right into the root (`/home` -> `/var/home`): that one is
    followed.

    Raises:
        OSError: it cannot be opened or made, or is reached through a link.

    """
    parts = Path(os.path.abspath(folder)).parts  # noqa: PTH100 - resolve() follows links
    current = os.open(os.path.realpath(Path(*parts[:2])), _flags(parts[2:]))
    try:
        for number, part in enumerate(parts[2:], 3):
            inner = _step(current, part, _flags(parts[number:]), is_made=is_made)
            _close(current)
            current = inner
        yield current
    finally:
        _close(current)


def check_folder(folder: Path) -> None:
    """Find out before any work whether a file could be saved there.

    Raises:
        OperatorError: it could not.

    """
    try:
        with opened(folder) as place:
            is_ours = os.access(".", os.W_OK | os.X_OK, dir_fd=place)
    except OSError as error:
        raise unusable(error) from None
    if not is_ours:
        raise unusable(PermissionError())


def is_still(folder: Path, place: int) -> bool:
    """Tell whether the path still leads to the folder that was opened."""
    try:
        with opened(folder, is_made=False) as again:
            return os.path.sameopenfile(again, place)
    except OSError:
        return False


def unusable(error: OSError, needed_bytes: int = 0) -> OperatorError:
    """Say that the files folder cannot be used, without the words of whoever refused."""
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


def _close(place: int) -> None:
    with suppress(OSError):  # nothing was written through it
        os.close(place)


def _flags(rest: tuple[str, ...]) -> int:
    return _ON_THE_WAY if rest else os.O_RDONLY | _NO_LINK


def _step(current: int, part: str, flags: int, *, is_made: bool) -> int:
    try:
        return os.open(part, flags, dir_fd=current)
    except FileNotFoundError:
        if not is_made:
            raise
    with suppress(FileExistsError):  # somebody else made it meanwhile
        os.mkdir(part, 0o700, dir_fd=current)
    return os.open(part, flags, dir_fd=current)
