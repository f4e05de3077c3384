"""What a request must pass before anything happens: key, company, scope, rate, body, repetition.

An idempotency key is bound to its owner and to the bytes of the body, not to the query: a dry run
and the creation after it, sent with one key, are the same request, and the second replays the
first. Successes are kept, and failures (5xx) by the current generation; no refusal is, so that a
refused request may be mended and sent again with its key.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple, NoReturn

from starlette.requests import Request

from .calls import UUID, Endpoint
from .options import Generation, IdempotencyMode, SandboxOptions
from .responses import JSON, ApiError, ApiResponse, mistyped
from .store import Store

TEST_KEY = re.compile(r"Bearer (beel_sk_test_[A-Za-z0-9_]{8,})")
COMPANY_HEADER = "BeeL-Active-Company"
LARGEST_BODY = 2 * 1024**2
LARGEST_EDGE_BODY = 8 * 1024**2
WINDOW_S = 60
KEY_KEPT_S = 24 * 3600
REPLAYED: Mapping[Generation, str] = {
    "current": "Idempotency-Replay",
    "legacy": "X-Idempotency-Replay",
}
IDEMPOTENCY_KEY = re.compile(r"[a-zA-Z0-9_-]{1,255}")
OF_CLAIM = "FROM idempotency_keys WHERE owner = ? AND key = ?"


def authenticate(request: Request) -> str:
    """Give the API key; every well-formed test key is as good as any other."""
    found = TEST_KEY.fullmatch(request.headers.get("Authorization", ""))
    if found is None:
        raise ApiError(401, "UNAUTHORIZED", "The sandbox takes beel_sk_test_ keys only")
    return found[1]


def check_accept(endpoint: Endpoint, request: Request) -> None:
    """Refuse a client that cannot read the answer."""
    accepted = request.headers.get("Accept", "*/*").lower().split(",")
    ranges = {part.partition(";")[0].strip() for part in accepted}
    family = endpoint.produces.partition("/")[0]
    if not ranges & {"", "*/*", f"{family}/*", endpoint.produces}:
        raise ApiError(406, "NOT_ACCEPTABLE", f"The answer can only be {endpoint.produces}")


def find_company(
    endpoint: Endpoint, request: Request, store: Store, options: SandboxOptions
) -> str:
    """Give the company the call works in: the path's, the header's, or the only one."""
    reachable: list[str] = [company["id"] for company in store.companies()]
    header = request.headers.get(COMPANY_HEADER)
    if endpoint.family == "company":
        code = "ACTIVE_COMPANY_NOT_ACCESSIBLE"
        company_id = UUID.read("company_id", request.path_params["company_id"])
    elif not endpoint.in_company or options.generation == "legacy":
        return reachable[0]
    elif header is not None:
        code = "ACTIVE_COMPANY_NOT_ACCESSIBLE"
        try:
            company_id = UUID.read(COMPANY_HEADER, header)
        except ApiError as error:
            raise replace(error, code="ACTIVE_COMPANY_HEADER_INVALID") from None
    elif len(reachable) > 1:
        message = f"The account has several companies; say which in {COMPANY_HEADER}"
        raise ApiError(403, "ACTIVE_COMPANY_REQUIRED", message)
    else:
        return reachable[0]
    if company_id not in reachable:
        raise ApiError(403, code, "The key does not reach this company")
    return str(company_id)


def check_scopes(endpoint: Endpoint, request: Request, options: SandboxOptions) -> None:
    """Refuse a key that lacks a scope; naming the company in a header needs one of its own."""
    if options.scopes is None:
        return
    needed = [endpoint.scope] if endpoint.scope else []
    is_named = endpoint.family == "flat" and COMPANY_HEADER in request.headers
    if is_named and options.generation == "current":
        needed.append("companies:read")
    missing = [scope for scope in needed if scope not in options.scopes]
    if missing:
        details: dict[str, Any] = {"missing_scopes": missing}
        if options.generation == "current":
            details = {"missing_scopes": ",".join(missing), "required_scopes": ",".join(needed)}
        raise ApiError(403, "INSUFFICIENT_SCOPE", "The key lacks a scope", details=details)


class RateWindow:
    """Requests per key or per address, in fixed windows of a minute."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._counts: dict[str, tuple[int, int]] = {}

    def count(self, whose: str, now: datetime) -> None:
        """Count a request; one too many is refused."""
        if self._limit is None:
            return
        window, elapsed_s = divmod(int(now.timestamp()), WINDOW_S)
        last_window, count = self._counts.get(whose, (window, 0))
        count = count + 1 if last_window == window else 1
        self._counts[whose] = (window, count)
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


