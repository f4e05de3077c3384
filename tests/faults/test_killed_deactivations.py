"""A server killed in the middle of a deactivation: what it did is found again, and not repeated."""

from pathlib import Path
from typing import Any, Literal

import anyio
import pytest
from mcp import Client

from tests.conftest import Connect, FakeTime
from tests.support.deactivations import (
    DONE,
    call,
    crowd,
    deactivated,
    effects,
    guarded_requests,
    is_there,
    whole_record,
)
from tests.support.servers.fault_server import FaultServer
from tests.support.servers.raw_server import KILLED_AT, RawServer, started

pytestmark = pytest.mark.anyio

# The journal's steps of three customers that are marked one by one: how many requests BeeL got
# by then, and how the operation stands for whoever asks afterwards.
STEPS = [
    ("take", "after", 1, 0, "interrupted"),
    ("pending", "before", 1, 0, "interrupted"),
    ("pending", "after", 1, 0, "unsettled"),
    ("settle", "before", 1, 1, "unsettled"),
    ("settle", "after", 1, 1, "interrupted"),
    ("pending", "before", 2, 1, "interrupted"),
    ("pending", "after", 2, 1, "unsettled"),
    ("settle", "before", 2, 2, "unsettled"),
    ("settle", "after", 3, 3, None),
    ("end", "before", 1, 3, None),
    ("end", "after", 1, 3, None),
]


@pytest.fixture
def era() -> Any:
    """What happens to processes has nothing to do with the protocol's era."""
    return "auto"


async def plan_in(server: RawServer, ids: list[str], mode: str) -> dict[str, Any]:
    plan = await server.call("deactivate_customers", customer_ids=ids, mode=mode)
    return {name: plan[name] for name in ("plan_id", "statement")}


async def die_confirming(server: RawServer, plan: dict[str, Any]) -> None:
    await server.send("tools/call", {"name": "confirm_plan", "arguments": plan})
    with anyio.fail_after(30):  # a kill that never comes is a failure, too
        await server.process.wait()


async def account_for(
    client: Client, beel: FaultServer, plan: dict[str, Any], *, state: str | None
) -> dict[str, list[str]]:
    """Find a killed deactivation again, as a person would, and settle it by reading."""
    sent = len(guarded_requests(beel.app))
    unsettled = (await call(client, "get_status")).get("unsettled") or []
    listed = (await call(client, "check_operation"))["operations"]
    assert [one["state"] for one in listed] == ([state] if state else [])
    assert unsettled == listed
    told = await call(client, "confirm_plan", **plan)
    assert told["replayed"] is True
    assert told["counts"]["unknown"] == (listed[0]["records"] if state == "unsettled" else 0)
    if state == "interrupted":
        assert told["counts"]["not_attempted"] == listed[0]["records"]
    record = await whole_record(client, told["operation_id"])
    assert (await call(client, "check_operation"))["operations"] == []
    again = await call(client, "confirm_plan", **plan)
    assert {name: len(ids) for name, ids in record.items()} == again["counts"]
    assert len(guarded_requests(beel.app)) == sent, "nothing is sent again by itself"
    [done] = set(DONE.values()) & record.keys()
    assert sorted(record[done]) == sorted(effects(beel.app))
    return record


@pytest.mark.parametrize(("step", "moment", "time", "sent", "stands"), STEPS)
async def test_killed_at_any_step_everybody_is_accounted_for_and_the_rest_needs_a_new_plan(
    connect_to: Connect,
    beel: FaultServer,
    fake_time: FakeTime,
    tmp_path: Path,
    step: str,
    moment: str,
    time: int,
    sent: int,
    stands: str | None,
) -> None:
    ids, state = crowd(beel.app, 3), tmp_path / "state"
    module = (KILLED_AT, step, moment, str(time))
    async with started(beel.url, state, *module) as server:
        plan = await plan_in(server, ids, "inactive")
        await die_confirming(server, plan)
    assert effects(beel.app) == ids[:sent]
    await fake_time.sleep(60)
    async with connect_to(state_dir=state) as client:
        record = await account_for(client, beel, plan, state=stands)
        assert record["deactivated"] == ids[:sent]
        rest = [*record["failed"], *record["not_attempted"]]
        assert rest == ids[sent:]
        if rest:
            assert (await deactivated(client, rest, "inactive"))["status"] == "done"
    assert effects(beel.app) == ids, "each exactly once"


