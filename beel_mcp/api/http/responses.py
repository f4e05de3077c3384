"""Bodies of both generations -> data, or a typed error."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from beel_mcp.api.http.text import (
    code_of,
    has_passed,
    quote_of,
    request_id_of,
    retry_after_s,
    sanitized,
)
from beel_mcp.api.http.wire import PROCESSING, Incoming
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


# The server, or something before it, gave up waiting: it may have gone on all the same.
_GAVE_UP: Final = (408, 425, 499)
_ABOUT_ROUTES: Final = re.compile("ROUTE|ENDPOINT|DEPRECATED|RETIRED|SUNSET|GONE")
_MOST_FIELDS: Final = 50
_MOST_ROWS: Final = 1_000
_RETIRE_REMEDY: Final = (
    "Use a key that can list companies (scope companies:list) or set BEEL_COMPANY_ID to the "
    "company's id; BEEL_ROUTES must then be auto or company."
)
# By status: the class, our code when BeeL sent none, the sentence.
_BY_STATUS: Final[Mapping[int, tuple[type[RefusedError], str, str]]] = {
    401: (UnauthorizedError, "unauthorized", "BeeL does not accept the API key."),
    403: (ForbiddenError, "forbidden", "BeeL does not allow this with this key."),
    404: (NotFoundError, "not_found", "BeeL has no such record."),
    409: (ConflictError, "conflict", "BeeL refuses this in the present state."),
    410: (NotFoundError, "gone", "BeeL no longer has this."),
    413: (TooLargeError, "too_large", "The request is larger than BeeL takes."),
    422: (InvalidRequestError, "invalid_request", "BeeL does not accept some of the values."),
    429: (RateLimitedError, "rate_limited", "BeeL asks to slow down."),
}
_OTHER_4XX: Final = (InvalidRequestError, "invalid_request", "BeeL does not accept the request.")
_REMEDIES: Final[Mapping[int | str, str]] = {
    401: "Check BEEL_API_KEY: the key may have been revoked in BeeL's dashboard.",
    403: "Check in BeeL what the key may do, and in which company.",
    404: "Look the record up again; its id may be wrong, or it may have been deleted.",
    413: "Send fewer rows at once.",
    422: "Correct the fields named here, then call again.",
    429: "Wait before calling again.",
    "INSUFFICIENT_SCOPE": "Make a key in BeeL that has these scopes and set it as BEEL_API_KEY.",
    "FEATURE_NOT_AVAILABLE": "The BeeL plan does not include API access: change the plan in BeeL.",
    "ACTIVE_COMPANY_REQUIRED": "Set BEEL_COMPANY_ID to the id of the company to work in.",
    "ACTIVE_COMPANY_NOT_ACCESSIBLE": "Set BEEL_COMPANY_ID to a company that this key can reach.",
    "ACTIVE_COMPANY_HEADER_INVALID": "Set BEEL_COMPANY_ID to the company's id (a UUID) in BeeL.",
    "COMPANY_ACCESS_REVOKED": "Ask for access to the company again, or set another "
    "BEEL_COMPANY_ID.",
    "COMPANY_READ_ONLY": "The company is read-only in BeeL; lift that there first.",
    "ACCOUNT_NOT_ACCESSIBLE": "Use a key of the account that the company belongs to.",
    "ACCOUNT_MANAGEMENT_FORBIDDEN": "The owner of the BeeL account has to do this.",
    "LIVE_CREDENTIAL_REQUIRED": "This needs a live key (beel_sk_live_…).",
    "NO_ACTIVE_ACCOUNT": "Sign in to BeeL and finish setting up the account.",
    "OPERATION_REQUIRES_SESSION": "This can be done in BeeL's own pages only.",
    "CLIENT_DUPLICATE": "Find the customer that has this NIF instead of creating it again.",
    "CONCURRENT_MODIFICATION": "Somebody else changed it meanwhile: read it again first.",
    PROCESSING: "The first request is still being worked on: wait.",
    "IDEMPOTENCY_KEY_MISMATCH": "This is a defect of beel-mcp: please report it.",
}


def error_for(answer: Incoming, body: Any, endpoint: Endpoint, family: Family) -> ApiError:
    """Make the error for an answer with an error status; `body` is None when unreadable."""
    status = answer.status
    facts = _facts(answer, body)
    if status >= 500 or status in _GAVE_UP or _says_success(body):
        return _unknown(answer, endpoint, facts, contradictory=_says_success(body))
    if _is_retired(answer, facts["code"], endpoint, family):
        return RouteRetiredError(
            f"BeeL no longer answers on the route for {endpoint.name}: it has been retired.",
            remedy=_RETIRE_REMEDY,
            **{**facts, "code": None},
        )
    kind, code, sentence = _BY_STATUS.get(status, _OTHER_4XX)
    own_code = facts.pop("code")
    return kind(
        " ".join(filter(None, (sentence, _scopes(body), _quoted(body), _ending(answer, status)))),
        code=own_code or code,
        # Refused is the second request; what becomes of the first is still open.
        changed=endpoint.changed_if_lost if own_code == PROCESSING else "nothing",
        retryable=status == 429 or own_code == PROCESSING,
        field_errors=field_errors(body),
        remedy=_REMEDIES.get(own_code or "", _REMEDIES.get(status, "")),
        **facts,
    )


def field_errors(body: Any) -> tuple[FieldError, ...]:
    """Read which fields are wrong from any of the forms that `error` comes in."""
    error = _error(body)
    found: list[FieldError] = []
    for row in _dicts(error.get("errors"))[:_MOST_ROWS]:
        index, name = row.get("index"), sanitized(row.get("field"), 60)
        known = isinstance(index, int) and not isinstance(index, bool) and index >= 0
        place = f"customers[{index}]" if known else "customers"
        found.append(
            FieldError(
                f"{place}.{name}" if name else place,
                sanitized(row.get("message")),
                index=index if known else None,
            )
        )
    details = error.get("details")
    if isinstance(details, dict):
        found += _from_details(details)
    return tuple(found)


def _from_details(details: dict[str, Any]) -> list[FieldError]:
    if "invalid_value" in details or "expected_format" in details or "allowed_values" in details:
        wanted = sanitized(details.get("expected_format") or details.get("allowed_values"))
        message = f"expected {wanted}" if wanted else "has a value that BeeL cannot read"
        return [FieldError(sanitized(details.get("field"), 60) or "request", message)]
    return [
        FieldError(sanitized(name, 60), sanitized(message))
        for name, message in list(details.items())[:_MOST_FIELDS]
        if isinstance(message, str)
        and name not in ("feature_code", "current_plan", "max_size_bytes", "max_size_formatted")
    ]


def _facts(answer: Incoming, body: Any) -> dict[str, Any]:
    error = _error(body)
    return {
        "status": answer.status,
        "code": code_of(error.get("code")),
        "request_id": request_id_of(body),
        "retry_after_s": retry_after_s(answer.headers)
        if answer.status in (409, 429, 503)
        else None,
    }


def _unknown(
    answer: Incoming, endpoint: Endpoint, facts: dict[str, Any], *, contradictory: bool
) -> UnknownOutcomeError:
    sentence = (
        f"BeeL's answer contradicts itself (HTTP {answer.status})."
        if contradictory
        else f"BeeL failed to answer (HTTP {answer.status})."
    )
    code = facts.pop("code") or ("unexpected_answer" if contradictory else "server_error")
    return UnknownOutcomeError(
        sentence,
        code=code,
        changed=endpoint.changed_if_lost,
        retryable=endpoint.effect != "write" and not contradictory,
        **facts,
    )


def _is_retired(answer: Incoming, code: str | None, endpoint: Endpoint, family: Family) -> bool:
    """Tell a route that is gone from a record that is not there.

    While a flat route lives, every answer of it announces its end; so a proper NOT_FOUND
    about one record stays what it says until the announced day has passed.
    """
    if family != "flat" or not endpoint.needs_company or answer.status not in (404, 410):
        return False
    return (
        answer.status == 410
        or endpoint.flat.is_collection
        or code is None
        or _ABOUT_ROUTES.search(code) is not None
        or has_passed(answer.headers)
    )


def _ending(answer: Incoming, status: int) -> str:
    if status == 404 and ("sunset" in answer.headers or "deprecation" in answer.headers):
        return "(The route is being retired by BeeL, which may also be why.)"
    return ""


def _scopes(body: Any) -> str:
    details = _error(body).get("details")
    scopes = details.get("missing_scopes") if isinstance(details, dict) else None
    names = [sanitized(scope, 40) for scope in scopes if isinstance(scope, str)] if scopes else []
    return f"The key lacks: {', '.join(names[:10])}." if names else ""


def _quoted(body: Any) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return f"It says {quote_of(message)}." if isinstance(message, str) and message.strip() else ""


def _error(body: Any) -> dict[str, Any]:
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _says_success(body: Any) -> bool:
    return isinstance(body, dict) and body.get("success") is True


Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class ApiResponse:
    """The data of a successful answer, and what an error about it would need to say.

    `data` is None after a 204, which has no body, and only then.
    """

    endpoint: Endpoint
    family: Family
    status: int
    data: Any
    request_id: str | None

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
        """Make the error for an answer that cannot be trusted."""
        return UnknownOutcomeError(
            message,
            code=code or "unexpected_answer",
            changed=self.endpoint.changed_if_lost,
            status=self.status,
            request_id=self.request_id,
        )


def read(answer: Incoming, endpoint: Endpoint, family: Family) -> ApiResponse:
    """Open the envelope.

    Raises:
        ApiError: BeeL refused, or its answer cannot be trusted.

    """
    body, fault = _body(answer)
    if answer.status >= 400:
        raise error_for(answer, body, endpoint, family)
    opened = ApiResponse(endpoint, family, answer.status, None, request_id_of(body))
    if answer.status == 204 and 204 in endpoint.statuses and not (answer.body or answer.fault):
        return opened
    if answer.fault == "redirect":
        raise opened.unexpected("BeeL answered with a redirect; nothing was assumed.")
    if fault:
        raise opened.unexpected(fault)
    if not isinstance(body, dict):
        raise opened.unexpected("BeeL's answer has no envelope.")
    if body.get("success") is not True or answer.status not in endpoint.statuses:
        raise _not_a_success(body, opened)
    if not isinstance(body.get("data"), (dict, list)):
        raise opened.unexpected("BeeL's answer holds no data.")
    return ApiResponse(endpoint, family, answer.status, body["data"], opened.request_id)


def _body(answer: Incoming) -> tuple[Any, str]:
    """Read the body; the second value says what is wrong with it, if anything."""
    if answer.fault:
        return None, f"BeeL's answer was not taken: {answer.fault}."
    kind = answer.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if not (kind == "application/json" or (kind.startswith("application/") and "+json" in kind)):
        return None, "BeeL's answer is not JSON."
    try:
        return parse(answer.body or b""), ""
    except StrictJsonError:
        return None, "BeeL's answer is not proper JSON."


def _not_a_success(body: dict[str, Any], opened: ApiResponse) -> UnknownOutcomeError:
    sentence = (
        f"BeeL's answer contradicts itself (HTTP {opened.status} without success)."
        if body.get("success") is not True
        else f"BeeL answered with a status it should not use here (HTTP {opened.status})."
    )
    error = body.get("error")
    if not isinstance(error, dict):
        return opened.unexpected(sentence)
    if isinstance(error.get("message"), str):
        sentence += f" It says {quote_of(error['message'])}."
    return opened.unexpected(sentence, code=code_of(error.get("code")))
