"""What find_invoices answers."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel

from beel_mcp.answers.answer import LIST_TEXT_LIMIT, Answer
from beel_mcp.cleaning import quoted


class FoundCustomer(BaseModel):
    """One customer, as little of it as tells it from the others."""

    customer_id: str
    name: str
    nif: str | None = None
    city: str | None = None
    email: str | None = None
    active: bool

    def line(self) -> str:
        """Give the customer in one line of text."""
        facts = [self.nif, self.city, self.email, None if self.active else "inactive"]
        return f"{self.customer_id} {quoted(self.name, 60)} " + " · ".join(filter(None, facts))


class FoundCustomers(Answer):
    """A page of customers."""

    text_limit: ClassVar[int] = LIST_TEXT_LIMIT

    customers: list[FoundCustomer] | None = None
    total: int | None = None
    page: int | None = None
    has_more: bool | None = None

    def lines(self) -> Sequence[str]:
        """Give one line per customer."""
        return [customer.line() for customer in self.customers or ()]


class FoundInvoice(BaseModel):
    """One invoice, as little of it as tells it from the others."""

    invoice_id: str
    number: str | None = None
    date: str
    customer: str | None = None
    amount: str
    status: str

    def line(self) -> str:
        """Give the invoice in one line of text."""
        facts = [
            self.number or "no number",
            self.date,
            quoted(self.customer, 40) if self.customer else "no customer",
            f"{self.amount} EUR",
            self.status,
        ]
        return f"{self.invoice_id} " + " · ".join(facts)


class FoundInvoices(Answer):
    """A page of invoices."""

    text_limit: ClassVar[int] = LIST_TEXT_LIMIT

    invoices: list[FoundInvoice] | None = None
    total: int | None = None
    page: int | None = None
    has_more: bool | None = None
    page_sum: str | None = None

    def lines(self) -> Sequence[str]:
        """Give the sum of the page, then one line per invoice."""
        total = f"Sum of this page: {self.page_sum} EUR." if self.invoices else ""
        return [total, *(invoice.line() for invoice in self.invoices or ())]
