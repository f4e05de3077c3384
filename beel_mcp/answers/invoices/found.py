"""What find_invoices answers: a page of invoices, and what all that match add up to."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from beel_mcp.answers.answer import SHORT_NAME_LIMIT, PageAnswer
from beel_mcp.answers.found import SuggestedCustomer
from beel_mcp.answers.invoices.sums import InvoiceSums, Overdue, SumGroup
from beel_mcp.cleaning import Said, joined, one_word, quoted


class FoundInvoice(BaseModel):
    """One invoice, as little of it as tells it from the others."""

    invoice_id: str
    number: str | None = None
    date: str
    customer: str | None = None
    amount: str
    status: str
    due_date: str | None = Field(None, description="Where it is still to be paid.")
    overdue: bool | None = None

    def line(self) -> str:
        facts = [
            one_word(self.number) if self.number else Said("no number"),
            Said(self.date),
            quoted(self.customer, SHORT_NAME_LIMIT) if self.customer else Said("no customer"),
            Said(f"{self.amount} EUR"),
            one_word(self.status),
            Said(f"due {self.due_date}") if self.due_date else None,
            Said("overdue") if self.overdue else None,
        ]
        return f"{self.invoice_id} {joined(*facts)}"


class FoundInvoices(PageAnswer):
    """A page of invoices, and what all that match add up to."""

    sums: InvoiceSums | None = None
    overdue: Overdue | None = None
    groups_of: str | None = None
    groups: list[SumGroup] | None = None
    more_groups: int | None = None
    complete: bool | None = Field(None, description="false: not all could be read for the sums.")
    remarks: list[str] | None = None
    selection_id: str | None = None
    invoices: list[FoundInvoice] | None = None
    suggestions: list[SuggestedCustomer] | None = None
    more_suggestions: int | None = None

    def lines(self) -> Sequence[str]:
        are_names = (self.groups_of or "").endswith("by customer")
        alike = (
            "Names alike, not in these sums: ask which is meant:"
            if self.total
            else "Customers that the person may mean; ask:"
        )
        return [
            *(self.remarks or ()),
            f"selection_id {self.selection_id} holds all {self.total}, for 30 minutes."
            if self.selection_id
            else "",
            *(self.sums.lines(self.overdue) if self.sums else ()),
            f"{self.groups_of}:" if self.groups else "",
            *(group.line(is_name=are_names) for group in self.groups or ()),
            f"{self.more_groups} more groups." if self.more_groups else "",
            *(invoice.line() for invoice in self.invoices or ()),
            alike if self.suggestions else "",
            *(suggestion.line() for suggestion in self.suggestions or ()),
            f"(and {self.more_suggestions} more)" if self.more_suggestions else "",
        ]
