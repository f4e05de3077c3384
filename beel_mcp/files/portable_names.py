"""What Windows makes of a name or a path, told from the text alone and on any system."""

import ntpath
import re
from collections.abc import Iterable
from pathlib import PurePath, PureWindowsPath
from typing import Final

# What Windows does not take in a name; a slash also nobody else does.
UNPORTABLE: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
RESERVED: Final = re.compile(
    r"(?i)(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\.|$)"
)
_LONG: Final = "\\\\?\\"


def is_windows_name(name: str) -> bool:
    """Tell whether a name stands for a file of that very name on Windows.

    Not so a device (`NUL.csv`), a second stream of a file (`a.csv:b`), and what loses its end
    (`a.csv.`, which is `a.csv` there).
    """
    is_cut = name.endswith((" ", "."))
    return not (is_cut or not name or UNPORTABLE.search(name) or RESERVED.match(name))


def leads_away(path: PurePath | str, folders: Iterable[PurePath | str]) -> bool:
    r"""Tell whether Windows would ask another machine or a device for a path.

    That is `\\server\share`, `\\.\COM1` and the like. To look whether it exists is too much
    already: Windows greets whatever server a path names with the person's credentials. What lies
    in one of `folders` was named by the operator.
    """
    drive = ntpath.splitdrive(str(path))[0].replace("/", "\\")
    if not drive.startswith("\\\\"):
        return False
    return not any(PureWindowsPath(path).is_relative_to(folder) for folder in folders)


def long_path(path: str) -> str:
    """Spell an absolute path so that Windows takes over 260 characters, and each as it is."""
    plain = ntpath.normpath(path)
    if plain.startswith((_LONG, "\\\\.\\")):
        return plain
    return f"{_LONG}UNC{plain[1:]}" if plain.startswith("\\\\") else _LONG + plain
