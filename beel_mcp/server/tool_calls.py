"""The middleware of tools/call: arguments are checked before, the answer is stamped after."""

import difflib
import json
import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from math import inf
from typing import Any, get_args

import anyio
from mcp import MCPError
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult
from mcp_types import ElicitRequest, ElicitRequestURLParams, InputRequiredResult
from mcp_types.version import is_version_at_least
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from beel_mcp.answers.plan import WriteAnswer, not_confirmed
from beel_mcp.cleaning import clean, quoted
from beel_mcp.context import PAGE_LINKS, PROGRESS, AppState, PageLink, Progress
from beel_mcp.errors import BeelMcpError, CallerError, FieldError, crashed
from beel_mcp.messages import read_data
from beel_mcp.spelling import folded
from beel_mcp.tools.declare import error_result, result_of
from beel_mcp.tools.parameters import Wanted
from beel_mcp.writes.journal.plan import PLAN_TTL_S
from beel_mcp.writes.run.gate import NotConfirmed

logger = logging.getLogger(__name__)

# Hosts that show progress take a silent minute for a dead server.
HEARTBEAT_S = 5.0
RECOVERY_INTERVAL_S = 60.0
MODERN = "2026-07-28"
# A plan lasts ten minutes, and what runs after a yes has its own limit.
QUESTION_LIMIT_S = PLAN_TTL_S + 60.0
# Tools that never look into the journal: before them it is recovered once in a while only.
_WITHOUT_JOURNAL = frozenset({"find_customers", "find_invoices", "list_batch_rows"})
# Which tool gives the ids that an argument asks for.
_FINDERS = {
    "customer_id": "find_customers",
    "customer_ids": "find_customers",
    "invoice_ids": "find_invoices",
}

_KEY = re.compile(r"beel_sk_\w", re.IGNORECASE)
_HALF = re.compile("[\ud800-\udfff]")  # a surrogate that stands alone: no file or request holds it
_NO_ID = ("string_pattern_mismatch", "value_error")  # the pattern of an id, and `no_account`
_JSON_OPENINGS = {"object": "{", "array": "[{"}  # one object is a list of one
_NULL = "is the word null: leave it out, or ask the person what is meant"
_KINDS = {"object": Mapping, "array": list | Mapping}


class ToolCalls:
    """The SDK middleware for tools/call.

    The SDK answers bad arguments with pydantic's own text, which names a URL and repeats the
    value; here they are checked first and refused in the shape that all errors have. The hook
    is marked provisional in mcp 2.3, so the laws test it on both protocol eras.

    `withheld` are tools that this server does not offer, `asking` those that may ask the person.
    """

    def __init__(
        self, tools: Sequence[Tool], withheld: Collection[str], asking: Collection[str]
    ) -> None:
        self._tools = {tool.name: tool for tool in tools}
        self._withheld = withheld
        self._asking = asking
        self._recovered_at = -inf

    async def __call__(
        self, ctx: ServerRequestContext[AppState, Any], call_next: CallNext
    ) -> HandlerResult:
        if ctx.method != "tools/call":
            return await call_next(ctx)
        params = ctx.params or {}
        name = str(params.get("name", ""))
        if name in self._tools and isinstance(sent := params.get("arguments"), Mapping):
            params = {**params, "arguments": arguments_of(self._tools[name], sent)}
            ctx = replace(ctx, params=params)
        refused = self._refuse(name, params.get("arguments"))
        if refused:
            result = _as_result(ctx, error_result(refused))
        else:
            await self._recover(ctx.lifespan_context, name)
            links: list[PageLink] = []
            PAGE_LINKS.set(links)
            result = await self._call(ctx, call_next, name)
            if links:
                return _to_open(links[-1])
        if "content" not in result:  # a question to the person, not an answer yet
            return result
        if result.get("isError") and "structuredContent" not in result:
            # The body answers for itself: what is left is a form that was filled in badly.
            answer = _no_answer() if name in self._asking else error_result(crashed(name))
            result = _as_result(ctx, answer)
        return _stamped(result, ctx.lifespan_context)

    async def _recover(self, state: AppState, tool: str) -> None:
        """Find writes whose process died; at a call, never at start, which must leave no trace.

        The first call does it, and every call that may look into the journal: another process may
        have died since. The other calls see to it that old records go, however long we run.
        """
        is_due = anyio.current_time() >= self._recovered_at + RECOVERY_INTERVAL_S
        if tool in _WITHOUT_JOURNAL and not is_due:
            return
        self._recovered_at = anyio.current_time()
        try:
            await state.journal.recover(state.writes.running)
        except BeelMcpError:
            logger.warning("the journal cannot be used: tools that write will refuse")

    async def _call(
        self, ctx: ServerRequestContext[AppState, Any], call_next: CallNext, name: str
    ) -> dict[str, Any]:
        """Call, and wait for the person no longer than a plan lasts."""
        if name not in self._asking:
            return _as_mapping(await _with_progress(ctx, call_next))
        try:
            with anyio.fail_after(QUESTION_LIMIT_S):
                return _as_mapping(await _with_progress(ctx, call_next))
        except TimeoutError:
            return _as_result(ctx, _no_answer())
        except MCPError:
            # An app of the older era that fails while it asks answers so; a bad request state of
            # the newer one is a fault of the request, and stays one.
            if is_version_at_least(ctx.protocol_version, MODERN):
                raise
            return _as_result(ctx, _no_answer())

    def _refuse(self, name: str, arguments: Any) -> CallerError | None:
        tool = self._tools.get(name)
        if refused := _unfit(name, arguments):
            return refused
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
        # Unknown arguments come first: they say best what was meant.
        faults = [self._unknown_argument(name, known) for name in sent if name not in known]
        # The SDK would read it as absent, and BeeL be asked for everything.
        faults += [FieldError(name, _NULL) for name, value in sent.items() if _is_null(value)]
        try:
            tool.fn_metadata.validate_arguments(sent)
        except ValidationError as error:
            faults += [_field_error(fault) for fault in error.errors(include_url=False)]
        if faults:
            return CallerError(
                f"{name} was not called: its arguments are not right.", field_errors=faults[:5]
            )
        return None

    def _unknown_argument(self, argument: str, known: list[str]) -> FieldError:
        """Suggest this tool's argument of nearly that name, or the one tool that has it."""
        near = difflib.get_close_matches(argument, known, n=1)
        owners = [
            name for name, tool in self._tools.items() if argument in tool.parameters["properties"]
        ]
        if near:
            hint = f"; did you mean {near[0]}?"
        elif len(owners) == 1:
            hint = f" here but of {owners[0]}"
        else:
            hint = f"; there are {', '.join(known)}" if known else ""
        return FieldError(_field_path((argument,)), "is not an argument" + hint)


