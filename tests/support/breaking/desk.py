"""A BeeL and a state folder on which servers of ours follow one another, in this process."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mcp import Client
from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.server import create_server
from beel_mcp.settings import Settings
from beel_mcp.writes.journal.journal import Journal
from tests.conftest import FakeTime
from tests.support.breaking.doors import Doors, Passage
from tests.support.matrix.trial import Crashes, Trial, World
from tests.support.servers.fault_server import patterns

Message = dict[str, Any]


@dataclass
class Inside:
    """The sandbox in this process: each request passes the door, and so does its answer."""

    app: Starlette
    doors: Doors
    seen: list[str] = field(default_factory=list)

    @property
    def state(self) -> Any:
        return self.app.state

    def look(self) -> list[str]:
        """Name the operations of the requests that arrived since the last look."""
        seen, self.seen = self.seen, []
        return seen

    async def __call__(
        self, scope: Message, receive: Any, send: Callable[[Message], Awaitable[None]]
    ) -> None:
        passage = Passage("BeeL", _operation(scope))
        dies_after = self.doors.enter(passage)
        self.seen.append(passage.name)
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self.app(scope, receive, keep)
        if dies_after:
            self.doors.die()
        for message in answer:
            await send(message)


def _operation(scope: Message) -> str:
    for pattern, endpoint in patterns():
        if endpoint.method == scope["method"] and pattern.fullmatch(scope["path"]):
            dry = ", dry run" if b"dry_run=true" in scope["query_string"] else ""
            return endpoint.name + dry
    return f"{scope['method']} {scope['path']}"


class Desk:
    """What stays when a process ends: BeeL, the folders and the clock."""

    def __init__(self, settings: Settings, folder: Path, doors: Doors, **changes: Any) -> None:
        self.doors = doors
        self.time = FakeTime()
        self.inside = Inside(create_app(SandboxOptions(now=self.time.now)), doors)
        self.crashes = Crashes()
        self.files, self.state = folder / "files", folder / "state"
        self.settings = replace(
            settings,
            files_dir=self.files,
            import_dirs=(self.files,),
            state_dir=self.state,
            output_schema=False,  # the answers are held against the schemas here
            **changes,
        )

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Trial]:
        """Start a server and a client; a trial that sees what both do."""
        timing = Timing(now=self.time.now, sleep=self.time.sleep)
        server = create_server(self.settings, sandbox_app=self.inside, timing=timing)
        journal = Journal(self.state, self.time.now)
        logging.getLogger().addHandler(self.crashes)
        try:
            async with Client(server, mode="auto", raise_exceptions=True) as client:
                world = World("current", "company")
                yield Trial(
                    client, self.inside, world, self.time, journal, self.crashes, [], number=10
                )
        except BaseExceptionGroup as group:
            raise _first(group) from None
        finally:
            logging.getLogger().removeHandler(self.crashes)
            self.doors.leave()
            journal.close()


def _first(error: BaseException) -> BaseException:
    """Find what a client's groups have wrapped."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
