"""Which customers are meant: as BeeL compares, and as people write."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from beel_mcp.api.models import Customer
from beel_mcp.cleaning import quoted
from beel_mcp.identity import bare_nif
from beel_mcp.spelling import folded, spelt
from beel_mcp.usecases.customer_search.names import Difference, from_search, mistyped

CustomerField = Literal["email", "nif", "phone", "address", "iban", "billing_emails"]


def _lacks_address(customer: Customer) -> bool:
    address = customer.address
    return not (address and address.street and address.postal_code and address.city)


# Whether a customer's own field is empty.
EMPTY: Final[Mapping[CustomerField, Callable[[Customer], bool]]] = {
    "email": lambda customer: not customer.email,
    "nif": lambda customer: not customer.nif,
    "phone": lambda customer: not customer.phone,
    "address": _lacks_address,
    "iban": lambda customer: (
        not (customer.preferred_payment_method and customer.preferred_payment_method.iban)
    ),
    "billing_emails": lambda customer: not customer.billing_emails,
}


def is_mailed_elsewhere(customer: Customer) -> bool:
    """Tell a customer without `email` whose invoices have somewhere to go."""
    return EMPTY["email"](customer) and not EMPTY["billing_emails"](customer)


# BeeL mails invoices to billing_emails, and to email only where there are none: either will do.
LACKS: Final[Mapping[CustomerField, Callable[[Customer], bool]]] = {
    **EMPTY,
    "email": lambda customer: EMPTY["email"](customer) and EMPTY["billing_emails"](customer),
}
_WORDS: Final[Mapping[CustomerField, str]] = {"email": "any e-mail address"}


@dataclass(frozen=True)
class CustomerFilter:
    """Which customers; all that is given must hold. `missing` holds for who lacks any of these."""

    search: str | None = None
    nif: str | None = None
    email: str | None = None
    city: str | None = None
    active: bool = True
    missing: tuple[CustomerField, ...] = ()
    has_invoices: bool | None = None

    @property
    def is_beels(self) -> bool:
        """Whether BeeL's list can tell who matches; its cities have accents, or have not."""
        return not (self.city or self.missing or self.has_invoices is not None)

    @property
    def has_text(self) -> bool:
        return bool(self.search or self.nif or self.email or self.city)

    @property
    def name(self) -> str | None:
        """What is looked for, if it can be a name and not a number or an address."""
        searched = self.search or ""
        is_number = sum(map(str.isdigit, searched)) * 2 > len(searched)
        return None if is_number or "@" in searched else self.search

    @property
    def which(self) -> str:
        """Say in a few words who is meant, beside their texts."""
        lacks = [_WORDS.get(field, field.replace("_", " ")) for field in self.missing]
        parts = [f"without {' or '.join(lacks)}"] if lacks else []
        if self.has_invoices is not None:
            has = "with invoices, drafts or proformas"
            has_none = "without invoices, and without drafts or proformas"
            parts.append(has if self.has_invoices else has_none)
        return f" {' and '.join(parts)}" if parts else ""

    def arguments(self) -> dict[str, Any]:
        """Give the arguments of find_customers that ask for these."""
        given = {name: value for name, value in vars(self).items() if value not in (None, ())}
        if self.active:
            del given["active"]
        return {name: [*value] if name == "missing" else value for name, value in given.items()}

    def query(self) -> dict[str, str]:
        """Spell what BeeL compares."""
        search = self.search
        if search and not self.name:
            search = spelt("nif", search)
        given = {"search": search, "nif": self.nif and bare_nif(self.nif), "email": self.email}
        return {name: " ".join(value.split()) for name, value in given.items() if value}

    def is_in_city(self, customer: Customer) -> bool:
        return not self.city or folded(self.city) in folded(_city(customer))

    def lacks(self, customer: Customer) -> bool:
        return not self.missing or bool(self.lacking(customer))

    def lacking(self, customer: Customer) -> list[CustomerField]:
        """Name what a customer lacks of what was asked about."""
        return [field for field in self.missing if LACKS[field](customer)]

    def matches(self, customer: Customer) -> bool:
        """Compare the texts as BeeL does, and what stands for the same number or address, too."""
        return all(difference == Difference(0, "") for difference in self._differences(customer))

    def nearness(self, customer: Customer) -> Difference | None:
        """Say how a customer differs from what was asked for; None: it is another."""
        whys: list[str] = []
        distance = 0
        for difference in self._differences(customer):
            if difference is None:
                return None
            distance += difference.distance
            whys += [difference.why] if difference.why else []
        return Difference(distance, ", ".join(dict.fromkeys(whys)))

    def _differences(self, customer: Customer) -> Iterator[Difference | None]:
        other = customer.alternative_id
        numbers = [customer.nif, other.number if other else None]
        if self.search:
            names = [customer.legal_name, customer.trade_name]
            yield _least(
                *(from_search(self.search, name) for name in names if name and self.name),
                *(_within(self.search, name, typing_errors=0) for name in names),
                _within(self.search.strip(), customer.email, typing_errors=2),
                *(_within(bare_nif(self.search), number) for number in numbers),
            )
        if self.nif:
            yield _least(*(_within(bare_nif(self.nif), number) for number in numbers))
        if self.email:
            yield _within(self.email.strip(), customer.email, typing_errors=2)
        if self.city:
            yield self._city_difference(customer)

    def _city_difference(self, customer: Customer) -> Difference | None:
        if self.is_in_city(customer):
            return Difference(0, "")
        found = from_search(self.city or "", _city(customer))
        return found and Difference(found.distance, f"{quoted(_city(customer), 40)}: {found.why}")


def _city(customer: Customer) -> str:
    return (customer.address and customer.address.city) or ""


def _within(text: str, value: str | None, typing_errors: int = 1) -> Difference | None:
    """Find a text in a value whatever its case, or mistyped as the whole of it."""
    if not value:
        return None
    if text.casefold() in value.casefold():
        return Difference(0, "")
    return mistyped(text.casefold(), value.casefold(), typing_errors)


def _least(*differences: Difference | None) -> Difference | None:
    return min((found for found in differences if found is not None), default=None)
