"""What a customer's fields look like: JSON types, lengths and patterns, per generation.

A wrong JSON type or an unknown enumerated value stops the whole request, as a typed body would;
everything else is collected, so that a bulk row can list all that is wrong with it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .envelope import ApiError, shown
from .options import Generation

Purpose = Literal["create", "put", "patch"]

PAYMENT_METHODS = ("NONE", "BANK_TRANSFER", "CARD", "CASH", "CHECK", "DIRECT_DEBIT", "OTHER")
ALTERNATIVE_TYPES = (
    "NIF_IVA",
    "PASSPORT",
    "COUNTRY_ID",
    "RESIDENCE_CERTIFICATE",
    "OTHER_DOCUMENT",
    "NOT_REGISTERED",
    *(f"0{number}" for number in range(2, 8)),
)
LETTERS = r"a-zA-Z0-9À-ÿ\u0100-\u017F\u00B7"
QUOTES = r"\u2018\u2019\u0060\u00B4"


@dataclass(frozen=True)
class Problem:
    """Something wrong with one field."""

    field: str
    value: str
    message: str
    code: str = "VALIDATION_ERROR"


@dataclass(frozen=True)
class Text:
    """The rule of a text field."""

    longest: int
    shortest: int = 0
    pattern: re.Pattern[str] | None = None


def _pattern(source: str) -> re.Pattern[str]:
    return re.compile(source, re.ASCII)


CODE_OF_COUNTRY = Text(2, 2, _pattern("[A-Z]{2}"))
EMAIL = Text(255, 5, _pattern(r"[^@\s]+@[^@\s]+\.[^@\s]+"))
TEXTS = {
    "legal_name": Text(120, 1),
    "trade_name": Text(120),
    "phone": Text(20, 9, _pattern(r"[+]?[0-9\s\-()]+")),
    "email": EMAIL,
    "website": Text(255, 0, _pattern(r"(https?://.+|)")),
    "contact_person": Text(200),
    # Requests name no limit, but an answer may not be longer than this.
    "notes": Text(1000),
}
NEW_LEGAL_NAME = Text(120, 1, _pattern(r"\S.*"))
ADDRESS_TEXTS = {
    "street": Text(255, 1, _pattern(rf"""[{LETTERS}\s.,\-/'ºª°:;"()&#]+""")),
    "number": Text(20, 1),
    "floor": Text(10),
    "door": Text(10),
    "postal_code": Text(20, 1),
    "city": Text(100, 1, _pattern(rf"[{LETTERS}{QUOTES}\s.,\-/'ºª()]+")),
    "province": Text(100, 1, _pattern(rf"[{LETTERS}{QUOTES}\s.,\-/'ºª]+")),
    "country": Text(100, 1, _pattern(rf"[{LETTERS}{QUOTES}\s.,\-/'ºª]+")),
    "country_code": CODE_OF_COUNTRY,
}
ADDRESS_REQUIRED = ("street", "number", "postal_code", "city", "province")
PAYMENT_TEXTS = {
    "iban": Text(34, 15, _pattern(r"[A-Z]{2}\d{2}[A-Z0-9]{1,30}")),
    "swift": Text(11, 8, _pattern(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")),
}
ALTERNATIVE_TEXTS = {"number": Text(20, 1), "country_code": CODE_OF_COUNTRY}

CLEARABLE = frozenset(
    {"trade_name", "email", "website", "billing_emails", "contact_person", "notes"}
    | {"general_discount", "alternative_id"}
)
CLEARABLE_BY_PATCH = CLEARABLE | {"phone", "preferred_payment_method"}


def refuse(problems: Sequence[Problem], what: str) -> None:
    """Refuse a body with all that is wrong with it; one that has no problems passes.

    Raises:
        ApiError: 422.

    """
    if not problems:
        return
    codes = {problem.code for problem in problems}
    code = codes.pop() if len(codes) == 1 else "VALIDATION_ERROR"
    details = {problem.field: problem.message for problem in problems}
    raise ApiError(422, code, f"The {what} cannot be accepted", details=details)


def wrong_type(field: str, value: Any, expected: str, allowed: tuple[str, ...] = ()) -> ApiError:
    """Refuse a body whose JSON does not have the declared types."""
    details = {"field": field, "invalid_value": shown(value), "expected_format": expected}
    if allowed:
        details["allowed_values"] = ", ".join(allowed)
    message = f"The field {field} is not a valid {expected}"
    return ApiError(400, "INVALID_JSON_FORMAT", message, details=details)


class CustomerReader:
    """Reads one customer of a body; `problems` has what is wrong with it.

    Raises:
        ApiError: the JSON does not have the declared types.

    """

    def __init__(self, generation: Generation, purpose: Purpose, where: str = "") -> None:
        self.problems: list[Problem] = []
        self._generation = generation
        self._purpose = purpose
        self._where = where
        self._clearable = CLEARABLE_BY_PATCH if purpose == "patch" else CLEARABLE

    def read(self, body: Any) -> dict[str, Any]:
        """Give the fields that are there and right, under their current names."""
        if not isinstance(body, dict):
            raise wrong_type(self._where.rstrip(".") or "body", body, "object")
        found: dict[str, Any] = {}
        for name, read in self._readers().items():
            wire_name = "web" if name == "website" and self._generation == "seeds" else name
            if wire_name not in body:
                continue
            value = body[wire_name]
            if value is not None:
                found[name] = read(wire_name, value)
            elif name in self._clearable:
                found[name] = None
            else:
                self._report(wire_name, None, "Must not be null")
        if self._purpose == "create":
            self._require(body, ("legal_name", "address"))
        bad = {problem.field.partition(".")[0] for problem in self.problems}
        return {name: value for name, value in found.items() if name not in bad}

    def _readers(self) -> dict[str, Callable[[str, Any], Any]]:
        readers: dict[str, Callable[[str, Any], Any]] = dict.fromkeys(TEXTS, self._text)
        readers |= {
            "address": self._address,
            "preferred_payment_method": self._payment,
            "billing_emails": self._emails,
            "general_discount": self._discount,
        }
        # The seed pages cannot change who a customer is.
        if self._purpose == "create" or self._generation == "current":
            readers |= {"nif": self._plain, "alternative_id": self._alternative}
        if self._purpose != "create":
            readers["active"] = self._flag
        return readers

    def _report(self, field: str, value: Any, message: str) -> None:
        self.problems.append(Problem(field, shown(value), message))

    def _require(self, body: dict[str, Any], names: tuple[str, ...], within: str = "") -> None:
        for name in names:
            if name not in body:
                self._report(within + name, None, "Is required")

    def _plain(self, field: str, value: Any) -> str:
        if not isinstance(value, str):
            raise wrong_type(self._where + field, value, "string")
        return value

    def _text(self, field: str, value: Any, rule: Text | None = None) -> str:
        text = self._plain(field, value)
        if rule is None:
            new = field == "legal_name" and self._purpose == "create"
            rule = NEW_LEGAL_NAME if new else TEXTS["website" if field == "web" else field]
        if not rule.shortest <= len(text) <= rule.longest:
            message = f"Must have {rule.shortest} to {rule.longest} characters"
            self._report(field, text, message)
        elif rule.pattern is not None and rule.pattern.fullmatch(text) is None:
            self._report(field, text, "Does not have the expected form")
        return text

    def _texts(self, field: str, value: dict[str, Any], rules: dict[str, Text]) -> dict[str, Any]:
        found = {}
        for name, rule in rules.items():
            if name in value:
                if value[name] is None:
                    self._report(f"{field}.{name}", None, "Must not be null")
                else:
                    found[name] = self._text(f"{field}.{name}", value[name], rule)
        return found

    def _object(self, field: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise wrong_type(self._where + field, value, "object")
        return value

    def _choice(self, field: str, value: Any, allowed: tuple[str, ...]) -> Any:
        if value not in allowed:
            raise wrong_type(self._where + field, value, "enumerated value", allowed)
        return value

    def _address(self, field: str, value: Any) -> dict[str, Any]:
        address = self._texts(field, self._object(field, value), ADDRESS_TEXTS)
        required: tuple[str, ...] = ADDRESS_REQUIRED
        if self._generation == "seeds":
            required = (*required, "country")
        self._require(value, required, within=f"{field}.")
        address.setdefault("country", "España")
        if address["country"] == "España":
            address.setdefault("country_code", "ES")
        return address

    def _payment(self, field: str, value: Any) -> dict[str, Any]:
        payment = self._texts(field, self._object(field, value), PAYMENT_TEXTS)
        days = value.get("payment_term_days")
        if days is not None:
            if not isinstance(days, int) or isinstance(days, bool):
                raise wrong_type(f"{self._where}{field}.payment_term_days", days, "integer")
            if not 0 <= days <= 365:
                self._report(f"{field}.payment_term_days", days, "Must be 0 to 365")
            payment["payment_term_days"] = days
        seeds = self._generation == "seeds"
        allowed = PAYMENT_METHODS if seeds else (*PAYMENT_METHODS, "BIZUM")
        if "method" in value:
            payment["method"] = self._choice(f"{field}.method", value["method"], allowed)
        if seeds:
            payment = {"method": "BANK_TRANSFER", "payment_term_days": 30} | payment
        return payment

    def _alternative(self, field: str, value: Any) -> dict[str, Any]:
        other = self._texts(field, self._object(field, value), ALTERNATIVE_TEXTS)
        self._require(value, ("type", "number"), within=f"{field}.")
        if "type" in value:
            kind = self._choice(f"{field}.type", value["type"], ALTERNATIVE_TYPES)
            other = {"type": kind} | other
        return other

    def _emails(self, field: str, value: Any) -> list[str]:
        if not isinstance(value, list):
            raise wrong_type(self._where + field, value, "array")
        return [self._text(f"{field}.{index}", item, EMAIL) for index, item in enumerate(value)]

    def _discount(self, field: str, value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise wrong_type(self._where + field, value, "number")
        if not 0 <= value <= 100:
            self._report(field, value, "Must be 0 to 100")
        return value

    def _flag(self, field: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise wrong_type(self._where + field, value, "boolean")
        return value
