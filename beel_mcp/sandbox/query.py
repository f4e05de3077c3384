"""The query string of a request, checked as strictly as its route family does."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import quote

from starlette.datastructures import QueryParams

from .call import Kind, Operation
from .envelope import ApiError, shown
from .invoice_words import INVOICE_ORDERS, invoice_statuses, invoice_types
from .options import Generation
from .store import SORT_COLUMNS

DEFAULTS: dict[Kind, Any] = {"page": 1, "limit": 20}
MOST_PER_PAGE = 100
LARGEST_INTEGER = 2**31 - 1
FLAGS = {"true": True, "false": False}
DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
AMOUNT = re.compile(r"-?\d{1,12}(\.\d{1,6})?", re.ASCII)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def read_query(operation: Operation, query: QueryParams, generation: Generation) -> dict[str, Any]:
    """Read the declared parameters, with defaults where there are any.

    Raises:
        ApiError: 400 for what cannot be read, 422 for a number out of bounds.

    """
    values: dict[str, Any] = {}
    for name, kind in operation.query.items():
        if name in query:
            values[name] = _read(name, kind, query[name], generation)
        elif kind == "ids":
            message = f"The parameter {name} is required"
            raise ApiError(400, "MISSING_PARAMETER", message, details={"field": name})
        elif kind in DEFAULTS:
            values[name] = DEFAULTS[kind]
    if "dry_run" in operation.query:
        values.setdefault("dry_run", False)
    return values


def check_unknown(
    operation: Operation, query: QueryParams, generation: Generation
) -> dict[str, str]:
    """Refuse unknown parameters, or give the header that warns of them.

    Raises:
        ApiError: 400 on every route of the current generation that is not flat.

    """
    unknown = [name for name in query if name not in operation.query]
    if not unknown or generation == "seeds":
        return {}
    message = f"Unknown query parameters: {', '.join(map(quote, unknown))}"
    if operation.family == "flat":
        return {"BeeL-Warning": message}
    details = {"field": unknown[0], "invalid_value": shown(query[unknown[0]])}
    raise ApiError(400, "VALIDATION_ERROR", message, details=details)


def read_uuid(name: str, text: str) -> str:
    """Read a UUID in either case.

    Raises:
        ApiError: 400, it is none.

    """
    if UUID.fullmatch(text.lower()) is None:
        raise _unreadable(name, text, "uuid")
    return text.lower()


def _read(name: str, kind: Kind, text: str, generation: Generation) -> Any:
    if kind in ("page", "limit"):
        return _read_number(name, text, LARGEST_INTEGER if kind == "page" else MOST_PER_PAGE)
    if kind in READERS:
        return READERS[kind](name, text)
    allowed = _choices(kind, generation)
    if kind == "invoice_status":
        # The seed pages know one status, today's API a list of them.
        parts = [text] if generation == "seeds" else text.split(",")
        return [_read_choice(name, part, allowed) for part in parts]
    return _read_choice(name, text, allowed)


def _choices(kind: Kind, generation: Generation) -> tuple[str, ...]:
    return {
        "sort": tuple(SORT_COLUMNS),
        "order": ("asc", "desc"),
        "invoice_sort": tuple(INVOICE_ORDERS),
        "invoice_status": invoice_statuses(generation),
        "invoice_type": invoice_types(generation),
    }[kind]


def _read_text(name: str, text: str) -> str:
    return text


def _read_flag(name: str, text: str) -> bool:
    if text not in FLAGS:
        raise _unreadable(name, text, "boolean")
    return FLAGS[text]


def _read_ids(name: str, text: str) -> list[str]:
    return [read_uuid(name, part) for part in text.split(",")]


def read_date(name: str, text: str) -> str:
    """Read a day.

    Raises:
        ApiError: 400, it is none.

    """
    try:
        is_date = DATE.fullmatch(text) is not None and bool(date.fromisoformat(text))
    except ValueError:
        is_date = False
    if not is_date:
        raise _unreadable(name, text, "date")
    return text


def _read_amount(name: str, text: str) -> float:
    if AMOUNT.fullmatch(text) is None:
        raise _unreadable(name, text, "number")
    return float(text)


def _read_number(name: str, text: str, most: int) -> int:
    if re.fullmatch(r"[+-]?\d{1,10}", text, re.ASCII) is None or abs(int(text)) > LARGEST_INTEGER:
        raise _unreadable(name, text, "integer")
    if not 1 <= int(text) <= most:
        message = f"{name} must be 1 to {most}"
        raise ApiError(422, "VALIDATION_ERROR", message, details={name: message})
    return int(text)


def _read_choice(name: str, text: str, allowed: tuple[str, ...]) -> str:
    if text not in allowed:
        raise _unreadable(name, text, "enumerated value", allowed)
    return text


def _unreadable(name: str, text: str, expected: str, allowed: tuple[str, ...] = ()) -> ApiError:
    details = {"field": name, "invalid_value": shown(text), "expected_format": expected}
    if allowed:
        details["allowed_values"] = ", ".join(allowed)
    message = f"The parameter {name} is not a valid {expected}"
    return ApiError(400, "VALIDATION_ERROR", message, details=details)


READERS: dict[Kind, Callable[[str, str], Any]] = {
    "text": _read_text,
    "flag": _read_flag,
    "ids": _read_ids,
    "uuid": read_uuid,
    "date": read_date,
    "amount": _read_amount,
}
