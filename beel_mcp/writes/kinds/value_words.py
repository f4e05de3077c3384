"""Values of customers and invoices in the words of a person, whole enough to agree to."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from beel_mcp.cleaning import ELLIPSIS, clean, quoted
from beel_mcp.language import localized
from beel_mcp.messages import sentence, words_of
from beel_mcp.settings import Language
from beel_mcp.writes.consent.statement import day_of, money
from beel_mcp.writes.journal.plan import Affected
from beel_mcp.writes.kinds.previous_values import IBAN
from beel_mcp.writes.kinds.protocol import Detail

WHOLE: Final = 60  # what moves money or lets somebody in is never cut shorter
_EXACT: Final = 10_000
_TABLES: Final[Mapping[str, str]] = {
    "preferred_payment_method.method": "payment_method",
    "alternative_id.type": "document_type",
    "alternative_id.country_code": "country",
    "address.country_code": "country",
}
# The codes of the tax agency, which BeeL takes as well.
_BY_NUMBER: Final = {
    "02": "NIF_IVA",
    "03": "PASSPORT",
    "04": "COUNTRY_ID",
    "05": "RESIDENCE_CERTIFICATE",
    "06": "OTHER_DOCUMENT",
    "07": "NOT_REGISTERED",
}
_NOTHING: Final = {
    "general_discount": "ninguno",
    "billing_emails": "ninguno",
    "preferred_payment_method": "ninguna",
}


def value_words(path: str, value: Any, limit: int, language: Language) -> str:
    """Say a value of a field: a code by its word, a number with its unit, a text in quotes."""
    if value is None:
        return localized(language, en="none", es=_NOTHING.get(path, "en blanco"))
    if path in _SAID:
        return _SAID[path](value, language)
    if path in _TABLES:
        return _code(_TABLES[path], value, language)
    if isinstance(value, list):
        # Each of them is somebody who gets the invoices: none is cut out of their middle.
        return quoted(", ".join(_cut(clean(str(item), _EXACT), limit) for item in value), _EXACT)
    return quoted(_cut(_text(value), limit), limit)


def detail(field: str, value: str, language: Language) -> Detail:
    """Give what a record has, under a word of data/plan_words.toml."""
    return Detail(sentence("plan_words", f"detail.{field}").localized(language), value)


def invoice_details(invoice: Affected, language: Language) -> list[Detail]:
    """Give the date and the total of an invoice."""
    day, total = date.fromisoformat(invoice.facts["date"]), Decimal(invoice.facts["total"])
    return [
        detail("date", day_of(day, language), language),
        detail("total", money(total, language), language),
    ]


def pair_words(path: str, old: Any, new: Any, limit: int, language: Language) -> tuple[str, str]:
    """Say a value before and after; where they differ late, both from there on."""
    before, after = (value_words(path, value, limit, language) for value in (old, new))
    if before == after and path == IBAN:
        return before, f"{localized(language, en='another', es='otro')} {after}"
    if before == after:
        start = _first_difference(_text(old), _text(new))
        texts = (ELLIPSIS + _text(value)[start:] for value in (old, new))
        before, after = (quoted(_cut(text, limit), limit) for text in texts)
    different = localized(language, en=" (another)", es=" (otro)") if before == after else ""
    return before, after + different


def _payment(parts: Any, language: Language) -> str:
    """Say `transferencia a la cuenta acabada en 1332, a 30 días`."""
    method, days = parts.get("method"), parts.get("payment_term_days")
    words = [_code("payment_method", method, language)] if method else []
    if account := parts.get("iban"):
        table = words_of("value_words")["account_of"]
        is_told_so = method in table and method != "OTHER"
        known = table[method if is_told_so else "OTHER"][language].format(end=_end(account))
        words = [f"{words[0]} {known}"] if is_told_so else [*words, known]
    if days is not None:
        words.append(localized(language, en="", es="a ") + _days(days, language))
    if swift := parts.get("swift"):
        words.append(f"BIC {quoted(str(swift), WHOLE)}")
    others = parts.keys() - {"method", "iban", "swift", "payment_term_days"}
    return ", ".join([*words, *(quoted(_text(parts[name]), WHOLE) for name in sorted(others))])


def _document(parts: Any, language: Language) -> str:
    """Say `pasaporte "X-1" (Francia)`."""
    kind, country = parts.get("type"), parts.get("country_code")
    words = [_code("document_type", kind, language)] if kind else []
    others = parts.keys() - {"type", "country_code"}
    words += [quoted(_text(parts[name]), WHOLE) for name in sorted(others)]
    return " ".join([*words, *([f"({_code('country', country, language)})"] if country else [])])


def _discount(value: Any, language: Language) -> str:
    """Say a percentage: nobody may take it for euros."""
    number = clean(str(value), 30)
    if not number.replace(".", "", 1).isdecimal():
        number = quoted(number)
    return localized(language, en=f"{number}%", es=f"{number.replace('.', ',')} %")


def _days(days: Any, language: Language) -> str:
    number = clean(str(days), 30)
    one, several = localized(language, en="day days", es="día días").split()
    return f"{number if number.isdecimal() else quoted(number)} {one if days == 1 else several}"


def _activity(value: Any, language: Language) -> str:
    return localized(
        language,
        en="active" if value else "inactive",
        es="activo" if value else "inactivo",
    )


def _account(account: Any, language: Language) -> str:
    return localized(language, en="ending in ", es="acabado en ") + _end(account)


_SAID: Final[Mapping[str, Callable[[Any, Language], str]]] = {
    "preferred_payment_method": _payment,
    "preferred_payment_method.payment_term_days": _days,
    "alternative_id": _document,
    "general_discount": _discount,
    "active": _activity,
    IBAN: _account,
}


def _code(table: str, code: Any, language: Language) -> str:
    words = words_of("value_words")[table].get(_BY_NUMBER.get(code, code))
    return str(words[language]) if words else quoted(str(code), WHOLE)


def _end(account: Any) -> str:
    """Give the last four characters of an account, by which its owner knows it."""
    end = clean(str(account), 40)[-4:].lstrip(ELLIPSIS)
    return end if end.isalnum() and end.isascii() else quoted(end)


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    # The end of an address says whose it is, as its beginning does not.
    half = (limit - 1) // 2
    return text[:half].rstrip() + ELLIPSIS + text[len(text) - half :].lstrip()


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return clean(", ".join(map(_text, value.values())), _EXACT)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return clean(", ".join(map(str, value)), _EXACT)
    return clean("" if value is None else str(value), _EXACT)


def _first_difference(text: str, other: str) -> int:
    """Find where two texts part, a little before it, so that a reader finds the place."""
    for index, (a, b) in enumerate(zip(text, other, strict=False)):
        if a != b:
            return max(index - 5, 0)
    return max(min(len(text), len(other)) - 5, 0)
