"""Names of files: ours, portable, one to each invoice; and which invoice a server's name means."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from beel_mcp.cleaning import clean

_NAME_LIMIT: Final = 60
# What Windows does not take in a name; a slash also nobody else does.
_UNPORTABLE: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)")
_TOKEN: Final = re.compile(r"[^\W_]+")
# What BeeL may put before a number; with any other word before it, it may be another number.
_BEFORE: Final = frozenset(("factura", "invoice"))
_BARE: Final = re.compile(r"\w[\w .-]{0,80}")
_LONGEST_BYTES: Final = 200  # a name has 255, and may need a number behind it


def bare_name(text: str, suffix: str) -> str | None:
    """Read a file name that somebody chose: no path, portable, with the suffix; None if it is not.

    A suffix that is missing is added.
    """
    name = unicodedata.normalize("NFC", text)
    if not _BARE.fullmatch(name) or _RESERVED.match(name) or name.endswith((" ", ".")):
        return None
    whole = name if name.casefold().endswith(suffix) else name + suffix
    return whole if len(whole.encode()) <= _LONGEST_BYTES else None


def invoice_name(day: date, number: str, customer: str) -> str:
    """Make `2026-07-14 F2026-0123 Talleres Ruiz SL.pdf` of facts."""
    words = [day.isoformat(), portable(number, 40), portable(customer, _NAME_LIMIT)]
    return " ".join(filter(None, words)) + ".pdf"


def portable(text: str, limit: int) -> str:
    """Make text safe as a part of a name on every system; it may be empty then."""
    name = _UNPORTABLE.sub("-", clean(text, 300))
    name = unicodedata.normalize("NFC", name)[:limit]
    # A name has 255 bytes, which some scripts use up three times as fast.
    name = name.encode()[: 2 * limit].decode(errors="ignore").strip(" .")
    return f"_{name}" if _RESERVED.match(name) else name


def unique(names: Iterable[str]) -> list[str]:
    """Tell names apart that differ in case only, by a number: ` (2)`, ` (3)`."""
    taken: set[str] = set()
    found = []
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        wanted, number = name, 1
        while wanted.casefold() in taken:
            number += 1
            wanted = f"{stem} ({number}){dot}{suffix}"
        taken.add(wanted.casefold())
        found.append(wanted)
    return found


def match(entries: Sequence[str], numbers: Mapping[str, str]) -> dict[str, str]:
    """Tell which entry of a server's ZIP is which invoice: ids to entry names.

    `numbers` has the invoice number by id. A name is an id, or a number with at most `factura`
    before it. A name that may mean two invoices, or an invoice that two names may mean, is left
    out: whoever asks for it alone knows.
    """
    meant: dict[str, list[str]] = {}
    for entry in entries:
        owner = _meant(entry, numbers)
        if owner:
            meant.setdefault(owner, []).append(entry)
    return {owner: names[0] for owner, names in meant.items() if len(names) == 1}


def _meant(entry: str, numbers: Mapping[str, str]) -> str | None:
    stem = entry.rpartition("/")[2].rpartition("\\")[2].casefold().removesuffix(".pdf")
    by_id = [one for one in numbers if one.casefold() in stem]
    if by_id:
        return by_id[0] if len(by_id) == 1 else None
    tokens = _tokens(stem)
    if tokens[:1] and tokens[0] in _BEFORE:
        del tokens[0]
    meant = [one for one, number in numbers.items() if tokens and _tokens(number) == tokens]
    return meant[0] if len(meant) == 1 else None


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(unicodedata.normalize("NFC", text).casefold())
