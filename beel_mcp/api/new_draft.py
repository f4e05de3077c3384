"""A draft invoice before BeeL has it: decimals read from text, the contract's rules, the body."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)
from pydantic.dataclasses import dataclass
from pydantic_core import ErrorDetails

from beel_mcp.api.http.wire import json_number
from beel_mcp.cleaning import clean
from beel_mcp.errors import CallerError, FieldError
from beel_mcp.spelling import NO_VALUES, read_day, read_decimal

# Of both generations: today's has no 21, the legacy one no 1, and BeeL says so itself.
_WITHHELD: Final = tuple(map(Decimal, (0, 1, 2, 7, 15, 19, 21, 24)))
_DEAREST: Final = Decimal("999999.9999")
_CENT: Final = Decimal("0.01")
_MESSAGES: Final = {
    "missing": "is required",
    "string_type": "must be text",
    "dataclass_type": "must be an object",
}
T = TypeVar("T")


def _rule(holds: Callable[[T], bool], message: str) -> AfterValidator:
    def check(value: T) -> T:
        if not holds(value):
            raise ValueError(message)
        return value

    return AfterValidator(check)


def _one_of(*choices: Any) -> AfterValidator:
    return _rule(lambda value: value in choices, f"must be one of {', '.join(map(str, choices))}")


def _or(default: str) -> BeforeValidator:
    def read(value: Any) -> Any:
        return (value.strip().upper() or default) if isinstance(value, str) else value

    return BeforeValidator(read)


_Number = Annotated[Decimal, BeforeValidator(read_decimal)]
_Percent = Annotated[_Number, _rule(lambda rate: 0 <= rate <= 100, "must be 0 to 100, in percent")]
_Price = Annotated[
    _Number,
    _rule(
        lambda price: 0 <= price <= _DEAREST,
        f"must be 0 to {_DEAREST}; a negative quantity takes money off",
    ),
]
# BeeL refuses what the legacy generation has no room for.
_Text = Annotated[
    str,
    _rule(lambda text: text.strip() not in NO_VALUES, "is a word for no value: ask the person"),
]
_Description = Annotated[
    _Text, _rule(lambda text: 1 <= len(text.strip()) <= 2000, "must have 1 to 2000 characters")
]
_Notes = Annotated[
    _Text, _rule(lambda text: len(text) <= 1000, "must have at most 1000 characters")
]


@dataclass(frozen=True, config=ConfigDict(extra="forbid", defer_build=True))
class DraftLine:
    """A line: money in euros, rates in percent. Without a withholding, BeeL's setting decides."""

    description: _Description
    quantity: _Number
    unit_price: _Price
    tax_rate: _Percent
    tax_type: Annotated[str, _or("IVA"), _one_of("IVA", "IGIC", "IPSI", "OTHER")] = "IVA"
    discount_percentage: _Percent | None = None
    withholding_rate: Annotated[_Number, _one_of(*_WITHHELD)] | None = None

    @property
    def base(self) -> Decimal:
        """What the line comes to before taxes, in whole cents."""
        share = 1 - (self.discount_percentage or Decimal()) / 100
        return (self.quantity * self.unit_price * share).quantize(_CENT, ROUND_HALF_UP)

    def body(self) -> dict[str, Any]:
        """Return the line in the shape that both generations take.

        Today's needs the tax, which the legacy one takes; that needs the text and the unit
        price, which today's takes.
        """
        line: dict[str, Any] = {
            "description": self.description,
            "quantity": json_number(self.quantity),
            "unit_price": json_number(self.unit_price),
            "main_tax": {"type": self.tax_type, "percentage": json_number(self.tax_rate)},
        }
        if self.discount_percentage is not None:
            line["discount_percentage"] = json_number(self.discount_percentage)
        if self.withholding_rate is not None:
            line["irpf_rate"] = int(self.withholding_rate)
        return line


_FIELDS: Final = tuple(field.name for field in fields(DraftLine))


@dataclass(frozen=True, config=ConfigDict(defer_build=True))
class NewDraft:
    """A draft for a customer. `day` is that of the operation; BeeL dates the invoice itself."""

    customer_id: str
    lines: Annotated[
        tuple[DraftLine, ...],
        _rule(lambda lines: 1 <= len(lines) <= 100, "must have 1 to 100 items"),
    ]
    type: Annotated[str, _or("STANDARD"), _one_of("STANDARD", "SIMPLIFIED")] = "STANDARD"
    day: Annotated[date, BeforeValidator(read_day)] | None = Field(
        default=None, validation_alias="date"
    )
    notes: _Notes | None = None

    @property
    def base(self) -> Decimal:
        """What the lines come to before taxes and withholding, for a person to compare."""
        return sum((line.base for line in self.lines), Decimal())

    def body(self) -> dict[str, Any]:
        """Return what is sent; it asks for a draft, whatever the account's settings are."""
        body: dict[str, Any] = {
            "type": self.type,
            "recipient": {"customer_id": self.customer_id},
            "lines": [line.body() for line in self.lines],
        }
        if self.day is not None:
            body["operation_date"] = self.day.isoformat()
        if self.notes is not None:
            body["notes"] = self.notes
        return body | {"options": {"issue_directly": False}}


_DRAFT: Final = TypeAdapter(NewDraft)


def read_draft(values: Mapping[str, Any]) -> NewDraft:
    """Read a draft from arguments or from the journal; every decimal is text.

    Raises:
        CallerError: something breaks a rule of BeeL's contract; five faults are named at most.
    """
    lines = [_without_none(line) for line in values["lines"]]
    try:
        return _DRAFT.validate_python({**_without_none(values), "lines": lines})
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
    raise CallerError(
        "No draft was created: BeeL would not take it as it is.",
        field_errors=[_field_error(fault) for fault in faults[:5]],
    )


def _without_none(line: Any) -> Any:
    if not isinstance(line, Mapping):
        return line
    return {name: value for name, value in line.items() if value is not None}


def _field_error(fault: ErrorDetails) -> FieldError:
    *parents, name = map(str, fault["loc"])
    if fault["type"] == "unexpected_keyword_argument":
        near = difflib.get_close_matches(name, _FIELDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(_FIELDS)}"
        path = ".".join([*parents, clean(name, 40)])
        return FieldError(path, f"is not an argument; {hint}")
    reason = fault.get("ctx", {}).get("error")
    message = str(reason) if reason else _MESSAGES.get(fault["type"], "is not valid")
    return FieldError(".".join([*parents, name]), message)
