"""The client of the Python SDK's previous line, over stdio or HTTP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from guide import WANTED, Person, obey, plain
from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

PERSON = Person()


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Any, Any]]:
    if url := WANTED.get("url"):
        async with streamable_http_client(url) as (read, write, _):
            yield read, write
    else:
        parameters = StdioServerParameters(**{k: WANTED[k] for k in ("command", "args", "env")})
        async with stdio_client(parameters) as streams:
            yield streams


async def answer(_: Any, params: Any) -> types.ElicitResult:
    return types.ElicitResult(**PERSON.answer(params.message, params.requestedSchema))


class Guided:
    def __init__(self, session: ClientSession, protocol: Any) -> None:
        self._session = session
        self._protocol = protocol

    async def protocol(self) -> Any:
        return self._protocol

    async def tools(self) -> Any:
        return plain((await self._session.list_tools()).tools)

    async def call(self, name: str, args: dict[str, Any]) -> Any:
        result = await self._session.call_tool(name, args)
        return {
            "isError": result.isError,
            "structure": result.structuredContent,
            "content": plain(result.content),
        }

    async def prompts(self) -> Any:
        return plain((await self._session.list_prompts()).prompts)

    async def prompt(self, name: str, args: dict[str, str]) -> Any:
        return plain((await self._session.get_prompt(name, args)).messages)

    async def resources(self) -> Any:
        return plain((await self._session.list_resources()).resources)

    async def templates(self) -> Any:
        return plain((await self._session.list_resource_templates()).resourceTemplates)

    async def read(self, uri: Any) -> Any:
        return plain((await self._session.read_resource(uri)).contents)

    async def complete(self, ref: dict[str, str], argument: dict[str, str]) -> Any:
        is_prompt = ref["type"] == "ref/prompt"
        kind = types.PromptReference if is_prompt else types.ResourceTemplateReference
        return plain((await self._session.complete(kind(**ref), argument)).completion)

    async def questions(self) -> Any:
        return PERSON.questions


async def main() -> None:
    form = answer if WANTED.get("answers") else None
    async with (
        connected() as (read, write),
        ClientSession(read, write, elicitation_callback=form) as session,
    ):
        hello = await session.initialize()
        await obey(Guided(session, hello.protocolVersion))


anyio.run(main)
