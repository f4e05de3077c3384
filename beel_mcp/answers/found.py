"""What find_customers and find_invoices answer."""

from collections.abc import Sequence

from pydantic import BaseModel

from beel_mcp.answers.answer import NAME_LIMIT, SHORT_NAME_LIMIT, PageAnswer, plural
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
        facts = [self.nif, self.city, self.email, None if self.active else "inactive"]
        return f"{self.customer_id} {quoted(self.name, NAME_LIMIT)} " + " · ".join(
            filter(None, facts)
        )


class FoundCustomers(PageAnswer):
    """A page of customers."""

    customers: list[FoundCustomer] | None = None

    def lines(self) -> Sequence[str]:
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
        facts = [
            self.number or "no number",
            self.date,
            quoted(self.customer, SHORT_NAME_LIMIT) if self.customer else "no customer",
            f"{self.amount} EUR",
            self.status,
        ]
        return f"{self.invoice_id} " + " · ".join(facts)


class FoundInvoices(PageAnswer):
    """A page of invoices."""

    invoices: list[FoundInvoice] | None = None
    page_sum: str | None = None

    def lines(self) -> Sequence[str]:
        total = f"Sum of this page: {self.page_sum} EUR." if self.invoices else ""
        return [total, *(invoice.line() for invoice in self.invoices or ())]


def found_summary(noun: str, total: int, page: int, shown: int, *, nothing: str) -> str:
    """Say how many records were found, and how many of them this page has."""
    if not shown:
        return f"Page {page} is empty; {total} match." if total else nothing
    pages = f"; page {page} has {shown}" if shown < total else ""
    return f"{plural(total, noun)} found{pages}."
