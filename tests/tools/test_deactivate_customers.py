"""deactivate_customers, through the client, on the sandbox: what was agreed, and nobody else."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import customer_id
from tests.conftest import Connect
from tests.support.deactivations import (
    DONE,
    EXTRAS,
    bill,
    call,
    crowd,
    deactivated,
    effects,
    guarded_requests,
    is_there,
    planned,
    row_of,
    whole_record,
)

pytestmark = pytest.mark.anyio

FREE = [customer_id(n) for n in (8, 10, 11, 12, 13)]
BILLED = customer_id(1)
IDLE = customer_id(9)
NOBODY = customer_id(999)
# A generation of BeeL, and the routes it is asked on; the legacy one has the flat ones only.
WORLDS = [("current", "company"), ("current", "flat"), ("legacy", "flat")]


@pytest.fixture
def era() -> Any:
    """What becomes of customers has nothing to do with the protocol's era."""
    return "auto"


@pytest.fixture(params=WORLDS, ids=" ".join)
def world(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def generation(world: Any) -> Any:
    return world[0]


@pytest.fixture
def sandbox(generation: Any) -> Starlette:
    return create_app(SandboxOptions(generation=generation))


@pytest.fixture
async def client(connect: Connect, world: Any) -> AsyncIterator[Client]:
    async with connect(routes=world[1]) as opened:
        yield opened


@pytest.mark.parametrize("mode", ["delete", "inactive"])
@pytest.mark.parametrize(
    "count", [1, 2, *(pytest.param(n, marks=pytest.mark.slow) for n in (20, 21, 100, 101))]
)
async def test_everybody_who_was_agreed_to_and_nobody_else(
    client: Client, sandbox: Starlette, count: int, mode: str
) -> None:
    everybody = crowd(sandbox, count + 2)
    ids = everybody[:count]
    done = await deactivated(client, ids, mode)
    assert done["status"] == "done"
    assert done["changed"] == "something"
    assert done["counts"][DONE[mode]] == done["requested"] == count
    assert sorted(effects(sandbox)) == sorted(ids)
    assert not any(is_there(sandbox, one) for one in ids)
    assert all(is_there(sandbox, one) for one in (*everybody[count:], *FREE, BILLED))
    assert (await whole_record(client, done["operation_id"]))[DONE[mode]] == ids


@pytest.mark.slow
async def test_five_hundred_at_once_in_five_requests(client: Client, sandbox: Starlette) -> None:
    ids = crowd(sandbox, 500)
    plan = await planned(client, ids)
    before = len(guarded_requests(sandbox))
    done = await call(client, "confirm_plan", **plan)
    assert before == 0
    assert done["counts"]["deleted"] == 500
    assert done["more_deleted"] == 490
    assert len(guarded_requests(sandbox)) == 5
    assert effects(sandbox) == ids
    assert (await whole_record(client, done["operation_id"]))["deleted"] == ids


async def test_a_deletion_is_called_what_it_is_on_the_generation_that_answers(
    client: Client, sandbox: Starlette, generation: str
) -> None:
    plan = await call(client, "deactivate_customers", customer_ids=[FREE[0]])
    done = await call(client, "confirm_plan", plan_id=plan["plan_id"], statement=plan["statement"])
    is_final = generation == "current"
    assert ("for good" in plan["statement"]) is is_final
    assert ("BeeL keeps it" in plan["statement"]) is not is_final
    assert ("deleted for good" in done["summary"]) is is_final
    assert (row_of(sandbox, FREE[0])["deleted_at"] is not None) is is_final


@pytest.mark.parametrize("mode", ["delete", "inactive"])
async def test_a_few_are_checked_for_invoices_before_anybody_is_asked(
    client: Client, sandbox: Starlette, mode: str
) -> None:
    plan = await call(client, "deactivate_customers", customer_ids=[BILLED, *FREE], mode=mode)
    if mode == "inactive":
        assert plan["count"] == 6
        assert "failed" not in plan
        return
    assert plan["count"] == 5
    [left] = plan["failed"]
    assert (left["customer_id"], left["code"]) == (BILLED, "has_invoices")
    assert "inactive" in left["remedy"]
    done = await call(client, "confirm_plan", plan_id=plan["plan_id"], statement=plan["statement"])
    assert done["status"] == "partial"
    assert done["counts"] == {"deleted": 5, "failed": 1, "unknown": 0, "not_attempted": 0}
    assert BILLED not in str([one["query"] for one in guarded_requests(sandbox)])


async def test_invoices_of_many_are_not_counted_which_is_said_and_beel_refuses_them(
    client: Client, sandbox: Starlette
) -> None:
    ids = crowd(sandbox, 18)
    billed = [customer_id(n) for n in (1, 2, 3)]
    plan = await planned(client, [*ids, *billed])
    assert "BeeL will refuse those that have invoices" in plan["statement"]
    done = await call(client, "confirm_plan", **plan)
    assert done["status"] == "partial"
    assert done["counts"] == {"deleted": 18, "failed": 3, "unknown": 0, "not_attempted": 0}
    assert {(one["customer_id"], one["code"]) for one in done["failed"]} == {
        (one, "has_invoices") for one in billed
    }
    assert sorted(effects(sandbox)) == ids
    assert (await whole_record(client, done["operation_id"]))["failed"] == billed


async def test_a_200_that_deleted_nobody_is_nothing_done(
    client: Client, sandbox: Starlette, generation: str
) -> None:
    # More than twenty, so that only BeeL's answer tells.
    billed = crowd(sandbox, 21)
    bill(sandbox, billed)
    nothing = await deactivated(client, billed)
    assert nothing["status"] == "nothing_done"
    assert nothing["changed"] == "nothing"
    assert nothing["counts"] == {"deleted": 0, "failed": 21, "unknown": 0, "not_attempted": 0}
    assert nothing["more_failed"] == 16
    assert [one["status"] for one in guarded_requests(sandbox)] == [200]
    assert effects(sandbox) == []


@pytest.mark.parametrize("others", [0, 20])
async def test_an_id_that_is_given_twice_or_in_capitals_is_one_customer(
    client: Client, sandbox: Starlette, others: int
) -> None:
    ids = [FREE[0], *crowd(sandbox, others), FREE[0].upper(), FREE[1].upper(), FREE[1].upper()]
    done = await deactivated(client, ids)
    assert done["status"] == "done"
    assert done["requested"] == done["counts"]["deleted"] == others + 2
    assert len(effects(sandbox)) == len(set(effects(sandbox))) == others + 2


@pytest.mark.parametrize("others", [0, 20])
@pytest.mark.parametrize("stranger", [NOBODY, customer_id(101), "nobody", "0"])
async def test_an_id_of_nobody_is_said_and_keeps_nobody_else(
    client: Client, sandbox: Starlette, stranger: str, others: int
) -> None:
    ids = [FREE[0], *crowd(sandbox, others)]
    done = await deactivated(client, [stranger, *ids])
    assert done["status"] == "partial"
    [failed] = done["failed"]
    assert (failed["customer_id"], failed["code"]) == (stranger, "not_found")
    assert sorted(effects(sandbox)) == sorted(ids)


@pytest.mark.parametrize(
    ("ids", "mode", "codes"),
    [
        ([NOBODY], "delete", ["not_found"]),
        ([NOBODY], "inactive", ["not_found"]),
        ([BILLED], "delete", ["has_invoices"]),
        ([IDLE], "inactive", ["already_inactive"]),
        ([IDLE, NOBODY, "nobody"], "inactive", ["already_inactive", "not_found", "not_found"]),
    ],
)
async def test_where_nothing_would_change_nobody_is_asked(
    client: Client, sandbox: Starlette, ids: list[str], mode: str, codes: list[str]
) -> None:
    answer = await call(client, "deactivate_customers", customer_ids=ids, mode=mode)
    assert answer["status"] == "nothing_done"
    assert answer["changed"] == "nothing"
    assert "plan_id" not in answer
    assert answer["counts"]["failed"] == answer["requested"] == len(ids)
    assert [one["code"] for one in answer["failed"]] == codes
    assert guarded_requests(sandbox) == []


async def test_the_inactive_are_deleted_only_where_that_is_something_else(
    client: Client, sandbox: Starlette, generation: str
) -> None:
    [idle] = crowd(sandbox, 1, active=0)
    answer = await call(client, "deactivate_customers", customer_ids=[idle])
    if generation == "legacy":
        assert answer["status"] == "nothing_done"
        assert answer["failed"][0]["code"] == "already_inactive"
        return
    done = await deactivated(client, [idle])
    assert done["status"] == "done"
    assert row_of(sandbox, idle)["deleted_at"] is not None


@pytest.mark.parametrize("extras", [EXTRAS, {}], ids=["full", "bare"])
async def test_inactive_changes_nothing_else_of_a_customer(
    client: Client, sandbox: Starlette, generation: str, extras: dict[str, Any]
) -> None:
    ids = [*crowd(sandbox, 1, **extras), *(customer_id(n) for n in (1, 2, 6, 7))]
    before = {one: row_of(sandbox, one) for one in ids}
    assert (await deactivated(client, ids, "inactive"))["counts"]["deactivated"] == len(ids)
    for one in ids:
        after = row_of(sandbox, one)
        assert after.pop("active") == 0
        assert after.pop("updated_at") != before[one].pop("updated_at")
        assert before[one].pop("active") == 1
        assert after == before[one]
    methods = {one["method"] for one in guarded_requests(sandbox) if one["status"] == 200}
    assert methods == ({"PATCH"} if generation == "current" else {"PUT"})
