"""Every error this server raises, and the one function that turns it into an answer.

BeelMcpError
├── CallerError            the assistant can mend it by calling differently
├── OperatorError          the person who set the server up can mend it
│   ├── NotConfiguredError
│   └── CompanyChoiceError
├── InternalError          a defect of this server
└── ApiError               BeeL, or the way to it
    ├── NotSentError       the request never left: nothing happened
    ├── RefusedError       a definite no: nothing happened
    │   ├── UnauthorizedError      401
    │   ├── ForbiddenError         403
    │   ├── NotFoundError          404
    │   ├── RouteRetiredError      404 or 410 of a flat route that is being retired
    │   ├── ConflictError          409
    │   ├── TooLargeError          413
    │   ├── RateLimitedError       429
    │   └── InvalidRequestError    400, 422 and the other 4xx
    │       └── NoPdfError         none of the invoices asked for has a PDF
    └── UnknownOutcomeError  sent, but no answer that can be trusted
        └── DryRunNotHonouredError
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

Changed = Literal["nothing", "something", "unknown"]


@dataclass(frozen=True)
class NextCall:
    """A complete call that the assistant can make next."""

    tool: str
    arguments: Mapping[str, Any]
    reason: str

    def as_dict(self) -> dict[str, Any]:
        return {"tool": self.tool, "arguments": dict(self.arguments), "reason": self.reason}


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field, in words the assistant can act on."""

    field: str
    message: str
    index: int | None = None  # of the row sent, from 0, where BeeL named one

    def as_dict(self) -> dict[str, str]:
        return {"field": self.field, "message": self.message}


class BeelMcpError(Exception):
    """Root of the tree: a sentence for readers, a code for programs, and what changed in BeeL."""

    default_code: ClassVar[str] = "error"

    def __init_subclass__(cls, *, code: str | None = None) -> None:
        super().__init_subclass__()
        cls.default_code = code or cls.default_code

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        changed: Changed = "nothing",
        retryable: bool = False,
        retry_after_s: int | None = None,
        field_errors: Sequence[FieldError] = (),
        request_id: str | None = None,
        remedy: str = "",
        next_calls: Sequence[NextCall] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.changed = changed
        self.retryable = retryable
        self.retry_after_s = retry_after_s
        self.field_errors = tuple(field_errors)
        self.request_id = request_id
        self.remedy = remedy
        self.next_calls = tuple(next_calls)


class CallerError(BeelMcpError, code="invalid_arguments"):
    """The assistant can mend this by calling differently."""


class OperatorError(BeelMcpError, code="settings"):
    """The person who set the server up can mend this."""


class NotConfiguredError(OperatorError, code="not_configured"):
    """No API key is set, so BeeL cannot be asked."""


class CompanyChoiceError(OperatorError, code="company_not_chosen"):
    """The key reaches several companies, or not the one that the settings name."""


class InternalError(BeelMcpError, code="internal_error"):
    """A defect of this server; the details are in its log, never in an answer."""


class ApiError(BeelMcpError, code="api_error"):
    """BeeL, or the way to it. `status` is the HTTP status of the answer, where there was one.

    `is_replay`: BeeL gave back what it had answered to the same idempotency key before, and did
    nothing now.
    """

    def __init__(
        self, message: str, *, status: int | None = None, is_replay: bool = False, **details: Any
    ) -> None:
        super().__init__(message, **details)
        self.status = status
        self.is_replay = is_replay


class NotSentError(ApiError, code="beel_unreachable"):
    """The request never left this machine."""


class RefusedError(ApiError, code="refused"):
    """BeeL answered with a definite no."""


class UnauthorizedError(RefusedError):
    """401: the key is unknown or revoked."""


class ForbiddenError(RefusedError):
    """403: the key may not do this, or not in this company."""


class NotFoundError(RefusedError):
    """404: no such record."""


class RouteRetiredError(RefusedError, code="route_retired"):
    """A flat route that BeeL has retired; the company routes replace it."""


class ConflictError(RefusedError):
    """409: the state of the record, or of an idempotency key, forbids it."""


class TooLargeError(RefusedError):
    """413: the request is larger than BeeL takes."""


class RateLimitedError(RefusedError):
    """429: too many requests; `retry_after_s` says how long to wait."""


class InvalidRequestError(RefusedError):
    """400, 422 and the other 4xx: BeeL does not accept what was sent."""


class NoPdfError(InvalidRequestError, code="no_pdf"):
    """400: BeeL has a PDF of none of the invoices that were asked for."""


class UnknownOutcomeError(ApiError, code="no_answer"):
    """The request was sent, and no answer that can be trusted came back."""


class DryRunNotHonouredError(UnknownOutcomeError, code="dry_run_not_honoured"):
    """BeeL's answer to a validation does not say that it was a dry run."""


def crashed(tool: str) -> InternalError:
    """Say that this server has a defect, without a word of what it was."""
    return InternalError(
        f"{tool} failed because of a defect in beel-mcp; its log has the details.",
        changed="unknown",
        remedy="Call get_status; before repeating a call that writes, check what BeeL has.",
    )


_CHANGED_SENTENCES: Mapping[Changed, str] = {
    "nothing": "Nothing was changed in BeeL.",
    "something": "Some of it was carried out in BeeL.",
    "unknown": "Whether anything changed in BeeL is not known.",
}


def error_text(error: BeelMcpError) -> str:
    """Say what happened, whether anything changed, and what to do."""
    parts = [error.message, _CHANGED_SENTENCES[error.changed]]
    parts += [f"{problem.field}: {problem.message}" for problem in error.field_errors[:5]]
    if error.remedy:
        parts.append(error.remedy)
    if error.retry_after_s is not None:
        parts.append(f"Try again in {error.retry_after_s} s.")
    if error.request_id:
        parts.append(f"BeeL's request id: {error.request_id}.")
    parts += [
        f"Next: {call.tool} {json.dumps(dict(call.arguments), ensure_ascii=False)} - {call.reason}"
        for call in error.next_calls
    ]
    return "\n".join(parts)


def error_structure(
    error: BeelMcpError, *, environment: str, company: str | None
) -> dict[str, Any]:
    """Give the error as the structure that every error answer has."""
    structure: dict[str, Any] = {
        "status": "error",
        "summary": error.message,
        "environment": environment,
        "company": company,
        "code": error.code,
        # Some hosts forward the structure alone: what to do must stand in it, too.
        "message": f"{error.message} {error.remedy}".strip(),
        "changed": error.changed,
        "retryable": error.retryable,
    }
    if error.retry_after_s is not None:
        structure["retry_after_s"] = error.retry_after_s
    if error.field_errors:
        structure["field_errors"] = [problem.as_dict() for problem in error.field_errors]
    if error.request_id:
        structure["request_id"] = error.request_id
    if error.next_calls:
        structure["next"] = [call.as_dict() for call in error.next_calls[:3]]
    return structure
