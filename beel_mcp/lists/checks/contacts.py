"""Telephones and e-mail addresses: their shapes, and cells that hold several of them."""

import re
from typing import Final

_EMAIL: Final = re.compile(r"[^@\s,;:<>()\[\]\"]+@(?:[^@\s,;:<>.]+\.)+[^@\s,;:<>.]{2,}")
_PHONE: Final = re.compile(r"\+?[0-9\s()\-]{8,20}")
# From the start of a word only: from every letter of a long one it would take minutes.
_IN_WORD: Final = r"[^\s<>()\[\];:,|/\"']"
_ADDRESS: Final = re.compile(f"(?<!{_IN_WORD}){_IN_WORD}+@{_IN_WORD}+")
_BETWEEN_ADDRESSES: Final = re.compile(r"[\s;,/|<>]|\b(?:y|e|o|i|u|and|or|mailto:)(?!\w)")
_BETWEEN_PHONES: Final = re.compile(
    r"\s*[/;,|\n]\s*|\s+(?:y|e|o|u|i|and|or|-|\u2013)\s+", re.IGNORECASE
)
_LABEL: Final = re.compile(
    r"(?:t(?:el[eé]fonos?|[eé]ls?|lfs?|fnos?|elfs?)|m(?:[oó]vil(?:es)?|[oò]bil|obile)|fijo|casa|fax"
    r"|trabajo|oficina|part(?:icular)?|phone|[tmf])\b[.:]?\s*",
    re.IGNORECASE,
)
_SPANISH: Final = re.compile("[6-9][0-9]{8}")


def is_email(text: str) -> bool:
    """Whether a text has the shape of an e-mail address."""
    return _EMAIL.fullmatch(text) is not None


def has_phone_shape(text: str) -> bool:
    """Whether BeeL takes a text as a telephone."""
    return 9 <= len(text) <= 20 and _PHONE.fullmatch(text) is not None


def emails_of(text: str) -> tuple[str, ...]:
    """Give the addresses of a cell that holds nothing else; none if something is left over."""
    found = _ADDRESS.findall(text)
    rest = _BETWEEN_ADDRESSES.sub("", _ADDRESS.sub(" ", text))
    return tuple(dict.fromkeys(found)) if not rest and all(map(is_email, found)) else ()


def phones_of(text: str) -> tuple[str, ...]:
    """Give the telephones of a cell that holds nothing else; none if something is left over.

    What kind of telephone each is, as in `Tel. 931234567`, is no part of it.
    """
    parts = [_LABEL.sub("", part, count=1).strip() for part in _BETWEEN_PHONES.split(text)]
    if len(parts) == 1 and "+" not in text:
        # Two numbers with a blank between them alone, as 931234567 600112233.
        digits = re.sub(r"[\s().-]", "", parts[0])
        pairs = [digits[:9], digits[9:]]
        if all(map(_SPANISH.fullmatch, pairs)):
            parts = pairs
    are_phones = all(map(has_phone_shape, parts)) and all(
        sum(map(str.isdigit, part)) >= 9 for part in parts
    )
    return tuple(dict.fromkeys(parts)) if are_phones else ()
