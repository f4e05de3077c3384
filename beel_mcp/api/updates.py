"""A change of some fields of a customer: what it makes of a record, and how it is sent.

Changes are a flat mapping of field names, nested ones with a dot, to their new values; None empties
a field. What is not named stays as it is, whatever a route means by its method.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from beel_mcp.api.models import Customer
from beel_mcp.api.routes import Family
from beel_mcp.api.rows import wire_row

Changes = Mapping[str, Any]
IDENTIFIERS: Final = ("nif", "alternative_id")
# A PUT has no way to say that these are to be empty: null is refused, and absent means kept.
NEVER_EMPTY_IN_PUT: Final = frozenset(
    {"phone", "preferred_payment_method"}
    | {f"preferred_payment_method.{part}" for part in ("method", "payment_term_days")}
)
_NEVER_WRITTEN: Final = {"id", "created_at", "updated_at"}


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
    return all(form(value_at(record, path)) == form(value) for path, value in changes.items())


def patch_body(record: Customer | None, changes: Changes) -> dict[str, Any]:
    """Write the named fields, and a group of them as a whole: BeeL merges nothing below."""
    after = _merged(record, changes)
    sent = wire_row(after, "company")  # both families have today's words where they have a PATCH
    return {name: sent.get(name) for name in after if name in tops(changes)}


def put_body(record: Customer, changes: Changes, family: Family) -> dict[str, Any]:
    """Write the whole record, which may replace what BeeL has; an identifier only if it changes."""
    after, named = _merged(record, changes), tops(changes)
    left_out = _NEVER_WRITTEN | {name for name in IDENTIFIERS if name not in named}
    sent = wire_row({name: after[name] for name in after if name not in left_out}, family)
    empty: dict[str, Any] = {name: None for name in after if name in named and name not in sent}
    if "website" in empty and family == "flat":
        empty["web"] = None
    return {**sent, **empty, "active": after["active"]}


def _merged(record: Customer | None, changes: Changes) -> dict[str, Any]:
    after: dict[str, Any] = record.model_dump() if record else {}
    for path, value in changes.items():
        group, _, part = path.rpartition(".")
        if group:
            after[group] = {**(after.get(group) or {}), part: value}
        else:
            after[path] = value
    return after


def _plain(value: Any) -> Any:
    """Give a value in the one form that can be compared and kept as JSON."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float | Decimal):
        number = Decimal(str(value))
        return int(number) if number % 1 == 0 else float(number)
    if isinstance(value, list | tuple):
        return list(value) or None
    if hasattr(value, "model_dump"):
        parts = {name: one for name, one in value.model_dump().items() if one not in (None, "")}
        return parts or None
    return value or None


def _folded(value: Any) -> Any:
    value = _plain(value)
    if isinstance(value, list):
        return sorted(_folded(one) for one in value)
    return "".join(value.split()).casefold() if isinstance(value, str) else value
