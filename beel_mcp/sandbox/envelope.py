"""Answers and refusals, wrapped the way BeeL wraps them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from .options import Generation

JSON = "application/json"


class ApiError(Exception):
    """A refusal: status, code and words, with the details BeeL would give."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        details: Mapping[str, Any] | None = None,
        errors: Sequence[Mapping[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.errors = errors
        self.headers = dict(headers or {})


@dataclass(frozen=True)
class Cause:
    """The request behind an answer or an effect."""

    operation: str
    method: str
    path: str
    request_id: str
    time: datetime


@dataclass(frozen=True)
class Answer:
    """What goes back over the wire."""

    status: int
    content: bytes = b""
    media_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def instant(moment: datetime) -> str:
    """Write a moment as the API does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def wrap(
    data: Any, cause: Cause, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Answer:
    """Wrap the data of a success."""
    body = {"success": True, "data": data, "meta": _meta(cause)}
    return Answer(status, _dump(body), JSON, headers or {})


def wrap_error(error: ApiError, cause: Cause, generation: Generation) -> Answer:
    """Wrap a refusal; the current generation adds the members of RFC 9457 on top."""
    inner: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.details is not None:
        inner["details"] = error.details
    if error.errors is not None:
        inner["errors"] = error.errors
    body: dict[str, Any] = {"success": False, "error": inner, "meta": _meta(cause)}
    if generation == "current":
        body |= {
            "type": f"https://docs.beel.es/errors/{error.code}",
            "title": error.code,
            "detail": error.message,
            "instance": quote(cause.path),
        }
    return Answer(error.status, _dump(body), JSON, error.headers)


def shown(value: Any) -> str:
    """Show a refused value as the short text that errors carry."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:100]


def not_found(message: str) -> ApiError:
    """Refuse because there is nothing there."""
    return ApiError(404, "NOT_FOUND", message)


def _meta(cause: Cause) -> dict[str, str]:
    return {"timestamp": instant(cause.time), "request_id": cause.request_id}


def _dump(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
