"""Deactivations that are cancelled, slow, or asked for by two processes: one effect each."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from filelock import FileLock
from mcp import Client

from beel_mcp.context import Timing
from beel_mcp.writes.run import execution
from tests.conftest import Connect, FakeTime
from tests.support.deactivations import (
    DONE,
    adds_up,
    call,
    crowd,
    deactivated,
    effects,
    guarded_requests,
    planned,
    whole_record,
)
from tests.support.servers.fault_server import FaultServer
from tests.support.servers.raw_server import RawServer, started

pytestmark = pytest.mark.anyio

METHODS = {"delete": "DELETE", "inactive": "PATCH"}


@pytest.fixture
def era() -> Any:
    """Who comes first has nothing to do with the protocol's era."""
    return "auto"


@pytest.fixture(params=METHODS)
def mode(request: pytest.FixtureRequest) -> Any:
    return request.param


async def planned_in(server: RawServer, ids: list[str], mode: str) -> dict[str, Any]:
    plan = await server.call("deactivate_customers", customer_ids=ids, mode=mode)
    return {name: plan[name] for name in ("plan_id", "statement")}


async def confirmed_at_once(
    server: RawServer, theirs: dict[str, Any], client: Client, ours: dict[str, Any]
) -> list[dict[str, Any]]:
    answers: list[dict[str, Any]] = []

    async def there() -> None:
        answers.append(await server.call("confirm_plan", **theirs))

    async def here() -> None:
        answers.append(await call(client, "confirm_plan", **ours))

    async with anyio.create_task_group() as group:
        group.start_soon(there)
        group.start_soon(here)
    for answer in answers:
        adds_up(answer)
    return answers


async def test_a_cancelled_call_leaves_its_deactivation_running_and_recorded(
    connect_to: Connect, beel: FaultServer, mode: str
) -> None:
    ids = crowd(beel.app, 3)
    async with connect_to() as client, anyio.create_task_group() as group:
        plan = await planned(client, ids, mode)
        beel.fault("delay", committed=True, method=METHODS[mode])
        scope = anyio.CancelScope()

        async def confirm() -> None:
            with scope:
                await client.call_tool("confirm_plan", plan)

        group.start_soon(confirm)
        await beel.arrived.wait()
        scope.cancel()
        [running] = (await call(client, "check_operation"))["operations"]
        assert running["state"] == "running"
        beel.released.set()
        told = await call(client, "check_operation", operation_id=running["operation_id"])
        assert told["status"] == "done"
        again = await call(client, "confirm_plan", **plan)
        assert (again["replayed"], again["counts"][DONE[mode]]) == (True, 3)
    assert effects(beel.app) == ids


async def test_what_waits_for_its_turn_is_listed_beside_what_is_running(
    connect_to: Connect, beel: FaultServer, mode: str
) -> None:
    ids = crowd(beel.app, 3)
    async with connect_to() as client, anyio.create_task_group() as group:
        first, second = await planned(client, ids[:1], mode), await planned(client, ids[1:], mode)
        beel.fault("delay", committed=True, method=METHODS[mode])
        group.start_soon(client.call_tool, "confirm_plan", first)
        await beel.arrived.wait()
        group.start_soon(client.call_tool, "confirm_plan", second)
        told: dict[str, int] = {}
        while len(told) < 2:  # until it is decided, too
            listed = await call(client, "check_operation")
            told = {one["state"]: one["records"] for one in listed["operations"]}
        assert told == {"running": 1, "waiting for its turn": 2}
        status = await call(client, "get_status")
        assert {one["state"] for one in status["unsettled"]} == {*told}
        beel.released.set()
    assert sorted(effects(beel.app)) == sorted(ids)


