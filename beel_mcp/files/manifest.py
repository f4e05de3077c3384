"""manifest.csv: what is in a package of invoices and what is not, as an accountant reads it."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from beel_mcp.cleaning import clean
from beel_mcp.language import say
from beel_mcp.settings import Language

# A cell that begins so is a formula to a spreadsheet; the wide forms are to some.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_HEADERS: Final[Sequence[tuple[str, str]]] = (
    ("date", "fecha"),
    ("number", "número"),
    ("type", "tipo"),
    ("rectifies", "rectifica a"),
    ("customer", "cliente"),
    ("NIF", "NIF"),
)
_AFTER: Final[Sequence[tuple[str, str]]] = (
    ("withholding", "retención"),
    ("total", "total"),
    ("status", "estado"),
    ("file", "archivo"),
    ("sha256", "sha256"),
    ("missing because", "falta porque"),
)
_TYPES: Final[Mapping[str, tuple[str, str]]] = {
    "STANDARD": ("standard", "ordinaria"),
    "CORRECTIVE": ("rectifying", "rectificativa"),
    "SIMPLIFIED": ("simplified", "simplificada"),
    "PROFORMA": ("proforma", "proforma"),
}
_STATUSES: Final[Mapping[str, tuple[str, str]]] = {
    "DRAFT": ("draft", "borrador"),
    "SCHEDULED": ("scheduled", "programada"),
    "ISSUED": ("issued", "emitida"),
    "SENT": ("sent", "enviada"),
    "PAID": ("paid", "cobrada"),
    "OVERDUE": ("overdue", "vencida"),
    "RECTIFIED": ("rectified", "rectificada"),
    "VOIDED": ("void", "anulada"),
}
_REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "draft": ("a draft has no PDF", "un borrador no tiene PDF"),
    "not_found": ("not found in BeeL", "no está en BeeL"),
    "pdf_not_ready": ("BeeL has no PDF of it yet", "BeeL aún no tiene su PDF"),
    "unknown": ("not known", "no se sabe"),
}


@dataclass(frozen=True)
class ManifestRow:
    """One invoice of a package. Money in euros; `rates` are (rate in percent, base, tax)."""

    invoice_id: str
    day: date | None = None
    number: str = ""
    type: str = ""
    rectifies: str = ""
    customer: str = ""
    nif: str = ""
    rates: tuple[tuple[Decimal, Decimal, Decimal], ...] = ()
    withholding: Decimal = field(default_factory=Decimal)
    total: Decimal = field(default_factory=Decimal)
    status: str = ""
    file: str = ""
    sha256: str = ""
    missing: str = ""

    @property
    def order(self) -> tuple[date, str, str]:
        """Tell where it stands: by date, then number."""
        return (self.day or date.max, self.number, self.invoice_id)


def manifest_csv(rows: Sequence[ManifestRow], language: Language) -> bytes:
    """Write the rows, by date and number; the same rows give the same bytes.

    In Spanish: `;`, decimal comma, a BOM, dates as 14/07/2026. In English: `,` and points.
    """
    rates = sorted({rate for row in rows for rate, _, _ in row.rates})
    text = io.StringIO(newline="")
    separator = say(language, en=",", es=";")
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    writer.writerow(_header(rates, language))
    for row in sorted(rows, key=lambda row: row.order):
        writer.writerow(_cells(row, rates, language))
    return text.getvalue().encode("utf-8-sig")


def _header(rates: Sequence[Decimal], language: Language) -> list[str]:
    def words(pairs: Sequence[tuple[str, str]]) -> list[str]:
        return [say(language, en=english, es=spanish) for english, spanish in pairs]

    middle = []
    for rate in rates:
        percent = _number(rate.normalize(), language, places=None)
        middle += [
            say(language, en=f"base {percent}%", es=f"base {percent} %"),
            say(language, en=f"tax {percent}%", es=f"cuota {percent} %"),
        ]
    return [*words(_HEADERS), *middle, *words(_AFTER)]


def _cells(row: ManifestRow, rates: Sequence[Decimal], language: Language) -> list[str]:
    sums = {rate: (Decimal(), Decimal()) for rate in rates}
    for rate, base, tax in row.rates:
        before = sums[rate]
        sums[rate] = (before[0] + base, before[1] + tax)
    has = {rate for rate, _, _ in row.rates}
    amounts = [
        _number(part, language) if rate in has else "" for rate in rates for part in sums[rate]
    ]
    is_known = row.day is not None
    return [
        _day(row.day, language),
        safe(row.number),
        _word(_TYPES, row.type, language),
        safe(row.rectifies),
        safe(row.customer),
        safe(row.nif),
        *amounts,
        _number(row.withholding, language) if is_known else "",
        _number(row.total, language) if is_known else "",
        _word(_STATUSES, row.status, language),
        safe(row.file),
        row.sha256,
        _word(_REASONS, row.missing, language),
    ]


def safe(text: str) -> str:
    """Make text that a spreadsheet shows and does not run: what looks like a formula gets a `'`."""
    cell = clean(text, 300)
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _day(day: date | None, language: Language) -> str:
    return "" if day is None else say(language, en=day.isoformat(), es=f"{day:%d/%m/%Y}")


def _number(amount: Decimal, language: Language, places: int | None = 2) -> str:
    """Write a number, which may be negative and is no formula: digits, sign and mark only."""
    text = f"{amount:f}" if places is None else f"{amount:.{places}f}"
    return say(language, en=text, es=text.replace(".", ","))


def _word(words: Mapping[str, tuple[str, str]], key: str, language: Language) -> str:
    english, spanish = words.get(key, (key, key))
    return safe(say(language, en=english, es=spanish))
