"""What find_customers answers, and the first sentence of whatever lists records."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from beel_mcp.answers.answer import NAME_LIMIT, PageAnswer, plural
from beel_mcp.cleaning import Said, joined, mask_iban, one_word, quoted, safe_text

WHOLE_NAME_LIMIT: Final = 200  # in the structure; the text cuts a name shorter
_CONTACT_LIMIT: Final = 150


class _Contact(BaseModel):
    """How to reach a customer, and how it pays: told where the answer is about one alone."""

    phone: str | None = None
    address: str | None = None
    payment: str | None = None

    def contact(self) -> list[Said]:
        facts = {"phone": self.phone, "address": self.address, "payment": self.payment}
        return [Said(f"{name} {quoted(value)}") for name, value in facts.items() if value]


class FoundCustomer(_Contact):
    """One customer, as little of it as tells it from the others."""

    customer_id: str
    name: str
    nif: str | None = None
    other_id: str | None = None
    city: str | None = None
    email: str | None = None
    lacks: list[str] | None = None
    active: bool

    def _known(self) -> list[str | None]:
        return [self.nif, self.other_id, self.city, self.email]

    def line(self) -> str:
        facts = [
            *(one_word(known) for known in self._known() if known),
            Said(f"without {', '.join(self.lacks)}") if self.lacks else None,
            None if self.active else Said("inactive"),
            *self.contact(),
        ]
        return f"{self.customer_id} {quoted(self.name, NAME_LIMIT)} {joined(*facts)}"


class SuggestedCustomer(_Contact):
    """A customer that is not the one asked for, and how it differs from it."""

    customer_id: str
    name: str
    nif: str | None = None
    why: str

    def line(self) -> str:
        nif = one_word(self.nif) if self.nif else None
        facts = joined(nif, Said(self.why), *self.contact())
        return f"{self.customer_id} {quoted(self.name, NAME_LIMIT)} {facts}"


class FoundCustomers(PageAnswer):
    """A page of customers; with all counted in `by`, and their ids kept, where that was asked."""

    customers: list[FoundCustomer] | None = None
    by: dict[str, dict[str, int]] | None = None
    complete: bool | None = None
    selection_id: str | None = None
    suggestions: list[SuggestedCustomer] | None = None
    more_suggestions: int | None = None
    remark: str | None = None

    def lines(self) -> Sequence[str]:
        alike = (
            "Names alike: ask which one is meant:"
            if self.customers
            else "Not the same, but the person may mean:"
        )
        more = f"(and {self.more_suggestions} more)" if self.more_suggestions else ""
        kept = f"All {self.total} are kept as selection_id {self.selection_id} for 30 minutes."
        return [
            self.remark or "",
            *(
                f"{'Missing' if name == 'missing' else f'By {name}'}: {_counted(counts)}."
                for name, counts in (self.by or {}).items()
            ),
            kept if self.selection_id else "",
            *(customer.line() for customer in self.customers or ()),
            alike if self.suggestions else "",
            *(suggestion.line() for suggestion in self.suggestions or ()),
            more,
        ]


C = TypeVar("C", bound=_Contact)


def with_contact(shown: C, customer: Mapping[str, Any]) -> C:
    """Add how the one customer of an answer is reached and pays; never an account number."""
    contact = {
        "phone": safe_text(customer.get("phone", ""), 40),
        "address": _address_line(customer.get("address") or {}),
        "payment": _payment_words(customer.get("preferred_payment_method") or {}),
    }
    return shown.model_copy(update={name: text or None for name, text in contact.items()})


def _payment_words(pays: Mapping[str, Any]) -> str:
    """Say `direct debit, account ending in 1332, 60 days`."""
    method, account, days = map(pays.get, ("method", "iban", "payment_term_days"))
    parts = [
        method and method.replace("_", " ").lower(),
        account and f"account ending in {mask_iban(account)[-4:]}",
        f"{days} days" if days is not None else "",
    ]
    return safe_text(", ".join(filter(None, parts)), _CONTACT_LIMIT)


def _address_line(address: Mapping[str, Any]) -> str:
    names = (("street", "number"), ("floor", "door"), ("postal_code", "city"), ("province",))
    parts = [" ".join(filter(None, (address.get(name) for name in group))) for group in names]
    if address.get("country_code") != "ES":
        parts.append(address.get("country") or address.get("country_code") or "")
    return safe_text(", ".join(filter(None, parts)), _CONTACT_LIMIT)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {number}" for name, number in counts.items())


def found_summary(
    noun: str, total: int, page: int, shown: int, *, nothing: str, which: str = ""
) -> str:
    """Say how many records were found, and how many of them this page has."""
    if not shown:
        return f"Page {page} is empty; {total} match." if total else nothing
    pages = f"; page {page} has {shown}" if shown < total else ""
    return f"{plural(total, noun)}{which} found{pages}."