def _unfit(name: str, arguments: Any) -> CallerError | None:
    """Refuse what no tool may get: a secret, which would stay in files, and half a character."""
    text = f"{name} {json.dumps(arguments, ensure_ascii=False, default=str)}"
    if _KEY.search(text):
        return CallerError(
            "The call holds a BeeL key, and none is ever given to a tool.",
            code="secret_in_call",
            remedy="The person should revoke it: whatever is in a call, the app has seen."
            " beel-mcp reads its key from its environment alone.",
        )
    if _HALF.search(text):
        return CallerError(
            f"{quoted(name, 60)} was not called: a text in it holds half a character."
        )
    return None


def arguments_of(tool: Tool, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Give the arguments of a call in the shape that the tool's schema asks for."""
    fields = tool.fn_metadata.arg_model.model_fields
    looked_for = frozenset(name for name, one in fields.items() if _looks_for(one.annotation))
    return as_meant(tool.parameters, sent, looked_for)


def _is_null(value: Any) -> bool:
    return isinstance(value, str) and value.strip() == "null"


def as_meant(
    parameters: Mapping[str, Any],
    sent: Mapping[str, Any],
    never_empty: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    """Give the arguments of a call in the shape and the spelling that the schema asks for.

    JSON in a text is what it says where an object or a list is wanted, at any depth; one text is a
    list of one; a choice is one in small letters; null is absent, and so is an empty text for an
    optional argument, but for those that are `never_empty`. What the values of customers, changes
    and lines mean is read by their own readers.
    """
    schemas = parameters.get("properties", {})
    needed = never_empty.union(parameters.get("required", ()))
    return {
        name: _meant(schemas.get(name, {}), value)
        for name, value in sent.items()
        if name not in schemas or not _is_absent(value, may_be_blank=name in needed)
    }


def _is_absent(value: Any, *, may_be_blank: bool) -> bool:
    return value is None or (isinstance(value, str) and not value.strip() and not may_be_blank)


def _meant(schema: Mapping[str, Any], value: Any) -> Any:
    value = _decoded(schema, value)
    if schema.get("type") == "array":
        items = schema.get("items", {})
        listed = _listed(items, value)
        if listed is None:
            return value
        meant = [_meant(items, item) for item in listed]
        is_choices = "enum" in items and all(isinstance(one, str) for one in meant)
        return [*dict.fromkeys(meant)] if is_choices else meant  # made twice is made once
    return _choice(schema.get("enum", ()), value) if isinstance(value, str) else value


def _decoded(schema: Mapping[str, Any], value: Any) -> Any:
    """Read JSON that stands in a text for an object or a list, and inside of objects and lists."""
    kind = schema.get("type", "")
    if isinstance(value, str) and value.lstrip()[:1] in _JSON_OPENINGS.get(kind, ()):
        try:
            read = json.loads(value)
        except (ValueError, RecursionError):
            return value
        value = read if isinstance(read, _KINDS[kind]) else value
    if isinstance(value, Mapping):
        parts = (schema.get("items", {}) if kind == "array" else schema).get("properties", {})
        return {name: _decoded(parts.get(name, {}), part) for name, part in value.items()}
    if isinstance(value, list):
        return [_decoded(schema.get("items", {}), item) for item in value]
    return value


def _listed(items: Mapping[str, Any], value: Any) -> list[Any] | None:
    """Give a list, also of a single value or of texts between commas; None if it is none."""
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, str):
        # What looks like JSON and is none is refused, and so is the word null.
        if value.strip() in ("", "null") or value.lstrip().startswith(("[", "{")):
            return None
        return [part.strip() for part in value.split(",") if part.strip()]
    is_one = items.get("type") in ("object", "integer") and isinstance(value, Mapping | int)
    return [value] if is_one and not isinstance(value, bool) else None


def _choice(choices: Any, text: str) -> str:
    """Give the choice that is meant, however its letters are written."""
    if not choices or text in choices:
        return text
    known: dict[str, str] = {folded(choice): choice for choice in choices}
    return known.get(folded(text), text)


def _looks_for(annotation: Any) -> bool:
    """Whether an argument is a text to look for."""
    marks = [mark for part in get_args(annotation) for mark in getattr(part, "__metadata__", ())]
    return get_args(Wanted)[1] in marks


def _as_result(ctx: ServerRequestContext[AppState, Any], answer: CallToolResult) -> dict[str, Any]:
    """Make a result of our own; a tool's result gets its era's shape from the SDK later."""
    result = _as_mapping(answer)
    if not is_version_at_least(ctx.protocol_version, MODERN):
        result.pop("resultType", None)
    return result


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
        PROGRESS.set(progress)
        try:
            result, failure = await call_next(ctx), None
        except MCPError as error:  # a group would wrap it
            result, failure = None, error
        scope.cancel()
    if failure:
        raise failure
    await ctx.session.report_progress(beats, message="done")
    return result


def _to_open(link: PageLink) -> dict[str, Any]:
    """Have the app open a page, and call again: the link is in no answer that a model reads."""
    question = ElicitRequest(params=ElicitRequestURLParams(message=link.message, url=link.url))
    return _as_mapping(InputRequiredResult(input_requests={link.key: question}))


def _no_answer() -> CallToolResult:
    return result_of(WriteAnswer(**not_confirmed(NotConfirmed())))


def _unknown_tool(name: str, known: list[str]) -> CallerError:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"The tools are {', '.join(known)}."
    return CallerError(
        f"There is no tool named {quoted(name, 60)}.", code="unknown_tool", remedy=hint
    )


def _field_error(fault: ErrorDetails) -> FieldError:
    path = fault["loc"]
    finder = _FINDERS.get(str(path[0])) if fault["type"] in _NO_ID else None
    words = f"is no id; {finder} gives ids" if finder else _fault_words().get(fault["type"])
    return FieldError(_field_path(path), (words or "is not valid").format_map(fault.get("ctx", {})))


@cache
def _fault_words() -> dict[str, str]:
    return read_data("argument_faults")


def _field_path(path: Sequence[Any]) -> str:
    return clean(".".join(str(part) for part in path), 80) or "arguments"


def _stamped(result: dict[str, Any], state: AppState) -> dict[str, Any]:
    """Add environment and company to both halves of an answer: text and structure."""
    where = state.where()
    company = f"; company: {where['company']}" if where["company"] else ""
    stamp = f"Environment: {where['environment']}{company}."
    first, *others = result["content"]
    return {
        **result,
        "content": [{**first, "text": f"{first['text']}\n{stamp}"}, *others],
        "structuredContent": {**result.get("structuredContent", {}), **where},
    }


def _as_mapping(result: HandlerResult) -> dict[str, Any]:
    if isinstance(result, BaseModel):
        return result.model_dump(by_alias=True, mode="json", exclude_none=True)
    return dict(result or {})
