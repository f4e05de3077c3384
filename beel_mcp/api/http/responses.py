"""A response's body -> data, or a typed error; both generations of BeeL."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from beel_mcp.api.http.wire import (
    PROCESSING,
    REQUEST_ID,
    Incoming,
    code_of,
    has_passed,
    is_replay,
    object_in,
    objects_in,
    quote_of,
    retry_after_s,
    sanitized,
)
from beel_mcp.api.routes import Endpoint, Family
from beel_mcp.errors import (
    ApiError,
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidRequestError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
    RouteRetiredError,
    TooLargeError,
    UnauthorizedError,
    UnknownOutcomeError,
)
from beel_mcp.messages import read_data

# The server, or something before it, gave up waiting: it may have gone on all the same.
_GAVE_UP: Final = (408, 425, 499)
_ABOUT_ROUTES: Final = re.compile("ROUTE|ENDPOINT|DEPRECATED|RETIRED|SUNSET|GONE")
# The code of a path that BeeL does not have: no word about any record.
_NO_PATH: Final = "ENDPOINT_NOT_FOUND"
_MOST_FIELDS: Final = 50
_MOST_ROWS: Final = 1_000
_ROW: Final = re.compile(r"customers\[(\d{1,4})\]\.", re.ASCII)
# Members of `details` that name no field.
_NO_FIELDS: Final = (
    *("feature_code", "current_plan", "max_size_bytes", "max_size_formatted"),
    *("missing_scopes", "required_scopes"),
)
_RETIRE_REMEDY: Final = (
    "Use a key that can list companies (scope companies:list) or set BEEL_COMPANY_ID to the "
    "company's id; BEEL_ROUTES must then be auto or company."
)
Model = TypeVar("Model", bound=BaseModel)
_KINDS: Final[Mapping[int, type[RefusedError]]] = {
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: NotFoundError,
    413: TooLargeError,
    429: RateLimitedError,
}


@cache
def _refusals() -> dict[str, dict[str, Any]]:
    """Give codes, sentences and remedies; read only when BeeL first refuses something."""
    return read_data("refusals")


@dataclass(frozen=True)
class ApiResponse:
    """The data of a successful response, and what an error about it would need to say.

    `data` is None after a 204 and a 202, which have no body, and only then.
    """

    endpoint: Endpoint
    family: Family
    status: int
    data: Any
    request_id: str | None
    retry_after_s: int | None = None

    def read_as(self, model: type[Model]) -> Model:
        """Read the data as a wire model.

        Raises:
            UnknownOutcomeError: something that we need is missing or of another kind.
        """
        try:
            return model.model_validate(self.data)
        except (ValidationError, RecursionError):
            pass
        raise self.unexpected("BeeL's answer does not hold what it should.")

    def unexpected(self, message: str, *, code: str | None = None) -> UnknownOutcomeError:
        return UnknownOutcomeError(
            message,
            code=code or "unexpected_answer",
            changed=self.endpoint.changed_if_lost,
            status=self.status,
            request_id=self.request_id,
        )


def read(incoming: Incoming, endpoint: Endpoint, family: Family) -> ApiResponse:
    """Open the envelope.

    Raises:
        ApiError: BeeL refused, or its response cannot be trusted.
    """
    body, fault = _body(incoming)
    status = incoming.status
    if status >= 400:
        raise error_for(incoming, body, endpoint, family)
    data = body.get("data") if isinstance(body, dict) else None
    response = ApiResponse(
        endpoint, family, status, data, _request_id(body), retry_after_s(incoming.headers)
    )
    has_none = status in (202, 204) and status in endpoint.statuses
    if has_none and not (incoming.body or incoming.fault):
        return response
    if incoming.fault == "redirect":
        raise response.unexpected("BeeL answered with a redirect; nothing was assumed.")
    if fault:
        raise response.unexpected(fault)
    if not isinstance(body, dict):
        raise response.unexpected("BeeL's answer has no envelope.")
    if not _says_success(body) or status not in endpoint.statuses:
        sentence = (
            f"BeeL answered with a status it should not use here (HTTP {status})."
            if _says_success(body)
            else f"BeeL's answer contradicts itself (HTTP {status} without success)."
        )
        error = object_in(body, "error")
        says = _saying(error.get("message"))
        raise response.unexpected(f"{sentence} {says}".strip(), code=code_of(error.get("code")))
    if not isinstance(data, (dict, list)):
        raise response.unexpected("BeeL's answer holds no data.")
    return response


def _body(incoming: Incoming) -> tuple[Any, str]:
    """Read the body; the second value says what is wrong with it, or is ""."""
    if incoming.fault:
        return None, f"BeeL's answer was not taken: {incoming.fault}."
    kind = incoming.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if not (kind == "application/json" or (kind.startswith("application/") and "+json" in kind)):
        return None, "BeeL's answer is not JSON."
    try:
        return parse(incoming.body or b""), ""
    except StrictJsonError:
        return None, "BeeL's answer is not proper JSON."


class StrictJsonError(ValueError):
    """The text is not JSON, or JSON that we do not take."""


def parse(raw: bytes) -> Any:
    """Read JSON in UTF-8: no BOM, NaN, Infinity, twice-named members or half surrogates.

    Raises:
        StrictJsonError: it is anything else, or nested too deeply to read.
    """
    problem = ""
    try:
        text = raw.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=Decimal,
        )
        if "\\u" in text:  # only an escape can smuggle in half a surrogate pair
            json.dumps(value, ensure_ascii=False, default=str).encode("utf-8")
    except (ValueError, RecursionError, ArithmeticError) as error:
        problem = type(error).__name__
    if problem:  # raised out here, so that the body cannot travel along as the context
        raise StrictJsonError(problem)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise StrictJsonError("a member is named twice")
    return members


def _no_constant(name: str) -> Any:
    raise StrictJsonError(name)


def error_for(incoming: Incoming, body: Any, endpoint: Endpoint, family: Family) -> ApiError:
    """Make the error for a response with an error status; `body` is None when unreadable."""
    status, error = incoming.status, object_in(body, "error")
    code = code_of(error.get("code"))
    facts: dict[str, Any] = {"status": status, "request_id": _request_id(body)}
    if status in (409, 429, 503):
        facts["retry_after_s"] = retry_after_s(incoming.headers)
    if status >= 500 or status in _GAVE_UP or _says_success(body):
        return _failure(incoming, body, endpoint, facts)
    if _is_retired(incoming, code, endpoint, family):
        return RouteRetiredError(
            f"BeeL no longer answers on the route for {endpoint.name}: it has been retired.",
            remedy=_RETIRE_REMEDY,
            **facts,
        )
    kind, about = _KINDS.get(status, InvalidRequestError), str(status)
    if code == _NO_PATH:
        kind, about = RefusedError, "path"
    elif kind is NotFoundError and not _is_about_record(code, endpoint, family):
        kind, about = RefusedError, "address"
    by_status = _refusals()["status"]
    own = by_status.get(about, by_status["other"])
    sentences = (own["sentence"], _missing_scopes(error), _quoted(body), _ending(incoming))
    return kind(
        " ".join(filter(None, sentences)),
        code=code or own["code"],
        # Refused is the second request; what becomes of the first is still open.
        changed=endpoint.changed_if_lost if code == PROCESSING else "nothing",
        retryable=status == 429 or code == PROCESSING,
        field_errors=_field_errors(error),
        remedy=_refusals()["remedy"].get(code or "", own.get("remedy", "")),
        **facts,
    )


def _failure(
    incoming: Incoming, body: Any, endpoint: Endpoint, facts: Mapping[str, Any]
) -> UnknownOutcomeError:
    """Make the error for an answer that leaves open what was done."""
    status, is_old, contradicts = incoming.status, is_replay(incoming.headers), _says_success(body)
    code = code_of(object_in(body, "error").get("code"))
    return UnknownOutcomeError(
        f"BeeL's answer contradicts itself (HTTP {status})."
        if contradicts
        else f"BeeL repeated a failure that it had stored (HTTP {status})."
        if is_old
        else f"BeeL failed to answer (HTTP {status}).",
        code=code or ("unexpected_answer" if contradicts else "server_error"),
        changed=endpoint.changed_if_lost,
        retryable=endpoint.effect != "write" and not contradicts,
        is_replay=is_old,
        **facts,
    )


def _is_retired(incoming: Incoming, code: str | None, endpoint: Endpoint, family: Family) -> bool:
    """Tell a route that is gone from a record that is not there.

    While a flat route lives, every response of it announces its end; so a proper NOT_FOUND
    about one record stays what it says until the announced day has passed. A collection cannot
    miss a record, but what it was sent can: the customer of a new invoice has a code of its own.
    """
    if family != "flat" or not endpoint.needs_company or incoming.status not in (404, 410):
        return False
    return (
        incoming.status == 410
        or (endpoint.route(family).is_collection and not (code or "").endswith("_NOT_FOUND"))
        or code is None
        or _ABOUT_ROUTES.search(code) is not None
        or has_passed(incoming.headers)
    )


def _is_about_record(code: str | None, endpoint: Endpoint, family: Family) -> bool:
    """Tell BeeL's word that a record is not there from a 404 of whatever stands before BeeL.

    On the first a deletion is called done; a path without a record's id names none that could be.
    """
    is_beels = code is not None and not _ABOUT_ROUTES.search(code)
    return is_beels or endpoint.route(family).is_collection


def _field_errors(error: Mapping[str, Any]) -> tuple[FieldError, ...]:
    found: list[FieldError] = []
    for row in objects_in(error.get("errors"))[:_MOST_ROWS]:
        index, name = row.get("index"), sanitized(row.get("field"), 60)
        known = isinstance(index, int) and not isinstance(index, bool) and index >= 0
        path = f"customers[{index}]" if known else "customers"
        found.append(
            FieldError(
                f"{path}.{name}" if name else path,
                sanitized(row.get("message")),
                index=index if known else None,
            )
        )
    details = object_in(error, "details")
    if "invalid_value" in details or "expected_format" in details or "allowed_values" in details:
        wanted = sanitized(details.get("expected_format") or details.get("allowed_values"))
        message = f"expected {wanted}" if wanted else "has a value that BeeL cannot read"
        return (*found, _named(sanitized(details.get("field"), 60) or "request", message))
    named = (
        _named(sanitized(name, 60), sanitized(message))
        for name, message in list(details.items())[:_MOST_FIELDS]
        if isinstance(message, str) and name not in _NO_FIELDS
    )
    return (*found, *named)


def _named(field: str, message: str) -> FieldError:
    """Make the error of a field that BeeL names by its path, which may lead through a row."""
    row = _ROW.match(field)
    return FieldError(field, message, index=int(row[1]) if row else None)


def _ending(incoming: Incoming) -> str:
    if incoming.status == 404 and not incoming.headers.keys().isdisjoint(("sunset", "deprecation")):
        return "(The route is being retired by BeeL, which may also be why.)"
    return ""


def _missing_scopes(error: Mapping[str, Any]) -> str:
    scopes = object_in(error, "details").get("missing_scopes")
    if isinstance(scopes, str):  # today's BeeL lists them in one text
        scopes = scopes.split(",")
    if not isinstance(scopes, list):
        return ""
    names = [sanitized(scope, 40) for scope in scopes if isinstance(scope, str)]
    return f"The key lacks: {', '.join(names[:10])}." if names else ""


def _quoted(body: Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return _saying(message) if isinstance(message, str) and message.strip() else ""


def _saying(message: Any) -> str:
    return f"It says {quote_of(message)}." if isinstance(message, str) else ""


def _request_id(body: Any) -> str | None:
    value = object_in(body, "meta").get("request_id")
    return value if isinstance(value, str) and REQUEST_ID.fullmatch(value) else None


def _says_success(body: Any) -> bool:
    return isinstance(body, dict) and body.get("success") is True