class RateLimits:
    """The three limits of BeeL; one request may count against each of them."""

    def __init__(self, options: SandboxOptions) -> None:
        self._overall = RateWindow(options.address_limit)
        self._standard = RateWindow(options.rate_limit)
        self._strict = RateWindow(options.strict_limit)

    def count_any(self, request: Request, now: datetime) -> None:
        """Count a request by its address, whatever it asks for."""
        self._overall.count(_address(request), now)

    def count(self, endpoint: Endpoint, request: Request, api_key: str, now: datetime) -> None:
        """Count a request by its key, and a strict one by its address, too."""
        if endpoint.is_standard:
            self._standard.count(api_key, now)
        if endpoint.is_strict:
            self._strict.count(_address(request), now)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


class Claim(NamedTuple):
    """A key that a request in flight holds."""

    owner: str
    key: str


class IdempotencyKeys:
    """The keys of a store."""

    def __init__(self, store: Store, options: SandboxOptions) -> None:
        self._store = store
        self._mode: IdempotencyMode = options.idempotency
        self._flag = REPLAYED[options.generation]

    def take(self, claim: Claim, body: bytes, now: datetime) -> ApiResponse | None:
        """Take a key, or give the answer it is kept with."""
        if IDEMPOTENCY_KEY.fullmatch(claim.key) is None:
            message = "An idempotency key has 1 to 255 letters, digits, - and _"
            raise ApiError(400, "INVALID_IDEMPOTENCY_KEY", message)
        digest = sha256(body).hexdigest()
        moment = now.timestamp()
        with self._store.transaction():
            self._store.execute(
                "DELETE FROM idempotency_keys WHERE taken_at <= ?", moment - KEY_KEPT_S
            )
            found = self._store.rows(f"SELECT * {OF_CLAIM}", *claim)
            if not found:
                insert = "INSERT INTO idempotency_keys (owner, key, body_digest, taken_at)"
                self._store.execute(f"{insert} VALUES (?, ?, ?, ?)", *claim, digest, moment)
                return None
        [kept] = found
        if kept["body_digest"] != digest:
            code, message = "MISMATCH", "The key was used with another body"
        elif kept["status"] is None:
            code, message = "PROCESSING", "The first request with this key is still in progress"
        elif self._mode == "refused":
            code, message = "ALREADY_PROCESSED", "The key was already processed"
        else:
            headers = json.loads(kept["headers"]) | {self._flag: "true"}
            return ApiResponse(kept["status"], kept["content"], JSON, headers)
        raise ApiError(409, f"IDEMPOTENCY_KEY_{code}", message)

    def keep(self, claim: Claim, answer: ApiResponse) -> None:
        """Keep the answer, within the transaction of its effect."""
        self._store.execute(
            "UPDATE idempotency_keys SET status = ?, content = ?, headers = ?"
            " WHERE owner = ? AND key = ?",
            answer.status,
            answer.content,
            json.dumps(dict(answer.headers)),
            *claim,
        )

    def release(self, claim: Claim) -> None:
        """Free a key whose request had no effect; a kept answer stays."""
        self._store.execute(f"DELETE {OF_CLAIM} AND status IS NULL", *claim)


async def read_body(request: Request) -> bytes:
    """Read the body of a JSON request."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_EDGE_BODY:
            raise ApiError(413, "PAYLOAD_TOO_LARGE", "The body is over 8 MB")
    if len(body) > LARGEST_BODY:
        raise ApiError(413, "REQUEST_BODY_TOO_LARGE", "The body is over 2 MB")
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and (body or media_type):
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", "The body must be application/json")
    return bytes(body)


def parse_body(body: bytes) -> dict[str, Any]:
    """Read the JSON object of a body."""
    try:
        value = json.loads(body.decode(), parse_constant=_refuse_constant)
        # A lone surrogate passes as JSON but cannot be written anywhere.
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        message = "The body is not JSON in UTF-8"
        details = {"field": "body", "invalid_value": "", "expected_format": "object"}
        raise ApiError(400, "INVALID_JSON_FORMAT", message, details=details) from None
    if not isinstance(value, dict):
        raise mistyped("body", value, "object")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
