"""What every tools/call passes through: arguments checked before, our shape and place after."""

import difflib
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import anyio
from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from mcp_types.version import is_version_at_least
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from beel_mcp.answers.plan import PlanAnswer, not_confirmed
from beel_mcp.cleaning import clean, quoted
from beel_mcp.context import CURRENT, AppState, Progress
from beel_mcp.errors import BeelMcpError, CallerError, FieldError
from beel_mcp.tools.declare import crashed, error_result, result_of
from beel_mcp.writes.journal.plan import TIME_TO_LIVE_S
from beel_mcp.writes.run.gate import NotConfirmed

logger = logging.getLogger(__name__)

# Hosts that show progress take a silent minute for a dead server.
HEARTBEAT_S = 5.0
MODERN = "2026-07-28"
# A plan lasts ten minutes, and what runs after a yes has its own limit.
QUESTION_LIMIT_S = TIME_TO_LIVE_S + 60.0
_TYPES = {
    "string_type": "must be text",
    "list_type": "must be a list, in square brackets",
    "extra_forbidden": "is not a name that is known here",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "missing": "is required",
}
_FINDERS = {
    "customer_id": "find_customers",
    "customer_ids": "find_customers",
    "invoice_ids": "find_invoices",
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

    def __init__(
        self, tools: Sequence[Tool], withheld: Collection[str], asking: Collection[str]
    ) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._asking = asking
        self._withheld = withheld

    async def __call__(
        self, ctx: ServerRequestContext[AppState, Any], call_next: CallNext
    ) -> HandlerResult:
        """Check, call, and say where we are."""
        if ctx.method != "tools/call":
            return await call_next(ctx)
        params = ctx.params or {}
        name = str(params.get("name", ""))
        refused = self._refuse(name, params.get("arguments"))
        if refused:
            result = _refusal(ctx, refused)
        else:
            _recover(ctx.lifespan_context)
            result = await self._called(ctx, call_next, name)
        if "content" not in result:  # a question to the person, not an answer yet
            return result
        if result.get("isError") and "structuredContent" not in result:
            # The body answers for itself: what is left is a form that was filled in badly.
            result = _result(
                ctx, no_answer() if name in self._asking else error_result(crashed(name))
            )
        return _stamped(result, ctx.lifespan_context)

    async def _called(
        self, ctx: ServerRequestContext[AppState, Any], call_next: CallNext, name: str
    ) -> dict[str, Any]:
        """Call, and wait for the person no longer than a plan lasts."""
        if name not in self._asking:
            return _as_mapping(await _with_progress(ctx, call_next))
        try:
            with anyio.fail_after(QUESTION_LIMIT_S):
                return _as_mapping(await _with_progress(ctx, call_next))
        except TimeoutError:
            return _result(ctx, no_answer())
        except MCPError:
            # An app of the older era that fails while it asks answers so; a bad request state of
            # the newer one is a fault of the request, and stays one.
            if is_version_at_least(ctx.protocol_version, MODERN):
                raise
            return _result(ctx, no_answer())

    def _refuse(self, name: str, arguments: Any) -> CallerError | None:
        tool = self._tools.get(name)
        if name in self._withheld:
            return CallerError(
                f"{name} is switched off: this server is read-only.",
                code="read_only",
                remedy="Only the person who set the server up can change that: BEEL_READ_ONLY.",
            )
        if tool is None:
            return _unknown_tool(name, list(self._tools))
        if arguments is not None and not isinstance(arguments, Mapping):
            return CallerError(f"The arguments of {name} must be one object.")
        sent, known = dict(arguments or {}), list(tool.parameters.get("properties", {}))
        # What is not an argument comes first: it says best what was meant.
        strangers = [argument for argument in sent if argument not in known]
        faults = [self._elsewhere(one, known) or _misspelt((one,), known) for one in strangers]
        try:
            tool.fn_metadata.validate_arguments(sent)
        except ValidationError as error:
            faults += [_field_error(fault) for fault in error.errors(include_url=False)]
        if faults:
            return CallerError(
                f"{name} was not called: its arguments are not right.", field_errors=faults[:5]
            )
        return None

    def _elsewhere(self, argument: str, known: list[str]) -> FieldError | None:
        """Name the tool whose argument it is, if it is nothing like one of this tool's."""
        if difflib.get_close_matches(argument, known, n=1):
            return None
        owners = [
            name for name, tool in self._tools.items() if argument in tool.parameters["properties"]
        ]
        if len(owners) != 1:
            return None
        return FieldError(_field((argument,)), f"is not an argument here but of {owners[0]}")


def _refusal(ctx: ServerRequestContext[AppState, Any], error: BeelMcpError) -> dict[str, Any]:
    """Make an error of our own."""
    return _result(ctx, error_result(error))


def _result(ctx: ServerRequestContext[AppState, Any], answer: CallToolResult) -> dict[str, Any]:
    """Make an answer of our own; a handler's result gets its era's shape from the SDK later."""
    result = _as_mapping(answer)
    if not is_version_at_least(ctx.protocol_version, MODERN):
        result.pop("resultType", None)
    return result


def _recover(state: AppState) -> None:
    """Find out what died in flight; at a call and never at start, which must leave no trace."""
    try:
        state.journal.recover(state.writes.running)
    except BeelMcpError:
        logger.warning("the journal cannot be used: tools that write will refuse")


async def _with_progress(
    ctx: ServerRequestContext[AppState, Any], call_next: CallNext
) -> HandlerResult:
    """Show a client that asked for it that the call is alive, from its start to its end."""
    scope = anyio.CancelScope()
    beats = 0
    progress = Progress()

    async def beat() -> None:
        nonlocal beats
        with scope:
            while True:
                await ctx.session.report_progress(beats, message=progress.text)
                beats += 1
                await progress.wait(HEARTBEAT_S)

    async with anyio.create_task_group() as group:
        group.start_soon(beat)
        CURRENT.set(progress)
        try:
            result, failure = await call_next(ctx), None
        except MCPError as error:  # a group would wrap it
            result, failure = None, error
        scope.cancel()
    if failure:
        raise failure
    await ctx.session.report_progress(beats, message="done")
    return result


def no_answer() -> CallToolResult:
    """Say that no yes arrived."""
    return result_of(PlanAnswer(**not_confirmed(NotConfirmed())))


def _unknown_tool(name: str, known: list[str]) -> CallerError:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"The tools are {', '.join(known)}."
    return CallerError(
        f"There is no tool named {quoted(name, 60)}.", code="unknown_tool", remedy=hint
    )


def _misspelt(place: Sequence[Any], known: list[str]) -> FieldError:
    near = difflib.get_close_matches(str(place[-1]), known, n=1)
    hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
    return FieldError(_field(place), "is not an argument" + (hint if known else ""))


def _field_error(fault: ErrorDetails) -> FieldError:
    kind, context = fault["type"], fault.get("ctx", {})
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        return FieldError(_field(fault["loc"]), words.format(context.get(name)))
    if kind == "string_pattern_mismatch" and (finder := _FINDERS.get(str(fault["loc"][0]))):
        return FieldError(_field(fault["loc"]), f"is no id; {finder} gives ids")
    return FieldError(_field(fault["loc"]), _TYPES.get(kind, "is not valid"))


def _field(place: Sequence[Any]) -> str:
    return clean(".".join(str(part) for part in place), 80) or "arguments"


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
