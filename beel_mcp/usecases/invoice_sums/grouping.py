"""Sums for each status, month, quarter, customer or tax rate."""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal

from beel_mcp.answers.answer import NAME_LIMIT
from beel_mcp.answers.invoices.sums import SumGroup
from beel_mcp.api.models import Invoice
from beel_mcp.cleaning import clean
from beel_mcp.usecases.invoice_sums.bookkeeping import Books, amounts_of, money

GroupBy = Literal["status", "month", "quarter", "customer", "tax_rate"]
UNKNOWN_RATE: Final = "rate not given"
_CENT: Final = Decimal("0.01")
_Rates = dict[str, tuple[Decimal, Decimal]]


def groups_of(books: Books, group_by: GroupBy) -> list[SumGroup]:
    """Add up by what they have in common: all by status, else what was invoiced.

    Where nothing of it was invoiced, the groups are of what there is. Months and quarters come in
    their order, rates and customers with the largest first.
    """
    if group_by == "status":
        return [
            SumGroup(group=name, **amounts_of(part).model_dump())
            for name, part in books.by_standing.items()
        ]
    invoices = books.invoiced or list(books.invoices)
    if group_by == "tax_rate":
        return _by_rate(invoices)
    if group_by == "customer":
        found = _customers(books, _parted(invoices, _owner))
        return sorted(found, key=lambda group: -Decimal(group.total))
    label = _month if group_by == "month" else _quarter
    return [
        _group(books, name, part)
        for name, part in sorted(_parted(invoices, label).items(), reverse=True)
    ]


def customers_of(invoices: list[Invoice]) -> int:
    """Count whose invoices these are."""
    return len(_parted(invoices, _owner))


def _customers(books: Books, parts: Mapping[str, list[Invoice]]) -> list[SumGroup]:
    """Name each customer as their newest invoice does."""
    found = []
    for part in parts.values():
        newest = max(part, key=lambda invoice: invoice.issue_date).recipient
        name = clean(newest.legal_name or newest.trade_name or "", NAME_LIMIT) or "no customer"
        group = _group(books, name, part)
        found.append(group.model_copy(update={"customer_id": newest.customer_id}))
    return found


def _group(books: Books, name: str, invoices: list[Invoice]) -> SumGroup:
    owed = books.owed(invoices).total if books.invoiced else None
    late = books.late(invoices)
    return SumGroup(
        group=name,
        outstanding=owed,
        overdue=late.total if late else None,
        **amounts_of(invoices).model_dump(),
    )


def _parted(invoices: list[Invoice], label: Callable[[Invoice], str]) -> dict[str, list[Invoice]]:
    parts: dict[str, list[Invoice]] = {}
    for invoice in invoices:
        parts.setdefault(label(invoice), []).append(invoice)
    return parts


def _owner(invoice: Invoice) -> str:
    who = invoice.recipient
    return (who.customer_id or who.nif or who.legal_name or who.trade_name or "").casefold()


def _month(invoice: Invoice) -> str:
    return f"{invoice.issue_date:%Y-%m}"


def _quarter(invoice: Invoice) -> str:
    return f"{invoice.issue_date.year}-Q{(invoice.issue_date.month + 2) // 3}"


def _by_rate(invoices: list[Invoice]) -> list[SumGroup]:
    """Add up bases and taxes; withholding and surcharge are of whole invoices, and left out."""
    sums: _Rates = {}
    counts: dict[str, int] = {}
    for invoice in invoices:
        for label, (base, tax) in _rates(invoice).items():
            before = sums.get(label, (Decimal(), Decimal()))
            sums[label] = (before[0] + base, before[1] + tax)
            counts[label] = counts.get(label, 0) + 1
    return [
        SumGroup(
            group=label,
            count=counts[label],
            base=money(base),
            tax=money(tax),
            total=money(base + tax),
        )
        for label, (base, tax) in sorted(sums.items(), key=lambda item: -item[1][0])
    ]


def _rates(invoice: Invoice) -> _Rates:
    """Give base and tax of an invoice by rate: BeeL's own breakdown, else what its lines make.

    Lines count only where they make the invoice's sums to the cent; a rate is never guessed.
    """
    totals = invoice.totals
    if totals.by_rate:
        found: _Rates = {}
        for part in totals.by_rate:
            label = _label(invoice, part.rate)
            base, tax = found.get(label, (Decimal(), Decimal()))
            found[label] = (base + part.base, tax + part.amount)
        return found
    bases: dict[Decimal, Decimal] = {}
    for line in invoice.lines:
        rate = line.main_tax.percentage if line.main_tax else None
        if rate is not None and line.taxable_base is not None:
            bases[rate] = bases.get(rate, Decimal()) + line.taxable_base
    taxes = {
        rate: (base * rate / 100).quantize(_CENT, ROUND_HALF_UP) for rate, base in bases.items()
    }
    sums = (sum(bases.values(), Decimal()), sum(taxes.values(), Decimal()))
    if sums == (totals.taxable_base, totals.total_tax):
        return {_label(invoice, rate): (base, taxes[rate]) for rate, base in bases.items()}
    return {UNKNOWN_RATE: (totals.taxable_base, totals.total_tax)}


def _label(invoice: Invoice, rate: Decimal) -> str:
    """Name a rate, and its tax where the lines say which one it is."""
    taxes = {
        line.main_tax.type
        for line in invoice.lines
        if line.main_tax and line.main_tax.percentage == rate
    }
    tax = clean(next(iter(taxes)) or "", 10) if len(taxes) == 1 else ""
    return f"{tax} {rate.normalize():f}%".strip()
