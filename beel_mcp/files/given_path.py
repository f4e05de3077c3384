"""Paths as people and systems give them: in quotes, as an address, with accents in two pieces."""

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError
from beel_mcp.files.output import FILES

# Blanks, and marks that nobody sees: Windows puts one before a path that is copied from a dialog.
_AROUND: Final = " \t\r\n\xa0\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
_BLANKS: Final = re.compile(f"^[{_AROUND}]+|[{_AROUND}]+$")
# What stands around a path that was copied: by the Explorer, from a chat, from Markdown.
_QUOTES: Final = ('""', "''", "``", "\u201c\u201d", "\u2018\u2019", "«»", "<>")
_FILE: Final = re.compile(r"file:(?://(?P<host>[^/\\]*))?(?P<path>[/\\].*)", re.IGNORECASE)
_ADDRESS: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]+)://|(?:data|blob|sandbox|attachment|mailto|urn|cid):",
    re.IGNORECASE,
)
_DRIVE: Final = re.compile(r"[/\\]?(?P<path>[A-Za-z]:[/\\].*)")
_SHARE: Final = re.compile(r"\\\\[^\\]+\\")
_ESCAPED: Final = re.compile(r"\\([ ()&'\[\]])")
_IS_WINDOWS: Final = os.sep == "\\"


def readings(path: str, files_dir: Path | None = None) -> tuple[str, ...]:
    """Give what a path may stand for: as it is written, and then what is most likely meant, last.

    `files_dir` is where the files lie whose addresses begin with `beel://files/`.
    """
    bare = _bare(path)
    every = [path, bare]
    if found := _FILE.fullmatch(bare):
        # An address is written with %20 for a blank; who writes a path behind `file://` may not.
        for text in (found["path"], unquote(found["path"])):
            every += [drive["path"] if (drive := _DRIVE.fullmatch(text)) else text]
    elif files_dir and bare.lower().startswith(FILES):
        every += [str(files_dir / name) for name in _names(bare[len(FILES) :])]
    elif not _IS_WINDOWS and _ESCAPED.search(bare):
        every += [_ESCAPED.sub(r"\1", bare)]
    return tuple(dict.fromkeys(spelled for text in every for spelled in (text, *_others(text))))


def foreign_address(path: str, folders: Sequence[Path]) -> CallerError | None:
    """Give the refusal of what is no path of this machine, as what it is; None if it may be one."""
    bare, shown = _bare(path), quoted(path, 120)
    what, remedy = "", "Give its name once the person has saved the file in one of: {folders}."
    file, drive = _FILE.fullmatch(bare), _DRIVE.fullmatch(bare)
    if file and (file["host"] or "").lower() not in ("", "localhost"):
        what = "a file on another machine"
    elif file:
        drive = _DRIVE.fullmatch(file["path"])
    elif bare.lower().startswith("beel://batches/"):
        what, remedy = "a list that was read before, not a file", "Give its id as batch_id."
    elif (found := _ADDRESS.match(bare)) and not bare.lower().startswith(FILES):
        is_web = (found["scheme"] or "").lower() in ("http", "https", "ftp", "ftps")
        what = "an address on the web, not a file" if is_web else "an address, not a file"
    if not what and not _IS_WINDOWS and (drive or _SHARE.match(bare)):
        what = "a path of Windows, which this machine has not"
    if not what:
        return None
    listed = ", ".join(quoted(str(folder), 120) for folder in folders) or "no folder at all"
    return CallerError(
        f"{shown} is {what}: nothing was read.",
        code="path_not_allowed",
        remedy=remedy.format(folders=listed),
    )


def _bare(path: str) -> str:
    bare = _BLANKS.sub("", path)
    while len(bare) > 2 and bare[0] + bare[-1] in _QUOTES:
        bare = _BLANKS.sub("", bare[1:-1])
    return bare


def _names(written: str) -> Iterator[str]:
    """Give the name of a saved file, as it is written and as an address is; it has no folders."""
    for name in dict.fromkeys((written, unquote(written))):
        if name not in ("", ".", "..") and not re.search(r"[/\\\0]", name):
            yield name


def _others(text: str) -> Iterator[str]:
    """Spell a text with its accents in two pieces, and in one: macOS and zip files mix them."""
    for form in ("NFD", "NFC"):
        yield unicodedata.normalize(form, text)


def spellings(parts: Sequence[str]) -> Iterator[list[str]]:
    """Give the way down to a file as it is written, and with its accents otherwise."""
    ways = [list(parts)]
    for way in map(list, zip(*(tuple(_others(part)) for part in parts), strict=True)):
        ways += [way] if way not in ways else []
    yield from ways