async def test_whoever_hangs_up_in_the_middle_finds_the_outcome_recorded(
    connect_to: Connect, beel: FaultServer, tmp_path: Path, mode: str
) -> None:
    ids, state = crowd(beel.app, 3), tmp_path / "state"
    async with anyio.create_task_group() as group, connect_to(state_dir=state) as client:
        plan = await planned(client, ids, mode)
        beel.fault("delay", committed=True, method=METHODS[mode])
        scope = anyio.CancelScope()

        async def confirm() -> None:
            with scope:
                await client.call_tool("confirm_plan", plan)

        group.start_soon(confirm)
        await beel.arrived.wait()
        scope.cancel()
        beel.released.set()
    async with connect_to(state_dir=state) as client:
        again = await call(client, "confirm_plan", **plan)
        assert (again["replayed"], again["status"]) == (True, "done")
    assert effects(beel.app) == ids


async def test_a_slow_deactivation_answers_in_time_and_says_how_far_it_is(
    connect_to: Connect, beel: FaultServer, fake_time: FakeTime
) -> None:
    ids = crowd(beel.app, 3)
    impatient = Timing(now=fake_time.now, sleep=fake_time.sleep, patience_s=0.5)
    async with connect_to(timing=impatient) as client:
        plan = await planned(client, ids, "inactive")
        beel.fault("delay", committed=True, method="PATCH", after=1)
        slow = await call(client, "confirm_plan", **plan)
        assert slow["status"] == "partial"
        assert slow["retry_after_s"]
        assert slow["counts"] == {
            "deactivated": 1,
            "failed": 0,
            "unknown": 1,
            "not_attempted": 1,
        }
        again = await call(client, "confirm_plan", **plan)
        assert (again["replayed"], again["status"]) == (True, "partial")
        beel.released.set()
        for _ in range(20):
            told = await call(client, "check_operation", operation_id=slow["operation_id"])
            if told["status"] == "done":
                break
        assert (await whole_record(client, slow["operation_id"]))["deactivated"] == ids
    assert effects(beel.app) == ids


@pytest.mark.parametrize("round_", range(2))
async def test_overlapping_plans_of_two_processes_change_nobody_twice(
    connect_to: Connect, beel: FaultServer, tmp_path: Path, mode: str, round_: int
) -> None:
    ids, state = crowd(beel.app, 4), tmp_path / "state"
    async with started(beel.url, state) as server, connect_to(state_dir=state) as client:
        theirs = await planned_in(server, ids[:3], mode)
        ours = await planned(client, ids[1:], mode)
        answers = await confirmed_at_once(server, theirs, client, ours)
    assert sorted(answer["status"] for answer in answers) == ["confirmation_required", "done"]
    [late] = [one for one in answers if one["status"] != "done"]
    assert late["changed"] == "nothing"
    assert len(late["differences"]) == 2
    assert late["count"] == 1
    assert len(effects(beel.app)) == len(set(effects(beel.app))) == 3
    requests = [one for one in guarded_requests(beel.app) if one["status"] != 405]
    assert len(requests) == (1 if mode == "delete" else 3)


async def test_one_plan_confirmed_in_two_processes_runs_once(
    connect_to: Connect, beel: FaultServer, tmp_path: Path, mode: str
) -> None:
    ids, state = crowd(beel.app, 3), tmp_path / "state"
    async with started(beel.url, state) as server, connect_to(state_dir=state) as client:
        plan = await planned_in(server, ids, mode)
        answers = await confirmed_at_once(server, plan, client, plan)
        assert len({one["operation_id"] for one in answers}) == 1
        assert sorted("replayed" in one for one in answers) == [False, True]
    assert effects(beel.app) == ids


async def test_while_one_process_is_at_it_another_waits_for_its_turn(
    connect_to: Connect, beel: FaultServer, tmp_path: Path, fake_time: FakeTime, mode: str
) -> None:
    ids, state = crowd(beel.app, 4), tmp_path / "state"
    impatient = Timing(now=fake_time.now, sleep=fake_time.sleep, patience_s=0.3)
    async with (
        started(beel.url, state) as server,
        connect_to(state_dir=state, timing=impatient) as client,
    ):
        theirs = await planned_in(server, ids[:2], mode)
        ours = await planned(client, ids[2:], mode)
        beel.fault("delay", committed=True, method=METHODS[mode])
        sent = await server.send("tools/call", {"name": "confirm_plan", "arguments": theirs})
        await beel.arrived.wait()
        waiting = await call(client, "confirm_plan", **ours)
        assert waiting["status"] == "partial"
        assert waiting["counts"]["not_attempted"] == 2
        assert not set(effects(beel.app)) & set(ids[2:])
        beel.released.set()
        first = (await server.receive(sent))["structuredContent"]
        assert first["status"] == "done"
        for _ in range(30):
            told = await call(client, "check_operation", operation_id=waiting["operation_id"])
            if told["status"] == "done":
                break
        assert told["counts"][DONE[mode]] == 2
    assert effects(beel.app) == ids


