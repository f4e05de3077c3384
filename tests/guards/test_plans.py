"""Plans: shown, said back word for word, run once, never after ten minutes, never elsewhere."""

import json
import sqlite3
import unicodedata
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from mcp import Client
from pydantic import SecretStr
from starlette.applications import Starlette

from beel_mcp.api import client as api_client
from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.settings import Settings
from tests.conftest import TEST_KEY, Connect, FakeTime
from tests.guards.people import (
    ONE,
    OTHER,
    answering,
    call,
    edit,
    effects,
    guarded_requests,
    planned,
    structure,
    text,
)

pytestmark = pytest.mark.anyio


async def test_the_plans_own_sentence_runs_it(client: Client, sandbox: Starlette) -> None:
    plan = await planned(client, ONE, OTHER)
    assert guarded_requests(sandbox) == []
    answer = await call(client, "confirm_plan", **plan)
    assert answer["status"] == "done"
    assert answer["tool"] == "deactivate_customers"
    assert answer["deactivated"] == [ONE, OTHER]
    assert effects(sandbox) == 2


async def test_a_spent_plan_answers_its_recorded_outcome_and_sends_nothing(
    client: Client, sandbox: Starlette
) -> None:
    plan = await planned(client)
    first = await call(client, "confirm_plan", **plan)
    sent = guarded_requests(sandbox)
    for statement in (plan["statement"], "anything at all"):
        result = await client.call_tool("confirm_plan", {**plan, "statement": statement})
        again = structure(result)
        assert again["replayed"] is True
        assert "nothing was sent now" in text(result)
        assert {**again, "replayed": None} == {**first, "replayed": None}
    assert guarded_requests(sandbox) == sent


def other_forms(statement: str) -> list[str]:
    return [
        unicodedata.normalize("NFD", statement),
        statement.replace(" ", "  ").replace(":", ":\n", 1),
        f"  {statement}\t",
    ]


@pytest.mark.parametrize("form", range(3))
async def test_white_space_and_unicode_form_are_no_difference(client: Client, form: int) -> None:
    plan = await planned(client)
    statement = other_forms(plan["statement"])[form]
    answer = await call(client, "confirm_plan", **{**plan, "statement": statement})
    assert answer["status"] == "done"


