"""A draft invoice before BeeL has it: decimals read from text, the contract's rules, the body."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from beel_mcp.cleaning import clean, quoted
from beel_mcp.errors import CallerError, FieldError

MOST_LINES: Final = 100
# Fifteen digits at most: as many as a JSON number gives back whatever reads it.
_DECIMAL: Final = re.compile(r"-?\d{1,9}(\.\d{1,6})?", re.ASCII)
_TYPES: Final = ("STANDARD", "SIMPLIFIED")
_TAXES: Final = ("IVA", "IGIC", "IPSI", "OTHER")
# Of both generations: today's has no 21, the seeds' no 1, and BeeL says so itself.
_WITHHELD: Final = tuple(map(Decimal, (0, 1, 2, 7, 15, 19, 21, 24)))
_DEAREST: Final = Decimal("999999.9999")
_CENT: Final = Decimal("0.01")
_LONGEST_DESCRIPTION: Final = 2000  # today; BeeL refuses what the seeds have no room for
_LONGEST_NOTES: Final = 1000
_REQUIRED: Final = ("description", "quantity", "unit_price", "tax_rate")
_FIELDS: Final = (*_REQUIRED, "tax_type", "discount_percentage", "withholding_rate")


@dataclass(frozen=True)
class DraftLine:
    """A line: money in euros, rates in percent. Without a withholding, BeeL's setting decides."""

    description: str
    quantity: Decimal
    unit_price: Decimal
    tax_rate: Decimal
    tax_type: str = "IVA"
    discount_percentage: Decimal | None = None
    withholding_rate: Decimal | None = None

    @property
    def base(self) -> Decimal:
        """What the line comes to before taxes, in whole cents."""
        share = 1 - (self.discount_percentage or Decimal()) / 100
        return (self.quantity * self.unit_price * share).quantize(_CENT, ROUND_HALF_UP)

    def body(self) -> dict[str, Any]:
        """Give the line in the shape that both generations take.

        Today's needs the tax, which the seeds take; the seeds need the text and the unit price,
        which today's takes.
        """
        line: dict[str, Any] = {
            "description": self.description,
            "quantity": _number(self.quantity),
            "unit_price": _number(self.unit_price),
            "main_tax": {"type": self.tax_type, "percentage": _number(self.tax_rate)},
        }
        if self.discount_percentage is not None:
            line["discount_percentage"] = _number(self.discount_percentage)
        if self.withholding_rate is not None:
            line["irpf_rate"] = int(self.withholding_rate)
        return line


@dataclass(frozen=True)
class NewDraft:
    """A draft for a customer. `day` is that of the operation; BeeL dates the invoice itself."""

    customer_id: str
    lines: tuple[DraftLine, ...]
    type: str = "STANDARD"
    day: date | None = None
    notes: str | None = None

    @property
    def base(self) -> Decimal:
        """What the lines come to before taxes and withholding, for a person to compare."""
        return sum((line.base for line in self.lines), Decimal())

    def body(self) -> dict[str, Any]:
        """Give what is sent; it asks for a draft, whatever the account's settings are."""
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


def read_draft(values: Mapping[str, Any]) -> NewDraft:
    """Read a draft from arguments or from the journal; every decimal is text.

    Raises:
        CallerError: something breaks a rule of BeeL's contract; every fault is named.

    """
    faults: list[FieldError] = []
    lines = tuple(
        _LineReader(line, f"lines.{place}", faults).read()
        for place, line in enumerate(values["lines"])
    )
    if not 1 <= len(lines) <= MOST_LINES:
        faults.append(FieldError("lines", f"must have 1 to {MOST_LINES} items"))
    kind = values.get("type") or "STANDARD"
    _choose("type", kind, _TYPES, faults)
    day = _day(values.get("date"), faults)
    notes = values.get("notes")
    if notes is not None and len(notes) > _LONGEST_NOTES:
        faults.append(FieldError("notes", f"must have at most {_LONGEST_NOTES} characters"))
    if faults:
        raise CallerError(
            "No draft was created: BeeL would not take it as it is.", field_errors=faults[:5]
        )
    return NewDraft(values["customer_id"], lines, kind, day, notes)


class _LineReader:
    """Reads one line; what is wrong with it goes to `faults`."""

    def __init__(self, line: Any, where: str, faults: list[FieldError]) -> None:
        self._where, self._faults = where, faults
        if not isinstance(line, Mapping):
            faults.append(FieldError(where, "must be an object"))
        self._is_object = isinstance(line, Mapping)
        given = line if self._is_object else {}
        self._line = {name: value for name, value in given.items() if value is not None}
        for name in self._line:
            if name not in _FIELDS:
                near = difflib.get_close_matches(str(name), _FIELDS, n=1)
                hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(_FIELDS)}"
                self._fault(clean(str(name), 40), f"is not an argument; {hint}")

    def read(self) -> DraftLine:
        """Give the line; it is whole if there are no faults."""
        price, withheld = self._decimal("unit_price"), self._decimal("withholding_rate")
        if price is not None and not 0 < price <= _DEAREST:
            hint = "a negative quantity takes money off"
            self._fault("unit_price", f"must be over 0 and at most {_DEAREST}; {hint}")
        if withheld is not None and withheld not in _WITHHELD:
            self._fault("withholding_rate", f"must be one of {', '.join(map(str, _WITHHELD))}")
        tax = self._text("tax_type") or "IVA"
        _choose(f"{self._where}.tax_type", tax, _TAXES, self._faults)
        return DraftLine(
            self._description(),
            self._decimal("quantity") or Decimal(),
            price or Decimal(),
            self._percent("tax_rate") or Decimal(),
            tax,
            self._percent("discount_percentage"),
            withheld,
        )

    def _description(self) -> str:
        text = self._text("description")
        if text is not None and not 1 <= len(text.strip()) <= _LONGEST_DESCRIPTION:
            self._fault("description", f"must have 1 to {_LONGEST_DESCRIPTION} characters")
        return text or ""

    def _percent(self, name: str) -> Decimal | None:
        value = self._decimal(name)
        if value is not None and not 0 <= value <= 100:
            self._fault(name, "must be 0 to 100, in percent")
        return value

    def _decimal(self, name: str) -> Decimal | None:
        value = self._line.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            self._fault(name, f'must be a decimal as text: "{value}"')
            return None
        text = self._text(name)
        if text is None or _DECIMAL.fullmatch(text):
            return None if text is None else Decimal(text)
        example = '"21", in percent without the sign' if name.endswith("_rate") else '"1250.50"'
        hint = f"it must be a decimal such as {example}"
        self._fault(name, f"is {quoted(text, 30)}; {hint}")
        return None

    def _text(self, name: str) -> str | None:
        value = self._line.get(name)
        if isinstance(value, str):
            return value
        if value is not None:
            self._fault(name, "must be text")
        elif name in _REQUIRED and self._is_object:
            self._fault(name, "is required")
        return None

    def _fault(self, name: str, message: str) -> None:
        self._faults.append(FieldError(f"{self._where}.{name}", message))


def _day(text: str | None, faults: list[FieldError]) -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:  # Python reads other spellings, too
        faults.append(FieldError("date", "must be a day such as 2026-07-31"))
        return None
    return day


def _choose(field: str, value: str, known: tuple[str, ...], faults: list[FieldError]) -> None:
    if value not in known:
        faults.append(FieldError(field, f"must be one of {', '.join(known)}"))


def _number(value: Decimal) -> int | float:
    """Give a JSON number that says the decimal exactly: a whole one without a point."""
    return int(value) if value == value.to_integral_value() else float(value)
