"""What the invoices of a package add up to, in its answer and on its page; EUR."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal

from beel_mcp.answers.invoices.sums import Amounts
from beel_mcp.files.invoice_package import ManifestRow, by_rate
from beel_mcp.usecases.invoice_sums.bookkeeping import INVOICED, in_order, money, standing


def standing_of(row: ManifestRow) -> str:
    """Name under what an invoice is added up."""
    return standing(row.status, row.type)


def invoiced(rows: Iterable[ManifestRow]) -> list[ManifestRow]:
    """Pick what was invoiced; what was not is in none of its sums."""
    return [row for row in rows if standing_of(row) in INVOICED]


def not_invoiced(rows: Iterable[ManifestRow]) -> list[ManifestRow]:
    """Pick the others: drafts, proformas, what was voided."""
    return [row for row in rows if standing_of(row) not in INVOICED]


def amounts_of(rows: Sequence[ManifestRow]) -> Amounts:
    """Add up invoices."""
    rates = by_rate(rows).values()
    surcharge = sum((row.surcharge for row in rows), Decimal())
    return Amounts(
        count=len(rows),
        base=money(sum((base for base, _ in rates), Decimal())),
        tax=money(sum((tax for _, tax in rates), Decimal())),
        surcharge=money(surcharge) if surcharge else None,
        withholding=money(sum((row.withholding for row in rows), Decimal())),
        total=money(sum((row.total for row in rows), Decimal())),
    )


def by_status(rows: Iterable[ManifestRow]) -> Mapping[str, Amounts]:
    """Add up by status, as an invoice goes through them."""
    parts = _parted(rows, standing_of)
    return {name: amounts_of(parts[name]) for name in in_order(parts)}


def by_month(rows: Iterable[ManifestRow]) -> Mapping[str, Amounts]:
    """Add up by month, `2026-07`, in their order."""
    parts = _parted(rows, lambda row: f"{row.day:%Y-%m}" if row.day else "")
    return {month: amounts_of(part) for month, part in sorted(parts.items())}


def _parted(
    rows: Iterable[ManifestRow], label: Callable[[ManifestRow], str]
) -> dict[str, list[ManifestRow]]:
    parts: dict[str, list[ManifestRow]] = {}
    for row in rows:
        parts.setdefault(label(row), []).append(row)
    return parts
