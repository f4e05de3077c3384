"""The SDK's server with what stands beside the tools: prompts, in our words when they fail."""

import difflib
from typing import Any

from mcp import MCPError
from mcp.server import MCPServer
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.types import INVALID_PARAMS, GetPromptResult, InputRequiredResult

from beel_mcp.cleaning import quoted
from beel_mcp.context import REQUEST, AppState, caller
from beel_mcp.files.written import WRITTEN, Written


class Offers(MCPServer[AppState]):
    """Tools are the SDK's and ToolCalls' business; here is the rest of what the server offers."""

    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        context: Context[AppState, Any] | None = None,
    ) -> GetPromptResult | InputRequiredResult:
        """Give a prompt; the SDK would answer what is not known with a bare fault and a traceback.

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


class Requests:
    """The SDK middleware that every request passes first: whoever answers can find it."""

    async def __call__(
        self, ctx: ServerRequestContext[AppState, Any], call_next: CallNext
    ) -> HandlerResult:
        """Remember the request while it is answered."""
        REQUEST.set(Context[AppState](request_context=ctx))
        settings = ctx.lifespan_context.settings
        WRITTEN.set(Written(settings.files_dir, settings.state_dir, caller()))
        return await call_next(ctx)


def _unknown(kind: str, name: str, known: list[str]) -> MCPError:
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known) or 'none'}."
    return MCPError(INVALID_PARAMS, f"There is no {kind} named {quoted(name, 60)}. {hint}")
