"""SIGTERM while a write is in flight: the process ends soon, and what was in flight is settled."""

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import Process
from mcp import Client

from tests.conftest import Connect, FakeTime
from tests.support.customers import customer
from tests.support.people.evidence import call
from tests.support.servers.fault_server import FaultServer
from tests.support.servers.process import answering_process, free_port, server_environment

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ROWS = [customer(n) for n in range(3)]
NIFS = [row["nif"] for row in ROWS]
ENDED_SOON = "tests.support.servers.ended_soon"


@asynccontextmanager
async def serving_http(module: str, base_url: str, state: Path) -> AsyncIterator[tuple[str, Any]]:
    """Serve over HTTP in a process of its own; its URL, and the process."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    words = (module, "serve", "--http", "--no-token", "--port", str(port))
    environment = server_environment(state, base_url)
    async with answering_process(*words, url=f"{url}/health", environment=environment) as process:
        yield f"{url}/mcp", process


async def create(url: str, era: Any, arguments: dict[str, Any]) -> None:
    """Make the call that will be in flight when its server ends."""
    with suppress(Exception):
        async with Client(url, mode=era) as client:
            batch = await client.call_tool("validate_customers", {"customers": ROWS})
            arguments |= {"expected_count": len(ROWS)}
            arguments["batch_id"] = (batch.structured_content or {})["batch_id"]
            await client.call_tool("create_customers", arguments)


async def ended(process: Process) -> int:
    with anyio.fail_after(30):  # an end that never comes is a failure, too
        return await process.wait()


async def check_settled(
    connect_to: Connect, state: Path, fake_time: FakeTime, arguments: dict[str, Any]
) -> None:
    """The next process finds out what became of it, and repeats nothing."""
    await fake_time.sleep(60)
    async with connect_to(state_dir=state) as client:
        for one in (await call(client, "check_operation"))["operations"]:
            settled = await call(client, "check_operation", operation_id=one["operation_id"])
            assert settled["counts"]["created"] == len(ROWS)
        again = await call(client, "create_customers", **arguments)
    assert again["replayed"] is True
    assert again["counts"]["created"] == len(ROWS)


async def test_over_http_it_ends_soon_though_beel_never_answers(
    connect_to: Connect, beel: FaultServer, fake_time: FakeTime, tmp_path: Path, era: Any
) -> None:
    beel.fault("stall", committed=True, method="POST", path="bulk", dry_run=False)
    arguments: dict[str, Any] = {}
    async with (
        serving_http(ENDED_SOON, beel.url, tmp_path / "state") as (url, process),
        anyio.create_task_group() as group,
    ):
        group.start_soon(create, url, era, arguments)
        await beel.arrived.wait()
        process.send_signal(signal.SIGTERM)
        assert await ended(process) == -signal.SIGTERM
        group.cancel_scope.cancel()
    await check_settled(connect_to, tmp_path / "state", fake_time, arguments)
    assert beel.created == NIFS


async def test_over_http_an_answer_that_comes_in_time_is_recorded(
    connect_to: Connect, beel: FaultServer, fake_time: FakeTime, tmp_path: Path, era: Any
) -> None:
    beel.fault("delay", committed=True, method="POST", path="bulk", dry_run=False)
    arguments: dict[str, Any] = {}
    async with (
        serving_http("beel_mcp", beel.url, tmp_path / "state") as (url, process),
        anyio.create_task_group() as group,
    ):
        group.start_soon(create, url, era, arguments)
        await beel.arrived.wait()
        process.send_signal(signal.SIGTERM)
        beel.released.set()
        assert await ended(process) == -signal.SIGTERM
        group.cancel_scope.cancel()
    async with connect_to(state_dir=tmp_path / "state") as client:
        assert (await call(client, "check_operation"))["operations"] == []
    await check_settled(connect_to, tmp_path / "state", fake_time, arguments)
    assert beel.created == NIFS
