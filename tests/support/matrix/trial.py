"""One BeeL, one server of ours and one client, in which many cells are tried one after another."""

import logging
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import pytest
from mcp import Client
from pydantic import SecretStr

import beel_mcp.server
from beel_mcp.api import zip as zips
from beel_mcp.api.http.retry import Breaker, Quota, Retries
from beel_mcp.api.http.transport import Transport
from beel_mcp.context import Timing
from beel_mcp.sandbox.seed import DEMO_COMPANY_ID
from beel_mcp.server import create_server
from beel_mcp.settings import Settings
from beel_mcp.writes.journal.journal import Journal
from tests.conftest import TEST_KEY, FakeTime
from tests.support.people.evidence import Told, checked
from tests.support.servers.fault_process import FaultProcess
from tests.support.servers.fault_server import Fault

SIGN = " \N{MULTIPLICATION SIGN} "
SLOW = ("stall", "half", "trickle", "drip")
READ_S, ALL_S = 0.15, 0.4  # what a request may take that is never answered, in real seconds


@dataclass(frozen=True)
class World:
    """Which BeeL it is, and by which routes it is asked."""

    generation: str
    routes: str
    idempotency: str = "honoured"
    nif_unique: bool = True

    def __str__(self) -> str:
        nifs = "NIF unique" if self.nif_unique else "NIF not unique"
        parts = [f"{self.generation}, {self.routes} routes", f"key {self.idempotency}", nifs]
        return SIGN.join(parts)

    @property
    def options(self) -> dict[str, Any]:
        kept = ("generation", "idempotency", "nif_unique")
        return {name: getattr(self, name) for name in kept}


class SharedTime(FakeTime):
    """The clock of both sides: what passes here passes in BeeL, too."""

    def __init__(self, beel: FaultProcess) -> None:
        super().__init__()
        self._beel = beel

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        self._beel.tell("clock", ahead_s=self.slept.total_seconds())
        await anyio.lowlevel.checkpoint()


class Crashes(logging.Handler):
    """Notes every traceback that is logged, by whomever."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        # What redacts a record has turned its exception into text by then, or has not.
        if record.exc_info or record.exc_text or "Traceback" in record.getMessage():
            self.seen.append(record.getMessage())


@dataclass
class Trial:
    """What a cell needs; `number` is its own in this BeeL."""

    client: Client
    beel: FaultProcess
    world: World
    time: FakeTime
    journal: Journal
    crashes: Crashes
    retries: list[Retries]
    number: int = 0
    calls: list[tuple[str, Told, float, list[str]]] = field(default_factory=list)

    def begin(self) -> None:
        """Begin another cell, as if BeeL had always been well until now."""
        self.number += 10
        self.calls.clear()
        self.crashes.seen.clear()
        for one in self.retries:
            one._breaker, one._quota, one._has_waiter = Breaker(one._now), Quota(), False
        self.beel.look()

    async def call(self, tool: str, **arguments: Any) -> Told:
        """Call a tool; what it answers is as answers have to be, within its time."""
        slept = self.time.slept
        with anyio.fail_after(30):
            result = await self.client.call_tool(tool, arguments)
        # Beside the text may stand a link to a file.
        told = checked(tool, result.model_copy(update={"content": result.content[:1]}))
        waited_s = (self.time.slept - slept).total_seconds()
        self.calls.append((tool, told, waited_s, self.beel.look()))
        return told

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        return self.beel.app.state.store.rows(statement, *values)

    def put(self, table: str, **row: Any) -> None:
        """Put a row into BeeL, past its ledger."""
        marks = ", ".join("?" * len(row))
        self.beel.app.state.store.execute(
            f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})",
            *row.values(),
        )

    @contextmanager
    def hurried(self, faults: list[Fault]) -> Iterator[None]:
        """Have requests given up at once that would be given up after minutes."""
        if not any(fault.action in SLOW for fault in faults):
            yield
            return
        exchange = Transport.exchange

        async def soon(self: Any, request: Any, seconds: float, file: Any = None) -> Any:
            hurried = replace(request, read_timeout_s=READ_S)
            return await exchange(self, hurried, min(seconds, ALL_S), file)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Transport, "exchange", soon)
            patch.setattr(zips, "PATIENCE_S", READ_S)
            yield


COMPANY = DEMO_COMPANY_ID


@asynccontextmanager
async def trial_in(world: World, beel: FaultProcess, settings: Settings) -> AsyncIterator[Trial]:
    """Open a new BeeL and a server of ours that has asked it who it is."""
    beel.open(**world.options)
    time = SharedTime(beel)
    changed = replace(
        settings,
        sandbox=False,
        api_key=SecretStr(TEST_KEY),
        base_url=beel.url,
        routes=world.routes,
        output_schema=False,  # the answers are held against the schemas here
    )
    made: list[Retries] = []

    def retries(**details: Any) -> Retries:
        def now() -> float:
            return anyio.current_time() + time.slept.total_seconds()

        made.append(Retries(now=now, random=lambda: 1.0, **details))
        return made[-1]

    crashes = Crashes()
    logging.getLogger().addHandler(crashes)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(beel_mcp.server, "Retries", retries)
            # httpcore looks for it in every folder, with every request.
            patch.setitem(sys.modules, "sniffio", None)
            timing = Timing(now=time.now, sleep=time.sleep)
            server = create_server(changed, timing=timing)
            async with Client(server, mode="auto", raise_exceptions=True) as client:
                journal = Journal(changed.state_dir, time.now)
                trial = Trial(client, beel, world, time, journal, crashes, made)
                await trial.call("get_status")  # who it is, is asked once
                yield trial
                journal.close()
    finally:
        logging.getLogger().removeHandler(crashes)
