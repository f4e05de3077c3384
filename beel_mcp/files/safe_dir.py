"""Import folders: a file is read only if it really lies in one of them."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError, OperatorError

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


MAX_BYTES: Final = 10_000_000
_LONGEST_PATH: Final = 4096
_MISSING: Final = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
# A FIFO or a terminal must neither block the server nor become its own.
_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_DIRECTORY


def read_import_file(path: str, folders: Sequence[Path], *, limit_bytes: int = MAX_BYTES) -> bytes:
    """Read a whole file that lies in one of the folders, links and `..` followed first.

    A relative path is looked up in each folder in turn. Outside of the folders the answer is
    the same whether there is such a file or not.

    Raises:
        CallerError: the path is not allowed, or there is no file there that can be read.

    """
    shown = quoted(path, 120)
    places, strays = _places(path, folders) if _is_path(path) else ([], False)
    for folder, inner in places:
        try:
            return _read(folder, inner, shown, limit_bytes)
        except OSError as error:
            refusal = None if error.errno in _MISSING else _refusal(error, shown, folders)
        if refusal:
            raise refusal
    if strays:
        raise _not_allowed(shown, folders)
    raise CallerError(
        f"There is no file {shown} in the import folders.",
        code="file_not_found",
        remedy=f"Check the name; files are looked for in {_listed(folders)}.",
    )


def _is_path(text: str) -> bool:
    """Whether a file system can hold such a name at all."""
    try:
        return 0 < len(os.fsencode(text)) <= _LONGEST_PATH and "\0" not in text
    except UnicodeEncodeError:
        return False


def _places(path: str, folders: Sequence[Path]) -> tuple[list[tuple[str, list[str]]], bool]:
    """Find each place in a folder that the path may stand for, every link resolved.

    The flag says that it may also stand for a place outside, or for none.
    """
    try:
        plain = Path(path).expanduser()
    except RuntimeError:  # a user that this machine does not know
        plain = Path(path)
    roots = [os.path.realpath(folder) for folder in folders]
    starts = dict.fromkeys(folder / plain for folder in folders)
    places = []
    for place in (Path(os.path.realpath(start)) for start in starts):
        root = next((root for root in roots if place.is_relative_to(root)), None)
        if root is not None:
            places.append((root, list(place.relative_to(root).parts)))
    return places, len(places) < max(len(starts), 1)


def _read(folder: str, inner: list[str], shown: str, limit_bytes: int) -> bytes:
    with _opened(folder, inner) as file:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise _not_a_file(shown)
        if found.st_size > limit_bytes:
            raise _too_large(shown, limit_bytes)
        with os.fdopen(file, "rb", closefd=False) as stream:
            data = stream.read(limit_bytes + 1)
    if len(data) > limit_bytes:  # it grew meanwhile
        raise _too_large(shown, limit_bytes)
    return data


@contextmanager
def _opened(folder: str, inner: list[str]) -> Iterator[int]:
    """Walk down by descriptors, so that nobody can put a link in the way meanwhile."""
    current = os.open(folder, _FOLDER_FLAGS)
    try:
        for place, part in enumerate(inner, 1):
            flags = _FLAGS if place == len(inner) else _FOLDER_FLAGS
            inside = os.open(part, flags, dir_fd=current)
            os.close(current)
            current = inside
        yield current
    finally:
        os.close(current)


def _refusal(error: OSError, shown: str, folders: Sequence[Path]) -> CallerError:
    """Say in our words why a file could not be read."""
    if error.errno == errno.ELOOP:
        return _not_allowed(shown, folders)
    if error.errno == errno.ENXIO:  # a socket
        return _not_a_file(shown)
    return CallerError(
        f"The file {shown} cannot be read.",
        code="file_unreadable",
        remedy="The person can check that this user may read it, or save a copy of it.",
    )


def _not_allowed(shown: str, folders: Sequence[Path]) -> CallerError:
    return CallerError(
        f"The path {shown} lies outside of the folders that lists may be read from.",
        code="path_not_allowed",
        remedy=f"Allowed: {_listed(folders)}. The person can copy the file there, or name its"
        " folder in the setting BEEL_IMPORT_DIRS and restart the server.",
    )


def _not_a_file(shown: str) -> CallerError:
    return CallerError(
        f"{shown} is not a file: it is a folder or a device.",
        code="not_a_file",
        remedy="Give the path of the list itself.",
    )


def _too_large(shown: str, limit_bytes: int) -> CallerError:
    return CallerError(
        f"The file {shown} is larger than {limit_bytes / 1_000_000:g} MB.",
        code="file_too_large",
        remedy="Keep the columns of BeeL's template only, or split the file.",
    )


def _listed(folders: Sequence[Path]) -> str:
    return ", ".join(quoted(str(folder), 120) for folder in folders) or "no folder at all"
