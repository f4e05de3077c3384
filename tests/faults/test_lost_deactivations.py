"""A deactivation whose answer is lost: looked at, sent again once at most, never misreported."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from tests.conftest import TEST_KEY, Connect, FakeTime
from tests.support.deactivations import (
    DONE,
    call,
    crowd,
    effects,
    guarded_requests,
    is_there,
    planned,
    whole_record,
)
from tests.support.servers.fault_server import FaultServer
from tests.support.servers.losses import (
    BAD_GATEWAY,
    EMPTY,
    LOSSES,
    UNAUTHORIZED,
    lose,
    sent,
    settled,
)

pytestmark = pytest.mark.anyio

# How many customers, in which mode; one id goes by the single route, more by the bulk one.
WAYS = {"single": (1, "delete"), "bulk": (3, "delete"), "inactive": (1, "inactive")}


@dataclass(frozen=True)
class Way:
    """One way to deactivate, on one generation of BeeL."""

    generation: Any
    count: int
    mode: str

    @property
    def method(self) -> str:
        if self.mode == "delete":
            return "DELETE"
        return "PATCH" if self.generation == "current" else "PUT"


@pytest.fixture
def era() -> Any:
    """What gets lost has nothing to do with the protocol's era."""
    return "auto"


@pytest.fixture(params=["current", "legacy"])
def generation(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, generation: Any) -> Way:
    return Way(generation, *WAYS[request.param])


@pytest.fixture
def sandbox(generation: Any) -> Starlette:
    return create_app(SandboxOptions(generation=generation))


def assert_recorded(answer: dict[str, Any], app: Starlette, ids: list[str]) -> None:
    """Hold what was said against what is so; nobody was changed twice."""
    gone = sum(not is_there(app, one) for one in ids)
    assert answer["counts"]["unknown"] == 0
    assert sum(answer["counts"].get(name, 0) for name in DONE.values()) == gone
    assert len(effects(app)) == len(set(effects(app))) == gone


@pytest.mark.parametrize("loss", LOSSES)
async def test_one_lost_answer_is_found_out_and_only_what_was_not_done_is_sent_again(
    client: Client, beel: FaultServer, sandbox: Starlette, way: Way, loss: str
) -> None:
    ids = crowd(sandbox, way.count)
    plan = await planned(client, ids, way.mode)
    lose(beel, way.method, loss)
    done = await call(client, "confirm_plan", **plan)
    assert done["status"] == "done"
    assert done["counts"][DONE[way.mode]] == way.count
    assert sent(beel, way.method) == (1 if LOSSES[loss].committed else 2)
    assert_recorded(done, sandbox, ids)


@pytest.mark.parametrize("loss", LOSSES)
async def test_a_second_loss_is_unknown_until_somebody_looks_and_never_a_third_request(
    client: Client, beel: FaultServer, sandbox: Starlette, way: Way, loss: str
) -> None:
    ids = crowd(sandbox, way.count)
    plan = await planned(client, ids, way.mode)
    lose(beel, way.method, "reset before the commit")
    lose(beel, way.method, loss)
    lost = await call(client, "confirm_plan", **plan)
    assert lost["status"] == "unknown"
    assert lost["changed"] == "unknown"
    assert lost["unknown"] == ids
    assert "may or may not" in lost["summary"]
    again = await call(client, "confirm_plan", **plan)
    assert (again["replayed"], again["status"]) == (True, "unknown")
    end = await settled(call, client, beel, lost)
    assert sent(beel, way.method) == 2
    assert_recorded(end, sandbox, ids)
    done = LOSSES[loss].committed
    assert end["status"] == ("done" if done else "nothing_done")
    assert (await whole_record(client, lost["operation_id"]))[
        DONE[way.mode] if done else "failed"
    ] == ids
    assert (await call(client, "check_operation"))["operations"] == []


async def test_a_commit_that_comes_while_we_wait_is_seen_and_not_repeated(
    connect_to: Connect, beel: FaultServer, sandbox: Starlette, way: Way, fake_time: FakeTime
) -> None:
    async def sleep(seconds: float) -> None:
        await fake_time.sleep(seconds)
        await beel.commit_late()
        beel.late.clear()

    async with connect_to(timing=Timing(now=fake_time.now, sleep=sleep)) as client:
        ids = crowd(sandbox, way.count)
        plan = await planned(client, ids, way.mode)
        beel.fault("late", method=way.method)
        done = await call(client, "confirm_plan", **plan)
        assert done["counts"][DONE[way.mode]] == way.count
        assert sent(beel, way.method) == 1
        assert_recorded(done, sandbox, ids)


@pytest.mark.parametrize("second", ["late", "reset", "refused"])
async def test_a_commit_that_comes_after_the_answer_is_found_by_the_next_look(
    client: Client, beel: FaultServer, sandbox: Starlette, way: Way, second: str
) -> None:
    ids = crowd(sandbox, way.count)
    plan = await planned(client, ids, way.mode)
    beel.fault("late", method=way.method)
    if second == "refused":
        beel.fault("answer", raw=UNAUTHORIZED, method=way.method)
    else:
        beel.fault(second, method=way.method)  # type: ignore[arg-type]
    lost = await call(client, "confirm_plan", **plan)
    assert lost["status"] == "unknown", "the first request may still be carried out"
    await beel.commit_late()
    end = await settled(call, client, beel, lost)
    assert end["counts"][DONE[way.mode]] == way.count
    # A BeeL that is told twice to mark somebody inactive does so twice, with one effect.
    assert set(effects(sandbox)) == set(ids)


