"""The SDK's server with our prompts and resources, and the outermost middleware."""

import difflib
import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import anyio
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.apps import client_supports_apps
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.server.subscriptions import ResourcesListChanged, ResourceUpdated, SubscriptionBus
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    SERVER_INFO_META_KEY,
    GetPromptResult,
    InputRequiredResult,
    Resource,
    ResourceTemplate,
)
from pydantic import AnyUrl

from beel_mcp.cleaning import quoted
from beel_mcp.context import REQUEST, AppState, app_state, caller, current_request
from beel_mcp.errors import BeelMcpError, CallerError, error_text
from beel_mcp.files.output import SAVED_FILES, SavedFiles
from beel_mcp.server import resources
from beel_mcp.server.apps import with_card, with_drawing
from beel_mcp.server.stdio import answering_stdio
from beel_mcp.tools.declare import CALL_LIMIT_S

logger = logging.getLogger(__name__)


class BeelServer(MCPServer[AppState]):
    """Serves prompts and resources our way; tools are left to the SDK and `ToolCalls`.

    The SDK answers an unknown name with a bare protocol error, gives all files one content type
    and leaves a line that is not JSON without an answer, so its public methods are overridden
    here; tests hold them on both protocol eras.
    """

    async def run_stdio_async(self) -> None:
        """Serve the app that started this process; each line that asks gets an answer."""
        async with answering_stdio() as (incoming, out):
            options = self._lowlevel_server.create_initialization_options()
            await self._lowlevel_server.run(incoming, out, options)

    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        context: Context[AppState, Any] | None = None,
    ) -> GetPromptResult | InputRequiredResult:
        """Render a prompt; an MCPError names what there is instead of an unknown name."""
        known = {
            prompt.name: [argument.name for argument in prompt.arguments or ()]
            for prompt in await self.list_prompts()
        }
        if name not in known:
            raise _unknown_name("prompt", name, list(known))
        for argument in arguments or ():
            if argument not in known[name]:
                raise _unknown_name(f"argument of {name}", argument, known[name])
        return await super().get_prompt(name, arguments, context)

    async def list_resources(self) -> list[Resource]:
        return resources.list_resources(app_state(current_request()))

    async def list_resource_templates(self) -> list[ResourceTemplate]:
        return [template.definition for template in resources.TEMPLATES]

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[AppState, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read a resource; an MCPError if there is none for this caller, or it cannot be read."""
        facts = {"uri": str(uri)}
        try:
            with anyio.fail_after(CALL_LIMIT_S):
                return [await resources.read_resource(str(uri), context or current_request())]
        except BeelMcpError as error:
            code = INVALID_PARAMS if isinstance(error, CallerError) else INTERNAL_ERROR
            raise MCPError(code, error_text(error), {**facts, "code": error.code}) from None
        except TimeoutError:
            text = f"BeeL did not answer within {CALL_LIMIT_S:.0f} s."
        except Exception:
            logger.exception("a resource could not be read")
            text = (
                "This could not be read because of a defect in beel-mcp; its log has the details."
            )
        raise MCPError(INTERNAL_ERROR, text, facts)


class ResourceNews:
    """Publishes that resources changed; only clients of the newer era can subscribe to it."""

    def __init__(self, bus: SubscriptionBus) -> None:
        self._bus = bus

    async def operation_ended(self, operation_id: str) -> None:
        """Publish the end of an operation that outlived its call; it may have saved a file, too."""
        await self._bus.publish(ResourceUpdated(resources.OPERATIONS + operation_id))
        await self.list_changed()

    async def tool_called(self, params: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Publish the batch and the operation that a call named or answered with."""
        structure = result.get("structuredContent") or {}
        arguments = params.get("arguments")
        asked = arguments if isinstance(arguments, Mapping) else {}
        uris = {"batch_id": resources.BATCHES, "operation_id": resources.OPERATIONS}
        for name, uri in uris.items():
            # An app may send any shape in the place of an id.
            named = [
                value for value in (asked.get(name), structure.get(name)) if isinstance(value, str)
            ]
            for value in dict.fromkeys(named):
                await self._bus.publish(ResourceUpdated(uri + value))

    async def list_changed(self) -> None:
        await self._bus.publish(ResourcesListChanged())


class RequestScope:
    """The outermost middleware: sets the context variables of a request, then publishes news.

    `saving` are the tools that may save a file.
    """

    def __init__(self, news: ResourceNews, saving: Collection[str]) -> None:
        self._news = news
        self._saving = saving

    async def __call__(
        self, ctx: ServerRequestContext[AppState, Any], call_next: CallNext
    ) -> HandlerResult:
        REQUEST.set(Context[AppState](request_context=ctx))
        if ctx.method != "tools/call":
            result = await call_next(ctx)
            is_for_apps = ctx.method == "tools/list" and client_supports_apps(ctx)
            return with_card(result) if is_for_apps else result
        params, state = ctx.params or {}, ctx.lifespan_context
        may_save = str(params.get("name")) in self._saving
        folders = (state.settings.files_dir, state.settings.state_dir)
        saved = SavedFiles(*folders, caller()) if may_save else None
        SAVED_FILES.set(saved)
        revision = state.batches.revision
        result = await call_next(ctx)
        if isinstance(result, Mapping):
            # Some app may show a model all of an answer; whose it is has been drawn in a list.
            result.get("_meta", {}).get(SERVER_INFO_META_KEY, {}).pop("icons", None)
            await self._news.tool_called(params, result)
            if client_supports_apps(ctx):
                result = {**await with_drawing(result, params.get("name"), state)}
        if (saved and saved.has_new) or state.batches.revision != revision:
            await self._news.list_changed()
        return result


def _unknown_name(kind: str, name: str, known: list[str]) -> MCPError:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known) or 'none'}."
    return MCPError(INVALID_PARAMS, f"There is no {kind} named {quoted(name, 60)}. {hint}")
