"""The bytes of a text file become text: its encoding is certain, or the person is asked.

Nearly every byte is a character in the old encodings, so a wrong guess raises no error: it spoils
names. What tells them apart is where characters can stand: nobody spells a name with a dash for ñ.
"""

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from beel_mcp.cleaning import quoted
from beel_mcp.errors import CallerError
from beel_mcp.lists.files.sheet import file_error

_WINDOWS: Final = "Windows-1252"
_CODECS: Final[Mapping[str, str]] = {
    _WINDOWS: "cp1252",
    "Mac Roman": "mac_roman",
    "MS-DOS (850)": "cp850",
}
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
# A letter of UTF-8, byte by byte; no word looks so in any of the others: Ã±, √±, ├▒.
_MIXED: Final = re.compile(rb"[\xc2\xc3][\x80-\xbf]")
_WORD: Final = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
_CELL_END: Final = re.compile(rb'[;,|"\t\r\n]')
# How well a word fits an encoding: as words are written in Spain, perhaps, or not at all.
_SURE, _MAYBE, _NEVER = 2, 1, 0
_OF_SPAIN: Final = frozenset("áéíóúüñçàèòïÁÉÍÓÚÜÑÇÀÈÒÏ")
_ELSEWHERE: Final = frozenset("âêîôûäëöãõåøæœßìùÿšžýðþÂÊÎÔÛÄËÖÃÕÅØÆŒÌÙŠŽÝÐÞ")
# Not between two letters; an apostrophe and a hard blank may be there.
_MARKS: Final = frozenset("“”«»‹›–—…•€·¡¿®™©°ºª²³½¼¾£§¨")
_JOINTS: Final = frozenset("´`·\xa0")
# d’en, L’Hospitalet, Dell’Arte, McDonald’s; no other letters stand around an apostrophe.
_ELIDED: Final = re.compile(
    r"(?:[a-z]{0,2}|[a-z]*(?:ll|nt))[’‘].*|.*[’‘](?:l?s|n|t|l)?", re.IGNORECASE
)
# Í and ñ, Ñ, ó or ú of MS-DOS happen to be an accent of the Hebrew bible in UTF-8.
_BY_CHANCE: Final = re.compile("[A-Za-z][\u05a2-\u05a5]|[\u05a2-\u05a5][A-Za-z]")
# What these stand before in the languages around here; others stand anywhere.
_BEFORE: Final = {
    "ñ": re.compile("[aeiouáéíóúü]|$"),
    "û": re.compile("[^aeiouáéíóúü]|$"),
    "õ": re.compile("e"),
    "ã": re.compile("[eosi]|$"),
}


def decoded(data: bytes, name: str) -> tuple[str, str | None]:
    """Give the text, and the name of its encoding where it was not UTF-8.

    Raises:
        CallerError: it is in none that is known, or fits several; the person can say which.
    """
    fault = "is not text: it has zero bytes, as UTF-16 without its mark"
    try:
        if data.startswith(_UTF16):
            return data.decode("utf-16"), "UTF-16 text"
        if b"\0" not in data:
            text = data.decode("utf-8-sig")
            return _old(data, name) if _BY_CHANCE.search(text) else (text, None)
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

    offset: int
    fits: Mapping[str, int]

    def proves(self, encoding: str) -> bool:
        """Whether it is right in this encoding and impossible in every other."""
        return self.fits[encoding] == _SURE and sum(map(bool, self.fits.values())) == 1


def _old(data: bytes, name: str) -> tuple[str, str]:
    """Read text in an encoding of one byte a letter.

    Raises:
        CallerError: its words do not say which.
    """
    if mixed := _MIXED.search(data):
        raise _unknown(data, name, mixed.start(), "looks like UTF-8 mixed with another encoding")
    offsets: dict[bytes, int] = {}
    for found in _WORD.finditer(data):
        offsets.setdefault(found[0], found.start())
    words = [_Word(offset, _fits(word)) for word, offset in offsets.items()]
    # A word that is impossible in all of them, as with a sign inside, shows nothing.
    words = [word for word in words if any(word.fits.values())]
    encoding, other = _encodings_of(words)
    if other:
        raise _unknown(data, name, other.offset, f"is not {encoding}, as others are")
    if encoding is None:
        raise _doubtful(data, name, words)
    try:
        text = data.decode(_CODECS[encoding])
    except UnicodeDecodeError as error:
        raise _unknown(data, name, error.start, "has a character of no encoding") from None
    proof = next((word for word in words if word.proves(encoding)), None)
    if encoding == _WINDOWS and (proof or not words):
        return text, f"{encoding} text"
    example = proof or words[0]
    return text, f"{encoding} text, such as {_cell(data, example.offset, encoding)}"


