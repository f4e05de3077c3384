"""What a row of a list is, what is wrong with it, and what BeeL said about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args

from pydantic import BaseModel, Field

from beel_mcp.cleaning import clean, mask_iban, quoted, safe_text
from beel_mcp.identity import bare_nif, customer_key
from beel_mcp.language import Language
from beel_mcp.messages import Message

CountryCode = Annotated[str, Field(description="Two letters, such as ES, DE or GB.")]
PaymentMethodName = Literal[
    "NONE", "BANK_TRANSFER", "CARD", "CASH", "CHECK", "DIRECT_DEBIT", "BIZUM", "OTHER"
]
PAYMENT_METHODS: Final = frozenset(get_args(PaymentMethodName))
DocumentType = Literal[
    "NIF_IVA", "PASSPORT", "COUNTRY_ID", "RESIDENCE_CERTIFICATE", "OTHER_DOCUMENT", "NOT_REGISTERED"
]


class AlternativeId(BaseModel, extra="forbid"):
    """An identifier other than a NIF, for customers abroad."""

    type: DocumentType | None = None
    number: str | None = None
    country_code: CountryCode | None = None


class Address(BaseModel, extra="forbid"):
    """A postal address; Spain unless it says otherwise."""

    street: str | None = None
    number: str | None = None
    floor: str | None = None
    door: str | None = None
    postal_code: str | None = None
    city: str | None = None
    province: str | None = None
    country: str | None = None
    country_code: CountryCode | None = None


class PaymentMethod(BaseModel, extra="forbid"):
    """How the customer pays."""

    method: PaymentMethodName | None = None
    iban: str | None = None
    swift: str | None = None
    payment_term_days: int | None = None


class CustomerRow(
    BaseModel,
    extra="forbid",
    json_schema_extra=lambda schema: schema.update(description="A customer."),
):
    """A customer of a list.

    It makes the JSON schema and names the fields; rows are read by `read_inline`, which forgives
    more and says better what is wrong.
    """

    legal_name: str | None = None
    nif: str | None = None
    alternative_id: AlternativeId | None = None
    trade_name: str | None = None
    address: Address | None = None
    phone: str | None = None
    email: str | None = None
    website: str | None = None
    billing_emails: list[str] | None = None
    contact_person: str | None = None
    notes: str | None = None
    preferred_payment_method: PaymentMethod | None = None
    general_discount: float | None = None


PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "alternative_id": tuple(AlternativeId.model_fields),
    "address": tuple(Address.model_fields),
    "preferred_payment_method": tuple(PaymentMethod.model_fields),
}
NAMES: Final = tuple(CustomerRow.model_fields)
# Every field; those of a group with a dot.
FIELDS: Final = tuple(
    field
    for name in NAMES
    for field in ([f"{name}.{part}" for part in PARTS[name]] if name in PARTS else [name])
)

RowStatus = Literal["valid", "warning", "error", "duplicate", "nif_invalid", "unchecked"]
ROW_STATUSES: Final[tuple[RowStatus, ...]] = get_args(RowStatus)
IMPORTABLE: Final[frozenset[RowStatus]] = frozenset({"valid", "warning"})
Severity = Literal["error", "advice"]
_NAME_LENGTH: Final = 60  # of a customer or a field
_VALUE_LENGTH: Final = 80
_MESSAGE_LENGTH: Final = 300


@dataclass(frozen=True, slots=True)
class Problem:
    """Something about one field of one row, fit to show.

    An `error` makes the row unreadable here; `advice` leaves the last word to BeeL.
    Whatever the texts were, they come out clean, short and without an IBAN.
    """

    field: str
    message: Message
    value: str | None = None
    suggestion: Message | None = None
    severity: Severity = "advice"

    def __post_init__(self) -> None:
        message, value = self.message, self.value
        if value is not None:
            shown = mask_iban(value) if self.field.endswith("iban") else value
            if shown != value:
                message = message.map_texts(lambda text: text.replace(value, shown))
            object.__setattr__(self, "value", safe_text(shown, _VALUE_LENGTH))
        object.__setattr__(self, "field", clean(self.field, _NAME_LENGTH))
        object.__setattr__(self, "message", message.map_texts(_safe))
        if self.suggestion is not None:
            object.__setattr__(self, "suggestion", self.suggestion.map_texts(_safe))

    def text(self, language: Language = "en") -> str:
        return clean(self.message.text(language), _MESSAGE_LENGTH)

    def hint(self, language: Language = "en") -> str | None:
        """Say what may be meant."""
        hint = self.suggestion
        return None if hint is None else clean(hint.text(language), _MESSAGE_LENGTH)


class ValueChange(NamedTuple):
    """A value of a file that was not taken exactly as it stood, and why."""

    row: int
    field: str
    change: Message
    before: str | None = None
    after: str | None = None


class LeftOut(NamedTuple):
    """What a file holds and no customer was made of: a column by its header, a row by its number.

    `value` is the first text in it, cleaned and without an IBAN; nothing if it is empty.
    """

    what: str
    value: str

    def words(self, limit: int, value_limit: int) -> str:
        """Show it with its value, cut to these lengths: `Código (such as "430.1")`."""
        shown = f"such as {quoted(self.value, value_limit)}" if self.value else "empty"
        return f"{clean(self.what, limit)} ({shown})"


@dataclass(frozen=True, slots=True)
class Row:
    """One customer of a list as it was read; its values can be looked at, never changed."""

    number: int
    values: Mapping[str, Any] = field(repr=False)
    problems: tuple[Problem, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if type(self.values) is not MappingProxyType:
            object.__setattr__(self, "values", _frozen(self.values))

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What makes the row unreadable: such a row is never sent."""
        return self._problems("error") if self.problems else ()

    @property
    def advice(self) -> tuple[Problem, ...]:
        """What looks wrong, and may yet be right."""
        return self._problems("advice") if self.problems else ()

    @property
    def name(self) -> str:
        return clean(str(self.values.get("legal_name", "")), _NAME_LENGTH)

    @property
    def identifier(self) -> str:
        """The number to show: the NIF in capitals without separators, else the foreign one."""
        if nif := self.values.get("nif"):
            return bare_nif(nif)
        return str(get_value(self.values, "alternative_id.number") or "")

    @property
    def identity(self) -> str:
        return customer_key(self.values)

    def payload(self) -> dict[str, Any]:
        """Copy the values into plain dictionaries and lists, ready for JSON."""
        return {name: _plain(value) for name, value in self.values.items()}

    def _problems(self, severity: Severity) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == severity)


