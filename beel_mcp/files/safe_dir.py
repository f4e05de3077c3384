"""Folders and files opened through no link: what each system has for it, under the same names."""

import errno
import sys
from pathlib import Path
from typing import Final

from beel_mcp.errors import OperatorError

if sys.platform == "win32":
    from beel_mcp.files.on_windows import (
        SafeDir,
        append,
        hold,
        is_path,
        leads_away,
        open_below,
        open_dir,
        open_nameless,
        open_private,
        replace,
        try_to_open,
    )
else:
    from beel_mcp.files.on_posix import (
        SafeDir,
        append,
        hold,
        is_path,
        leads_away,
        open_below,
        open_dir,
        open_nameless,
        open_private,
        replace,
        try_to_open,
    )

__all__ = [
    "SafeDir",
    "append",
    "check_folder",
    "hold",
    "is_in_use",
    "is_path",
    "leads_away",
    "open_below",
    "open_dir",
    "open_nameless",
    "open_private",
    "replace",
    "try_to_open",
    "unusable",
]

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_FOLDER: Final = (errno.ENOTDIR, errno.ELOOP)
# What Windows says of a file that another program has open, or has locked a part of.
_IN_USE: Final = (32, 33)


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


def is_in_use(error: OSError) -> bool:
    """Tell whether a file was refused because another program has it open, as Windows does."""
    return getattr(error, "winerror", None) in _IN_USE


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
    if is_in_use(error):
        return OperatorError(
            "Another program holds a file or a folder that is needed; nothing was saved.",
            code="file_in_use",
            remedy="Close what is open in BEEL_FILES_DIR, then try again.",
            retryable=True,
        )
    return OperatorError(
        f"No file can be saved in the files folder ({type(error).__name__}).",
        code="folder_unusable",
        remedy="Check that BEEL_FILES_DIR is a folder of yours that can be written to.",
    )