async def test_what_another_process_is_still_at_is_not_said_to_be_over(
    connect_to: Connect, beel: FaultServer
) -> None:
    ids = crowd(beel.app, 3)
    answers: list[dict[str, Any]] = []
    async with connect_to() as first, connect_to() as second, anyio.create_task_group() as group:
        plan = await planned(first, ids, "inactive")
        beel.fault("delay", committed=True, method="PATCH", after=1)

        async def confirm() -> None:
            answers.append(await call(first, "confirm_plan", **plan))

        group.start_soon(confirm)
        await beel.arrived.wait()
        told = await call(second, "confirm_plan", **plan)
        look = {"operation_id": told["operation_id"]}
        for answer in (told, await call(second, "check_operation", **look)):
            assert (answer["status"], bool(answer["retry_after_s"])) == ("partial", True)
            assert (
                answer["summary"]
                .lower()
                .endswith("still running: 1 of 3 customers was marked as inactive so far.")
            )
            assert "new plan" not in (answer.get("detail") or "")
        assert told["changed"] == "unknown"
        beel.released.set()
    assert (answers[0]["status"], answers[0]["counts"]["deactivated"]) == ("done", 3)
    assert effects(beel.app) == ids


async def test_who_does_not_get_the_turn_sends_nothing_and_the_record_says_why(
    connect_to: Connect, beel: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, state = crowd(beel.app, 3), tmp_path / "state"
    monkeypatch.setattr(execution, "TURN_S", 0.1)
    async with connect_to(state_dir=state) as client:
        await deactivated(client, ids[:1])
        plan = await planned(client, ids[1:])
        [lock] = (state / "locks").glob("*.lock")
        with FileLock(lock):
            busy = await call(client, "confirm_plan", **plan)
        assert (busy["code"], busy["changed"]) == ("busy", "nothing")
        again = await call(client, "confirm_plan", **plan)
        assert again["replayed"] is True
        assert again["counts"]["not_attempted"] == 2
        assert "busy" in again["detail"]
    assert effects(beel.app) == ids[:1]


async def test_who_is_in_an_unsettled_operation_is_left_alone_until_it_is_settled(
    connect_to: Connect, beel: FaultServer, tmp_path: Path, fake_time: FakeTime, mode: str
) -> None:
    ids, state = crowd(beel.app, 5), tmp_path / "state"
    async with started(beel.url, state) as server:
        theirs = await planned_in(server, ids[:2], mode)
        beel.fault("stall", method=METHODS[mode])
        await server.send("tools/call", {"name": "confirm_plan", "arguments": theirs})
        await beel.arrived.wait()
        server.process.kill()
        await server.process.wait()
    async with connect_to(state_dir=state) as client:
        # In capitals they are the same customers.
        blocked = await call(
            client,
            "confirm_plan",
            **await planned(client, [ids[0].upper(), ids[2]], "inactive"),
        )
        assert (blocked["code"], blocked["changed"]) == ("operation_unsettled", "nothing")
        assert blocked["retryable"] is True
        assert effects(beel.app) == []
        assert (await deactivated(client, ids[3:], mode))["status"] == "done"
        await fake_time.sleep(60)
        [step] = blocked["next"]
        settled = await call(client, step["tool"], **step["arguments"])
        assert settled["counts"][DONE[mode]] == settled["counts"]["unknown"] == 0
        assert (await deactivated(client, ids[:3], mode))["status"] == "done"
    assert sorted(effects(beel.app)) == ids
