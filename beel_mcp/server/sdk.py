"""The SDK's server with what stands beside the tools: prompts, resources, and news of them."""

import difflib
import logging
from collections.abc import Iterable, Mapping
from typing import Any

import anyio
from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp.server.subscriptions import ResourcesListChanged, ResourceUpdated, SubscriptionBus
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    GetPromptResult,
    InputRequiredResult,
    Resource,
    ResourceTemplate,
)
from pydantic import AnyUrl

from beel_mcp.cleaning import quoted
from beel_mcp.context import REQUEST, AppState, app_state, caller, current_request
from beel_mcp.errors import BeelMcpError, CallerError, error_text
from beel_mcp.files.output import WRITTEN, Written
from beel_mcp.server import resources
from beel_mcp.tools.declare import CALL_LIMIT_S

logger = logging.getLogger(__name__)


class Offers(MCPServer[AppState]):
    """Tools are the SDK's and ToolCalls' business; here is the rest of what the server offers.

    The SDK answers what it does not know with a bare fault, and gives one kind of content to all
    files; so its public methods are overridden, and the tests hold them on both eras.
    """

    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        context: Context[AppState, Any] | None = None,
    ) -> GetPromptResult | InputRequiredResult:
        """Give a prompt.

        Raises:
            MCPError: there is no such prompt, or it has no such argument.

        """
        known = {
            prompt.name: [argument.name for argument in prompt.arguments or ()]
            for prompt in await self.list_prompts()
        }
        if name not in known:
            raise _unknown("prompt", name, list(known))
        for argument in arguments or ():
            if argument not in known[name]:
                raise _unknown(f"argument of {name}", argument, known[name])
        return await super().get_prompt(name, arguments, context)

    async def list_resources(self) -> list[Resource]:
        """List what can be read now."""
        return resources.listed(app_state(current_request()))

    async def list_resource_templates(self) -> list[ResourceTemplate]:
        """List the addresses that have a part to fill in."""
        return [family.template for family in resources.FAMILIES]

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[AppState, Any] | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Read what is at an address.

        Raises:
            MCPError: nothing is there for this caller, or it cannot be read.

        """
        try:
            with anyio.fail_after(CALL_LIMIT_S):
                return [await resources.read(str(uri), context or current_request())]
        except BeelMcpError as error:
            code = INVALID_PARAMS if isinstance(error, CallerError) else INTERNAL_ERROR
            facts = {"uri": str(uri), "code": error.code}
            raise MCPError(code, error_text(error), facts) from None
        except TimeoutError:
            text = f"BeeL did not answer within {CALL_LIMIT_S:.0f} s."
            raise MCPError(INTERNAL_ERROR, text, {"uri": str(uri)}) from None
        except Exception:
            logger.exception("a resource could not be read")
            text = (
                "This could not be read because of a defect in beel-mcp; its log has the details."
            )
            raise MCPError(INTERNAL_ERROR, text, {"uri": str(uri)}) from None


class News:
    """Tells who listens that a resource is another now; only apps of the newer era can."""

    def __init__(self, bus: SubscriptionBus) -> None:
        self._bus = bus

    async def ended(self, operation_id: str) -> None:
        """Tell that an operation went on by itself; it may have saved a file, too."""
        await self._bus.publish(ResourceUpdated(resources.OPERATIONS + operation_id))
        await self._bus.publish(ResourcesListChanged())

    async def called(self, params: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        """Tell which batch and which operation a call was about."""
        structure = result.get("structuredContent") or {}
        arguments = params.get("arguments")
        asked = arguments if isinstance(arguments, Mapping) else {}
        for name, family in (
            ("batch_id", resources.BATCHES),
            ("operation_id", resources.OPERATIONS),
        ):
            for one in dict.fromkeys((asked.get(name), structure.get(name))):
                if isinstance(one, str):
                    await self._bus.publish(ResourceUpdated(family + one))

    async def listed(self) -> None:
        """Tell that the list has other entries."""
        await self._bus.publish(ResourcesListChanged())


class Requests:
    """The SDK middleware that every request passes first: whoever answers can find it."""

    def __init__(self, news: News) -> None:
        self._news = news

    async def __call__(
        self, ctx: ServerRequestContext[AppState, Any], call_next: CallNext
    ) -> HandlerResult:
        """Remember the request while it is answered, and tell what a call changed."""
        state = ctx.lifespan_context
        written = Written(state.settings.files_dir, state.settings.state_dir, caller())
        REQUEST.set(Context[AppState](request_context=ctx))
        WRITTEN.set(written)
        if ctx.method != "tools/call":
            return await call_next(ctx)
        before = _open_batches(state)
        result = await call_next(ctx)
        if isinstance(result, Mapping):
            await self._news.called(ctx.params or {}, result)
        if written.is_longer or _open_batches(state) != before:
            await self._news.listed()
        return result


def _open_batches(state: AppState) -> set[str]:
    return {batch.batch_id for batch in state.batches.of(caller())}


def _unknown(kind: str, name: str, known: list[str]) -> MCPError:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known) or 'none'}."
    return MCPError(INVALID_PARAMS, f"There is no {kind} named {quoted(name, 60)}. {hint}")