WRONG = {
    "empty": lambda _: "",
    "cut": lambda text: text[:-1],
    "one more word": lambda text: text + " Yes.",
    "another number": lambda text: text.replace("delete 2", "delete 1"),
    "another case": str.upper,
    "typographic quotes": lambda text: text.replace('"', "“"),
    "without the place": lambda text: text.split(": ", 1)[1],
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
async def test_another_sentence_runs_nothing_and_leaves_the_plan_for_two_more_tries(
    client: Client, sandbox: Starlette, change: Any
) -> None:
    plan = await planned(client, ONE, OTHER)
    wrong = {**plan, "statement": change(plan["statement"])}
    answer = await call(client, "confirm_plan", **wrong)
    assert answer["code"] == "wrong_statement"
    assert guarded_requests(sandbox) == []
    assert (await call(client, "confirm_plan", **plan))["status"] == "done"


async def test_the_third_wrong_sentence_ends_the_plan(client: Client, sandbox: Starlette) -> None:
    plan = await planned(client)
    wrong = {**plan, "statement": "Delete them all."}
    answers = [await call(client, "confirm_plan", **wrong) for _ in range(3)]
    assert {answer["code"] for answer in answers} == {"wrong_statement"}
    assert [bool(answer.get("next")) for answer in answers] == [True, True, False]
    assert "the plan is gone" in answers[2]["message"]
    assert (await call(client, "confirm_plan", **plan))["code"] == "plan_expired"
    assert guarded_requests(sandbox) == []


BAD_IDS = {
    "invented": lambda _: "plan_AAAAAAAAAAAAAAAAAAAAAA",
    "cut": lambda one: one[:-1],
    "longer": lambda one: one + "A",
    "another case": str.swapcase,
    "without its prefix": lambda one: one.removeprefix("plan_"),
    "another letter": lambda one: one[:-1] + ("A" if one[-1] != "A" else "B"),
    "SQL": lambda one: "' OR '1'='1",
    "empty": lambda _: "",
    "a wildcard": lambda _: "%",
    "a null byte": lambda one: one + "\0",
}


@pytest.mark.parametrize("change", BAD_IDS.values(), ids=BAD_IDS)
async def test_an_id_that_is_not_the_plans_runs_nothing(
    client: Client, sandbox: Starlette, change: Any
) -> None:
    plan = await planned(client)
    bad = {**plan, "plan_id": change(plan["plan_id"])}
    assert (await call(client, "confirm_plan", **bad))["code"] == "plan_expired"
    assert guarded_requests(sandbox) == []


@pytest.mark.parametrize(("seconds", "is_open"), [(599, True), (601, False), (-1, False)])
async def test_a_plan_lasts_ten_minutes_and_no_clock_makes_it_younger(
    connect: Connect, sandbox: Starlette, fake_time: FakeTime, seconds: int, is_open: bool
) -> None:
    async with connect(timing=Timing(fake_time.now, fake_time.sleep)) as client:
        plan = await planned(client)
        fake_time.slept += timedelta(seconds=seconds)
        answer = await call(client, "confirm_plan", **plan)
    assert (answer["status"] == "done") is is_open
    assert bool(guarded_requests(sandbox)) is is_open


async def test_a_restart_between_plan_and_yes_is_no_hindrance(
    connect: Connect, sandbox: Starlette
) -> None:
    async with connect() as client:
        plan = await planned(client)
    async with connect() as client:
        assert (await call(client, "confirm_plan", **plan))["status"] == "done"
    async with connect() as client:
        assert (await call(client, "confirm_plan", **plan))["replayed"] is True
    assert effects(sandbox) == 1


async def test_a_plan_of_another_company_is_not_run(connect: Connect, sandbox: Starlette) -> None:
    two = create_app(SandboxOptions(companies=2))
    first, second = (row["id"] for row in two.state.store.rows("SELECT id FROM companies"))
    async with connect(two, company_id=first) as client:
        found = await call(client, "find_customers", limit=50)
        ids = [one["customer_id"] for one in found["customers"]]
        answer = await call(client, "deactivate_customers", customer_ids=ids[:20])
        plan = answer["next"][0]["arguments"]
    async with connect(two, company_id=second) as client:
        refused = await call(client, "confirm_plan", **plan)
    assert refused["code"] == "another_company"
    assert guarded_requests(two) == []


async def test_a_plan_whose_records_changed_sends_nothing_and_a_new_one_shows_the_difference(
    client: Client, sandbox: Starlette
) -> None:
    plan = await planned(client, ONE, OTHER)
    edit(sandbox, "legal_name", "Otra Sociedad SL")
    answer = await call(client, "confirm_plan", **plan)
    assert answer["status"] == "confirmation_required"
    assert answer["plan_id"] != plan["plan_id"]
    assert "Otra Sociedad SL" in answer["statement"]
    assert len(answer["differences"]) == 1
    assert "was edited" in answer["differences"][0]
    assert guarded_requests(sandbox) == []
    again = await call(client, "confirm_plan", **plan)
    assert again["replayed"] is True
    assert again["counts"]["not_attempted"] == 2
    done = await call(client, "confirm_plan", **answer["next"][0]["arguments"])
    assert done["status"] == "done"


CHANGES = {
    "e-mail": ("email", "otro@example.com"),
    "active": ("active", 0),
    "notes": ("notes", "no borrar"),
    "company": ("company_id", "c0000000-0000-4000-8000-000000000099"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_any_change_of_a_record_counts(
    client: Client, sandbox: Starlette, change: tuple[str, Any]
) -> None:
    plan = await planned(client, ONE, OTHER)
    edit(sandbox, *change)
    answer = await call(client, "confirm_plan", **plan)
    assert answer["status"] == "confirmation_required"
    assert answer["differences"]
    assert guarded_requests(sandbox) == []


async def test_a_new_invoice_keeps_a_customer_from_being_deleted(
    client: Client, sandbox: Starlette
) -> None:
    plan = await planned(client, ONE, OTHER)
    sandbox.state.store.execute(
        "UPDATE invoices SET customer_id = ? WHERE id = (SELECT id FROM invoices LIMIT 1)", ONE
    )
    answer = await call(client, "confirm_plan", **plan)
    assert "has invoices now" in answer["differences"][0]
    assert answer["count"] == 1
    assert guarded_requests(sandbox) == []


async def test_the_same_request_is_the_same_plan_and_other_arguments_another(
    client: Client,
) -> None:
    plan = await planned(client, ONE)
    assert await planned(client, ONE) == plan
    assert await planned(client, ONE.upper()) != plan
    assert await planned(client, ONE, mode="inactive") != plan
    assert await planned(client, ONE, OTHER) != plan


async def test_a_plan_that_a_form_showed_cannot_be_confirmed_with_its_sentence(
    connect: Connect, sandbox: Starlette, settings: Settings
) -> None:
    async with connect(answers=answering("decline")) as client:
        await call(client, "deactivate_customers", customer_ids=[ONE])
    # Its id stands in no answer; whoever reads the disk still gets nowhere with it.
    with closing(sqlite3.connect(settings.state_dir / "journal.sqlite3")) as journal:
        [(plan_id, content)] = journal.execute("SELECT plan_id, content FROM plans").fetchall()
    plan = {"plan_id": plan_id, "statement": json.loads(content)["statement"]}
    async with connect() as client:
        assert (await call(client, "confirm_plan", **plan))["code"] == "plan_expired"
    assert guarded_requests(sandbox) == []


@pytest.mark.parametrize("other", ["key", "environment"])
async def test_a_plan_of_another_key_or_environment_is_not_run(
    connect: Connect, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch, other: str
) -> None:
    async with connect() as client:
        plan = await planned(client)
    if other == "key":
        monkeypatch.setattr(api_client, "SANDBOX_KEY", SecretStr(TEST_KEY))
    else:
        monkeypatch.setattr(Settings, "environment", "test")
    async with connect() as client:
        answer = await call(client, "confirm_plan", **plan)
    assert answer["code"] == "another_company"
    assert guarded_requests(sandbox) == []
