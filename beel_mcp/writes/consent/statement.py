"""The sentence that says what will happen: typed facts in fixed words, at most 900 characters."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from beel_mcp.api.company import Account
from beel_mcp.cleaning import clean, quoted
from beel_mcp.language import localized
from beel_mcp.settings import Language
from beel_mcp.writes.journal.plan import Affected, Look

LONGEST: Final = 900
_SPANISH_POINTS: Final = str.maketrans(",.", ".,")
NAME_LIMIT: Final = 60
LABEL_LIMIT: Final = 120
NUMBER_LIMIT: Final = 30
_PLACES: Final[Mapping[str, tuple[str, str]]] = {
    "sandbox": ("SANDBOX", "SIMULACIÓN"),
    "test": ("TEST", "PRUEBAS"),
    "live": ("LIVE", "REAL"),
}
# Why a record is left out: for one, and for several.
_REASONS: Final[Mapping[str, tuple[str, str, str]]] = {
    "has_invoices": ("with invoices", "con facturas", "con facturas"),
    "not_found": ("not found", "que no existe", "que no existen"),
    "unchanged": ("already so", "ya está así", "ya están así"),
    "identifier_fixed": (
        "whose NIF cannot be changed here",
        "cuyo NIF no se puede cambiar aquí",
        "cuyo NIF no se puede cambiar aquí",
    ),
    "never_empty": (
        "with a field that cannot be emptied here",
        "con un campo que aquí no se puede vaciar",
        "con un campo que aquí no se puede vaciar",
    ),
    "already_inactive": ("already inactive", "ya inactivo", "ya inactivos"),
    "issued": ("issued", "ya emitida", "ya emitidas"),
    "scheduled": ("scheduled", "programada", "programadas"),
    "voided": ("void", "anulada", "anuladas"),
    "rectified": ("rectified", "rectificada", "rectificadas"),
    "proforma": ("proforma", "proforma", "proformas"),
    "problems": ("with problems", "con problemas", "con problemas"),
}


def place_of(account: Account, company: str | None, language: Language) -> str:
    """Say where it would happen; a company that is not known is told by its key."""
    english, spanish = _PLACES[account.environment]
    label = company or localized(
        language,
        en=f"company of this key …{account.key_fingerprint[-4:]}",
        es=f"empresa de esta clave …{account.key_fingerprint[-4:]}",
    )
    return f"{localized(language, en=english, es=spanish)} · {clean(label, LABEL_LIMIT)}"


def compose(
    place: str,
    opening: str,
    look: Look,
    ending: Sequence[str],
    language: Language,
    *,
    labels: Sequence[str] | None = None,
) -> str:
    """Put the sentence together; as many records stand in it as fit, by name unless labelled."""
    head = f"{place}: {opening}: "
    tail = "".join(f" {part}" for part in (*ending, _left(look, language)) if part)
    every = labels or [named(one) for one in look.affected]
    separator = "; " if labels else ", "  # a label has commas of its own
    room = LONGEST - width(head) - width(tail) - 1
    names = _names(every, room, separator, language)
    return f"{head}{names}.{tail}"


def day_of(day: date, language: Language) -> str:
    """Say a day."""
    return localized(language, en=day.isoformat(), es=f"{day:%d/%m/%Y}")


def money(amount: Decimal, language: Language) -> str:
    """Say euros."""
    text = f"{amount:,.2f}"
    return localized(language, en=f"€{text}", es=text.translate(_SPANISH_POINTS) + " €")


def named(one: Affected) -> str:
    """Give what a person knows a record by."""
    name = quoted(one.name, NAME_LIMIT)
    return f"{name} ({_number(one.identifier)})" if one.identifier else name


def _names(labels: Sequence[str], room: int, separator: str, language: Language) -> str:
    names: list[str] = []
    for number, label in enumerate(labels, 1):
        names.append(label)
        if width(_joined(names, len(labels) - number, separator, language)) > room:
            names.pop()
            break
    return _joined(names, len(labels) - len(names), separator, language)


def width(text: str) -> int:
    """Measure a text by what it costs a model: other letters than ASCII's up to a token each.

    A sentence stands twice in an answer, which may cost 1,000 tokens.
    """
    return sum(1 if one.isascii() else 3 for one in text)


def _number(identifier: str) -> str:
    """Give a NIF as it is; any other number is whatever somebody typed, and stands in quotes."""
    number = clean(identifier, NUMBER_LIMIT)
    return number if number.isalnum() else quoted(number, NUMBER_LIMIT)


def _joined(names: Sequence[str], more: int, separator: str, language: Language) -> str:
    listed = separator.join(names)
    return (
        listed + localized(language, en=f" and {more} more", es=f" y {more} más")
        if more
        else listed
    )


def _left(look: Look, language: Language) -> str:
    """Say what was asked for and will not be touched."""
    codes = [one.code for one in look.left]
    if not codes:
        return ""
    reasons = []
    for code in dict.fromkeys(codes):
        number = codes.count(code)
        english, one, several = _REASONS.get(code, ("refused", "rechazado", "rechazados"))
        reasons.append(
            f"{number} {localized(language, en=english, es=one if number == 1 else several)}"
        )
    opening = localized(
        language, en="Left out", es="Queda fuera" if len(codes) == 1 else "Quedan fuera"
    )
    return f"{opening}: {', '.join(reasons)}."
