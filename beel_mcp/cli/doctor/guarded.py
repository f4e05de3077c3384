"""Who else has a hand in a folder: a service that copies it elsewhere, a guard, other programs."""

import os
import re
import sys
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Final

from beel_mcp.files.safe_dir import is_in_use, try_to_open

# What these services call their folders, also with a company's name behind it.
_CLOUDS: Final = {
    "OneDrive": re.compile(r"onedrive\b", re.IGNORECASE),
    "iCloud": re.compile(r"(?:icloud ?drive|mobile documents)\b", re.IGNORECASE),
    "Dropbox": re.compile(r"dropbox\b", re.IGNORECASE),
    "Google Drive": re.compile(r"google ?drive\b", re.IGNORECASE),
}
_ONEDRIVE_VARIABLES: Final = ("ONEDRIVE", "ONEDRIVECONSUMER", "ONEDRIVECOMMERCIAL")
_MOST_FILES: Final = 200
_ACCESS_DENIED: Final = 5


def cloud_of(folder: Path, environ: Mapping[str, str]) -> str | None:
    """Name the service that keeps a folder in step with other machines, as far as paths tell."""
    roots = [value for name, value in environ.items() if name.upper() in _ONEDRIVE_VARIABLES]
    for path in (folder, folder.resolve()):
        if any(path.is_relative_to(root) for root in roots):
            return "OneDrive"
        for cloud, name in _CLOUDS.items():
            if any(map(name.match, path.parts)):
                return cloud
    return None


def held_files(folder: Path) -> list[Path]:
    """Name the files in a folder that another program lets nobody read; only Windows knows such."""
    return [path for path in _files(folder) if is_held(path)]


def is_held(path: Path) -> bool:
    """Tell whether another program has a file to itself."""
    error = _refusal(path, to_write=False)
    return error is not None and is_in_use(error)


def is_guarded(folder: Path) -> bool:
    """Tell whether Windows lets nothing be written into a file of ours, nor then into the folder.

    Its controlled folder access is in no rights that could be asked for. An empty folder tells
    nothing, as nothing is made here.
    """
    for path in _files(folder):
        error = _refusal(path, to_write=True)
        is_refused = getattr(error, "winerror", None) == _ACCESS_DENIED
        if is_refused and os.access(path, os.W_OK):  # not marked as read-only
            return True
    return False


def _files(folder: Path) -> list[Path]:
    if sys.platform != "win32":  # elsewhere rights tell all
        return []
    try:
        return list(islice((path for path in folder.iterdir() if path.is_file()), _MOST_FILES))
    except OSError:
        return []  # not there, or not to be looked into: that is said of the folder


def _refusal(path: Path, *, to_write: bool) -> OSError | None:
    try:
        try_to_open(path, to_write=to_write)
    except OSError as error:
        return error
    return None