class Verdict(NamedTuple):
    """What a check made of one row."""

    kind: RowStatus
    errors: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    existing_customer_id: str | None = None
    existing_customer_name: str | None = None
    is_done: bool = False  # we created the row already, a day ago at most


def get_value(values: Mapping[str, Any], field: str) -> Any:
    """Give the value of a field, one of a group with a dot; None if there is none."""
    group, _, part = field.rpartition(".")
    holder = values.get(group) if group else values
    return holder.get(part) if isinstance(holder, Mapping) else None


def set_value(values: dict[str, Any], field: str, value: Any) -> None:
    """Set the value of a field, one of a group with a dot; None takes it out."""
    group, _, part = field.rpartition(".")
    holder = values.setdefault(group, {}) if group else values
    if value is not None:
        holder[part] = value
        return
    holder.pop(part, None)
    if group and not holder:
        del values[group]


def _safe(text: str) -> str:
    return safe_text(text, _MESSAGE_LENGTH)


def _frozen(value: Any) -> Any:
    # Nearly always text; and who has wrapped a mapping already has let go of it.
    if type(value) in (str, MappingProxyType):
        return value
    if isinstance(value, Mapping):
        return MappingProxyType({name: _frozen(part) for name, part in value.items()})
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(part) for name, part in value.items()}
    return list(value) if isinstance(value, tuple) else value
