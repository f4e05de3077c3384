"""Which invoices are overdue: told from their due dates, since BeeL never sets the status.

BeeL has a status OVERDUE, and nothing that sets it: what is not paid in time stays ISSUED or SENT.
An older BeeL may have set it: where it stands, it is believed.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from beel_mcp.api.invoice_lists import InvoiceFilter
from beel_mcp.api.models import Invoice
from beel_mcp.writes.consent.statement import in_madrid

OVERDUE: Final = "OVERDUE"
UNPAID: Final = ("ISSUED", "SENT", OVERDUE)


def today_in_madrid(now: datetime) -> date:
    """Give the day by which a bookkeeper in Spain tells what is late."""
    return in_madrid(now).date()


def asks_for_money(invoice: Invoice) -> bool:
    """Tell whether somebody has to pay this invoice, and nobody has.

    A rectified one is replaced by what rectifies it, and a credit gives money back: neither is
    claimed from anybody, so neither is ever late. Drafts, scheduled, paid and voided ones and
    proformas are no claim either.
    """
    is_claim = invoice.status in UNPAID and invoice.type != "PROFORMA"
    return is_claim and (invoice.totals.owed > 0 or invoice.status == OVERDUE)


def is_overdue(invoice: Invoice, today: date) -> bool:
    """Tell whether an invoice should have been paid before this day."""
    if not asks_for_money(invoice):
        return False
    is_past = invoice.due_date is not None and invoice.due_date < today
    return is_past or invoice.status == OVERDUE


@dataclass(frozen=True)
class StatusFilter:
    """The statuses of a filter, OVERDUE among them, on a day."""

    wanted: InvoiceFilter
    today: date

    @property
    def is_ours(self) -> bool:
        """Whether BeeL lists more than is wanted, and the due dates decide here."""
        statuses = self.wanted.statuses
        return OVERDUE in statuses and not {*UNPAID} <= {*statuses}

    def for_beel(self) -> InvoiceFilter:
        """Give the filter that BeeL can answer: all of those that may be overdue."""
        if not self.is_ours:
            return self.wanted
        return replace(self.wanted, statuses=tuple(dict.fromkeys((*self.wanted.statuses, *UNPAID))))

    def holds(self, invoice: Invoice) -> bool:
        """Tell whether an invoice that BeeL listed is wanted."""
        return (
            not self.is_ours
            or invoice.status in self.wanted.statuses
            or is_overdue(invoice, self.today)
        )

    def is_undated(self, invoice: Invoice) -> bool:
        """Tell whether an invoice is left out because nothing says when it was due."""
        return not self.holds(invoice) and asks_for_money(invoice) and invoice.due_date is None
