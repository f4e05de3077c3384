"""What a request must pass before anything happens: key, company, scope, rate, body."""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NoReturn

from starlette.requests import Request

from .call import Operation
from .envelope import ApiError
from .fields import wrong_type
from .options import SandboxOptions
from .query import read_uuid
from .store import Store

TEST_KEY = re.compile(r"Bearer (beel_sk_test_[A-Za-z0-9_]{8,})")
COMPANY_HEADER = "BeeL-Active-Company"
LARGEST_BODY = 2 * 1024**2
LARGEST_EDGE_BODY = 8 * 1024**2
WINDOW_S = 60


def authenticate(request: Request) -> str:
    """Give the API key; every well-formed test key is as good as any other.

    Raises:
        ApiError: 401.

    """
    found = TEST_KEY.fullmatch(request.headers.get("Authorization", ""))
    if found is None:
        raise ApiError(401, "UNAUTHORIZED", "The sandbox takes beel_sk_test_ keys only")
    return found[1]


def check_accept(operation: Operation, request: Request) -> None:
    """Refuse a client that cannot read the answer.

    Raises:
        ApiError: 406.

    """
    accepted = request.headers.get("Accept", "*/*").lower().split(",")
    ranges = {part.partition(";")[0].strip() for part in accepted}
    family = operation.produces.partition("/")[0]
    if not ranges & {"", "*/*", f"{family}/*", operation.produces}:
        message = f"The answer can only be {operation.produces}"
        raise ApiError(406, "NOT_ACCEPTABLE", message)


def find_company(
    operation: Operation, request: Request, store: Store, options: SandboxOptions
) -> str:
    """Give the company the call works in: the path's, the header's, or the only one.

    Raises:
        ApiError: 400 or 403.

    """
    reachable = [company["id"] for company in store.companies()]
    if operation.family == "company":
        wanted = read_uuid("company_id", request.path_params["company_id"])
        if wanted not in reachable:
            raise ApiError(403, "FORBIDDEN", "The key does not reach this company")
        return wanted
    header = request.headers.get(COMPANY_HEADER)
    if not operation.in_company or options.generation == "seeds":
        return str(reachable[0])
    if header is None:
        if len(reachable) > 1:
            message = f"The account has several companies; say which in {COMPANY_HEADER}"
            raise ApiError(403, "ACTIVE_COMPANY_REQUIRED", message)
        return str(reachable[0])
    try:
        wanted = read_uuid(COMPANY_HEADER, header)
    except ApiError as error:
        code = "ACTIVE_COMPANY_HEADER_INVALID"
        raise ApiError(400, code, error.message, details=error.details) from None
    if wanted not in reachable:
        message = "The key does not reach this company"
        raise ApiError(403, "ACTIVE_COMPANY_NOT_ACCESSIBLE", message)
    return wanted


def check_scopes(operation: Operation, request: Request, options: SandboxOptions) -> None:
    """Refuse a key that lacks a scope; naming the company in a header needs one of its own.

    Raises:
        ApiError: 403.

    """
    if options.scopes is None:
        return
    needed = [operation.scope] if operation.scope else []
    is_named = operation.family == "flat" and COMPANY_HEADER in request.headers
    if is_named and options.generation == "current":
        needed.append("companies:read")
    missing = [scope for scope in needed if scope not in options.scopes]
    if missing:
        details = {"missing_scopes": missing}
        raise ApiError(403, "INSUFFICIENT_SCOPE", "The key lacks a scope", details=details)


class RateWindow:
    """Requests per key in fixed windows of a minute."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._counts: dict[str, tuple[int, int]] = {}

    def count(self, api_key: str, now: datetime) -> None:
        """Count a request.

        Raises:
            ApiError: 429, it is one too many.

        """
        if self._limit is None:
            return
        window, elapsed_s = divmod(int(now.timestamp()), WINDOW_S)
        last_window, count = self._counts.get(api_key, (window, 0))
        count = count + 1 if last_window == window else 1
        self._counts[api_key] = (window, count)
        if count > self._limit:
            wait_s = str(WINDOW_S - elapsed_s)
            headers = {
                "Retry-After": wait_s,
                "RateLimit-Limit": str(self._limit),
                "RateLimit-Remaining": "0",
                "RateLimit-Reset": wait_s,
            }
            message = f"Too many requests; wait {wait_s} seconds"
            raise ApiError(429, "RATE_LIMIT_EXCEEDED", message, headers=headers)


async def read_body(request: Request) -> bytes:
    """Read the body of a JSON request.

    Raises:
        ApiError: 413 or 415.

    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_EDGE_BODY:
            raise ApiError(413, "PAYLOAD_TOO_LARGE", "The body is over 8 MB")
    if len(body) > LARGEST_BODY:
        raise ApiError(413, "REQUEST_BODY_TOO_LARGE", "The body is over 2 MB")
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and (body or media_type):
        message = "The body must be application/json"
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", message)
    return bytes(body)


def parse_body(body: bytes) -> dict[str, Any]:
    """Read the JSON object of a body.

    Raises:
        ApiError: 400.

    """
    try:
        value = json.loads(body.decode(), parse_constant=_refuse_constant)
        # A lone surrogate passes as JSON but cannot be written anywhere.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        message = "The body is not JSON in UTF-8"
        details = {"field": "body", "invalid_value": "", "expected_format": "object"}
        raise ApiError(400, "INVALID_JSON_FORMAT", message, details=details) from None
    if not isinstance(value, dict):
        raise wrong_type("body", value, "object")
    return value


def method_not_allowed(allowed: Iterable[str]) -> ApiError:
    """Refuse a method that the path does not have."""
    headers = {"Allow": ", ".join(sorted(allowed))}
    return ApiError(405, "METHOD_NOT_ALLOWED", "The path has other methods", headers=headers)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
