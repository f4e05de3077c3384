"""A server whose pages a test reads as a browser would, beside the client that calls its tools."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from mcp import Client

from beel_mcp import server
from beel_mcp.context import AppState
from beel_mcp.door.links import Target
from beel_mcp.door.security import Guarded
from beel_mcp.pages import pages_app
from tests.conftest import Connect
from tests.support.page_text import Outline, outline

AUTHORITY = "127.0.0.1:8765"
ORIGIN = f"http://{AUTHORITY}"


@dataclass
class Seen:
    """An answer of a page, and what stands in it."""

    response: httpx.Response

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def html(self) -> str:
        return self.response.text

    @property
    def outline(self) -> Outline:
        return outline(self.html)


class Browser:
    """A window on one view; forms are sent with all that stands in them."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, address: str = "./") -> Seen:
        return Seen(await self._client.get(address))

    async def send(self, page: Seen, **typed: str) -> Seen:
        """Fill in a form over what stands in it, send it, and go where it leads."""
        return await self.post({**self.standing(page), **typed})

    def standing(self, page: Seen) -> dict[str, str]:
        """Give what a browser would send of a form that nobody touched."""
        boxes = ("checkbox", "radio")
        return {
            name: one.get("value", "")
            for name, one in page.outline.fields.items()
            if one.get("type") not in boxes or "checked" in one
        }

    async def post(self, fields: dict[str, str]) -> Seen:
        sent = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": ORIGIN,
        }
        content = urlencode(fields).encode()
        answer = await self._client.post("corrections", content=content, headers=sent)
        if answer.status_code == 303:
            return Seen(await self._client.get(answer.headers["Location"]))
        return Seen(answer)


@dataclass
class Opened:
    """A client, the state of its server, and windows on its views."""

    client: Client
    state: AppState

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return (await self.client.call_tool(tool, arguments)).structured_content or {}

    @asynccontextmanager
    async def browser(self, target: Target) -> AsyncIterator[Browser]:
        """Open a link to a view, through the guard of the door."""
        transport = httpx.ASGITransport(Guarded(pages_app(self.state), AUTHORITY))
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            opened = await client.get(f"/l/{self.state.door.links.offer(target)}")
            client.base_url = httpx.URL(f"{ORIGIN}{opened.headers['Location']}")
            yield Browser(client)


Open = Callable[..., AbstractAsyncContextManager[Opened]]


@pytest.fixture
def era() -> str:
    """What a person sees has nothing to do with the protocol's era."""
    return "auto"


@pytest.fixture
def opening(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a client on a server of its own, as `connect` does, with its state at hand."""

    @asynccontextmanager
    async def opened(*arguments: Any, **options: Any) -> AsyncIterator[Opened]:
        states: list[AppState] = []

        def made(**parts: Any) -> AppState:
            states.append(AppState(**parts))
            return states[-1]

        monkeypatch.setattr(server, "AppState", made)
        async with connect(*arguments, **options) as client:
            await client.call_tool("get_status", {})
            yield Opened(client, states[-1])

    return opened