async def test_killed_before_the_plan_was_taken_it_still_waits(
    connect_to: Connect, beel: FaultServer, tmp_path: Path
) -> None:
    ids, state = crowd(beel.app, 3), tmp_path / "state"
    async with started(beel.url, state, KILLED_AT, "take", "before") as server:
        plan = await plan_in(server, ids, "delete")
        await die_confirming(server, plan)
    assert guarded_requests(beel.app) == []
    async with connect_to(state_dir=state) as client:
        done = await call(client, "confirm_plan", **plan)
        assert done["counts"]["deleted"] == 3
        assert "replayed" not in done


@pytest.mark.parametrize(
    ("step", "moment", "time", "sent"),
    [("keep_path", "after", 1, 0), ("settle", "before", 1, 100), ("pending", "before", 2, 100)],
)
async def test_killed_in_a_deletion_of_many_the_file_is_named_and_the_chunks_add_up(
    connect_to: Connect,
    beel: FaultServer,
    fake_time: FakeTime,
    tmp_path: Path,
    step: str,
    moment: str,
    time: int,
    sent: int,
) -> None:
    ids, state = crowd(beel.app, 130), tmp_path / "state"
    module = (KILLED_AT, step, moment, str(time))
    async with started(beel.url, state, *module) as server:
        plan = await plan_in(server, ids, "delete")
        await die_confirming(server, plan)
    assert effects(beel.app) == ids[:sent]
    await fake_time.sleep(60)
    async with connect_to(state_dir=state) as client:
        record = await account_for(
            client, beel, plan, state="unsettled" if step == "settle" else "interrupted"
        )
        assert (record["deleted"], record["not_attempted"]) == (ids[:sent], ids[sent:])
        told = await call(client, "confirm_plan", **plan)
        assert Path(told["backup_path"]).exists()  # noqa: ASYNC240 - a file of ours


@pytest.mark.parametrize("end", ["kill", "terminate"])
@pytest.mark.parametrize("committed", [False, True])
async def test_killed_while_beel_was_at_it_the_outcome_is_what_a_look_shows(
    connect_to: Connect,
    beel: FaultServer,
    fake_time: FakeTime,
    tmp_path: Path,
    end: Literal["kill", "terminate"],
    committed: bool,
) -> None:
    ids, state = crowd(beel.app, 3), tmp_path / "state"
    async with started(beel.url, state) as server:
        plan = await plan_in(server, ids, "delete")
        beel.fault("stall", committed=committed, method="DELETE")
        await server.send("tools/call", {"name": "confirm_plan", "arguments": plan})
        await beel.arrived.wait()
        getattr(server.process, end)()
        await server.process.wait()
    await fake_time.sleep(60)
    async with connect_to(state_dir=state) as client:
        record = await account_for(client, beel, plan, state="unsettled")
        assert record["deleted" if committed else "failed"] == ids
    assert [is_there(beel.app, one) for one in ids] == [not committed] * 3


async def test_a_closed_stdin_lets_a_deletion_in_flight_end(
    connect_to: Connect, beel: FaultServer, tmp_path: Path
) -> None:
    ids, state = crowd(beel.app, 3), tmp_path / "state"
    async with started(beel.url, state) as server:
        plan = await plan_in(server, ids, "delete")
        beel.fault("delay", committed=True, method="DELETE")
        await server.send("tools/call", {"name": "confirm_plan", "arguments": plan})
        await beel.arrived.wait()
        assert server.process.stdin
        await server.process.stdin.aclose()
        beel.released.set()
        assert await server.process.wait() == 0
    async with connect_to(state_dir=state) as client:
        assert (await call(client, "check_operation"))["operations"] == []
        told = await call(client, "confirm_plan", **plan)
        assert told["replayed"] is True
        assert told["counts"]["deleted"] == 3
    assert sorted(effects(beel.app)) == ids
