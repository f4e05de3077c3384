"""Reads a file that a person named, only if it really lies in an import folder."""

import errno
import os
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError
from beel_mcp.files.given_path import foreign_address, readings, spellings
from beel_mcp.files.safe_dir import is_in_use, is_path, leads_away, open_below

MAX_BYTES: Final = 10_000_000
ENDINGS: Final = (".csv", ".tsv", ".txt", ".xlsx", ".xlsm", ".xls", ".ods")
_MISSING: Final = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)


def read_import_file(
    path: str,
    folders: Sequence[Path],
    *,
    limit_bytes: int = MAX_BYTES,
    files_dir: Path | None = None,
) -> bytes:
    """Read a whole file that lies in one of the folders, links and `..` followed first.

    A relative path is looked up in each folder in turn, and every path as people and systems write
    it. Outside of the folders the answer is the same whether there is such a file or not.
    `files_dir` is where the files lie that this server saved.

    Raises:
        CallerError: the path is not allowed, or there is no file there that can be read.
    """
    shown = quoted(path, 120)
    is_outside = False  # of the last reading, which is what was most likely meant
    for reading in readings(path, files_dir):
        candidates, is_outside = _candidates(reading, folders) if is_path(reading) else ([], False)
        for folder, way in candidates:
            for parts in spellings(way):
                try:
                    return _read(folder, parts, shown, limit_bytes)
                except OSError as error:
                    refusal = None if error.errno in _MISSING else _refusal(error, shown, folders)
                if refusal:
                    raise refusal
    if address := foreign_address(path, folders):
        raise address
    if is_outside:
        raise _not_allowed(shown, folders)
    raise CallerError(
        f"There is no file {shown} in the import folders.",
        code="file_not_found",
        remedy=f"Check the name; files are looked for in {_listed(folders)}.",
    )


def _refuse_other_kinds(parts: Sequence[str], shown: str) -> None:
    """Leave alone what no person keeps a list in: an import folder may hold secrets, too.

    `parts` lead from the import folder to where a link ends.

    Raises:
        CallerError: one of them is hidden, or the ending is not one of a list.
    """
    if any(part.startswith(".") for part in parts):
        raise CallerError(
            f"{shown} is hidden: files and folders whose names begin with a dot are not read.",
            code="not_a_list",
            remedy="The person can copy the list under another name.",
        )
    if not parts[-1].lower().endswith(ENDINGS):
        raise CallerError(
            f"{shown} is not read: by its ending it is no list.",
            code="not_a_list",
            remedy=f"A list ends in one of {', '.join(ENDINGS)}. Any other kind can be saved as"
            " XLSX or CSV UTF-8 in a spreadsheet program.",
        )


def _candidates(path: str, folders: Sequence[Path]) -> tuple[list[tuple[str, list[str]]], bool]:
    """Find the folders and the ways down from them that a path may stand for, links resolved.

    The flag says that it may also stand for a file outside, or for none.
    """
    try:
        plain = Path(path).expanduser()
    except RuntimeError:  # a user that this machine does not know
        plain = Path(path)
    roots = [Path(os.path.realpath(folder)) for folder in folders]
    starts = dict.fromkeys(folder / plain for folder in folders)
    found = []
    for start in starts:
        if not leads_away(start, folders):
            target = Path(os.path.realpath(start))
            root = next((root for root in roots if _is_below(target, root)), None)
            if root is not None:
                found.append((str(root), list(target.parts[len(root.parts) :])))
    return found, len(found) < max(len(starts), 1)


def _is_below(target: Path, root: Path) -> bool:
    """Tell whether a path lies below a folder, also where capitals or accents are spelt otherwise.

    Only the disk knows whether those are the same there: on macOS they usually are.
    """
    if target.is_relative_to(root):
        return True
    above = Path(*target.parts[: len(root.parts)])
    if _folded(above) != _folded(root):
        return False
    try:
        return above.samefile(root)
    except OSError:
        return False


def _folded(path: Path) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()


def _read(folder: str, parts: list[str], shown: str, limit_bytes: int) -> bytes:
    with open_below(folder, parts) as stream:
        _refuse_other_kinds(parts, shown)
        # The size first: a file that is much too large is not read. It may also grow meanwhile.
        size = os.fstat(stream.fileno()).st_size
        try:
            data = stream.read(limit_bytes + 1) if size <= limit_bytes else b""
        except PermissionError:  # it could be opened, but a part of it is locked
            raise _in_use(shown) from None
    if max(size, len(data)) > limit_bytes:
        raise CallerError(
            f"The file {shown} is larger than {limit_bytes / 1_000_000:g} MB.",
            code="file_too_large",
            remedy="Keep the columns of BeeL's template only, or split the file.",
        )
    return data


def _refusal(error: OSError, shown: str, folders: Sequence[Path]) -> CallerError:
    """Make the error for a file that could not be read, without the system's words."""
    if error.errno == errno.ELOOP:
        return _not_allowed(shown, folders)
    if is_in_use(error):
        return _in_use(shown)
    if error.errno == errno.ENXIO:
        return CallerError(
            f"{shown} is not a file: it is a folder or a device.",
            code="not_a_file",
            remedy="Give the path of the list itself.",
        )
    return CallerError(
        f"The file {shown} cannot be read.",
        code="file_unreadable",
        remedy="The person can check that this user may read it, or save a copy of it.",
    )


def _in_use(shown: str) -> CallerError:
    return CallerError(
        f"The file {shown} is open in another program, which lets nobody else read it.",
        code="file_in_use",
        remedy="The person can close it there, in Excel for example, or save a copy under another"
        " name and give that one.",
        retryable=True,
    )


def _not_allowed(shown: str, folders: Sequence[Path]) -> CallerError:
    return CallerError(
        f"The path {shown} lies outside of the folders that lists may be read from.",
        code="path_not_allowed",
        remedy=f"Allowed: {_listed(folders)}. The person can copy the file there, or name its"
        " folder in the setting BEEL_IMPORT_DIRS and restart the server.",
    )


def _listed(folders: Sequence[Path]) -> str:
    return ", ".join(quoted(str(folder), 120) for folder in folders) or "no folder at all"
