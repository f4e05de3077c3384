"""Killed, ended, cut off or doubled: what was in flight is found again and settled."""

from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client

from beel_mcp.context import Timing
from tests.conftest import Connect, FakeTime
from tests.support.customers import customer
from tests.support.servers.fault_server import FaultServer
from tests.support.servers.raw_server import KILLED_AT, RawServer, started

pytestmark = pytest.mark.anyio

ROWS = [customer(n) for n in range(3)]
NIFS = [row["nif"] for row in ROWS]


@pytest.fixture
def era() -> Any:
    """What happens to processes has nothing to do with the protocol's era."""
    return "auto"


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    return result.structured_content or {}


async def batch_in(server: RawServer) -> dict[str, Any]:
    answer = await server.call("validate_customers", customers=ROWS)
    return {"batch_id": answer["batch_id"], "expected_count": len(ROWS)}


@pytest.mark.parametrize("end", ["kill", "terminate"])
@pytest.mark.parametrize("committed", [False, True])
async def test_a_killed_process_leaves_a_trace_that_another_one_settles(
    connect_to: Connect,
    beel: FaultServer,
    fake_time: FakeTime,
    tmp_path: Path,
    end: Literal["kill", "terminate"],
    committed: bool,
) -> None:
    beel.fault("stall", committed=committed, method="POST", path="bulk", dry_run=False)
    state = tmp_path / "state"
    async with started(beel.url, state) as server:
        arguments = await batch_in(server)
        await server.send("tools/call", {"name": "create_customers", "arguments": arguments})
        await beel.arrived.wait()
        getattr(server.process, end)()
        await server.process.wait()
    assert beel.created == (NIFS if committed else [])
    async with connect_to(state_dir=state) as client:
        unsettled = (await call(client, "get_status"))["unsettled"]
        assert [one["state"] for one in unsettled] == ["unsettled"]
        await fake_time.sleep(60)
        settled = await call(client, "check_operation", operation_id=unsettled[0]["operation_id"])
        outcome = "created" if committed else "not_attempted"
        assert settled["counts"][outcome] == len(ROWS)
        again = await call(client, "create_customers", **arguments)
        assert again["counts"]["created"] == len(ROWS)
    assert beel.created == NIFS


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", ["begin", "pending", "settle", "end"])
async def test_killed_at_any_step_of_the_journal_every_customer_is_accounted_for(
    connect_to: Connect,
    beel: FaultServer,
    fake_time: FakeTime,
    tmp_path: Path,
    step: str,
    moment: str,
) -> None:
    state = tmp_path / "state"
    module = (KILLED_AT, step, moment)
    async with started(beel.url, state, *module) as server:
        arguments = await batch_in(server)
        await server.send("tools/call", {"name": "create_customers", "arguments": arguments})
        await server.process.wait()
    assert beel.created == (NIFS if step in ("settle", "end") else [])
    await fake_time.sleep(60)
    async with connect_to(state_dir=state) as client:
        for operation in (await call(client, "check_operation"))["operations"]:
            settled = await call(client, "check_operation", operation_id=operation["operation_id"])
            assert settled["status"] == ("done" if beel.created else "nothing_done")
            assert settled["counts"]["created"] == len(beel.created)
        again = await call(client, "create_customers", **arguments)
        if (step, moment) == ("begin", "before"):  # nothing was ever decided on disk
            assert again["code"] == "batch_expired"
            return
        assert again["counts"]["created"] == len(ROWS)
    assert beel.created == NIFS


async def test_a_process_that_lives_is_not_settled_by_another(
    connect_to: Connect, beel: FaultServer, tmp_path: Path
) -> None:
    beel.fault("delay", committed=True, method="POST", path="bulk", dry_run=False)
    state = tmp_path / "state"
    async with started(beel.url, state) as server:
        arguments = await batch_in(server)
        sent = await server.send("tools/call", {"name": "create_customers", "arguments": arguments})
        await beel.arrived.wait()
        async with connect_to(state_dir=state) as client:
            [operation] = (await call(client, "check_operation"))["operations"]
            assert operation["state"] == "running"
        beel.released.set()
        done = (await server.receive(sent))["structuredContent"]
    assert done["counts"]["created"] == len(ROWS)


