"""A faulty BeeL behind a real socket, and clients whose server speaks to it with a test key."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.api.http import limits
from beel_mcp.context import Timing
from tests.conftest import TEST_KEY, Connect, FakeTime
from tests.support.servers.fault_server import FaultServer, serving


@pytest.fixture(autouse=True)
def no_full_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """This BeeL counts nobody's requests, and the minutes that pass here are not real ones."""
    monkeypatch.setattr(limits, "MOST_BY_KEY", 100_000)
    monkeypatch.setattr(limits, "MOST_BY_ADDRESS", 100_000)


@pytest.fixture
async def beel(sandbox: Starlette) -> AsyncIterator[FaultServer]:
    async with serving(sandbox) as server:
        yield server


@pytest.fixture
def connect_to(connect: Connect, beel: FaultServer, fake_time: FakeTime) -> Connect:
    """Open a client whose server speaks to the faulty BeeL, and whose waits cost no time."""

    def open_client(**changes: object) -> AbstractAsyncContextManager[Client]:
        timing = Timing(now=fake_time.now, sleep=fake_time.sleep)
        ours = {"sandbox": False, "key": TEST_KEY, "base_url": beel.url, "timing": timing}
        return connect(**{**ours, **changes})

    return open_client


@pytest.fixture
async def client(connect_to: Connect) -> AsyncIterator[Client]:
    async with connect_to() as opened:
        yield opened
