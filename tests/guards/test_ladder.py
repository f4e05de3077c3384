"""BEEL_CONFIRM: which way a yes may come is the operator's word, never the model's."""

from typing import Any

import pytest
from starlette.applications import Starlette

from tests.conftest import Connect
from tests.guards.people import (
    FREE,
    ONE,
    OTHER,
    agreeing,
    answering,
    call,
    effects,
    guarded_requests,
    planned,
    structure,
    text,
)
from tests.rows import customer

pytestmark = pytest.mark.anyio


async def test_an_app_with_forms_is_asked_by_confirm_plan_as_well(
    connect: Connect, sandbox: Starlette
) -> None:
    seen: list[Any] = []
    async with connect() as client:
        plan = await planned(client)
    async with connect(answers=answering("decline")) as client:
        assert (await call(client, "confirm_plan", **plan))["status"] == "not_confirmed"
    assert guarded_requests(sandbox) == []
    async with connect(answers=agreeing(seen)) as client:
        assert (await call(client, "confirm_plan", **plan))["status"] == "done"
    assert seen[0].message.startswith(plan["statement"])


async def test_ask_refuses_an_app_without_forms_even_with_a_plan(
    connect: Connect, sandbox: Starlette
) -> None:
    async with connect() as client:
        plan = await planned(client)
    async with connect(confirm="ask") as client:
        for tool, arguments in (
            ("deactivate_customers", {"customer_ids": [ONE]}),
            ("confirm_plan", plan),
        ):
            result = await client.call_tool(tool, arguments)
            assert structure(result)["code"] == "confirmation_unavailable"
            assert "BEEL_CONFIRM" in text(result)
    async with connect(confirm="ask", answers=agreeing()) as client:
        assert (await call(client, "deactivate_customers", customer_ids=[OTHER]))[
            "status"
        ] == "done"
    assert effects(sandbox) == 1


async def test_plan_shows_no_form_to_an_app_that_declares_them(
    connect: Connect, sandbox: Starlette
) -> None:
    seen: list[Any] = []
    async with connect(confirm="plan", answers=agreeing(seen)) as client:
        plan = await planned(client)
        assert (await call(client, "confirm_plan", **plan))["status"] == "done"
    assert seen == []


async def test_a_hundred_plans_may_wait_and_no_more(connect: Connect) -> None:
    async with connect() as client:
        for number in range(100):
            ids = [one for place, one in enumerate(FREE) if number >> place & 1] or [ONE]
            await call(
                client,
                "deactivate_customers",
                customer_ids=[*ids, f"nobody-{number}"],
            )
        answer = await call(client, "deactivate_customers", customer_ids=[ONE, "one-more"])
    assert answer["code"] == "too_many_plans"


CREATES = [customer(1), customer(2)]


async def test_creating_needs_a_yes_as_well_where_the_operator_wants_it(
    connect: Connect, sandbox: Starlette
) -> None:
    seen: list[Any] = []
    async with connect(confirm_creates=True, answers=agreeing(seen)) as client:
        batch = await call(client, "validate_customers", customers=CREATES)
        arguments = {"batch_id": batch["batch_id"], "expected_count": 2}
        answer = await call(client, "create_customers", **arguments)
        again = await call(client, "create_customers", **arguments)
    assert answer["counts"]["created"] == 2
    assert "create 2 customers" in seen[0].message
    assert again["replayed"] is True
    assert len(seen) == 1
    assert effects(sandbox) == 2


@pytest.mark.parametrize("by_batch", [True, False])
@pytest.mark.parametrize("answers", [answering("decline"), answering("accept", {"count": 3})])
async def test_without_that_yes_nobody_is_created(
    connect: Connect, sandbox: Starlette, answers: Any, by_batch: bool
) -> None:
    async with connect(confirm_creates=True, answers=answers) as client:
        arguments: dict[str, Any] = {"customers": CREATES}
        if by_batch:
            batch = await call(client, "validate_customers", customers=CREATES)
            arguments = {"batch_id": batch["batch_id"], "expected_count": 2}
        answer = await call(client, "create_customers", **arguments)
    assert answer["status"] == "not_confirmed"
    assert effects(sandbox) == 0


@pytest.mark.parametrize("by_batch", [True, False])
async def test_an_app_without_forms_gets_a_plan_to_create_and_runs_it_once(
    connect: Connect, sandbox: Starlette, by_batch: bool
) -> None:
    async with connect(confirm_creates=True) as client:
        arguments: dict[str, Any] = {"customers": CREATES}
        if by_batch:
            batch = await call(client, "validate_customers", customers=CREATES)
            arguments = {"batch_id": batch["batch_id"], "expected_count": 2}
        plan = await call(client, "create_customers", **arguments)
        assert plan["status"] == "confirmation_required"
        assert plan["count"] == 2
        assert effects(sandbox) == 0
        [step] = plan["next"]
        answer = await call(client, "confirm_plan", **step["arguments"])
        again = await call(client, "confirm_plan", **step["arguments"])
    assert answer["tool"] == "create_customers"
    assert answer["counts"]["created"] == 2
    assert [one["name"] for one in answer["created"]] == [row["legal_name"] for row in CREATES]
    assert again["replayed"] is True
    assert effects(sandbox) == 2


async def test_a_list_with_problems_is_told_so_and_nobody_is_asked(connect: Connect) -> None:
    seen: list[Any] = []
    rows = [customer(1), customer(2, email="nope")]
    async with connect(confirm_creates=True, answers=agreeing(seen)) as client:
        answer = await call(client, "create_customers", customers=rows)
    assert answer["status"] == "nothing_done"
    assert answer["problems"]
    assert seen == []


async def test_a_creation_begun_without_a_yes_needs_a_new_batch(
    connect: Connect, sandbox: Starlette
) -> None:
    async with connect() as client:
        batch = await call(client, "validate_customers", customers=CREATES)
        arguments = {"batch_id": batch["batch_id"], "expected_count": 2}
        await call(client, "create_customers", **arguments)
    async with connect(confirm_creates=True, answers=agreeing()) as client:
        answer = await call(client, "create_customers", **arguments)
    assert answer["code"] == "batch_expired"
    assert effects(sandbox) == 2
