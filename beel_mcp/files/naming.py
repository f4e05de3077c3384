"""Names of files: ours, portable, one to each invoice; and which invoice a server's name means."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from beel_mcp.cleaning import clean

LONGEST: Final = 120
_NAME_LIMIT: Final = 60
# What Windows does not take in a name; a slash also nobody else does.
_UNPORTABLE: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_RESERVED: Final = re.compile(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)")
_ALNUM: Final = re.compile(r"[0-9a-z]+")


def invoice_name(day: date, number: str, customer: str) -> str:
    """Make `2026-07-14 F2026-0123 Talleres Ruiz SL.pdf` of facts."""
    words = [day.isoformat(), portable(number, 40), portable(customer, _NAME_LIMIT)]
    return " ".join(filter(None, words)) + ".pdf"


def portable(text: str, limit: int) -> str:
    """Make text safe as a part of a name on every system; it may be empty then."""
    name = _UNPORTABLE.sub("-", clean(text, 300))
    name = unicodedata.normalize("NFC", name)[:limit].strip(" .")
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

    `numbers` has the invoice number by id. A name that may mean two invoices, or an invoice that
    two names may mean, is left out: whoever asks for it alone knows.
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
    tokens = _ALNUM.findall(stem)
    found: dict[int, list[str]] = {}
    for one, number in numbers.items():
        wanted = _ALNUM.findall(number.casefold())
        if wanted and tokens[-len(wanted) :] == wanted:
            found.setdefault(len(wanted), []).append(one)
    # The longest number is meant: `A-1` ends in `1`, but is not it.
    best = found[max(found)] if found else []
    return best[0] if len(best) == 1 else None