async def test_a_commit_that_comes_between_two_looks_is_not_called_a_failure(
    connect_to: Connect, beel: FaultServer, sandbox: Starlette, way: Way, fake_time: FakeTime
) -> None:
    told_at: list[int] = []

    async def sleep(seconds: float) -> None:
        await fake_time.sleep(seconds)
        if told_at and len(beel.seen) > told_at[0]:  # one look is behind us
            await beel.commit_late()

    async with connect_to(timing=Timing(now=fake_time.now, sleep=sleep)) as client:
        ids = crowd(sandbox, way.count)
        plan = await planned(client, ids, way.mode)
        beel.fault("late", method=way.method, times=2)
        lost = await call(client, "confirm_plan", **plan)
        told_at.append(len(beel.seen))
        end = await settled(call, client, beel, lost)
        assert end["counts"][DONE[way.mode]] == way.count
        assert not any(is_there(sandbox, one) for one in ids)


async def test_what_was_done_in_part_is_told_apart_and_the_rest_sent_once(
    connect_to: Connect,
    beel: FaultServer,
    sandbox: Starlette,
    generation: str,
    fake_time: FakeTime,
) -> None:
    ids = crowd(sandbox, 5)

    async def sleep(seconds: float) -> None:
        await fake_time.sleep(seconds)
        if not effects(sandbox):
            await somebody_deletes(beel, ids[1], ids[3])

    async with connect_to(timing=Timing(now=fake_time.now, sleep=sleep)) as client:
        plan = await planned(client, ids)
        beel.fault("reset", method="DELETE", path="bulk")
        done = await call(client, "confirm_plan", **plan)
        assert done["status"] == "done"
        assert_recorded(done, sandbox, ids)
        [again] = [one for one in guarded_requests(sandbox) if "bulk" in one["path"]]
        assert [one in again["query"] for one in ids] == [True, False, True, False, True]


async def test_what_was_done_in_part_is_settled_in_part(
    client: Client, beel: FaultServer, sandbox: Starlette
) -> None:
    ids = crowd(sandbox, 5)
    plan = await planned(client, ids)
    beel.fault("reset", method="DELETE", path="bulk", times=2)
    lost = await call(client, "confirm_plan", **plan)
    await somebody_deletes(beel, ids[1], ids[3])
    end = await settled(call, client, beel, lost)
    assert end["status"] == "partial"
    assert end["counts"] == {"deleted": 2, "failed": 3, "unknown": 0, "not_attempted": 0}
    record = await whole_record(client, lost["operation_id"])
    assert record["deleted"] == [ids[1], ids[3]]


async def test_a_beel_that_cannot_be_looked_at_is_not_sent_anything_more(
    client: Client, beel: FaultServer, sandbox: Starlette, fake_time: FakeTime, way: Way
) -> None:
    [one] = crowd(sandbox, 1)
    plan = await planned(client, [one], way.mode)
    lose(beel, way.method, "reset after the commit")
    down = beel.fault("answer", raw=BAD_GATEWAY, method="GET", path=one, times=99, after=2)
    down.after = 1 if way.method != "PUT" else 2  # the look before sending, and PUT's own
    lost = await call(client, "confirm_plan", **plan)
    assert lost["status"] == "unknown"
    assert sent(beel, way.method) == 1
    down.times = 0
    await fake_time.sleep(60)
    end = await settled(call, client, beel, lost)
    assert end["status"] == "done"
    assert_recorded(end, sandbox, [one])


async def test_a_loss_stops_the_requests_after_it(
    client: Client, beel: FaultServer, sandbox: Starlette
) -> None:
    ids = crowd(sandbox, 250)
    plan = await planned(client, ids)
    beel.fault("answer", raw=EMPTY, method="DELETE", times=2, after=1)
    lost = await call(client, "confirm_plan", **plan)
    assert lost["counts"] == {
        "deleted": 100,
        "failed": 0,
        "unknown": 100,
        "not_attempted": 50,
    }
    assert lost["unknown"] == ids[100:110]
    assert lost["not_attempted"] == ids[200:210]
    end = await settled(call, client, beel, lost)
    record = await whole_record(client, lost["operation_id"])
    assert (record["failed"], record["not_attempted"]) == (ids[100:200], ids[200:])
    assert end["counts"] == {"deleted": 100, "failed": 100, "unknown": 0, "not_attempted": 50}
    assert effects(sandbox) == ids[:100]


async def somebody_deletes(beel: FaultServer, *ids: str) -> None:
    """Delete customers one by one, as a BeeL that did half of a request would have."""
    headers = {"Authorization": f"Bearer {TEST_KEY}"}
    transport = httpx.ASGITransport(beel.app)
    async with httpx.AsyncClient(transport=transport, base_url=beel.url, headers=headers) as other:
        for record_id in ids:
            await other.delete(f"/v1/customers/{record_id}")
