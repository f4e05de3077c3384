"""A person at an app that opens links: it opens them in a real browser, and they act there."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from mcp.types import ElicitRequestURLParams, ElicitResult

from tests.support.browsing.visits import Visit

Acts = Callable[[Visit], Awaitable[object]]


@dataclass
class AtBrowser:
    """Is the elicitation callback of a client; `opens` is what they say to opening the link."""

    visit: Visit
    acts: Acts
    opens: str = "accept"
    links: list[str] = field(default_factory=list)
    status: int = 0

    async def __call__(self, _: Any, params: Any) -> ElicitResult:
        assert isinstance(params, ElicitRequestURLParams), params
        self.links.append(params.url)
        if self.opens == "accept":
            self.status = await self.visit.open(params.url)
            await self.acts(self.visit)
        return ElicitResult(action=self.opens)


async def looks_only(_: Visit) -> None:
    """Read, and do nothing."""


def presses(button: str, count: str | None = None) -> Acts:
    """Type a number, if one is asked for, and press a button."""

    async def act(visit: Visit) -> None:
        if count is not None:
            await visit.page.fill("#count", count)
        await visit.page.click(f"button[value={button}]")

    return act
