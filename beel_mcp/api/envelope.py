"""Bodies of both generations -> data, or a typed error."""

from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from beel_mcp.api import strict_json
from beel_mcp.api.messages import Incoming
from beel_mcp.api.refusals import error_for
from beel_mcp.api.routes import Family, Operation
from beel_mcp.api.words import code_of, quote_of, request_id_of
from beel_mcp.errors import UnknownOutcomeError

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Answer:
    """The data of a successful answer, and what an error about it would need to say.

    `data` is None after a 204, which has no body, and only then.
    """

    operation: Operation
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
            changed=self.operation.changed_if_lost,
            status=self.status,
            request_id=self.request_id,
        )


def read(answer: Incoming, operation: Operation, family: Family) -> Answer:
    """Open the envelope.

    Raises:
        ApiError: BeeL refused, or its answer cannot be trusted.

    """
    body, fault = _body(answer)
    if answer.status >= 400:
        raise error_for(answer, body, operation, family)
    opened = Answer(operation, family, answer.status, None, request_id_of(body))
    if answer.status == 204 and 204 in operation.statuses and not (answer.body or answer.fault):
        return opened
    if answer.fault == "redirect":
        raise opened.unexpected("BeeL answered with a redirect; nothing was assumed.")
    if fault:
        raise opened.unexpected(fault)
    if not isinstance(body, dict):
        raise opened.unexpected("BeeL's answer has no envelope.")
    if body.get("success") is not True or answer.status not in operation.statuses:
        raise _not_a_success(body, opened)
    if not isinstance(body.get("data"), (dict, list)):
        raise opened.unexpected("BeeL's answer holds no data.")
    return Answer(operation, family, answer.status, body["data"], opened.request_id)


def _body(answer: Incoming) -> tuple[Any, str]:
    """Read the body; the second value says what is wrong with it, if anything."""
    if answer.fault:
        return None, f"BeeL's answer was not taken: {answer.fault}."
    kind = answer.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if not (kind == "application/json" or (kind.startswith("application/") and "+json" in kind)):
        return None, "BeeL's answer is not JSON."
    try:
        return strict_json.parse(answer.body or b""), ""
    except strict_json.StrictJsonError:
        return None, "BeeL's answer is not proper JSON."


def _not_a_success(body: dict[str, Any], opened: Answer) -> UnknownOutcomeError:
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
