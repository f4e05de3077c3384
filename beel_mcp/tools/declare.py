"""A function and what it may do become a tool: honest hints, flat schema, closed arguments."""

import functools
import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import anyio
from mcp.server.mcpserver import Resolve
from mcp.server.mcpserver.tools import Tool
from mcp.types import CallToolResult, ResourceLink, TextContent, ToolAnnotations

from beel_mcp.answers.answer import Answer
from beel_mcp.errors import (
    ApiError,
    BeelMcpError,
    NextCall,
    UnknownOutcomeError,
    crashed,
    error_structure,
    error_text,
)
from beel_mcp.language import Language, Sentence
from beel_mcp.messages import words_of
from beel_mcp.writes.consent.elicitation import Consent

_DROPPED = ("title", "$defs", "default")


class SchemaError(TypeError):
    """A tool's signature gives a schema that some hosts reject."""


def flatten(schema: dict[str, Any], *, closed: bool = True) -> dict[str, Any]:
    """Inline references, make optional mean absent, and close every object.

    Raises:
        SchemaError: the schema has a union that is more than "or absent".

    """
    flat = _flat(schema, schema.get("$defs", {}), closed=closed)
    if not isinstance(flat, dict):  # a JSON schema of a model is always an object
        raise SchemaError("not an object schema")
    return flat


def _flat(node: Any, definitions: dict[str, Any], *, closed: bool) -> Any:
    if isinstance(node, list):
        return [_flat(item, definitions, closed=closed) for item in node]
    if not isinstance(node, dict):
        return node
    node = _resolved(node, definitions)
    flat: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            flat[key] = {
                name: _flat(field, definitions, closed=closed) for name, field in value.items()
            }
        elif key == "const":
            flat["enum"] = [value]
        elif key == "additionalProperties":
            continue
        elif key not in _DROPPED or (key == "default" and value is not None):
            flat[key] = _flat(value, definitions, closed=closed)
    if closed and "properties" in flat:
        flat["additionalProperties"] = False
    return flat


