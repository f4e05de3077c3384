"""Text in letters: of which font each is, how wide it is, where a line ends.

Helvetica, which every reader of PDFs has, has the letters of WinAnsi. Those of the rest of Latin,
of Greek and of Cyrillic are in `letters.ttf`, which goes into the PDFs that need it. What neither
has is written in simpler letters, and as a question mark if there are none.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from itertools import groupby
from typing import Any, Final
from unicodedata import category, normalize

WINDOWS: Final = "cp1252"
_CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_UNSEEN: Final = ("Mn", "Me", "Cf")  # marks upon a letter, and what directs the writing


@lru_cache(4096)
def readable(text: str) -> str:
    """Give a text in letters that there are, on one line."""
    text = _CONTROLS.sub(" ", normalize("NFC", text))
    if _is_plain(text):
        return text
    return "".join(one if _is_known(one) else _simpler(one) for one in text)


@lru_cache(4096)
def width_of(text: str, *, bold: bool = False) -> int:
    """Measure a readable text, in thousandths of the size."""
    plain = _widths()["bold" if bold else "regular"]
    if _is_plain(text):
        return sum(plain[code] for code in text.encode(WINDOWS))
    added = letters()
    return sum(added[one][1] if one in added else plain[one.encode(WINDOWS)[0]] for one in text)


def runs_of(text: str) -> Iterator[tuple[bool, bytes]]:
    """Part a readable text by whether it is in WinAnsi, each part in the codes of its font."""
    if _is_plain(text):
        yield True, text.encode(WINDOWS)
        return
    added = letters()
    for is_added, run in groupby(text, key=added.__contains__):
        if is_added:
            yield False, b"".join(added[one][0].to_bytes(2, "big") for one in run)
        else:
            yield True, "".join(run).encode(WINDOWS)


@lru_cache(4096)
def wrapped(text: str, most: float, *, bold: bool = False) -> Sequence[str]:
    """Part a text into lines of a width at most, in thousandths of the size; long words break."""
    lines, line = [], ""
    for word in readable(text).split():
        longer = f"{line} {word}" if line else word
        if width_of(longer, bold=bold) <= most:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = _broken(word, most, bold=bold)
        lines += full
    return (*lines, line) if line else tuple(lines)


@cache
def letters() -> Mapping[str, tuple[int, int]]:
    """Give the glyph and the width of each letter of the font of our own."""
    table: dict[str, Any] = _table()
    wide = table["regular"]["letters"]
    return {one: (glyph, wide[glyph - 1]) for glyph, one in enumerate(table["letters"], start=1)}


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(files(__package__).joinpath("widths.toml").read_text(encoding="utf-8"))


@cache
def _widths() -> Mapping[str, tuple[int, ...]]:
    """Give the widths of each weight by codes of WinAnsi; those below the space are not used."""
    return {name: (*[0] * 32, *_table()[name]["plain"]) for name in ("regular", "bold")}


def _broken(word: str, most: float, *, bold: bool) -> list[str]:
    """Break a word that is wider than a line where the line is full."""
    pieces, piece = [], ""
    for letter in word:
        if piece and width_of(piece + letter, bold=bold) > most:
            pieces.append(piece)
            piece = ""
        piece += letter
    return [*pieces, piece]


def _is_plain(text: str) -> bool:
    try:
        text.encode(WINDOWS)
    except UnicodeEncodeError:
        return False
    return True


def _is_known(letter: str) -> bool:
    return letter in letters() or _is_plain(letter)


def _simpler(letter: str) -> str:
    """Write a letter without what our fonts lack: ễ as e, a ligature in its letters."""
    parts = "".join(filter(_is_known, normalize("NFKD", letter)))
    return _CONTROLS.sub(" ", parts) or ("" if category(letter) in _UNSEEN else "?")