async def test_a_closed_stdin_does_not_lose_a_write_in_flight(
    connect_to: Connect, beel: FaultServer, tmp_path: Path
) -> None:
    beel.fault("delay", committed=True, method="POST", path="bulk", dry_run=False)
    state = tmp_path / "state"
    async with started(beel.url, state) as server:
        arguments = await batch_in(server)
        await server.send("tools/call", {"name": "create_customers", "arguments": arguments})
        await beel.arrived.wait()
        assert server.process.stdin
        await server.process.stdin.aclose()
        beel.released.set()
        with anyio.fail_after(15):
            assert await server.process.wait() == 0
    async with connect_to(state_dir=state) as client:
        assert (await call(client, "check_operation"))["operations"] == []
        again = await call(client, "create_customers", **arguments)
    assert again["replayed"] is True
    assert again["counts"]["created"] == len(ROWS)
    assert beel.created == NIFS


async def test_a_cancelled_call_leaves_its_write_running_and_recorded(
    connect_to: Connect, beel: FaultServer
) -> None:
    beel.fault("delay", committed=True, method="POST", path="bulk", dry_run=False)
    async with connect_to() as client, anyio.create_task_group() as group:
        answer = await call(client, "validate_customers", customers=ROWS)
        arguments = {"batch_id": answer["batch_id"], "expected_count": len(ROWS)}
        scope = anyio.CancelScope()

        async def create() -> None:
            with scope:
                await client.call_tool("create_customers", arguments)

        group.start_soon(create)
        await beel.arrived.wait()
        scope.cancel()
        beel.released.set()
        again = await call(client, "create_customers", **arguments)
        assert again["counts"]["created"] == len(ROWS)
    assert beel.created == NIFS


async def test_a_slow_write_answers_in_time_and_is_told_of_later(
    connect_to: Connect, beel: FaultServer, fake_time: FakeTime
) -> None:
    beel.fault("delay", committed=True, method="POST", path="bulk", dry_run=False)
    impatient = Timing(now=fake_time.now, sleep=fake_time.sleep, patience_s=0.2)
    async with connect_to(timing=impatient) as client:
        answer = await call(client, "validate_customers", customers=ROWS)
        arguments = {"batch_id": answer["batch_id"], "expected_count": len(ROWS)}
        slow = await call(client, "create_customers", **arguments)
        assert slow["status"] == "partial"
        assert slow["counts"]["unknown"] == len(ROWS)
        assert slow["retry_after_s"]
        [step] = slow["next"]
        still = await call(client, step["tool"], **step["arguments"])
        assert still["status"] == "partial"
        assert still["retry_after_s"]
        again = await call(client, "create_customers", **arguments)
        assert again["status"] == "partial"
        beel.released.set()
        for _ in range(50):
            told = await call(client, step["tool"], **step["arguments"])
            if told["status"] == "done":
                break
        assert told["counts"]["created"] == len(ROWS)
        assert [row["outcome"] for row in told["rows"]] == ["created"] * len(ROWS)
    assert beel.created == NIFS


async def test_two_processes_on_one_state_folder_create_the_same_list_once(
    connect_to: Connect, beel: FaultServer, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    answers: list[dict[str, Any]] = []
    async with started(beel.url, state) as server, connect_to(state_dir=state) as client:
        theirs = await batch_in(server)
        answer = await call(client, "validate_customers", customers=ROWS)
        ours = {"batch_id": answer["batch_id"], "expected_count": len(ROWS)}

        async def create_there() -> None:
            answers.append(await server.call("create_customers", **theirs))

        async def create_here() -> None:
            answers.append(await call(client, "create_customers", **ours))

        async with anyio.create_task_group() as group:
            group.start_soon(create_there)
            group.start_soon(create_here)
    assert sorted(beel.created) == sorted(NIFS)
    [done] = [one for one in answers if one["status"] == "done" and not one.get("replayed")]
    [other] = [one for one in answers if one is not done]
    if other["status"] == "done":  # it found the operation begun, and nothing left to send
        assert other["operation_id"] == done["operation_id"]
        assert "carried out by an earlier call" in other["summary"]
    else:
        assert other["code"] in ("created_meanwhile", "operation_unsettled")
        assert other["changed"] == "nothing"
