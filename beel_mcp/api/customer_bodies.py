"""A change of some fields of a customer: what it makes of a record, and how it is sent.

Changes are a flat mapping of field names, nested ones with a dot, to their new values; None empties
a field. What is not named stays as it is, whatever a route means by its method.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any, Final

from beel_mcp.api.http.wire import json_number
from beel_mcp.api.models import Customer
from beel_mcp.api.routes import Family
from beel_mcp.countries import country_of
from beel_mcp.messages import FieldIssue, Message, read_data

Changes = Mapping[str, Any]
IDENTIFIERS: Final = ("nif", "alternative_id")
# A PUT has no way to say that these are to be empty: null is refused, and absent means kept.
NEVER_EMPTY_IN_PUT: Final = frozenset(
    {"phone", "preferred_payment_method"}
    | {f"preferred_payment_method.{part}" for part in ("method", "payment_term_days")}
)
_NEVER_WRITTEN: Final = {"id", "created_at", "updated_at"}
_COUNTRY: Final = ("España", "ES")


_PATTERNS_IN_WORDS: Final = {
    "visible": Message("rule.visible"),
    "letters": Message("rule.letters"),
    # Quotation marks are taken, too; named here they would end a quotation.
    "street": Message("rule.letters_and", marks="° : ; ( ) & #"),
    "city": Message("rule.letters_and", marks="( )"),
    "country_code": Message("rule.country_code"),
    "phone": Message("rule.phone"),
    "email": Message("rule.email"),
    "website": Message("rule.website"),
    "nif": Message("rule.nif"),
    "nif_shape": Message("rule.nif_shape"),
    "iban": Message("rule.iban"),
    "bic": Message("rule.bic"),
}


@dataclass(frozen=True)
class Rule:
    """What the schema asks of a text: an entry of data/customer_rules.toml."""

    longest: int | None = None
    shortest: int = 0
    pattern: str = ""
    words: str = ""  # names the message that says the pattern in words
    choices: Sequence[str] = ()
    required: bool = False

    def problem(self, text: str) -> Message | None:
        if self.choices:
            choices = ", ".join(self.choices)
            return None if text in self.choices else Message("rule.choices", choices=choices)
        if self.longest is not None and not self.shortest <= len(text) <= self.longest:
            return self._length(self.longest)
        if self.pattern and not re.fullmatch(self.pattern, text):
            return _PATTERNS_IN_WORDS[self.words]
        if any("\ud800" <= char <= "\udfff" for char in text):
            return Message("rule.whole_characters")
        return None

    def _length(self, longest: int) -> Message:
        if self.shortest == longest:
            return Message("rule.exact_length", length=longest)
        if self.shortest:
            return Message("rule.length", least=self.shortest, most=longest)
        return Message("rule.longest", most=longest)


@cache
def _rules(family: Family) -> dict[str, Rule]:
    table = read_data("customer_rules")
    rules = {path: Rule(**rule) for path, rule in {**table["every"], **table[family]}.items()}
    for name, letters in table["classes"].items():
        rules = {
            path: replace(rule, pattern=rule.pattern.replace(f"<{name}>", letters))
            for path, rule in rules.items()
        }
    return rules


_NOT_TEXT: Final = Message("rule.text")
_NUMBERS: Final = {
    "general_discount": (Decimal(0), Decimal(100), False),
    "preferred_payment_method.payment_term_days": (Decimal(0), Decimal(365), True),
}
_GROUPS: Final = ("address", "alternative_id", "preferred_payment_method")


def wire_row(row: Mapping[str, Any], family: Family) -> dict[str, Any]:
    """Write a row as the family wants it. What is not set is not sent."""
    body = _without_empty(row)
    for path in _NUMBERS:
        _make_number(body, path)
    if isinstance(address := body.get("address"), dict):
        (_fill_country if family == "flat" else _name_country)(address)
    # The legacy generation reads `web`; today's server takes a missing `website` as empty.
    if family == "flat" and "website" in body:
        body["web"] = body["website"]
    return body


def wire_problems(row: Mapping[str, Any], family: Family) -> tuple[FieldIssue, ...]:
    """Say what in a row breaks the schema of the family; empty when it can be sent."""
    body = _without_empty(row)
    faults = tuple(_problems(body, _rules(family)))
    if family == "flat" or not isinstance(address := body.get("address"), dict):
        return faults
    named = {fault.field for fault in faults}
    return (*faults, *(one for one in _country_problems(address) if one.field not in named))


def _problems(body: dict[str, Any], rules: Mapping[str, Rule]) -> Iterator[FieldIssue]:
    known = {*rules, *_NUMBERS, "billing_emails"}
    values = dict(_flat_paths(body))
    for path in values.keys() - known:
        yield FieldIssue(path, Message("rule.unknown_field"))
    for path, rule in rules.items():
        group = path.rpartition(".")[0]
        if path not in values:
            # An address is required as a whole; the other groups only once they are begun.
            if rule.required and (group in body or group in ("", "address")):
                yield FieldIssue(path, Message("rule.required"))
        elif not isinstance(values[path], str):
            yield FieldIssue(path, _NOT_TEXT)
        elif problem := rule.problem(values[path]):
            yield FieldIssue(path, problem)
    for path, (least, most, whole) in _NUMBERS.items():
        number = _number(values[path]) if path in values else least
        if number is None or not least <= number <= most or (whole and number % 1):
            yield FieldIssue(path, _out_of_range(int(least), int(most), is_whole=whole))
    if problem := _list_problem(values.get("billing_emails", ()), rules["email"]):
        yield FieldIssue("billing_emails", problem)


def _country_problems(address: Mapping[str, Any]) -> Iterator[FieldIssue]:
    """Say what a company route would refuse: no country, or two of them."""
    country, code = (address.get(part) for part in ("country", "country_code"))
    found = country_of(country) if isinstance(country, str) else None
    if isinstance(code, str) and country_of(code) != code:
        yield FieldIssue("address.country_code", Message("rule.no_country"))
    elif code and found not in (None, _COUNTRY[1], code):  # a foreign code goes before Spain
        yield FieldIssue("address.country_code", Message("rule.other_country"))
    elif country and not found and code in (None, _COUNTRY[1]):
        yield FieldIssue("address.country", Message("rule.no_country"))


def _out_of_range(least: int, most: int, *, is_whole: bool) -> Message:
    if is_whole:
        return Message("rule.whole_number", least=least, most=most)
    return Message("rule.number", least=least, most=most)


def _list_problem(items: Any, rule: Rule) -> Message | None:
    if not isinstance(items, (list, tuple)):
        return Message("rule.emails")
    for item in items:
        problem = rule.problem(item) if isinstance(item, str) else _NOT_TEXT
        if problem:
            return Message("rule.each", rule=problem)
    return None


def _flat_paths(body: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in body.items():
        if name in _GROUPS and isinstance(value, dict):
            yield from ((f"{name}.{inner}", item) for inner, item in value.items())
        else:
            yield name, value


def _without_empty(row: Mapping[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for name, value in row.items():
        kept = _without_empty(value) if isinstance(value, Mapping) else value
        if kept is not None and kept not in ("", {}, [], ()):
            body[name] = list(kept) if isinstance(kept, tuple) else kept
    return body


def _fill_country(address: dict[str, Any]) -> None:
    """Name the country, which the legacy generation requires. A code alone stands for its name."""
    code = address.get("country_code")
    if found := None if code else country_of(str(address.get("country", ""))):
        address["country_code"] = found
    if "country" not in address:
        address["country"] = _COUNTRY[0] if code in (None, _COUNTRY[1]) else code
        address.setdefault("country_code", _COUNTRY[1])


def _name_country(address: dict[str, Any]) -> None:
    """Say the country by its code, which BeeL takes for a name and writes in Spanish.

    A name may be in a language, or a version, that BeeL does not know.
    """
    code = address.get("country_code") or country_of(str(address.get("country", "")))
    if code and (code != _COUNTRY[1] or "country" in address):
        address["country_code"] = code
        address["country"] = _COUNTRY[0] if code == _COUNTRY[1] else code


def _make_number(body: dict[str, Any], path: str) -> None:
    group, _, name = path.rpartition(".")
    holder = body.get(group) if group else body
    if isinstance(holder, dict) and (number := _number(holder.get(name))) is not None:
        holder[name] = json_number(number)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**24 else None


def tops(changes: Changes) -> set[str]:
    """Name the fields that a change touches, nested ones by their group."""
    return {path.partition(".")[0] for path in changes}


def needs_record(changes: Changes) -> bool:
    """Tell whether a PATCH needs the rest of a group, which BeeL replaces as a whole."""
    return any("." in path for path in changes)


def value_at(record: Customer, path: str) -> Any:
    """Give the value of a field, or None where it is empty or not there."""
    group, _, part = path.rpartition(".")
    holder = getattr(record, group) if group else record
    return _plain(getattr(holder, part)) if holder is not None else None


def values_of(record: Customer, changes: Changes) -> dict[str, Any]:
    """Give the values that a record has where a change names a field."""
    return {path: value_at(record, path) for path in changes}


def shows(record: Customer, changes: Changes, *, roughly: bool = False) -> bool:
    """Tell whether a record is as a change wants it; `roughly` forgives case and white space."""
    form = _folded if roughly else _plain
    return all(
        form(_as_stored(path, value_at(record, path))) == form(_as_stored(path, value))
        for path, value in changes.items()
    )


def patch_body(record: Customer | None, changes: Changes) -> dict[str, Any]:
    """Write the named fields, and a group of them as a whole: BeeL merges nothing below."""
    after = merged(record, changes)
    sent = wire_row(after, "company")  # both families have today's words where they have a PATCH
    return {name: sent.get(name) for name in after if name in tops(changes)}


def put_body(record: Customer, changes: Changes, family: Family) -> dict[str, Any]:
    """Write the whole record, which may replace what BeeL has; an identifier only if it changes."""
    after, named = merged(record, changes), tops(changes)
    left_out = _NEVER_WRITTEN | {name for name in IDENTIFIERS if name not in named}
    sent = wire_row({name: after[name] for name in after if name not in left_out}, family)
    empty: dict[str, Any] = {name: None for name in after if name in named and name not in sent}
    if "website" in empty and family == "flat":
        empty["web"] = None
    return {**sent, **empty, "active": after["active"]}


def merged(record: Customer | None, changes: Changes) -> dict[str, Any]:
    """Give a record as a change would make it."""
    after: dict[str, Any] = record.model_dump() if record else {}
    for path, value in changes.items():
        group, _, part = path.rpartition(".")
        if group:
            after[group] = {**(after.get(group) or {}), part: value}
        else:
            after[path] = value
    # Another country's name or code alone takes the other one away, which BeeL makes anew.
    for path, other in (("country", "country_code"), ("country_code", "country")):
        if changes.get(f"address.{path}") and f"address.{other}" not in changes:
            after["address"][other] = None
    return after


def _as_stored(path: str, value: Any) -> Any:
    """Give what is the same to BeeL whatever it answers: any name of a country, a discount of 0."""
    if path == "address.country" and isinstance(value, str):
        return country_of(value) or value
    return value or None if path == "general_discount" else value


def _plain(value: Any) -> Any:
    """Give a value in the one form that can be compared and kept as JSON."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float | Decimal):
        return json_number(Decimal(str(value)))
    if isinstance(value, list | tuple):
        return list(value) or None
    if hasattr(value, "model_dump"):
        parts = {name: part for name, part in value.model_dump().items() if part not in (None, "")}
        return parts or None
    return value or None


def _folded(value: Any) -> Any:
    value = _plain(value)
    if isinstance(value, list):
        return sorted(map(_folded, value))
    return "".join(value.split()).casefold() if isinstance(value, str) else value
