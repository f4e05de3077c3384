"""Where the operator wants a yes for what only adds, nothing is created without one."""

from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp import context
from beel_mcp.api.customers import CustomersApi
from beel_mcp.errors import RateLimitedError
from beel_mcp.writes.journal.workers import RunningWrite
from beel_mcp.writes.run import execution
from tests.guards.conftest import OpenApp
from tests.support.customers import customer
from tests.support.people.evidence import Told, call, check_untouched, effects, ids, sent
from tests.support.people.person import (
    Person,
    Reply,
    cancels,
    declines,
    fills_in,
    presses_accept_on_an_empty_form,
)

pytestmark = pytest.mark.anyio

ROWS = [customer(number) for number in range(3)]
WAYS = pytest.mark.parametrize("inline", [False, True], ids=["a batch", "inline rows"])


async def create(client: Client, rows: list[dict[str, Any]], *, inline: bool) -> Told:
    """Create rows as a model would: by a batch that was validated, or in one call."""
    if inline:
        arguments = {"customers": rows, "expected_count": len(rows)}
        return await call(client, "create_customers", **arguments)
    batch = await call(client, "validate_customers", customers=rows)
    arguments = {"batch_id": batch["batch_id"], "expected_count": len(rows)}
    return await call(client, "create_customers", **arguments)


def created(sandbox: Starlette) -> list[str]:
    assert {kind for kind, _ in effects(sandbox)} <= {"customer_created"}
    return [one["nif"] for one in sandbox.state.store.ledger()]


NIFS = [row["nif"] for row in ROWS]
SEEDED_NAME = "Xurxo Castiñeira Rey"
SEEDED_NIF = "33471259A"


@WAYS
async def test_a_yes_to_the_form_creates_the_rows_that_were_shown(
    open_app: OpenApp, sandbox: Starlette, *, inline: bool
) -> None:
    person = Person()
    async with open_app(person, confirm_creates=True) as client:
        told = await create(client, ROWS, inline=inline)
    [question] = person.questions
    assert question.startswith(
        "SANDBOX · Demo Taller SL (B12345674): create 3 customers:"
        f' "Cliente de Prueba 0" ({NIFS[0]}), "Cliente de Prueba 1" ({NIFS[1]}),'
    )
    assert told["status"] == "done"
    assert told["counts"]["created"] == 3
    assert created(sandbox) == NIFS
    assert sent(sandbox) == [("POST", "bulk")]


@WAYS
@pytest.mark.parametrize(
    "reply",
    [
        declines,
        cancels,
        presses_accept_on_an_empty_form,
        fills_in(count=2),
        fills_in(confirm="yes"),
    ],
)
async def test_without_a_yes_nothing_is_created(
    open_app: OpenApp, sandbox: Starlette, reply: Reply, *, inline: bool
) -> None:
    person = Person(reply)
    async with open_app(person, confirm_creates=True) as client:
        told = await create(client, ROWS, inline=inline)
        assert len(person.shown) == 1
        assert told["status"] == "not_confirmed"
        assert told["changed"] == "nothing"
    check_untouched(sandbox)


@WAYS
async def test_without_forms_there_is_a_plan_and_its_words_create_once(
    open_app: OpenApp, sandbox: Starlette, *, inline: bool
) -> None:
    async with open_app(confirm_creates=True) as client:
        plan = await create(client, ROWS, inline=inline)
        assert plan["status"] == "confirmation_required"
        assert plan["count"] == 3
        check_untouched(sandbox)
        arguments = plan["next"][0]["arguments"]
        wrong = {**arguments, "statement": arguments["statement"].replace("3", "2", 1)}
        told = await call(client, "confirm_plan", **wrong)
        assert told["code"] == "wrong_statement"
        check_untouched(sandbox)
        first = await call(client, "confirm_plan", **arguments)
        again = await call(client, "confirm_plan", **arguments)
    assert first["tool"] == again["tool"] == "create_customers"
    assert first["counts"]["created"] == again["counts"]["created"] == 3
    assert again["replayed"] is True
    assert "replayed" not in first
    assert "The plan was confirmed by its sentence." in first.text
    assert created(sandbox) == NIFS


