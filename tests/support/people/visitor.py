"""Whoever opens a page in a browser: reads it, and sends its form as the browser would."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from mcp.types import ElicitRequestURLParams, ElicitResult

from tests.support.page_text import Outline, outline


@dataclass
class Visitor:
    """One window of a browser, without a program of its own."""

    url: str = ""
    status: int = 0
    page: str = ""

    @property
    def seen(self) -> Outline:
        return outline(self.page)

    async def open(self, link: str) -> "Visitor":
        return await self._go("GET", link)

    async def reload(self) -> "Visitor":
        return await self._go("GET", self.url)

    async def send(self, action: str = "answer", **fields: str) -> "Visitor":
        """Send the form of the page, with what was typed and the button that was pressed."""
        origin = re.match(r"http://[^/]+", self.url)
        assert origin is not None
        headers = {"Origin": origin[0], "Sec-Fetch-Site": "same-origin"}
        address = str(httpx.URL(self.url).join(action))
        return await self._go("POST", address, headers=headers, data=fields, stays=True)

    async def _go(self, method: str, url: str, *, stays: bool = False, **more: Any) -> "Visitor":
        async with httpx.AsyncClient(
            trust_env=False, verify=False, timeout=20, follow_redirects=True
        ) as client:
            answer = await client.request(method, url, **more)
        if not stays:
            self.url = str(answer.url)
        self.status, self.page = answer.status_code, answer.text
        return self


Acts = Callable[[Visitor], Awaitable[object]]


@dataclass
class Reader:
    """The person at an app that opens links: reads each page, and acts on it by and by.

    `opens` says whether they let the app open it at all.
    """

    acts: Acts
    opens: str = "accept"
    links: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    visitor: Visitor = field(default_factory=Visitor)

    async def __call__(self, _: Any, params: Any) -> ElicitResult:
        assert isinstance(params, ElicitRequestURLParams), params
        self.links.append(params.url)
        self.asked.append(params.message)
        if self.opens == "accept":
            await self.visitor.open(params.url)
            await self.acts(self.visitor)
        return ElicitResult(action=self.opens)


def says(answer: str, **fields: str) -> Acts:
    """Press a button, after having typed."""

    async def act(visitor: Visitor) -> None:
        await visitor.send(answer=answer, **fields)

    return act


async def looks_only(_: Visitor) -> None:
    """Read, and do nothing."""
