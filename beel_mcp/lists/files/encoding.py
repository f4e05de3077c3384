"""The bytes of a text file become text: its encoding is certain, or the person is asked.

Nearly every byte is a character in the old encodings, so a wrong guess raises no error: it spoils
names. What tells them apart is where characters can stand in words.
"""

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError
from beel_mcp.lists.checks.letters import (
    CODECS,
    DOS,
    ISO,
    MAC,
    MAYBE,
    NAMED,
    NEVER,
    SURE,
    WINDOWS,
    fit,
)
from beel_mcp.lists.files.sheet import Doubt, file_error
from beel_mcp.lists.model import Problem, get_value
from beel_mcp.messages import Message, either

# ISO-8859-15 has eight letters and signs of its own; in all other words it is Windows-1252.
_FAMILIES: Final = (WINDOWS, MAC, DOS)
_ISO_ALONE: Final = re.compile(
    rb"[\xa4\xa6\xa8\xb8\xbc-\xbe]|(?<![A-Za-z\x80-\xff])\xb4(?=[A-Za-z])"
)
_WINDOWS_ALONE: Final = re.compile(rb"[\x80-\x9f]")
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
# A letter of UTF-8, byte by byte; no word looks so in any of the others: Ã±, √±, ├▒.
_MIXED: Final = re.compile(rb"[\xc2\xc3][\x80-\xbf]")
_WORD: Final = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
_CELL_END: Final = re.compile(rb'[;,|"\t\r\n]')
# Í and ñ, Ñ, ó or ú of MS-DOS happen to be an accent of the Hebrew bible in UTF-8.
_BY_CHANCE: Final = re.compile("[A-Za-z][\u05a2-\u05a5]|[\u05a2-\u05a5][A-Za-z]")


@dataclass(frozen=True)
class Encoding:
    """In what a file was read: words that tell it, if it is not UTF-8, and what is not certain."""

    told: str | None = None
    doubt: Doubt | None = None


def decoded(data: bytes, name: str) -> tuple[str, Encoding]:
    """Give the text, and in which encoding it was read.

    Raises:
        CallerError: it is in none that is known, or fits several; the person can say which.
    """
    fault = "is not text: it has zero bytes, as UTF-16 without its mark"
    try:
        if data.startswith(_UTF16):
            return data.decode("utf-16"), Encoding("UTF-16 text")
        if b"\0" not in data:
            text = data.decode("utf-8-sig")
            return _old(data, name) if _BY_CHANCE.search(text) else (text, Encoding())
    except UnicodeDecodeError as error:
        if error.encoding != "utf-8":
            fault = f"is not UTF-16 text: byte {error.start} does not fit"
        elif not data.startswith(codecs.BOM_UTF8):
            return _old(data, name)
        else:  # the error counts from behind the mark that "utf-8-sig" takes away
            line = _line_of(data.removeprefix(codecs.BOM_UTF8), error.start)
            fault = f"is not UTF-8 text: line {line} has a character in another encoding"
    raise file_error("encoding", name, fault=fault)


def _line_of(data: bytes, offset: int) -> int:
    return len(_LINE_END.findall(data, 0, offset)) + 1


@dataclass(frozen=True)
class _Word:
    """A word with letters beyond ASCII: where it stands, and how well it fits each encoding."""

    text: bytes
    offset: int
    fits: Mapping[str, int]

    def in_families(self) -> list[int]:
        return [self.fits[family] for family in _FAMILIES]

    def proves(self, encoding: str) -> bool:
        """Whether it is right in this encoding and impossible in every other."""
        return self.fits[encoding] == SURE and sum(map(bool, self.in_families())) == 1

    def tells(self, encoding: str) -> bool:
        """Whether it reads otherwise here than in Windows-1252."""
        codec = CODECS[encoding]
        return self.text.decode(codec, "replace") != self.text.decode(CODECS[WINDOWS], "replace")


def _old(data: bytes, name: str) -> tuple[str, Encoding]:
    """Read text in an encoding of one byte a letter.

    Raises:
        CallerError: its words do not say which.
    """
    if mixed := _MIXED.search(data):
        raise _unknown(data, name, mixed.start(), "looks like UTF-8 mixed with another encoding")
    offsets: dict[bytes, int] = {}
    for found in _WORD.finditer(data):
        offsets.setdefault(found[0], found.start())
    words = [_Word(text, offset, _fits(text)) for text, offset in offsets.items()]
    # A word that is impossible in all of them, as with a sign inside, shows nothing.
    words = [word for word in words if any(word.fits.values())]
    proofs = {each: word for each in _FAMILIES for word in reversed(words) if word.proves(each)}
    if len(proofs) > 1:
        first, second, *_ = proofs
        raise _unknown(data, name, proofs[second].offset, f"is not {first}, as others are")
    proven = next(iter(proofs), None) or _proven_together(words)
    encoding = proven or _likely(words, is_of_mac=b"\r" in data and b"\n" not in data)
    if encoding is None:
        raise _doubtful(data, name, words)
    rivals = tuple(each for each in _FAMILIES if each != encoding)
    if encoding == WINDOWS and not _WINDOWS_ALONE.search(data):
        encoding, rivals = _western(words, rivals)
    try:
        text = data.decode(CODECS[encoding])
    except UnicodeDecodeError as error:
        raise _unknown(data, name, error.start, "has a character of no encoding") from None
    doubt = Doubt(encoding, rivals, is_certain=bool(proven))
    if proven == encoding == WINDOWS or not words:
        return text, Encoding(f"{encoding} text", doubt)
    shown = [word for word in words if word.tells(encoding)] or words
    example = proofs.get(encoding) or shown[0]
    asks = "" if proven else " (not certain)"
    such = _cell(data, example.offset, encoding)
    return text, Encoding(f"{encoding} text, such as {such}{asks}", doubt)


