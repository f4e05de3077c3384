"""What update_customers is asked to change: its schema, and how it becomes one value per field."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from beel_mcp.errors import CallerError, FieldError
from beel_mcp.lists.customers import unknown_field
from beel_mcp.lists.fields import NAMES, PARTS, CustomerRow
from beel_mcp.lists.reading import UnreadableError, is_absent, kind_of, read_value

# A person must be able to read in one sentence what they agree to.
MOST_FIELDS: Final = 12
# What BeeL can do without; of the other fields it has always a value.
CLEARABLE: Final = (
    *("trade_name", "phone", "email", "website", "billing_emails", "contact_person", "notes"),
    *("general_discount", "preferred_payment_method"),
    *("address.floor", "address.door", "address.country_code"),
    *(f"preferred_payment_method.{part}" for part in PARTS["preferred_payment_method"]),
    "alternative_id.country_code",
)
_POINTER: Final = "to empty a field, name it in clear"


class CustomerChanges(CustomerRow):
    """What may stand in `changes`; it makes the schema, and `read_changes` reads."""

    active: bool | None = None
    clear: list[str] | None = None


def read_changes(raw: Any) -> dict[str, Any]:
    """Give the new value of each named field, nested ones with a dot; None empties a field.

    Raises:
        CallerError: something cannot be read, is not a field, or nothing is to change.

    """
    if not isinstance(raw, Mapping):
        raise CallerError(f"changes must be an object, not {kind_of(raw)}.")
    changes: dict[str, Any] = {}
    faults: list[FieldError] = []
    for path, value in _flat(raw, faults):
        try:
            changes[path] = _read(path, value)
        except UnreadableError as unreadable:
            faults.append(FieldError(path, unreadable.message))
    for name in _cleared(raw.get("clear"), faults):
        if any(path == name or path.startswith(f"{name}.") for path in changes):
            faults.append(FieldError(name, "is set and emptied at once"))
        changes[name] = None
    if {"nif", "alternative_id"} <= {path.partition(".")[0] for path in changes}:
        faults.append(FieldError("nif", "a customer has a NIF or an alternative_id; give one"))
    _check(changes, faults)
    return changes


def _check(changes: Mapping[str, Any], faults: Sequence[FieldError]) -> None:
    if faults:
        raise CallerError(
            "The changes cannot be read. Nobody was asked.",
            field_errors=faults[:5],
            remedy=f"The fields are {', '.join(NAMES)}, active, and clear to empty some.",
        )
    if not changes:
        raise CallerError("changes names no field.", remedy=f"Name what is to change; {_POINTER}.")
    if len(changes) > MOST_FIELDS:
        raise CallerError(
            f"changes names {len(changes)} fields; at most {MOST_FIELDS} can be shown at once.",
            remedy="Make the change in two calls.",
        )


def _flat(raw: Mapping[str, Any], faults: list[FieldError]) -> Iterator[tuple[str, Any]]:
    for name, value in raw.items():
        if name == "clear":
            continue
        if name not in (*NAMES, "active"):
            faults.append(FieldError(str(name)[:60], unknown_field(str(name))))
        elif name not in PARTS:
            yield name, value
        elif not isinstance(value, Mapping):
            words = (
                _POINTER if value is None else f"must be an object with {', '.join(PARTS[name])}"
            )
            faults.append(FieldError(name, words))
        else:
            for part, inner in value.items():
                if part in PARTS[name]:
                    yield f"{name}.{part}", inner
                else:
                    faults.append(FieldError(name, unknown_field(str(part), of=name)))


def _read(path: str, value: Any) -> Any:
    if path == "active":
        if isinstance(value, bool):
            return value
        raise UnreadableError("must be true or false")
    read = None if is_absent(value) else read_value(path, value)
    if read is None:
        raise UnreadableError(f"is empty; {_POINTER}" if value is not None else f"null: {_POINTER}")
    return read


def _cleared(raw: Any, faults: list[FieldError]) -> Iterator[str]:
    if raw is None:
        return
    if not isinstance(raw, list | tuple):
        faults.append(FieldError("clear", "must be a list of field names"))
        return
    for name in dict.fromkeys(map(str, raw)):
        if name in CLEARABLE:
            yield name
        elif name.partition(".")[0] in NAMES:
            faults.append(FieldError("clear", f"{name[:60]} cannot be empty in BeeL"))
        else:
            faults.append(FieldError("clear", unknown_field(name)))
