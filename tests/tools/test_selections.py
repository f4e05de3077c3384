"""select_all keeps the ids of all that match; guarded tools and the package take them by its id."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.sandbox import create_app
from beel_mcp.sandbox.seed import customer_id
from tests.conftest import Connect, FakeTime
from tests.support.firm import firm_id, ids_where, insert, member
from tests.support.people.forms import agreeing, call

pytestmark = pytest.mark.anyio


@pytest.fixture
def firm() -> Starlette:
    app = create_app()
    insert(app, *map(member, range(12)))
    return app


@pytest.fixture
async def client(connect: Connect, firm: Starlette) -> AsyncIterator[Client]:
    async with connect(firm) as opened:
        yield opened


async def select(client: Client, **arguments: Any) -> str:
    answer = await call(client, "find_customers", select_all=True, **arguments)
    return answer["selection_id"]


async def test_a_selection_is_changed_as_its_ids_would_be(
    connect: Connect, firm: Starlette
) -> None:
    asked: list[Any] = []
    async with connect(firm, answers=agreeing(asked)) as client:
        selection = await select(client, missing=["email"])
        wanted = ids_where(firm, "email IS NULL")
        changes = {"email": "facturas@firma.example"}
        answer = await call(client, "update_customers", selection_id=selection, changes=changes)
    assert answer["counts"]["updated"] == len(wanted)
    assert '"Talleres Ruíz SA"' in asked[0].message
    assert ids_where(firm, "email = 'facturas@firma.example'") == wanted


async def test_a_plan_of_a_selection_survives_a_restart_that_the_selection_does_not(
    connect: Connect, firm: Starlette
) -> None:
    async with connect(firm) as client:
        selection = await select(client, search="Talleres Ru")
        arguments = {"selection_id": selection, "mode": "inactive"}
        plan = await call(client, "deactivate_customers", **arguments)
        assert plan["count"] == 2
    async with connect(firm) as client:
        lost = await call(client, "deactivate_customers", **arguments)
        assert lost["code"] == "unknown_selection"
        assert lost["next"][0]["tool"] == "find_customers"
        answer = await call(client, "confirm_plan", **plan["next"][0]["arguments"])
    assert answer["counts"]["deactivated"] == 2
    assert ids_where(firm, f"id IN ('{firm_id(10)}', '{firm_id(11)}')") == set()


async def test_the_members_are_read_again_when_they_are_planned(
    client: Client, firm: Starlette
) -> None:
    selection = await select(client, search="Talleres Ru")
    firm.state.store.execute("UPDATE customers SET active = 0 WHERE id = ?", firm_id(10))
    plan = await call(client, "deactivate_customers", selection_id=selection, mode="inactive")
    assert (plan["requested"], plan["count"]) == (2, 1)


async def test_an_old_selection_names_the_call_that_makes_it_again(
    connect: Connect, firm: Starlette, fake_time: FakeTime
) -> None:
    timing = Timing(fake_time.now, fake_time.sleep)
    async with connect(firm, timing=timing) as client:
        selection = await select(client, missing=["email"], city="malaga")
        fake_time.slept += timedelta(minutes=31)
        old = await call(client, "update_customers", selection_id=selection, changes={"notes": "x"})
        assert old["code"] == "selection_expired"
        [again] = old["next"]
        assert again["arguments"] == {"missing": ["email"], "city": "malaga", "select_all": True}
        answer = await call(client, again["tool"], **again["arguments"])
    assert answer["selection_id"] != selection


async def test_a_call_names_ids_or_a_selection_and_absent_is_absent(client: Client) -> None:
    selection = await select(client, search="Talleres Ru")
    for nothing in ([], None):
        plan = await call(
            client,
            "deactivate_customers",
            customer_ids=nothing,
            selection_id=selection,
            mode="inactive",
        )
        assert plan["count"] == 2
    for nothing in ("", None):
        plan = await call(
            client,
            "deactivate_customers",
            customer_ids=[customer_id(10)],
            selection_id=nothing,
            mode="inactive",
        )
        assert plan["count"] == 1
    both = await call(
        client, "deactivate_customers", customer_ids=[customer_id(10)], selection_id=selection
    )
    assert both["field_errors"][0]["field"] == "selection_id"
    for tool, ids, more in (
        ("deactivate_customers", "customer_ids", {}),
        ("update_customers", "customer_ids", {"changes": {"notes": "x"}}),
        ("delete_draft_invoice", "invoice_ids", {}),
    ):
        neither = await call(client, tool, **more)
        assert neither["code"] == "invalid_arguments"
        assert ids in neither["field_errors"][0]["field"]


async def test_customers_are_no_invoices(client: Client) -> None:
    selection = await select(client)
    for tool in ("delete_draft_invoice", "download_invoices_zip"):
        answer = await call(client, tool, selection_id=selection)
        assert answer["code"] == "unknown_selection"
        assert "is of customers, not of invoices" in answer["message"]


async def test_a_selection_that_is_too_large_says_what_to_do(
    client: Client, firm: Starlette
) -> None:
    insert(firm, *map(member, range(20, 110)))
    selection = await select(client)
    answer = await call(
        client, "update_customers", selection_id=selection, changes={"notes": "Todos"}
    )
    assert answer["code"] == "selection_too_large"
    assert "this takes at most 100 at once" in answer["message"]
    assert "more filters in find_customers" in answer["message"]


async def test_more_than_a_selection_holds_are_counted_and_not_kept(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beel_mcp.tools.customers.MOST_SELECTED", 5)
    answer = await call(client, "find_customers", select_all=True)
    assert answer["total"] > 5
    assert "selection_id" not in answer
    assert answer["remark"] == "A selection holds at most 5: none was kept. Use more filters."


async def test_nobody_makes_no_selection(client: Client) -> None:
    answer = await call(client, "find_customers", select_all=True, city="Atlantis")
    assert answer["total"] == 0
    assert "selection_id" not in answer
