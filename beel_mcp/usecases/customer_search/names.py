"""How a name differs from what somebody looks for, or from another name; and when it is another."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple

from beel_mcp.cleaning import without_accents
from beel_mcp.spelling import LEGAL_FORMS, folded, plain_name

# Shorter words differ by a letter from too many others.
_ONE_LETTER_FROM: Final = 4
_TWO_LETTERS_FROM: Final = 8
_MOST_LETTERS: Final = 3
_PREFIX_FROM: Final = 3
ACCENTS: Final = "accents"
LEGAL_FORM: Final = "legal form"
ORDER: Final = "other order of words"
SPACING: Final = "blanks or punctuation"
ONLY_SPELLED: Final = 2  # the distance of the same letters, with other accents, blanks or marks


class Difference(NamedTuple):
    """How far two names are apart, for an order, and how they differ; nothing for not at all."""

    distance: int
    why: str


def from_search(text: str, name: str) -> Difference | None:
    """Say how what somebody looks for differs from a part of a name; None: it is another."""
    wanted, there = folded(text), folded(name)
    if not wanted:
        return None
    if wanted in there:
        return _spelled(text, name)
    if wanted.replace(" ", "") in there.replace(" ", ""):
        return Difference(ONLY_SPELLED, SPACING)
    words = plain_name(text).split()
    placed = _places(words, there.split())
    if placed is None:
        return None
    letters = sum(distance for distance, _ in placed)
    order = [at for _, at in placed]
    whys = [_letters(letters)] if letters else []
    if order != sorted(order):
        whys.append(ORDER)
    if _form(text) and _form(text) != _form(name):
        whys.append(LEGAL_FORM)
    return Difference(10 * letters + 3 * len(whys) + 3, ", ".join(whys) or "words between")


def _spelled(text: str, name: str) -> Difference:
    """Name the difference of two spellings that are the same once folded."""
    if text.casefold() in name.casefold():
        return Difference(0, "")
    return Difference(1, ACCENTS if without_accents(text) in without_accents(name) else SPACING)


def _accents(text: str) -> str:
    return "".join(filter(unicodedata.combining, unicodedata.normalize("NFKD", text.casefold())))


def _form(name: str) -> str:
    return "".join(LEGAL_FORMS.findall(folded(name))).replace(" ", "")


def _places(words: Sequence[str], there: Sequence[str]) -> list[tuple[int, int]] | None:
    """Find for each word the one of a name that is nearest: letters that differ, and where."""
    from rapidfuzz.distance import OSA  # noqa: PLC0415 - start-up is measured

    placed: list[tuple[int, int]] = []
    for word in words:
        most = (len(word) >= _ONE_LETTER_FROM) + (len(word) >= _TWO_LETTERS_FROM)
        found = [
            (0 if _begins(other, word) else OSA.distance(word, other, score_cutoff=most), at)
            for at, other in enumerate(there)
            if at not in {taken for _, taken in placed}
        ]
        nearest = min(found, default=(most + 1, 0))
        if nearest[0] > most:
            return None
        placed.append(nearest)
    return placed if placed and sum(letters for letters, _ in placed) <= _MOST_LETTERS else None


def _begins(word: str, beginning: str) -> bool:
    return word == beginning or (len(beginning) >= _PREFIX_FROM and word.startswith(beginning))


def between(name: str, other: str) -> Difference | None:
    """Say how two whole names that somebody may mix up differ; None: nobody would."""
    from rapidfuzz.distance import OSA  # noqa: PLC0415 - start-up is measured

    one, two = plain_name(name), plain_name(other)
    if abs(len(one) - len(two)) > 2:  # most are no longer of interest here
        return None
    if re.findall("[0-9]+", one) != re.findall("[0-9]+", two):
        return None  # a community of owners and the one next door
    if one == two:
        whys = [ACCENTS] if _accents(name) != _accents(other) else []
        whys += [LEGAL_FORM] if _form(name) != _form(other) else []
        return Difference(1 + len(whys), ", ".join(whys) or "the same name")
    if sorted(one.split()) == sorted(two.split()):
        return Difference(3, ORDER)
    shorter = min(len(one), len(two))
    most = (shorter >= _ONE_LETTER_FROM) + (shorter >= _TWO_LETTERS_FROM)
    letters = OSA.distance(one, two, score_cutoff=most)
    return Difference(10 * letters, _letters(letters)) if letters <= most else None


def mistyped(text: str, value: str, most: int) -> Difference | None:
    """Say how many characters of a number or an address differ; None: more than `most`."""
    from rapidfuzz.distance import OSA  # noqa: PLC0415 - start-up is measured

    number = OSA.distance(text, value, score_cutoff=most)
    if number > most or len(text) < _ONE_LETTER_FROM:
        return None
    return Difference(10 * number, f"{number} character{' differs' if number == 1 else 's differ'}")


def _letters(number: int) -> str:
    return "one letter differs" if number == 1 else f"{number} letters differ"
