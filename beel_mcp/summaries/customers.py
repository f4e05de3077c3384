"""What find_customers answers."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel

from beel_mcp.cleaning import quoted
from beel_mcp.summaries.answer import LIST_TEXT_LIMIT, Answer


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
