"""A server of ours in this process that can be killed: no more of it reaches disk or BeeL then."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

import httpx
import pytest
from mcp import Client

import beel_mcp.server
from beel_mcp.api.client import BeelClient
from beel_mcp.api.http.retry import Retries
from beel_mcp.context import Timing
from beel_mcp.server import create_server
from beel_mcp.server.tool_calls import ToolCalls
from beel_mcp.settings import Settings
from beel_mcp.writes.journal import workers
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.workers import BackgroundWrites
from tests.support.machine.beel import Beel

PROCESS: ContextVar["Process | None"] = ContextVar("process", default=None)
Moment = Literal["before a record", "half way", "after a record"]


@dataclass
class Death:
    """At which of the journal's records a process is killed, and when exactly."""

    moment: Moment
    nth: int

    def has_come(self, moment: Moment) -> bool:
        if moment != self.moment:
            return False
        self.nth -= 1
        return self.nth < 0


class MortalConnection(sqlite3.Connection):
    """The journal's connection: it dies with its process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.process = PROCESS.get()

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        process = self.process
        if process is None or sql == "ROLLBACK":
            return super().execute(sql, *values)
        if sql.startswith("PRAGMA synchronous"):
            sql = "PRAGMA synchronous = OFF"  # here no power fails
        if sql == "BEGIN IMMEDIATE":
            process.meet("before a record")
        elif sql == "COMMIT":
            process.meet("half way")
        elif process.is_dead:
            raise sqlite3.OperationalError("killed")
        done = super().execute(sql, *values)
        if sql == "COMMIT":
            process.meet("after a record")
        return done


class Wire(httpx.AsyncBaseTransport):
    """The way of one process to BeeL."""

    def __init__(self, process: "Process", beel: Beel) -> None:
        self._process, self._beel = process, beel

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._beel.carry(self._process, request)


class Process:
    """One server and the app that speaks to it; `answers` is the person at an app with forms."""

    def __init__(self, beel: Beel, settings: Settings, era: Any, answers: Any) -> None:
        self.is_dead = False
        self.has_forms = answers is not None
        self.death: Death | None = None
        self.calls = 0  # that the server is at
        self.journal: Journal | None = None
        self.writes: BackgroundWrites | None = None
        timing = Timing(beel.clocks.now, beel.clocks.sleep)
        app: Any = Wire(self, beel)
        self._server = create_server(settings, sandbox_app=app, timing=timing)
        self._era, self._answers = era, answers
        self._ready, self._ended = asyncio.Event(), asyncio.Event()
        self._client: Client | None = None

    @property
    def owner(self) -> str:
        """The name that stands in the journal for this process."""
        assert self.journal
        return self.journal.lease.name

    async def start(self) -> None:
        PROCESS.set(self)
        self._task = asyncio.get_running_loop().create_task(self._serve())
        await self._ready.wait()

    async def _serve(self) -> None:
        client = Client(self._server, mode=self._era, elicitation_callback=self._answers)
        async with client as self._client:
            self._ready.set()
            await self._ended.wait()

    async def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """Call a tool and wait until all that it began has ended; None if the process died."""
        PROCESS.set(self)
        assert self._client
        try:
            result = await self._client.call_tool(tool, arguments)
        except Exception:
            if not self.is_dead:
                raise
            return None
        finally:
            await self.settle_down()
        return None if self.is_dead else result.structured_content

    async def settle_down(self) -> None:
        """Wait for what goes on behind a call that was cancelled: the tool, and its writes."""
        while self.writes and (self.calls or self.writes._running) and not self.is_dead:  # noqa: ASYNC110
            await asyncio.sleep(0)

    def meet(self, moment: Moment) -> None:
        """Die if the moment has come.

        Raises:
            sqlite3.OperationalError: this process is dead.
        """
        if self.death and self.death.has_come(moment):
            self.die()
        if self.is_dead:
            raise sqlite3.OperationalError("killed")

    def die(self) -> None:
        """Be killed: from now on nothing that this process does has an effect."""
        self.is_dead = True
        self.death = None

    async def bury(self) -> None:
        """Give back what the operating system would: its locks, but no file."""
        self.is_dead = True
        assert self.journal
        lease = self.journal.lease
        lock, lease._lock = lease._lock, None
        self._task.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await self._task
        if lock:
            lock.release()

    async def stop(self) -> None:
        """End as a server does whose app goes away."""
        self._ended.set()
        await self._task


@contextmanager
def processes() -> Iterator[None]:
    """Let servers be made whose parts this module can reach, and who wait for nothing."""

    def client(settings: Settings, *, sandbox_app: Any, retries: Retries) -> BeelClient:
        return BeelClient(settings, transport=sandbox_app, retries=retries)

    def retries(*, sleep: Any, limits: Any) -> Retries:
        return Retries(now=sleep.__self__.monotonic, sleep=sleep, random=lambda: 0.5)

    def journal(*args: Any) -> Journal:
        return _kept("journal", Journal(*args))

    def writes(*args: Any) -> BackgroundWrites:
        return _kept("writes", BackgroundWrites(*args))

    handle = ToolCalls.__call__

    async def counted(self: ToolCalls, *args: Any) -> Any:
        process = PROCESS.get()
        assert process
        process.calls += 1
        try:
            return await handle(self, *args)
        finally:
            process.calls -= 1

    connect = sqlite3.connect

    def mortal(path: Any, *args: Any, **kwargs: Any) -> sqlite3.Connection:
        if str(path).endswith("journal.sqlite3") and PROCESS.get():
            kwargs.setdefault("factory", MortalConnection)
        return connect(path, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(beel_mcp.server, "BeelClient", client)
        patch.setattr(beel_mcp.server, "Retries", retries)
        patch.setattr(beel_mcp.server, "Journal", journal)
        patch.setattr(beel_mcp.server, "BackgroundWrites", writes)
        patch.setattr(ToolCalls, "__call__", counted)
        patch.setattr(workers, "POLL_S", 0.0)
        patch.setattr(sqlite3, "connect", mortal)
        yield


def _kept(name: str, made: Any) -> Any:
    process = PROCESS.get()
    assert process
    setattr(process, name, made)
    return made