def _resolved(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Replace `$ref` and `T | None` by what they stand for; siblings win."""
    if "anyOf" in node:
        branches = [branch for branch in node["anyOf"] if branch != {"type": "null"}]
        if len(branches) != 1:
            raise SchemaError(f"a union that hosts reject: {node['anyOf']}")
        siblings = {key: value for key, value in node.items() if key != "anyOf"}
        return _resolved({**branches[0], **siblings}, definitions)
    if "$ref" in node:
        target = definitions[node["$ref"].removeprefix("#/$defs/")]
        siblings = {key: value for key, value in node.items() if key != "$ref"}
        return _resolved({**target, **siblings}, definitions)
    if forbidden := {"oneOf", "allOf"} & node.keys():
        raise SchemaError(f"hosts reject {forbidden}")
    return node


logger = logging.getLogger(__name__)

Kind = Literal["read", "saves", "write", "guarded", "confirms"]
ToolFunction = Callable[..., Awaitable[Answer]]

# Hosts give up at 60 s; an answer that arrives later is an answer that nobody reads.
CALL_LIMIT_S = 45.0


@dataclass(frozen=True)
class Declaration:
    """A tool before it is built: the function, and what it may do."""

    function: ToolFunction
    kind: Kind
    idempotent: bool

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def writes(self) -> bool:
        """Whether the tool can change anything in BeeL."""
        return self.kind not in ("read", "saves")

    @property
    def needs_a_yes(self) -> bool:
        """Whether nothing happens before a person has agreed."""
        return self.kind in ("guarded", "confirms")

    def build(self, language: Language = "en", *, output_schema: bool) -> Tool:
        """Make the SDK's tool: unknown arguments refused, schemas flat; its title for a person."""
        tool = Tool.from_function(
            answering(self.function, writes=self.writes),
            title=Sentence(**words_of("tool_titles")[self.name]).localized(language),
            description=" ".join((self.function.__doc__ or "").split()),
            annotations=ToolAnnotations(
                read_only_hint=self.kind == "read",
                destructive_hint=self.needs_a_yes,
                idempotent_hint=self.idempotent,
                open_world_hint=True,
            ),
        )
        # Closing the model itself would mean to build it again; the middleware refuses extras.
        tool.parameters = flatten(tool.parameters)
        answer = tool.fn_metadata.output_schema
        tool.fn_metadata.output_schema = (
            flatten(answer, closed=False) if output_schema and answer else None
        )
        return tool


def read(function: ToolFunction) -> Declaration:
    """Declare a tool that changes nothing, here or in BeeL."""
    return Declaration(function, "read", idempotent=True)


def saves(function: ToolFunction) -> Declaration:
    """Declare a tool that writes a file here, and nothing in BeeL."""
    return Declaration(function, "saves", idempotent=False)


def write(function: ToolFunction) -> Declaration:
    """Declare a tool that adds records in BeeL; an operator may want a yes before that, too."""
    _require_consent(function)
    return Declaration(function, "write", idempotent=False)


def guarded(function: ToolFunction) -> Declaration:
    """Declare a tool that changes or removes records in BeeL, once a person has agreed."""
    _require_consent(function)
    return Declaration(function, "guarded", idempotent=False)


def confirms(function: ToolFunction) -> Declaration:
    """Declare the tool that carries out a plan; confirm_plan alone."""
    _require_consent(function)
    return Declaration(function, "confirms", idempotent=True)


def _require_consent(function: ToolFunction) -> None:
    """Refuse, when the module is imported, a tool that could act without a person's say."""
    for annotation in get_type_hints(function, include_extras=True).values():
        if (
            get_origin(annotation) is Annotated
            and get_args(annotation)[0] == Consent
            and any(isinstance(mark, Resolve) for mark in annotation.__metadata__)
        ):
            return
    raise TypeError(f"{function.__name__} needs a parameter Annotated[Consent, Resolve(...)]")


def answering(function: ToolFunction, *, writes: bool) -> Callable[..., Awaitable[CallToolResult]]:
    """Wrap a tool so that it always answers in time, in our shape, whatever happens."""

    @functools.wraps(function)
    async def call(*args: Any, **kwargs: Any) -> CallToolResult:
        try:
            with anyio.fail_after(CALL_LIMIT_S):
                answer = await function(*args, **kwargs)
        except BeelMcpError as error:
            return error_result(error)
        except TimeoutError:
            return error_result(_too_slow(writes=writes))
        except Exception:
            logger.exception("%s failed", function.__name__)
            return error_result(crashed(function.__name__))
        return result_of(answer)

    returned = Annotated[CallToolResult, inspect.signature(function).return_annotation]
    call.__annotations__ = {**function.__annotations__, "return": returned}
    call.__signature__ = inspect.signature(function).replace(  # type: ignore[attr-defined]
        return_annotation=returned
    )
    return call


def result_of(answer: Answer) -> CallToolResult:
    """Give both halves of an answer: text with links to files, and structure."""
    links = [
        ResourceLink(
            type="resource_link",
            uri=link.uri,
            name=link.name,
            mime_type=link.mime_type,
            size=link.size_bytes,
        )
        for link in answer.links()
    ]
    return CallToolResult(
        content=[TextContent(type="text", text=answer.text()), *links],
        structured_content=answer.structure(),
    )


def error_result(error: BeelMcpError) -> CallToolResult:
    """Turn an error into the answer that all errors share; where we are is stamped later."""
    return CallToolResult(
        is_error=True,
        content=[TextContent(type="text", text=error_text(error))],
        structured_content=error_structure(error, environment="none", company=None),
    )


def _too_slow(*, writes: bool) -> ApiError:
    look = NextCall("check_operation", {}, "lists what is running or of unknown outcome")
    return UnknownOutcomeError(
        f"BeeL did not answer within {CALL_LIMIT_S:.0f} s.",
        code="deadline",
        retryable=not writes,
        changed="unknown" if writes else "nothing",
        next_calls=(look,) if writes else (),
    )