def _proven_together(words: Sequence[_Word]) -> str | None:
    """Name the encoding that no word speaks against, if each of the others is refuted by one."""
    for encoding in _FAMILIES:
        sure = [word for word in words if word.fits[encoding] == SURE]
        rivals = [each for each in _FAMILIES if each != encoding]
        are_refuted = all(any(word.fits[each] == NEVER for word in sure) for each in rivals)
        if are_refuted and all(word.fits[encoding] for word in words):
            return encoding
    return None


def _likely(words: Sequence[_Word], *, is_of_mac: bool) -> str | None:
    """Name the encoding that the words allow where none is proven, None if several are as likely.

    Only an old Mac ends its lines with a lone CR.
    """
    worst = {name: min((word.fits[name] for word in words), default=MAYBE) for name in _FAMILIES}
    possible = [name for name in _FAMILIES if worst[name] != NEVER]
    if len(possible) == 1 or not words:
        return possible[0]
    # What most programs write is believed where no other fits as well.
    sure = [name for name in possible if worst[name] == SURE]
    return WINDOWS if sure == [WINDOWS] and not (is_of_mac and MAC in possible) else None


def _western(words: Sequence[_Word], rivals: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Tell ISO-8859-15 from Windows-1252 by the eight places where they differ, if it can be told.

    Gives the encoding, and what else the text may be in.
    """
    differing = [word.text for word in words if _ISO_ALONE.search(word.text)]
    if any(not _fit(text, CODECS[WINDOWS]) for text in differing):
        return ISO, rivals
    return WINDOWS, (*rivals, ISO) if differing else rivals


def _fits(word: bytes) -> dict[str, int]:
    fits = {encoding: _fit(word, codec) for encoding, codec in CODECS.items()}
    return {**fits, WINDOWS: max(fits[WINDOWS], fits[ISO])}


def _fit(word: bytes, codec: str) -> int:
    try:
        return fit(word.decode(codec))
    except UnicodeDecodeError:
        return NEVER


def _cell(data: bytes, offset: int, encoding: str) -> str:
    """Show the cell around an offset as it reads in an encoding."""
    start = max((found.end() for found in _CELL_END.finditer(data, 0, offset)), default=0)
    end = found.start() if (found := _CELL_END.search(data, offset)) else len(data)
    return quoted(data[start:end].decode(CODECS[encoding], "replace"), 40)


def _unknown(data: bytes, name: str, offset: int, what: str) -> CallerError:
    fault = f"has an unknown encoding: line {_line_of(data, offset)} {what}"
    return file_error("encoding", name, fault=fault)


def _doubtful(data: bytes, name: str, words: Sequence[_Word]) -> CallerError:
    """Show the same word as each encoding reads it, so that the person can say which is right."""
    word = min(words, key=lambda word: sum(map(bool, word.in_families())) < 2)
    texts = {each: _cell(data, word.offset, each) for each in CODECS}
    if texts[ISO] == texts[WINDOWS]:
        del texts[ISO]
    readings = [
        f"{text} in {each}" for each, text in texts.items() if word.fits[each] or len(words) > 1
    ]
    line = _line_of(data, word.offset)
    return file_error("encoding_doubt", name, line=line, readings=" or ".join(readings))


def doubtful_names(values: Mapping[str, Any], doubt: Doubt) -> Iterator[Problem]:
    """Remark on the first text of a row that may read otherwise, with how it would read then.

    Where nothing is certain, so is no letter beyond ASCII: the person sees it as it was read.
    """
    for field in NAMED:
        text = get_value(values, field)
        if text and not text.isascii() and (others := _other_readings(text, doubt)) is not None:
            hint = Message("sheet.would_read", readings=either(others)) if others else None
            yield Problem(field, Message("sheet.doubtful"), text, hint)
            return


def _other_readings(text: str, doubt: Doubt) -> list[str] | None:
    """Give how a text reads where all its words can stand; None if it is certain as it is."""
    try:
        data = text.encode(CODECS[doubt.encoding])
    except UnicodeError:  # composed since
        return None
    words = [found[0] for found in _WORD.finditer(data)]
    is_possible = all(_fit(word, CODECS[doubt.encoding]) for word in words)
    readings: dict[str, str] = {}
    for rival in doubt.rivals:
        is_open = bool(_ISO_ALONE.search(data)) if rival == ISO else not doubt.is_certain
        if (is_open or not is_possible) and all(_fit(word, CODECS[rival]) for word in words):
            other = data.decode(CODECS[rival])
            readings.setdefault(other, f"{quoted(other, 40)} ({rival})")
    readings.pop(text, None)
    is_open = not doubt.is_certain and (doubt.encoding != WINDOWS or any(map(_is_letter, text)))
    return list(readings.values()) if readings or is_open else None


def _is_letter(mark: str) -> bool:
    return mark.isalpha() and not mark.isascii() and mark not in "ªº"
