"""An update whose answer is lost: read back and compared, sent again once at most."""

from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import customer_id
from tests.conftest import Connect, FakeTime
from tests.support.deactivations import effects
from tests.support.people.evidence import call
from tests.support.people.forms import edit
from tests.support.servers.fault_server import FaultServer
from tests.support.servers.losses import BAD_GATEWAY, LOSSES, UNAUTHORIZED, lose, sent, settled
from tests.support.updates import add, confirmed, fields_of, planned, put_back

pytestmark = pytest.mark.anyio

WAYS: dict[str, dict[str, Any]] = {
    "a field": {"email": "nueva@taller.example"},
    "a group and an emptied field": {"address": {"street": "Calle Mayor"}, "clear": ["notes"]},
}


@pytest.fixture
def era() -> Any:
    """What gets lost has nothing to do with the protocol's era."""
    return "auto"


@pytest.fixture(params=["current", "legacy"])
def generation(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def method(generation: str) -> str:
    return "PATCH" if generation == "current" else "PUT"


@pytest.fixture(params=WAYS)
def changes(request: pytest.FixtureRequest) -> dict[str, Any]:
    return WAYS[request.param]


@pytest.fixture
def sandbox(generation: Any) -> Starlette:
    return create_app(SandboxOptions(generation=generation))


def is_as_wanted(app: Starlette, record_id: str, changes: dict[str, Any]) -> bool:
    fields = fields_of(app, record_id)
    if "email" in changes:
        return fields["email"] == changes["email"]
    return fields["address.street"] == "Calle Mayor" and "notes" not in fields


@pytest.mark.parametrize("loss", LOSSES)
async def test_one_lost_answer_is_found_out_and_only_what_was_not_done_is_sent_again(
    client: Client, beel: FaultServer, sandbox: Starlette, method: str, loss: str, changes: Any
) -> None:
    [one] = add(sandbox)
    before = fields_of(sandbox, one)
    plan = await planned(client, [one], changes)
    lose(beel, method, loss)
    done = await confirmed(client, plan)
    assert done["status"] == "done"
    assert done["updated"] == [one]
    assert sent(beel, method) == (1 if LOSSES[loss].committed else 2)
    assert effects(sandbox) == [one]
    assert is_as_wanted(sandbox, one, changes)
    await put_back(client, done)
    assert fields_of(sandbox, one) == before


@pytest.mark.parametrize("loss", LOSSES)
async def test_a_second_loss_is_unknown_until_somebody_looks_and_never_a_third_request(
    client: Client, beel: FaultServer, sandbox: Starlette, method: str, loss: str, changes: Any
) -> None:
    [one] = add(sandbox)
    plan = await planned(client, [one], changes)
    lose(beel, method, "reset before the commit")
    lose(beel, method, loss)
    lost = await confirmed(client, plan)
    assert (lost["status"], lost["changed"], lost["unknown"]) == ("unknown", "unknown", [one])
    assert "may or may not have been updated" in lost["summary"]
    assert lost["previous"].keys() == {one}, "what may be gone is told, too"
    again = await confirmed(client, plan)
    assert (again["replayed"], again["status"]) == (True, "unknown")
    end = await settled(call, client, beel, lost)
    assert sent(beel, method) == 2
    is_done = LOSSES[loss].committed
    assert is_as_wanted(sandbox, one, changes) is is_done
    assert end["status"] == ("done" if is_done else "nothing_done")
    assert end["counts"]["unknown"] == 0
    assert end["counts"]["updated" if is_done else "failed"] == 1
    assert effects(sandbox) == [one] * is_done
    assert (await call(client, "check_operation"))["operations"] == []


async def test_a_commit_that_comes_while_we_wait_is_seen_and_not_repeated(
    connect_to: Connect,
    beel: FaultServer,
    sandbox: Starlette,
    method: str,
    fake_time: FakeTime,
    changes: Any,
) -> None:
    async def sleep(seconds: float) -> None:
        await fake_time.sleep(seconds)
        await beel.commit_late()
        beel.late.clear()

    async with connect_to(timing=Timing(now=fake_time.now, sleep=sleep)) as client:
        [one] = add(sandbox)
        plan = await planned(client, [one], changes)
        beel.fault("late", method=method)
        done = await confirmed(client, plan)
    assert done["counts"]["updated"] == 1
    assert (sent(beel, method), effects(sandbox)) == (1, [one])


@pytest.mark.parametrize("second", ["late", "refused"])
async def test_a_commit_that_comes_after_the_answer_is_found_by_the_next_look(
    client: Client, beel: FaultServer, sandbox: Starlette, method: str, second: str, changes: Any
) -> None:
    [one] = add(sandbox)
    plan = await planned(client, [one], changes)
    beel.fault("late", method=method)
    if second == "refused":
        beel.fault("answer", raw=UNAUTHORIZED, method=method)
    else:
        beel.fault("late", method=method)
    lost = await confirmed(client, plan)
    assert lost["status"] == "unknown", "the first request may still be carried out"
    await beel.commit_late()
    end = await settled(call, client, beel, lost)
    assert end["counts"]["updated"] == 1
    assert is_as_wanted(sandbox, one, changes)


async def test_what_somebody_else_wrote_after_a_loss_is_neither_claimed_nor_overwritten(
    connect_to: Connect, beel: FaultServer, sandbox: Starlette, method: str, fake_time: FakeTime
) -> None:
    [one] = add(sandbox)

    async def sleep(seconds: float) -> None:
        await fake_time.sleep(seconds)
        edit(sandbox, "email", "de.otra@persona.example", one)

    async with connect_to(timing=Timing(now=fake_time.now, sleep=sleep)) as client:
        plan = await planned(client, [one], WAYS["a field"])
        lose(beel, method, "reset before the commit")
        told = await confirmed(client, plan)
    assert [left["code"] for left in told["failed"]] == ["changed_meanwhile"]
    assert sent(beel, method) == 1
    assert fields_of(sandbox, one)["email"] == "de.otra@persona.example"


async def test_a_read_that_fails_before_sending_changes_nothing_and_stops_the_rest(
    client: Client, beel: FaultServer, sandbox: Starlette, method: str
) -> None:
    ids = add(sandbox, 3)
    plan = await planned(client, ids, WAYS["a field"])
    # Behind the look for the plan, which is over, and the one after the yes.
    beel.fault("answer", raw=BAD_GATEWAY, method="GET", path=ids[1], times=9, after=1)
    done = await confirmed(client, plan)
    assert done["counts"] == {
        "updated": 1,
        "unchanged": 0,
        "failed": 0,
        "unknown": 0,
        "not_attempted": 2,
    }
    assert (done["updated"], done["not_attempted"]) == ([ids[0]], ids[1:])
    assert sent(beel, method) == 1
    assert effects(sandbox) == [ids[0]]


async def test_a_loss_in_the_middle_stops_the_rest(
    client: Client, beel: FaultServer, sandbox: Starlette, method: str
) -> None:
    ids = add(sandbox, 4)
    plan = await planned(client, ids, WAYS["a field"])
    beel.fault("reset", method=method, path=ids[1], times=2)
    lost = await confirmed(client, plan)
    assert (lost["updated"], lost["unknown"], lost["not_attempted"]) == (
        [ids[0]],
        [ids[1]],
        ids[2:],
    )
    assert lost["previous"].keys() == set(ids[:2])
    end = await settled(call, client, beel, lost)
    assert end["counts"] == {
        "updated": 1,
        "unchanged": 0,
        "failed": 1,
        "unknown": 0,
        "not_attempted": 2,
    }
    assert effects(sandbox) == [ids[0]]


async def test_an_answer_with_every_class_in_it_is_short_and_adds_up(
    client: Client, beel: FaultServer, sandbox: Starlette, method: str
) -> None:
    ids = add(sandbox, 40)
    for number, one in enumerate(ids):
        edit(sandbox, "notes", "ya" if number < 10 else "漢" * 12, one)
        edit(sandbox, "legal_name", "漢" * 100, one)
    nobody = [customer_id(number) for number in range(900, 910)]
    plan = await planned(client, [*ids, *nobody], {"notes": "ya"})
    beel.fault("reset", method=method, path=ids[20], times=2)
    lost = await confirmed(client, plan)  # each answer is measured
    assert lost["counts"] == {
        "updated": 10,
        "unchanged": 10,
        "failed": 10,
        "unknown": 1,
        "not_attempted": 19,
    }
    assert lost["unknown"] == [ids[20]]
    assert (len(lost["updated"]), lost["more_updated"]) == (5, 5)
    assert len(lost["previous"]) + lost["more_previous"] == 11


async def test_a_new_plan_for_what_changed_is_short_too(
    client: Client, sandbox: Starlette, beel: FaultServer
) -> None:
    ids = add(sandbox, 20)
    plan = await planned(client, ids, {"notes": "ya"})
    for one in ids:
        edit(sandbox, "notes", "漢字" * 60, one)
        edit(sandbox, "legal_name", "漢" * 100, one)
    told = await confirmed(client, plan)
    assert told["status"] == "confirmation_required"
    assert effects(sandbox) == []
