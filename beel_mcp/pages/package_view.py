"""A package of invoices as a person looks at it: its sums, what is missing, its manifest.

The sums are made by the functions that make those of the answer and of the manifest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from beel_mcp.answers.invoices.sums import Amounts
from beel_mcp.cleaning import clean, safe_text
from beel_mcp.files.invoice_package import (
    Columns,
    ManifestRow,
    by_rate,
    cells_of,
    header_of,
    percent_of,
    word_of,
)
from beel_mcp.language import Language, localized
from beel_mcp.memory.packages import FinishedPackage
from beel_mcp.pages.paging import Pager, pager_of
from beel_mcp.pages.rendering import say
from beel_mcp.usecases.invoice_sums.bookkeeping import money as plain_money
from beel_mcp.usecases.invoice_zip.sums import (
    amounts_of,
    by_month,
    by_status,
    invoiced,
    not_invoiced,
    standing_of,
)
from beel_mcp.writes.consent.statement import money

MISSING_SHOWN: Final = 200
MISSING_IN_CARD: Final = 10
_LONGEST_SHOWN: Final = 200
_DIGEST: Final = -2  # the column that says nothing to a person
_BEFORE_AMOUNTS: Final = 6
_AFTER_AMOUNTS: Final = 3


@dataclass(frozen=True)
class SumLine:
    """Some invoices, by what they have in common."""

    label: str
    amounts: Amounts


@dataclass(frozen=True)
class RateLine:
    """What was invoiced at one rate."""

    label: str
    base: str
    tax: str


@dataclass(frozen=True)
class MissingLine:
    """An invoice that is not in the ZIP: why, and what can be done."""

    number: str
    customer: str
    total: str | None
    status: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class ManifestView:
    """A page of the manifest; `amounts` tells which columns hold money."""

    headings: tuple[str, ...]
    amounts: frozenset[int]
    rows: tuple[tuple[str, ...], ...]
    pager: Pager


@dataclass(frozen=True)
class PackageView:
    """All that the page of a package shows."""

    file_name: str
    requested: int
    included: int
    missing_count: int
    drafts_left_out: int
    is_miscounted: bool
    invoiced: Amounts
    in_zip: str
    not_in_zip: str
    has_surcharge: bool
    statuses: tuple[SumLine, ...]
    others: tuple[SumLine, ...]
    rates: tuple[RateLine, ...]
    months: tuple[SumLine, ...]
    missing: tuple[MissingLine, ...]
    more_missing: int
    manifest: ManifestView | None


def package_view(package: FinishedPackage, language: Language, page: int | None = 1) -> PackageView:
    """Show the sums, what is missing, and a page of the manifest; None is all of it."""
    return _view(package, language, MISSING_SHOWN, _manifest(package.rows, language, page))


def card_view(package: FinishedPackage, language: Language) -> PackageView:
    """Show what a card has room for: the manifest lies in the ZIP."""
    return _view(package, language, MISSING_IN_CARD, None)


def _view(
    package: FinishedPackage, language: Language, most: int, manifest: ManifestView | None
) -> PackageView:
    # Of an invoice that BeeL does not know there is nothing to add up.
    known = [row for row in package.rows if row.day is not None]
    missing = [row for row in package.rows if row.missing]
    counted = invoiced(known)
    return PackageView(
        file_name=package.file_name or "",
        requested=len(package.rows),
        included=len(package.rows) - len(missing),
        missing_count=len(missing),
        drafts_left_out=package.drafts_left_out or 0,
        is_miscounted=package.is_miscounted,
        invoiced=amounts_of(counted),
        in_zip=amounts_of([row for row in counted if not row.missing]).total,
        not_in_zip=amounts_of([row for row in counted if row.missing]).total,
        has_surcharge=any(row.surcharge for row in known),
        statuses=_by_status(counted, language),
        others=_by_status(not_invoiced(known), language),
        rates=_rates(counted, language),
        months=_by_month(counted, language),
        missing=tuple(_missing(row, package, language) for row in missing[:most]),
        more_missing=max(len(missing) - most, 0),
        manifest=manifest,
    )


def _by_status(rows: Sequence[ManifestRow], language: Language) -> tuple[SumLine, ...]:
    return tuple(
        SumLine(_status(name, language), amounts) for name, amounts in by_status(rows).items()
    )


def _status(name: str, language: Language) -> str:
    """Say a status, or that it is a proforma."""
    table = "types" if name == "PROFORMA" else "statuses"
    return _capital(word_of(table, name, language))


def _by_month(rows: Sequence[ManifestRow], language: Language) -> tuple[SumLine, ...]:
    found = ((month.partition("-"), month, sums) for month, sums in by_month(rows).items())
    return tuple(
        SumLine(localized(language, en=month, es=f"{number}/{year}"), sums)
        for (year, _, number), month, sums in found
    )


def _rates(rows: Sequence[ManifestRow], language: Language) -> tuple[RateLine, ...]:
    """Give what was invoiced by rate, the lowest first; at last where BeeL gives sums only."""
    sums = by_rate(rows)
    known = sorted(rate for rate in sums if rate is not None)
    found = [(percent_of(rate, language), sums[rate]) for rate in known]
    if None in sums:
        found.append((say(language, "package.rate_unknown"), sums[None]))
    return tuple(
        RateLine(label, plain_money(base), plain_money(tax)) for label, (base, tax) in found
    )


def _missing(row: ManifestRow, package: FinishedPackage, language: Language) -> MissingLine:
    code, is_known = package.remedies.get(row.invoice_id, ""), row.day is not None
    facts: Mapping[str, int] = {"seconds": max(package.again_in_s or 1, 1)}
    return MissingLine(
        number=safe_text(row.number or row.invoice_id, _LONGEST_SHOWN),
        customer=safe_text(row.customer, _LONGEST_SHOWN),
        total=plain_money(row.total) if is_known else None,
        status=_status(standing_of(row), language) if is_known else "",
        reason=_capital(word_of("reasons", row.missing, language)),
        remedy=say(language, f"remedy.{code}", **facts) if code else "",
    )


def _manifest(rows: Sequence[ManifestRow], language: Language, page: int | None) -> ManifestView:
    """Give a page of the manifest as the file has it, money as a person writes it."""
    columns, pager = Columns.of(rows), pager_of(page, len(rows))
    headings = [_capital(name) for name in _shown(header_of(columns, language))]
    return ManifestView(
        headings=tuple(headings),
        amounts=frozenset(range(_BEFORE_AMOUNTS, len(headings) - _AFTER_AMOUNTS)),
        rows=tuple(
            tuple(safe_text(cell, _LONGEST_SHOWN) for cell in _shown(cells))
            for row in rows[pager.rows]
            if (cells := cells_of(row, columns, language, money))
        ),
        pager=pager,
    )


def _shown(cells: Sequence[str]) -> list[str]:
    return [*cells[:_DIGEST], *cells[_DIGEST + 1 :]]


def _capital(word: str) -> str:
    text = clean(word, _LONGEST_SHOWN)
    return text[:1].upper() + text[1:]
