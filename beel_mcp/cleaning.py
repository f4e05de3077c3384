"""Untrusted text made safe to show: one line, nothing invisible, a length, no bank account."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final, NewType

# Text that a reader does not see but a model reads, or that reorders what a reader sees:
# C0 and C1 controls, soft hyphen, zero-width and bidi marks, tags, invisible operators; and what
# is no character at all, which no spreadsheet can hold.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5"
    "\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\ud800-\udfff]"
)
_ANSI: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_FROM_0300: Final = re.compile("[^\x00-\u02ff]")
_BLANKS: Final = re.compile(r"\s+")
_VARIATION_SELECTORS: Final = frozenset(chr(code) for code in range(0xFE00, 0xFE10))
ELLIPSIS: Final = "…"
# A country, two check digits, 11 to 30 more characters, in whatever groups people write them; an id
# of BeeL's, some of which look like that, is passed over whole.
_IBAN: Final = re.compile(
    r"\b(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b"
    r"|(?<![^\W_])[A-Z]{2}[0-9]{2}(?:[ .-]?[A-Z0-9]){11,30}(?![^\W_])"
    r"|ES[0-9]{22}",  # also between letters
    re.IGNORECASE,
)
_MIN_IBAN_LENGTH: Final = 15
_WORDS_BEHIND: Final = re.compile(r"(?:[ .-][A-Za-z]+)+$")
_MIN_IBAN_DIGITS: Final = 10  # every country's accounts have as many; a street or a name has not
_MASKED: Final = re.compile(r"[A-Z]{0,2}…[A-Z0-9]{0,4}")
# Our own ids and files are found again by them, a plan by its sentence.
_EXACT: Final = ("_id", "_ids", "resume", "path", "uri", "sha256", "statement")
# Alphabets that are seldom written, pictures and marks: up to three tokens for each.
_RARE: Final = re.compile(
    "[\u0700-\u1dff\u1f00-\u1fff\u2100-\u2e7f\ua000-\uabff\ufb00-\ufeff\U00010000-\U0010ffff]"
)
_SEPARATORS: Final = re.compile(r"[\s.\-/_]")
# A NIF, an invoice's number, a status, an e-mail address, IVA 21 %: nothing that reads as words.
_WORD: Final = re.compile(r"[^\W_][\w.@/+-]*(?: [0-9.,]+ ?%)?")
# A cell that begins so is a formula to a spreadsheet; the wide forms are to some.
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


# What may stand in a sentence: in quotes, one word, or words of our own.
Said = NewType("Said", str)


def clean(text: str, limit: int) -> str:
    """Make one line of at most `limit` characters, in NFC, without anything invisible.

    Cleaning twice changes nothing more.
    """
    if not is_plain(text):
        line = _one_line(text)
        while (again := _one_line(line)) != line:
            line = again
        text = line
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    # A cut must not leave half a character behind: a base letter keeps its marks or goes.
    while cut and unicodedata.combining(text[len(cut)]):
        cut = cut[:-1]
    return cut.rstrip() + ELLIPSIS


def shortened(text: str, limit: int) -> str:
    """Make one clean line of whole words: all of it, its first sentences, or words and a mark."""
    line = clean(text, len(text) + 1)
    if len(line) <= limit:
        return line
    sentences = line[: limit + 1].rpartition(". ")[0]
    if len(sentences) > limit // 2:
        return sentences + "."
    words = line[: limit - 1].rpartition(" ")[0].rstrip(" ,;:")
    return f"{words} {ELLIPSIS}" if words else clean(line, limit)


def quoted(text: str, limit: int = 300) -> Said:
    """Clean `text`, mask accounts and stand it in double quotes, so that it reads as data."""
    return Said('"' + safe_text(text, limit).replace('"', "'") + '"')


def one_word(text: str, limit: int = 60) -> Said:
    """Give a number or code as it is, and in quotes where it is more than one word."""
    word = safe_text(text, limit)
    return Said(word) if _WORD.fullmatch(word) else quoted(word, limit)


def joined(*facts: Said | None) -> str:
    """Put facts beside each other; the type keeps out what came from outside as it came."""
    return " · ".join(fact for fact in facts if fact)


def safe_text(text: str, limit: int) -> str:
    """Make one clean line of at most `limit` characters, every IBAN in it masked."""
    # Cleaned first: an invisible character must not hide an IBAN from the mask.
    line = clean(text, 10 * limit)
    if len(line) < min(limit, _MIN_IBAN_LENGTH):
        return line
    return clean(replace_ibans(line, mask_iban), limit)


def mask_iban(text: str) -> str:
    """Leave the country and the last four characters of an IBAN; less if it is too short."""
    if not text or _MASKED.fullmatch(text):
        return text
    bare = _SEPARATORS.sub("", text).upper()
    if len(bare) < _MIN_IBAN_LENGTH or not bare.isascii() or not bare.isalnum():
        return ELLIPSIS
    return f"{bare[:2] if bare[:2].isalpha() else ''}{ELLIPSIS}{bare[-4:]}"


def replace_ibans(text: str, replacement: Callable[[str], str]) -> str:
    """Replace all that is written like an IBAN, whether or not its check digits fit.

    `replacement` gets the IBAN as it was written, without the words that follow it.
    """

    def replace(found: re.Match[str]) -> str:
        written = _WORDS_BEHIND.sub("", found.group())
        if found["id"] or sum(map(str.isdigit, written)) < _MIN_IBAN_DIGITS:
            return found.group()
        return replacement(written) + found.group()[len(written) :]

    return _IBAN.sub(replace, text)


def no_account(text: str) -> str:
    """Refuse an IBAN in the place of an id, which answers repeat as it is: a ValueError."""
    if replace_ibans(text, mask_iban) != text:
        raise ValueError("a bank account")
    return text


def without_accounts(value: Any, name: str = "") -> Any:
    """Mask every IBAN in the texts of JSON values; what is called an id stays as it is."""
    if isinstance(value, str):
        return value if name.endswith(_EXACT) else replace_ibans(value, mask_iban)
    if isinstance(value, Mapping):
        return {key: without_accounts(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [without_accounts(part, name) for part in value]
    return value


def width(text: str) -> int:
    """Measure a text by what it costs a model: three are a token, and a rare letter is three.

    Other letters than ASCII's are up to a token each. A sentence stands twice in an answer, which
    may cost 1,000 tokens.
    """
    others = 0 if text.isascii() else sum(not letter.isascii() for letter in text)
    return len(text) + 2 * others + (6 * len(_RARE.findall(text)) if others else 0)


def without_accents(text: str) -> str:
    """Give a text in small letters without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(mark for mark in plain if not unicodedata.combining(mark))


def is_plain(text: str) -> bool:
    """Tell quickly that there is nothing to do, as for nearly every value of nearly every list.

    Below U+0300 every letter is in NFC, and what is not printable is all there is to remove.
    """
    return (
        text.isprintable()
        and (text.isascii() or not _FROM_0300.search(text))
        and "  " not in text
        and text.strip() == text
    )


def _one_line(text: str) -> str:
    text = _INVISIBLE.sub("", _ANSI.sub("", text))
    text = _without_orphan_selectors(text)
    return unicodedata.normalize("NFC", _BLANKS.sub(" ", text).strip())


def _without_orphan_selectors(text: str) -> str:
    """Keep a variation selector only behind a symbol, where emoji need it."""
    kept: list[str] = []
    for character in text:
        is_behind_symbol = kept and unicodedata.category(kept[-1]) in ("So", "Sk", "Po", "Nd")
        if character not in _VARIATION_SELECTORS or is_behind_symbol:
            kept.append(character)
    return "".join(kept)
