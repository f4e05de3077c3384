"""Where letters can stand in words: what tells a name from one that was read in a wrong encoding.

Nobody spells a name with a sign for a letter (Pe¤a), or with a capital behind small ones (PeÒa).
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import permutations
from typing import Any, Final

from beel_mcp.lists.model import Problem, get_value
from beel_mcp.messages import Message, verbatim

# Of one byte a letter; 858 is 850 with a sign for the euro, where 850 has a letter of Turkish.
WINDOWS, ISO, MAC, DOS = "Windows-1252", "ISO-8859-15", "Mac Roman", "MS-DOS (850)"
CODECS: Final[Mapping[str, str]] = {
    WINDOWS: "cp1252",
    ISO: "iso8859-15",
    MAC: "mac_roman",
    DOS: "cp858",
}
# How well a word fits: as words are written in Spain, perhaps, or not at all.
SURE, MAYBE, NEVER = 2, 1, 0
# The fields whose words are read by people.
NAMED: Final = (
    *("legal_name", "trade_name", "contact_person"),
    *("address.street", "address.city", "address.province", "notes"),
)
_WORD: Final = re.compile("[^\\s\x00-\x40\\[-`{-~]+")
_OF_SPAIN: Final = frozenset("áéíóúüñçàèòïÁÉÍÓÚÜÑÇÀÈÒÏ")
_ELSEWHERE: Final = frozenset("âêîôûäëöãõåøæœßìùÿšžýðþÂÊÎÔÛÄËÖÃÕÅØÆŒÌÙŠŽÝÐÞ")
# Not between two letters; an apostrophe and a hard blank may be there.
_MARKS: Final = frozenset("“”«»‹›–—…•€·¡¿®™©°ºª²³½¼¾£§¨")
_JOINTS: Final = frozenset("´`·\xa0")
# d’en, L’Hospitalet, Dell’Arte, McDonald’s; no other letters stand around an apostrophe.
_ELIDED: Final = re.compile(
    r"(?:[a-z]{0,2}|[a-z]*(?:ll|nt))[’‘].*|.*[’‘](?:l?s|n|t|l)?", re.IGNORECASE
)
# What these stand before in the languages around here; others stand anywhere.
_BEFORE: Final = {
    "ñ": re.compile("[aeiouáéíóúü]|$"),
    "û": re.compile("[^aeiouáéíóúü]|$"),
    "õ": re.compile("e"),
    "ã": re.compile("[eosi]|$"),
}
_CONSONANT: Final = re.compile("[b-df-hj-np-tv-z]", re.IGNORECASE)
# As in MultiÓpticas: a second word begins where the first had none of its letters left to end.
_SECOND_WORD: Final = re.compile(r".*[^\W\d_]{2}[a-zñç]", re.DOTALL)
# A sign in the place of a letter that was lost: Pe?a, Pe¿a, Pe\ufffda.
_LOST: Final = re.compile("(?<=[^\\W\\d_])[?¿](?=[a-zñáéíóú])|\ufffd")


@lru_cache(maxsize=20_000)
def fit(word: str) -> int:
    """Tell how well a word fits: the worst of its letters and signs beyond ASCII."""
    places = (_place(word, at) for at, mark in enumerate(word) if not mark.isascii())
    return min(places, default=SURE)


def _place(text: str, at: int) -> int:
    """Tell whether a character can stand where it does in a word."""
    mark, before, after = text[at], text[:at], text[at + 1 :]
    if mark == "·" and before[-1:].lower() == after[:1].lower() == "l":
        return SURE
    if mark in _JOINTS or (mark in "’‘" and _ELIDED.fullmatch(text)):
        return MAYBE
    if mark in _MARKS:
        if mark in "¡¿" and before[-1:].isalpha():
            return NEVER
        return NEVER if before[-1:].isalpha() and after[:1].isalpha() else MAYBE
    return _letter(mark, before, after) if mark in _OF_SPAIN | _ELSEWHERE else NEVER


def _letter(mark: str, before: str, after: str) -> int:
    """Tell whether a letter can stand between these."""
    near, far = before[-1:], after[:1]
    if mark.isupper() and near.islower():
        is_second = mark in "ÁÉÍÓÚ" and _SECOND_WORD.fullmatch(before) and after[:3].islower()
        return MAYBE if is_second and len(after) > 2 else NEVER
    rule = _BEFORE.get(mark.lower())
    is_mixed = far.isupper() and not (before + after).isupper()
    if (
        (is_mixed and (mark.islower() or mark in _ELSEWHERE))
        or (rule and not rule.match(after.lower()))
        or (mark in "çß" and not near and far not in "aeiou")
    ):
        return NEVER
    is_odd = mark.islower() and len(before + after) > 1 and (before + after).isupper()
    is_alone = not (near.isalpha() or far.isalpha())
    is_unended = mark in "ñÑ" and not far
    is_foreign = mark in _ELSEWHERE or (mark in "çÇ" and _CONSONANT.match(after))
    return MAYBE if is_foreign or is_odd or is_alone or is_unended else SURE


def spoiled_names(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Remark on names that some program read in a wrong encoding before, as in PeÃ±a or Pe?a."""
    for field in NAMED:
        text = get_value(values, field)
        if not text or (text.isascii() and "?" not in text):
            continue
        if mended := _mended(text):
            yield Problem(field, Message("name.spoiled"), text, verbatim(mended))
        elif _LOST.search(text):
            yield Problem(field, Message("name.lost_letter"), text)


@lru_cache(maxsize=2_000)  # a list has few towns, many times
def _mended(text: str) -> str | None:
    """Give a text as it was before it was read wrongly; None if it is right, or nobody can tell."""
    if "?" in text and text.isascii():
        return None
    whole = [right for codec in CODECS.values() if (right := _as_utf8(text, codec))]
    if whole:
        return whole[0]
    mended = _WORD.sub(lambda found: _mended_word(found[0]), text)
    return mended if mended != text else None


def _as_utf8(text: str, codec: str) -> str | None:
    try:
        right = text.encode(codec).decode()
    except UnicodeError:
        return None
    return right if right != text and fit(right) else None


def _mended_word(word: str) -> str:
    if word.isascii() or fit(word):
        return word
    found = set()
    for wrong, right in permutations(CODECS.values(), 2):
        try:
            other = word.encode(wrong).decode(right)
        except UnicodeError:
            continue
        if fit(other) == SURE:
            found.add(other)
    return found.pop() if len(found) == 1 else word
