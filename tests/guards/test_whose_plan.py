"""A plan is its caller's, and goes the way it was shown: a form's plan has no words that run it."""

import sqlite3

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from pydantic import SecretStr
from starlette.applications import Starlette

from beel_mcp.cli.http import ListenAddress, http_app
from beel_mcp.settings import Settings
from tests.conftest import Era
from tests.guards.conftest import OpenApp
from tests.support.people.connections import listening
from tests.support.people.evidence import Told, call, check_untouched, effects, ids, sent
from tests.support.people.person import Person, declines
from tests.support.servers.process import free_port
from tests.test_serve import TOKEN

pytestmark = pytest.mark.anyio


def plans_on_disk(settings: Settings) -> list[tuple[str, str, str]]:
    """Give id, way of showing and sentence of every open plan, as its owner could read them."""
    db = sqlite3.connect(settings.state_dir / "journal.sqlite3")
    try:
        return db.execute(
            # A seal stands before the content.
            "SELECT plan_id, shown_as, json_extract(substr(content, 65), '$.statement') FROM plans"
        ).fetchall()
    finally:
        db.close()


@pytest.mark.parametrize("forms", [False, True])
async def test_the_plan_of_a_form_cannot_be_confirmed_by_its_words(
    open_app: OpenApp, sandbox: Starlette, settings: Settings, *, forms: bool
) -> None:
    async with open_app(Person(declines)) as client:
        told = await call(client, "deactivate_customers", customer_ids=ids(10, 11))
    [(plan_id, shown_as, statement)] = plans_on_disk(settings)
    assert shown_as == "form"
    assert plan_id not in told.text
    person = Person()
    async with open_app(person if forms else None) as client:
        told = await call(client, "confirm_plan", plan_id=plan_id, statement=statement)
        assert told["code"] == "plan_expired"
        for _ in range(3):
            await call(client, "confirm_plan", plan_id=plan_id, statement="-")
    assert person.shown == []
    assert len(plans_on_disk(settings)) == 1, "nor does it cost tries"
    check_untouched(sandbox)


async def test_a_form_that_was_declined_becomes_a_plan_of_its_own_where_there_are_no_forms(
    open_app: OpenApp, sandbox: Starlette, settings: Settings
) -> None:
    async with open_app(Person(declines)) as client:
        await call(client, "deactivate_customers", customer_ids=ids(10, 11))
    async with open_app() as client:
        plan = await call(client, "deactivate_customers", customer_ids=ids(10, 11))
    ways = {plan_id: shown_as for plan_id, shown_as, _ in plans_on_disk(settings)}
    assert ways.pop(plan["plan_id"]) == "plan"
    assert list(ways.values()) == ["form"]
    check_untouched(sandbox)


async def over_http(
    settings: Settings, sandbox: Starlette, era: Era, tool: str, **arguments: object
) -> Told:
    """Call a tool at a server that listens, with the token of its operator."""
    port = free_port()
    token = SecretStr(TOKEN)
    address = ListenAddress("127.0.0.1", port)
    app = http_app(settings, address, token=token, sandbox_app=sandbox)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        listening(app, port) as url,
        httpx2.AsyncClient(headers=headers, trust_env=False, timeout=20) as http,
        Client(streamable_http_client(url, http_client=http), mode=era) as client,
    ):
        return await call(client, tool, **arguments)


async def test_whoever_brings_a_token_and_whoever_starts_the_process_have_plans_of_their_own(
    open_app: OpenApp, settings: Settings, sandbox: Starlette, era: Era
) -> None:
    arguments = {"customer_ids": ids(10, 11)}
    async with open_app() as client:
        local = await call(client, "deactivate_customers", **arguments)
    remote = await over_http(settings, sandbox, era, "deactivate_customers", **arguments)
    assert remote["statement"] == local["statement"]
    assert remote["plan_id"] != local["plan_id"]
    step = local["next"][0]["arguments"]
    told = await over_http(settings, sandbox, era, "confirm_plan", **step)
    assert told["code"] == "plan_expired"
    async with open_app() as client:
        told = await call(client, "confirm_plan", **remote["next"][0]["arguments"])
    assert told["code"] == "plan_expired"
    check_untouched(sandbox)
    step = remote["next"][0]["arguments"]
    told = await over_http(settings, sandbox, era, "confirm_plan", **step)
    assert told["status"] == "done"
    assert sent(sandbox) == [("DELETE", "bulk")]
    assert effects(sandbox) == [("customer_deleted", one) for one in ids(10, 11)]