async def test_a_batch_that_was_created_tells_so_and_asks_nobody_again(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    person = Person()
    async with open_app(person, confirm_creates=True) as client:
        batch = await call(client, "validate_customers", customers=ROWS)
        arguments = {"batch_id": batch["batch_id"], "expected_count": 3}
        await call(client, "create_customers", **arguments)
        again = await call(client, "create_customers", **arguments)
    assert len(person.shown) == 1
    assert again["replayed"] is True
    assert created(sandbox) == NIFS


async def test_only_the_rows_that_can_be_created_are_asked_about(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    person = Person()
    rows = [*ROWS, customer(9, email="nope")]
    async with open_app(person, confirm_creates=True) as client:
        batch = await call(client, "validate_customers", customers=rows)
        told = await call(
            client,
            "create_customers",
            batch_id=batch["batch_id"],
            expected_count=3,
            skip_problems=True,
        )
    assert "create 3 customers" in person.questions[0]
    assert "Left out: 1 with problems." in person.questions[0]
    assert told["counts"]["created"] == 3
    assert created(sandbox) == NIFS


@pytest.mark.parametrize(
    "arguments",
    [
        {"customers": ROWS, "expected_count": 2},
        {"customers": [customer(9, email="nope")], "expected_count": 1},
        {"batch_id": "bat_invented", "expected_count": 3},
        {},
    ],
)
async def test_nobody_is_asked_about_what_cannot_be_created(
    open_app: OpenApp, sandbox: Starlette, arguments: dict[str, Any]
) -> None:
    person = Person()
    async with open_app(person, confirm_creates=True) as client:
        told = await call(client, "create_customers", **arguments)
    assert told["status"] in ("error", "nothing_done")
    assert person.shown == []
    check_untouched(sandbox)


async def test_a_batch_begun_before_a_yes_was_wanted_does_not_go_on_without_one(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    async with open_app() as client:
        batch = await call(client, "validate_customers", customers=ROWS)
        arguments = {"batch_id": batch["batch_id"], "expected_count": 3}
        await call(client, "create_customers", **arguments)
    before = len(effects(sandbox))
    async with open_app(confirm_creates=True) as client:
        told = await call(client, "create_customers", **arguments)
    assert told["code"] == "batch_expired"
    assert len(effects(sandbox)) == before


async def test_the_same_list_after_a_restart_has_a_plan_that_can_be_confirmed(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    async with open_app(confirm_creates=True) as client:
        before = await create(client, ROWS, inline=False)
    async with open_app(confirm_creates=True) as client:
        plan = await create(client, ROWS, inline=False)
        assert plan["plan_id"] == before["plan_id"]
        told = await call(client, "confirm_plan", **plan["next"][0]["arguments"])
    assert told["status"] == "done"
    assert created(sandbox) == NIFS


async def test_where_forms_are_demanded_an_app_without_them_creates_nothing(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    async with open_app(confirm_creates=True) as client:
        plan = await create(client, ROWS, inline=False)
    async with open_app(confirm_creates=True, confirm="ask") as client:
        for told in (
            await create(client, ROWS, inline=True),
            await create(client, ROWS, inline=False),
            await call(client, "confirm_plan", **plan["next"][0]["arguments"]),
        ):
            assert told["code"] == "confirmation_unavailable"
    check_untouched(sandbox)


async def test_where_no_yes_is_wanted_for_it_nobody_is_asked(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    person = Person(declines)
    async with open_app(person, confirm="ask") as client:
        told = await create(client, ROWS, inline=True)
    assert told["status"] == "done"
    assert person.shown == []
    assert created(sandbox) == NIFS


async def planned_before_its_batch_was_judged_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Have a plan made that leaves out a row whose customer is in BeeL, until they are deleted.

    All of it happens in an app without forms. Gives the arguments that confirm the plan.
    """
    monkeypatch.setattr(context, "can_ask", lambda _: False)
    monkeypatch.setattr(context, "can_open", lambda _: False)
    rows = [customer(0, nif=SEEDED_NIF, legal_name=SEEDED_NAME), customer(1)]
    batch = await call(client, "validate_customers", customers=rows)
    wanted = {"batch_id": batch["batch_id"], "expected_count": 1, "skip_problems": True}
    plan = await call(client, "create_customers", **wanted)
    assert plan["statement"].endswith("Left out: 1 with problems.")
    other = await call(client, "deactivate_customers", customer_ids=ids(10), mode="delete")
    await call(client, "confirm_plan", **other["next"][0]["arguments"])
    again = await call(client, "validate_customers", batch_id=batch["batch_id"])
    assert again["batch_id"] == batch["batch_id"]
    monkeypatch.undo()
    arguments: dict[str, Any] = plan["next"][0]["arguments"]
    return arguments


@pytest.mark.parametrize("forms", [False, True], ids=["without forms", "with forms"])
async def test_a_plan_creates_nobody_but_those_it_named_when_the_batch_was_judged_again(
    open_app: OpenApp, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch, *, forms: bool
) -> None:
    person = Person()
    async with open_app(person if forms else None, confirm_creates=True) as client:
        old = await planned_before_its_batch_was_judged_again(client, monkeypatch)
        before = len(effects(sandbox))
        told = await call(client, "confirm_plan", **old)
        assert (told["status"], told.get("changed")) == ("confirmation_required", "nothing")
        assert told["tool"] == "create_customers"
        assert told["differences"] == [f'"{SEEDED_NAME}" would now be changed as well']
        assert "create 2 customers" in told["statement"]
        again = await call(client, "confirm_plan", **old)
        assert again["code"] == "plan_expired"
        assert len(effects(sandbox)) == before
        done = await call(client, "confirm_plan", **told["next"][0]["arguments"])
    assert done["counts"]["created"] == 2
    assert [kind for kind, _ in effects(sandbox)[before:]] == ["customer_created"] * 2
    assert len(person.shown) == (2 if forms else 0)


async def test_a_plan_that_goes_on_with_an_earlier_decision_is_answered_with_it_ever_after(
    open_app: OpenApp, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: Any, **__: Any) -> None:
        raise RateLimitedError("slow down", code="RATE_LIMITED", retryable=True)

    async with open_app(confirm_creates=True) as client:
        plan = await create(client, ROWS, inline=False)
        with monkeypatch.context() as patch:
            patch.setattr(CustomersApi, "create_bulk", busy)
            told = await call(client, "confirm_plan", **plan["next"][0]["arguments"])
        assert told["code"] == "RATE_LIMITED"
        again = await create(client, ROWS, inline=False)
        told = [await call(client, "confirm_plan", **again["next"][0]["arguments"]) for _ in "12"]
    assert [one["counts"]["created"] for one in told] == [3, 3]
    assert [one.get("replayed") for one in told] == [None, True]
    assert len({one["operation_id"] for one in told}) == 1
    assert created(sandbox) == NIFS


async def test_the_time_that_a_person_takes_is_not_taken_from_the_call(
    open_app: OpenApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, waited = [0.0], []
    now, wait = anyio.current_time, RunningWrite.wait

    async def recorded(self: RunningWrite, seconds: float) -> bool:
        waited.append(seconds)
        return await wait(self, 10)

    clock = SimpleNamespace(current_time=lambda: now() + late[0])
    monkeypatch.setattr(execution, "anyio", clock)
    monkeypatch.setattr(RunningWrite, "wait", recorded)
    person = Person(before=lambda: late.__setitem__(0, 60.0))
    async with open_app(person, confirm_creates=True) as client:
        told = await create(client, ROWS, inline=False)
    assert (told["status"], len(person.questions)) == ("done", 1)
    assert waited[-1] > 30