def _encodings_of(words: Sequence[_Word]) -> tuple[str | None, _Word | None]:
    """Name the encoding that the words show, None if several fit; and a word of another."""
    proofs = {name: word for name in _CODECS for word in words if word.proves(name)}
    if proofs:
        encoding, *others = proofs
        return encoding, proofs[others[0]] if others else None
    worst = {name: min((word.fits[name] for word in words), default=_MAYBE) for name in _CODECS}
    possible = [name for name in _CODECS if worst[name] != _NEVER]
    if len(possible) == 1 or not words:
        return possible[0], None
    # What most programs write is believed where no other fits as well.
    sure = [name for name in possible if worst[name] == _SURE]
    return (_WINDOWS if sure == [_WINDOWS] else None), None


def _fits(word: bytes) -> dict[str, int]:
    return {encoding: _fit(word, codec) for encoding, codec in _CODECS.items()}


def _fit(word: bytes, codec: str) -> int:
    try:
        text = word.decode(codec)
    except UnicodeDecodeError:
        return _NEVER
    return min(_place(text, at) for at, mark in enumerate(text) if not mark.isascii())


def _place(text: str, at: int) -> int:
    """Tell whether a character can stand where it does in a word."""
    mark, before, after = text[at], text[:at], text[at + 1 :]
    if mark == "·" and before[-1:].lower() == after[:1].lower() == "l":
        return _SURE
    if mark in _JOINTS or (mark in "’‘" and _ELIDED.fullmatch(text)):
        return _MAYBE
    if mark in _MARKS:
        return _NEVER if before[-1:].isalpha() and after[:1].isalpha() else _MAYBE
    return _letter(mark, before, after) if mark in _OF_SPAIN | _ELSEWHERE else _NEVER


def _letter(mark: str, before: str, after: str) -> int:
    """Tell whether a letter can stand between these."""
    near, far = before[-1:], after[:1]
    rule = _BEFORE.get(mark.lower())
    if (
        (mark.isupper() and near.islower())
        or (mark.islower() and far.isupper() and not (before + after).isupper())
        or (rule and not rule.match(after.lower()))
        or (mark in "çß" and not near and far not in "aeiou")
    ):
        return _NEVER
    is_odd = mark.islower() and len(before + after) > 1 and (before + after).isupper()
    is_alone = not (near.isalpha() or far.isalpha())
    is_unended = mark in "ñÑ" and not far
    return _MAYBE if mark in _ELSEWHERE or is_odd or is_alone or is_unended else _SURE


def _cell(data: bytes, offset: int, encoding: str) -> str:
    """Show the cell around an offset as it reads in an encoding."""
    start = max((found.end() for found in _CELL_END.finditer(data, 0, offset)), default=0)
    end = found.start() if (found := _CELL_END.search(data, offset)) else len(data)
    return quoted(data[start:end].decode(_CODECS[encoding], "replace"), 40)


def _unknown(data: bytes, name: str, offset: int, what: str) -> CallerError:
    fault = f"has an unknown encoding: line {_line_of(data, offset)} {what}"
    return file_error("encoding", name, fault=fault)


def _doubtful(data: bytes, name: str, words: Sequence[_Word]) -> CallerError:
    """Show the same word as each encoding reads it, so that the person can say which is right."""
    word = min(words, key=lambda word: sum(map(bool, word.fits.values())) < 2)
    readings = [
        f"{_cell(data, word.offset, encoding)} in {encoding}"
        for encoding in _CODECS
        if word.fits[encoding] or len(words) > 1
    ]
    line = _line_of(data, word.offset)
    return file_error("encoding_doubt", name, line=line, readings=" or ".join(readings))
