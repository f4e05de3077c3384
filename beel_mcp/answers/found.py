"""What find_customers answers, and the first sentence of whatever lists records."""

from collections.abc import Sequence

from pydantic import BaseModel

from beel_mcp.answers.answer import NAME_LIMIT, PageAnswer, plural
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


def found_summary(noun: str, total: int, page: int, shown: int, *, nothing: str) -> str:
    """Say how many records were found, and how many of them this page has."""
    if not shown:
        return f"Page {page} is empty; {total} match." if total else nothing
    pages = f"; page {page} has {shown}" if shown < total else ""
    return f"{plural(total, noun)} found{pages}."
