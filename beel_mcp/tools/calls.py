"""What every tools/call passes through: arguments checked before, our shape and place after."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.tools import Tool
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from beel_mcp.cleaning import clean
from beel_mcp.context import AppState
from beel_mcp.errors import CallerError, FieldError
from beel_mcp.tools.declare import crashed, error_result

_TYPES = {
    "string_type": "must be text",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "missing": "is required",
}
_LIMITS = {
    "greater_than_equal": ("ge", "must be at least {}"),
    "less_than_equal": ("le", "must be at most {}"),
    "string_too_short": ("min_length", "must have at least {} characters"),
    "string_too_long": ("max_length", "must have at most {} characters"),
    "too_short": ("min_length", "must have at least {} items"),
    "too_long": ("max_length", "must have at most {} items"),
    "literal_error": ("expected", "must be one of {}"),
}


class ToolCalls:
    """The SDK middleware for tools/call.

    The SDK answers bad arguments with pydantic's own text, which names a URL and repeats the
    value; here they are checked first and refused in the shape that all errors have. The hook
    is marked provisional in mcp 2.3, so the laws test it on both protocol eras.
    """

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    async def __call__(
        self, ctx: ServerRequestContext[AppState, Any], call_next: CallNext
    ) -> HandlerResult:
        """Check, call, and say where we are."""
        if ctx.method != "tools/call":
            return await call_next(ctx)
        params = ctx.params or {}
        name = str(params.get("name", ""))
        refused = self._refuse(name, params.get("arguments"))
        result = _as_mapping(error_result(refused) if refused else await call_next(ctx))
        if "content" not in result:  # a question to the person, not an answer yet
            return result
        if result.get("isError") and "structuredContent" not in result:
            result = _as_mapping(error_result(crashed(name)))
        return _stamped(result, ctx.lifespan_context)

    def _refuse(self, name: str, arguments: Any) -> CallerError | None:
        tool = self._tools.get(name)
        if tool is None:
            return _unknown_tool(name, list(self._tools))
        if arguments is not None and not isinstance(arguments, Mapping):
            return CallerError(f"The arguments of {name} must be one object.")
        try:
            tool.fn_metadata.validate_arguments(dict(arguments or {}))
        except ValidationError as error:
            known = list(tool.parameters.get("properties", {}))
            faults = [_field_error(fault, known) for fault in error.errors(include_url=False)[:5]]
            message = f"{name} was not called: " + "; ".join(
                f"{fault.field} {fault.message}" for fault in faults
            )
            return CallerError(message + ".", field_errors=faults)
        return None


def _unknown_tool(name: str, known: list[str]) -> CallerError:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"The tools are {', '.join(known)}."
    return CallerError(
        f"There is no tool named {clean(name, 60)!r}.", code="unknown_tool", remedy=hint
    )


def _field_error(fault: ErrorDetails, known: list[str]) -> FieldError:
    field = clean(".".join(str(part) for part in fault["loc"]), 80) or "arguments"
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
        return FieldError(field, "is not an argument" + (hint if known else ""))
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        return FieldError(field, words.format(context.get(name)))
    return FieldError(field, _TYPES.get(kind, "is not valid"))


def _stamped(result: dict[str, Any], state: AppState) -> dict[str, Any]:
    """Say in both halves of the answer in which environment and company it was given."""
    company = state.beel.known_company
    label = company.label if company else None
    environment = state.settings.environment
    structure = {
        **result.get("structuredContent", {}),
        "environment": environment,
        "company": label,
    }
    place = f"Environment: {environment}; company: {label or 'not known yet'}."
    first, *others = result["content"]
    text = {**first, "text": f"{first['text']}\n{place}"}
    return {**result, "content": [text, *others], "structuredContent": structure}


def _as_mapping(result: HandlerResult) -> dict[str, Any]:
    if isinstance(result, BaseModel):
        return result.model_dump(by_alias=True, mode="json", exclude_none=True)
    return dict(result or {})
