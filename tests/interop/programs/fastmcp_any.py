"""FastMCP's client, over stdio or HTTP, on either era."""

from typing import Any

import anyio
import mcp_types
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StdioTransport
from guide import WANTED, Person, obey, plain

PERSON = Person()


async def answer(message: str, _: Any, params: Any, __: Any) -> Any:
    return ElicitResult(**PERSON.answer(message, params.requested_schema))


class Guided:
    def __init__(self, client: Client[Any]) -> None:
        self._client = client

    async def protocol(self) -> Any:
        return self._client.protocol_version

    async def tools(self) -> Any:
        return plain(await self._client.list_tools())

    async def call(self, name: str, args: dict[str, Any]) -> Any:
        # Reads the structure into types made from the output schema, too.
        result = await self._client.call_tool(name, args, raise_on_error=False)
        return {
            "isError": result.is_error,
            "structure": result.structured_content,
            "content": plain(result.content),
        }

    async def prompts(self) -> Any:
        return plain(await self._client.list_prompts())

    async def prompt(self, name: str, args: dict[str, Any]) -> Any:
        return plain((await self._client.get_prompt(name, args)).messages)

    async def resources(self) -> Any:
        return plain(await self._client.list_resources())

    async def templates(self) -> Any:
        return plain(await self._client.list_resource_templates())

    async def read(self, uri: str) -> Any:
        return plain(await self._client.read_resource(uri))

    async def complete(self, ref: dict[str, str], argument: dict[str, str]) -> Any:
        is_prompt = ref["type"] == "ref/prompt"
        kind = mcp_types.PromptReference if is_prompt else mcp_types.ResourceTemplateReference
        return plain(await self._client.complete(kind(**ref), argument))

    async def questions(self) -> Any:
        return PERSON.questions


async def main() -> None:
    transport = WANTED.get("url") or StdioTransport(
        **{name: WANTED[name] for name in ("command", "args", "env")}
    )
    form = answer if WANTED.get("answers") else None
    async with Client(transport, mode=WANTED["mode"], elicitation_handler=form) as client:
        await obey(Guided(client))


anyio.run(main)
