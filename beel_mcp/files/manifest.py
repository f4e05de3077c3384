"""manifest.csv: what is in a package of invoices and what is not, as an accountant reads it."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from beel_mcp.cleaning import FORMULA, clean
from beel_mcp.language import say
from beel_mcp.settings import Language

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
    "ACTIVE": ("active", "activa"),
    "CONVERTED": ("converted", "convertida"),
    "EXPIRED": ("expired", "caducada"),
}
_REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "draft": ("not issued: it has no PDF", "sin emitir: no tiene PDF"),
    "not_found": ("not found in BeeL", "no está en BeeL"),
    "pdf_not_ready": ("BeeL has no PDF of it yet", "BeeL aún no tiene su PDF"),
    "unknown": ("not known", "no se sabe"),
}


@dataclass(frozen=True)
class ManifestRow:
    """One invoice of a package. Money in euros; `rates` are (rate in percent, base, tax).

    A rate is None where BeeL tells sums only. Bases, taxes and surcharge, less the withholding,
    are the total.
    """

    invoice_id: str
    day: date | None = None
    number: str = ""
    type: str = ""
    rectifies: str = ""
    customer: str = ""
    nif: str = ""
    rates: tuple[tuple[Decimal | None, Decimal, Decimal], ...] = ()
    surcharge: Decimal = field(default_factory=Decimal)
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
    columns = _Columns.of(rows)
    text = io.StringIO(newline="")
    separator = say(language, en=",", es=";")
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    writer.writerow(_header(columns, language))
    for row in sorted(rows, key=lambda row: row.order):
        writer.writerow(_cells(row, columns, language))
    return text.getvalue().encode("utf-8-sig")


@dataclass(frozen=True)
class _Columns:
    """The columns that depend on the rows."""

    rates: tuple[Decimal | None, ...]
    has_surcharge: bool

    @classmethod
    def of(cls, rows: Sequence[ManifestRow]) -> "_Columns":
        told = {rate for row in rows for rate, _, _ in row.rates}
        known = sorted(rate for rate in told if rate is not None)
        has_surcharge = any(row.surcharge for row in rows)
        return cls((*known, *([None] if None in told else [])), has_surcharge)


def _header(columns: _Columns, language: Language) -> list[str]:
    def words(pairs: Sequence[tuple[str, str]]) -> list[str]:
        return [say(language, en=english, es=spanish) for english, spanish in pairs]

    middle: list[str] = []
    for rate in columns.rates:
        middle += words([("base", "base"), ("tax", "cuota")])
        if rate is not None:
            percent = _number(rate.normalize(), language, places=None)
            shown = say(language, en=f"{percent}%", es=f"{percent} %")
            middle[-2:] = [f"{word} {shown}" for word in middle[-2:]]
    if columns.has_surcharge:
        middle += words([("equivalence surcharge", "recargo de equivalencia")])
    return [*words(_HEADERS), *middle, *words(_AFTER)]


def _cells(row: ManifestRow, columns: _Columns, language: Language) -> list[str]:
    def money(amount: Decimal) -> str:
        return "" if row.day is None else _number(amount, language)

    return [
        _day(row.day, language),
        safe(row.number or (row.invoice_id if row.missing else "")),
        _word(_TYPES, row.type, language),
        safe(row.rectifies),
        safe(row.customer),
        safe(row.nif),
        *_amounts(row, columns.rates, language),
        *([money(row.surcharge)] if columns.has_surcharge else []),
        money(row.withholding),
        money(row.total),
        _word(_STATUSES, row.status, language),
        safe(row.file),
        row.sha256,
        _word(_REASONS, row.missing, language),
    ]


def _amounts(row: ManifestRow, rates: Sequence[Decimal | None], language: Language) -> list[str]:
    """Give base and tax by rate, empty where the invoice has no such rate."""
    sums: dict[Decimal | None, tuple[Decimal, Decimal]] = {}
    for rate, base, tax in row.rates:
        before = sums.get(rate, (Decimal(), Decimal()))
        sums[rate] = (before[0] + base, before[1] + tax)
    return [
        text
        for rate in rates
        for text in ([_number(part, language) for part in sums[rate]] if rate in sums else ("", ""))
    ]


def safe(text: str) -> str:
    """Make text that a spreadsheet shows and does not run: what looks like a formula gets a `'`."""
    cell = clean(text, 300)
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _day(day: date | None, language: Language) -> str:
    return "" if day is None else say(language, en=day.isoformat(), es=f"{day:%d/%m/%Y}")


def _number(amount: Decimal, language: Language, places: int | None = 2) -> str:
    """Write a number, which may be negative and is no formula: digits, sign and mark only."""
    text = f"{amount:f}" if places is None else f"{amount:.{places}f}"
    return say(language, en=text, es=text.replace(".", ","))


def _word(words: Mapping[str, tuple[str, str]], key: str, language: Language) -> str:
    english, spanish = words.get(key, (key, key))
    return safe(say(language, en=english, es=spanish))
