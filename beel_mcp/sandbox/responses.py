"""Answers and refusals, wrapped the way BeeL wraps them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote

from .options import Generation

JSON = "application/json"


@dataclass(eq=False)
class ApiError(Exception):
    """A refusal: status, code and message, with the details BeeL would give.

    Anything that reads a request may raise it; the app makes it the answer.
    """

    status: int
    code: str
    message: str
    _: KW_ONLY
    details: Mapping[str, Any] | None = None
    errors: Sequence[Mapping[str, Any]] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Problem:
    """Something wrong with one field of a body."""

    field: str
    value: str
    message: str
    code: str = "VALIDATION_ERROR"


@dataclass(frozen=True)
class RequestInfo:
    """The request behind an answer or an effect."""

    endpoint: str
    method: str
    path: str
    request_id: str
    time: datetime
    prefer: str = ""  # what the header of this name says

    def meta(self) -> dict[str, str]:
        return {"timestamp": instant(self.time), "request_id": self.request_id}


@dataclass(frozen=True)
class ApiResponse:
    """What goes back over the wire."""

    status: int
    content: bytes = b""
    media_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_json(
        cls, status: int, body: Any, headers: Mapping[str, str] | None = None
    ) -> "ApiResponse":
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return cls(status, content, JSON, headers or {})


def instant(moment: datetime) -> str:
    """Write a moment as the API does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def wrap_error(error: ApiError, request: RequestInfo, generation: Generation) -> ApiResponse:
    """Wrap a refusal; the current generation adds the members of RFC 9457 on top."""
    shown_if_any = {"details": error.details, "errors": error.errors}
    inner = {"code": error.code, "message": error.message} | {
        name: value for name, value in shown_if_any.items() if value is not None
    }
    body: dict[str, Any] = {"success": False, "error": inner, "meta": request.meta()}
    if generation == "current":
        body |= {
            "type": f"https://docs.beel.es/errors/{error.code}",
            "title": error.code,
            "detail": error.message,
            "instance": quote(request.path),
        }
    return ApiResponse.of_json(error.status, body, error.headers)


def refuse(problems: Sequence[Problem], what: str) -> None:
    """Refuse a body with all that is wrong with it (422); one that has no problems passes."""
    if not problems:
        return
    codes = {problem.code for problem in problems}
    code = codes.pop() if len(codes) == 1 else "VALIDATION_ERROR"
    details = {problem.field: problem.message for problem in problems}
    raise ApiError(422, code, f"The {what} cannot be accepted", details=details)


def mistyped(
    name: str,
    value: Any,
    expected: str,
    allowed: Sequence[str] = (),
    *,
    part: Literal["field", "parameter"] = "field",
) -> ApiError:
    """Refuse a value that does not have the declared type, in a body or in a query."""
    details = {"field": name, "invalid_value": shown(value), "expected_format": expected}
    if allowed:
        details["allowed_values"] = ", ".join(allowed)
    code = "INVALID_JSON_FORMAT" if part == "field" else "VALIDATION_ERROR"
    return ApiError(400, code, f"The {part} {name} is not a valid {expected}", details=details)


def unlisted(name: str, value: Any, allowed: Sequence[str]) -> ApiError:
    """Refuse a text in a body that is none of the declared words: it is well-formed (422)."""
    details = {"field": name, "invalid_value": shown(value), "allowed_values": ", ".join(allowed)}
    message = f"The field {name} is none of its values"
    return ApiError(422, "VALIDATION_ERROR", message, details=details)


def shown(value: Any) -> str:
    """Show a refused value as the short text that errors carry."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:100]
