"""Links to what a server in this process keeps, as its answers would give them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from beel_mcp import server
from beel_mcp.context import AppState
from beel_mcp.door.links import Target, View


@dataclass
class Links:
    """Links to what tools of the server that was started last have made."""

    states: list[AppState] = field(default_factory=list)

    async def to(self, view: View, record_id: str) -> str:
        """Give a link to a view, for the one caller of a local process."""
        return await self.states[-1].door.link(Target(view, record_id, "local"))

    def package(self, path: str) -> str:
        """Give the id under which a package is kept."""
        kept = self.states[-1].packages.saved_as(Path(path).name, "local")
        assert kept is not None
        return kept.package_id


@contextmanager
def noted() -> Iterator[Links]:
    """Note the states of the servers that are started in the block."""
    links = Links()

    def make(**parts: Any) -> AppState:
        links.states.append(AppState(**parts))
        return links.states[-1]

    with patch.object(server, "AppState", make):
        yield links
