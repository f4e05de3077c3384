"""An undoing whose answer is lost, or whose server is killed: as exactly once as what it undoes."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.sandbox import SandboxOptions, create_app
from tests.conftest import Connect, FakeTime
from tests.support.deactivations import effects
from tests.support.people.evidence import Told, call
from tests.support.people.forms import edit
from tests.support.servers.fault_server import FaultServer
from tests.support.servers.losses import LOSSES, lose, sent, settled
from tests.support.servers.raw_server import KILLED_AT, RawServer, started
from tests.support.updates import (
    IBAN,
    OTHER_IBAN,
    add,
    confirmed,
    fields_of,
    planned,
    put_back,
    undoing,
    updated,
)

pytestmark = pytest.mark.anyio

CHANGES = {"email": "n@x.example", "preferred_payment_method": {"iban": OTHER_IBAN}}


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


@pytest.fixture
def sandbox(generation: Any) -> Starlette:
    return create_app(SandboxOptions(generation=generation))


def crowd_of(app: Starlette, count: int) -> tuple[list[str], list[dict[str, Any]]]:
    """Add customers with values of their own; give their ids and fields."""
    ids = add(app, count)
    for number, one in enumerate(ids):
        edit(app, "email", f"suyo{number}@x.example", one)
    return ids, [fields_of(app, one) for one in ids]


@pytest.mark.parametrize("loss", LOSSES)
async def test_one_lost_answer_is_found_out_and_only_what_was_not_done_is_sent_again(
    client: Client, beel: FaultServer, sandbox: Starlette, method: str, loss: str
) -> None:
    ids, before = crowd_of(sandbox, 3)
    plan = await undoing(client, await updated(client, ids, CHANGES))
    sent_before = sent(beel, method)
    lose(beel, method, loss, path=ids[1])
    back = await confirmed(client, plan)
    assert back["status"] == "done"
    assert sent(beel, method) - sent_before == (3 if LOSSES[loss].committed else 4)
    assert [fields_of(sandbox, one) for one in ids] == before
    assert effects(sandbox) == [*ids, *ids]


@pytest.mark.parametrize("committed", [True, False])
async def test_what_is_unknown_is_settled_before_anything_is_undone(
    client: Client, beel: FaultServer, sandbox: Starlette, method: str, committed: bool
) -> None:
    ids, before = crowd_of(sandbox, 2)
    plan = await planned(client, ids, CHANGES)
    beel.fault("reset", committed=False, method=method, path=ids[0])
    beel.fault("reset", committed=committed, method=method, path=ids[0])
    lost = await confirmed(client, plan)
    assert (lost["status"], lost["unknown"]) == ("unknown", ids[:1])
    assert not any("undo" in step["arguments"] for step in lost["next"])
    refused = await call(client, "update_customers", undo=lost["operation_id"])
    assert (refused["code"], refused["changed"]) == ("operation_unsettled", "nothing")
    assert refused["next"][0]["arguments"] == {"operation_id": lost["operation_id"]}
    end = await settled(call, client, beel, lost)
    assert end["counts"]["updated" if committed else "failed"] == 1
    if committed:
        back = await put_back(client, end)
        assert back["counts"]["updated"] == 1
    else:
        assert (await call(client, "update_customers", undo=lost["operation_id"]))["code"] == (
            "nothing_to_undo"
        )
    assert [fields_of(sandbox, one) for one in ids] == before


async def test_an_undoing_of_unknown_outcome_is_settled_and_then_undone_itself(
    client: Client, beel: FaultServer, sandbox: Starlette, method: str
) -> None:
    ids, before = crowd_of(sandbox, 1)
    done = await updated(client, ids, CHANGES)
    after = [fields_of(sandbox, one) for one in ids]
    plan = await undoing(client, done)
    lose(beel, method, "reset before the commit")
    lose(beel, method, "reset after the commit")
    lost = await confirmed(client, plan)
    assert (lost["status"], lost["unknown"]) == ("unknown", ids)
    assert "may or may not have been given the old values back" in lost["summary"]
    assert (await call(client, "update_customers", undo=lost["operation_id"]))["code"] == (
        "operation_unsettled"
    )
    end = await settled(call, client, beel, lost)
    assert end["counts"]["updated"] == 1
    assert [fields_of(sandbox, one) for one in ids] == before
    await put_back(client, end)
    assert [fields_of(sandbox, one) for one in ids] == after


async def plan_in(server: RawServer, tool: str, **arguments: Any) -> dict[str, Any]:
    plan = await server.call(tool, **arguments)
    return {name: plan[name] for name in ("plan_id", "statement")}


@pytest.mark.parametrize("generation", ["current"], indirect=True)
@pytest.mark.parametrize(
    ("step", "moment", "time", "undone"),
    [
        # Of three records of an update and then of its undoing: the fourth sending is the first.
        ("pending", "after", 5, 1),
        ("settle", "before", 5, 2),
        ("settle", "after", 5, 2),
        ("settle", "after", 6, 3),
    ],
)
async def test_killed_in_an_undoing_what_it_did_is_known_and_a_new_one_does_the_rest(
    connect_to: Connect,
    beel: FaultServer,
    sandbox: Starlette,
    fake_time: FakeTime,
    tmp_path: Path,
    step: str,
    moment: str,
    time: int,
    undone: int,
) -> None:
    (ids, before), state = crowd_of(sandbox, 3), tmp_path / "state"
    async with started(beel.url, state, KILLED_AT, step, moment, str(time)) as server:
        arguments = {"customer_ids": ids, "changes": CHANGES}
        plan = await plan_in(server, "update_customers", **arguments)
        done = await server.call("confirm_plan", **plan)
        plan = await plan_in(server, "update_customers", undo=done["operation_id"])
        await server.send("tools/call", {"name": "confirm_plan", "arguments": plan})
        with anyio.fail_after(30):
            await server.process.wait()
    assert effects(sandbox) == [*ids, *ids[:undone]]
    await fake_time.sleep(60)
    async with connect_to(state_dir=state) as client:
        told = await call(client, "confirm_plan", **plan)
        assert told["replayed"] is True
        killed = {"operation_id": told["operation_id"]}
        record = await call(client, "check_operation", **killed)
        assert record["counts"]["unknown"] == 0
        assert record["counts"]["updated"] == undone
        assert effects(sandbox) == [*ids, *ids[:undone]], "settling only reads"
        rest = await call(client, "update_customers", undo=done["operation_id"])
        if undone < 3:
            assert rest["count"] == 3 - undone
            end: Told = await confirmed(client, rest)
            assert end["counts"]["unchanged"] == undone
        else:
            assert rest["status"] == "nothing_done"
    assert [fields_of(sandbox, one) for one in ids] == before
    assert effects(sandbox) == [*ids, *ids], "each exactly once"


async def test_no_answer_about_a_lost_undoing_has_the_account(
    client: Client, beel: FaultServer, sandbox: Starlette, method: str
) -> None:
    ids, _ = crowd_of(sandbox, 1)
    plan = await undoing(client, await updated(client, ids, CHANGES))
    beel.fault("reset", method=method, times=2)
    lost = await confirmed(client, plan)
    for answer in (plan, lost, await settled(call, client, beel, lost)):
        words = (answer.text + str(dict(answer))).replace(" ", "")
        assert not any(iban[4:-4] in words for iban in (IBAN, OTHER_IBAN))
