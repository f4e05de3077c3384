"""What a bookkeeper means by invoiced, collected, outstanding and overdue; sums of each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Final, Literal

from beel_mcp.answers.invoices.sums import Amounts, InvoiceSums, Overdue, Part
from beel_mcp.api.models import Invoice
from beel_mcp.cleaning import clean
from beel_mcp.usecases.overdue import OVERDUE, asks_for_money, is_overdue

# In the order of an invoice's life. What was voided counts for nothing, a proforma is no invoice,
# and a status that we do not know is not taken for one of these.
INVOICED: Final = ("ISSUED", "SENT", OVERDUE, "PAID", "RECTIFIED")
_ORDER: Final = ("DRAFT", "SCHEDULED", *INVOICED, "VOIDED")
_PROFORMA: Final = "PROFORMA"
_OF_PROFORMAS: Final = ("ACTIVE", "CONVERTED", "EXPIRED")
Payment = Literal["collected", "outstanding", "unclear"]


def standing(status: str, type_: str) -> str:
    """Name under what an invoice is added up: its status, or that it is a proforma."""
    is_proforma = type_ == _PROFORMA or status in _OF_PROFORMAS
    return _PROFORMA if is_proforma else clean(status, 20)


def in_order(statuses: Iterable[str]) -> list[str]:
    """Order what `standing` names as an invoice goes through it."""
    known = {status: at for at, status in enumerate(_ORDER)}
    return sorted(statuses, key=lambda status: (known.get(status, len(known)), status))


@dataclass(frozen=True)
class Books:
    """Invoices as a bookkeeper sees them, on a day."""

    invoices: Sequence[Invoice]
    today: date

    @cached_property
    def by_standing(self) -> Mapping[str, list[Invoice]]:
        found: dict[str, list[Invoice]] = {}
        for invoice in self.invoices:
            found.setdefault(standing(invoice.status, invoice.type), []).append(invoice)
        return {name: found[name] for name in in_order(found)}

    @cached_property
    def invoiced(self) -> list[Invoice]:
        lists = self.by_standing.items()
        return [invoice for name, part in lists if name in INVOICED for invoice in part]

    @cached_property
    def payments(self) -> Mapping[str, Payment]:
        """Tell what was collected and what is owed, by id.

        BeeL keeps no word about the payment of a rectified invoice: it goes with the one that
        rectifies it. What rectifies a voided one is no refund that anybody owes.
        """
        rectifying: dict[str, list[Invoice]] = {}
        for invoice in self.invoiced:
            rectifying.setdefault((invoice.rectified_invoice_id or "").lower(), []).append(invoice)
        voided = {invoice.id.lower() for invoice in self.by_standing.get("VOIDED", ())}
        found: dict[str, Payment] = {}
        for invoice in self.invoiced:
            others = rectifying.get(invoice.id.lower(), [])
            if invoice.status == "PAID":
                found[invoice.id] = "collected"
            elif (invoice.rectified_invoice_id or "").lower() in voided:
                found[invoice.id] = "unclear"
            elif invoice.status != "RECTIFIED":
                found[invoice.id] = "outstanding"
            elif invoice.payment_date or any(other.status == "PAID" for other in others):
                found[invoice.id] = "collected"
            else:
                found[invoice.id] = "outstanding" if others else "unclear"
        return found

    def owed(self, invoices: Iterable[Invoice]) -> Part:
        """Add up what is still to be paid of some of the invoices."""
        owing = [one for one in invoices if self.payments.get(one.id) == "outstanding"]
        return part_of([invoice.totals.owed for invoice in owing])

    def rectifying_others(self) -> Part | None:
        """Add up what is owed by rectifying invoices without those that they rectify."""
        here = {invoice.id.lower() for invoice in self.invoices}
        alone = [
            invoice.totals.owed
            for invoice in self.invoiced
            if self.payments[invoice.id] == "outstanding"
            if invoice.rectified_invoice_id and invoice.rectified_invoice_id.lower() not in here
        ]
        return part_of(alone) if alone else None

    def sums(self, of: str, *, by_status: bool) -> InvoiceSums:
        """Give the sums of all of them, which `of` names."""
        amounts = {name: amounts_of(part) for name, part in self.by_standing.items()}
        return InvoiceSums(
            of=of,
            invoiced=amounts_of(self.invoiced),
            collected=self._paid("collected"),
            outstanding=self.owed(self.invoiced),
            unclear=self._paid("unclear") if "unclear" in self.payments.values() else None,
            by_status={name: one for name, one in amounts.items() if name in INVOICED}
            if by_status
            else None,
            not_invoiced={name: one for name, one in amounts.items() if name not in INVOICED}
            or None,
        )

    def overdue(self) -> Overdue | None:
        """Part what is outstanding into what is late and what is not, and why not."""
        parts: dict[str, list[Decimal]] = {}
        for invoice in self.invoiced:
            if self.payments[invoice.id] == "outstanding":
                parts.setdefault(self._lateness(invoice), []).append(invoice.totals.owed)
        if not parts:
            return None
        return Overdue(
            **part_of(parts.pop("overdue", [])).model_dump(),
            of=f"issued or sent, not paid, and due before {self.today}",
            **{name: part_of(amounts) for name, amounts in parts.items()},
        )

    def late(self, invoices: Iterable[Invoice]) -> Part | None:
        """Add up what is overdue of some of the invoices."""
        late = [
            invoice.totals.owed
            for invoice in invoices
            if self.payments.get(invoice.id) == "outstanding" and is_overdue(invoice, self.today)
        ]
        return part_of(late) if late else None

    def _lateness(self, invoice: Invoice) -> str:
        if is_overdue(invoice, self.today):
            return "overdue"
        if not asks_for_money(invoice):
            return "rectified"
        return "not_yet_due" if invoice.due_date else "undated"

    def _paid(self, payment: Payment) -> Part:
        found = [one for one in self.invoiced if self.payments[one.id] == payment]
        return part_of([invoice.totals.total for invoice in found])


def part_of(amounts: Sequence[Decimal]) -> Part:
    """Count amounts and add them up."""
    return Part(count=len(amounts), total=money(sum(amounts, Decimal())))


def amounts_of(invoices: Sequence[Invoice]) -> Amounts:
    """Add up invoices."""
    totals = [invoice.totals for invoice in invoices]
    surcharge = sum((one.total_surcharge for one in totals), Decimal())
    return Amounts(
        count=len(totals),
        base=money(sum((one.taxable_base for one in totals), Decimal())),
        tax=money(sum((one.total_tax for one in totals), Decimal())),
        surcharge=money(surcharge) if surcharge else None,
        withholding=money(sum((one.total_irpf for one in totals), Decimal())),
        total=money(sum((one.total for one in totals), Decimal())),
    )


def money(amount: Decimal) -> str:
    """Write an amount with two decimals."""
    return f"{amount:.2f}"
