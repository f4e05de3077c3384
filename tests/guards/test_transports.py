"""The ladder of confirmation, over every way an app can reach the server, on both eras."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.settings import Settings
from tests.support.people.connections import WAYS, Way, reached
from tests.support.people.evidence import (
    Told,
    bill,
    call,
    check_untouched,
    customers,
    edit,
    effects,
    ids,
    sent,
)
from tests.support.people.person import (
    Person,
    Reply,
    agrees,
    cancels,
    declines,
    fills_in,
    presses_accept_on_an_empty_form,
)
from tests.support.servers.fault_server import FaultServer, serving

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.proof,  # every way to the server, with processes of its own
    pytest.mark.parametrize("way", WAYS, ids=str),
]


@pytest.fixture
async def beel(sandbox: Starlette) -> AsyncIterator[FaultServer]:
    async with serving(sandbox) as server:
        yield server


@pytest.fixture
def reach(beel: FaultServer, settings: Settings, way: Way) -> Any:
    def opened(person: Person | None = None, **changes: Any) -> AbstractAsyncContextManager[Client]:
        return reached(way, beel, replace(settings, **changes), person)

    return opened


def arguments_of(plan: Told) -> dict[str, str]:
    return {"plan_id": plan["plan_id"], "statement": plan["statement"]}


async def test_with_forms_a_yes_runs_once_and_without_a_way_to_ask_there_is_a_plan(
    reach: Any, sandbox: Starlette, way: Way
) -> None:
    person = Person(agrees)
    async with reach(person) as client:
        told = await call(client, "deactivate_customers", customer_ids=ids(10, 11, 1))
        if way.can_ask:
            assert len(person.shown) == 1
        else:
            assert told["status"] == "confirmation_required"
            check_untouched(sandbox)
            told = await call(client, "confirm_plan", **arguments_of(told))
            assert person.shown == []
    assert told["counts"] == {"deleted": 2, "failed": 1, "unknown": 0, "not_attempted": 0}
    assert told["environment"] == "test"
    assert sent(sandbox) == [("DELETE", "bulk")]
    assert effects(sandbox) == [("customer_deleted", one) for one in ids(10, 11)]


async def test_whatever_is_no_yes_changes_nothing(reach: Any, sandbox: Starlette, way: Way) -> None:
    replies: list[tuple[tuple[int, ...], Reply]] = [
        ((10, 11), declines),
        ((10, 11), cancels),
        ((10, 11), presses_accept_on_an_empty_form),
        ((10, 12), fills_in(count=1)),
        ((10, 12), fills_in(confirm="yes")),
        ((10,), fills_in(confirm="no")),
        ((10,), fills_in(count=1)),
    ]
    person = Person()
    async with reach(person) as client:
        for numbers, reply in replies:
            person.reply = reply
            told = await call(client, "deactivate_customers", customer_ids=ids(*numbers))
            wanted = "not_confirmed" if way.can_ask else "confirmation_required"
            assert told["status"] == wanted
            assert told["changed"] == "nothing"
    assert len(person.shown) == (len(replies) if way.can_ask else 0)
    check_untouched(sandbox)


async def test_without_forms_a_plan_waits_for_its_own_words_and_runs_once_across_a_restart(
    reach: Any, sandbox: Starlette, way: Way
) -> None:
    async with reach() as client:
        plan = await call(client, "deactivate_customers", customer_ids=ids(10, 11, 1))
        assert plan["status"] == "confirmation_required"
        for invented in ("plan_0123456789abcdefghijkl", plan["plan_id"][:-1]):
            told = await call(client, "confirm_plan", plan_id=invented, statement=plan["statement"])
            assert told["code"] == "plan_expired"
        other = plan["statement"].replace("delete", "keep")
        told = await call(client, "confirm_plan", plan_id=plan["plan_id"], statement=other)
        assert told["code"] == "wrong_statement"
        check_untouched(sandbox)
    async with reach() as client:
        first = await call(client, "confirm_plan", **arguments_of(plan))
        again = await call(client, "confirm_plan", **arguments_of(plan))
    assert first["counts"]["deleted"] == 2
    assert again["replayed"] is True
    assert again["counts"] == first["counts"]
    assert sent(sandbox) == [("DELETE", "bulk")]
    assert (customers(sandbox)[10], customers(sandbox)[1]) == ("deleted", "active")


async def test_what_changed_since_it_was_shown_is_not_sent(
    reach: Any, sandbox: Starlette, way: Way
) -> None:
    async with reach(confirm="plan") as client:
        plan = await call(client, "deactivate_customers", customer_ids=ids(10, 11))
        bill(sandbox, 10)
        told = await call(client, "confirm_plan", **arguments_of(plan))
    assert told["differences"] == ['"Xurxo Castiñeira Rey" now has invoices']
    assert told["count"] == 1
    check_untouched(sandbox)


async def test_what_changes_while_the_person_reads_is_not_sent(
    reach: Any, sandbox: Starlette, way: Way
) -> None:
    person = Person()

    def meddle() -> None:
        edit(sandbox, 10)
        person.reply = agrees if len(person.shown) == 1 else declines

    person.before = meddle
    async with reach(person) as client:
        told = await call(client, "deactivate_customers", customer_ids=ids(10, 11))
    assert told["status"] == ("not_confirmed" if way.can_ask else "confirmation_required")
    assert len(person.shown) == ((1 if way.era == "legacy" else 2) if way.can_ask else 0)
    check_untouched(sandbox)


async def test_where_forms_are_demanded_whoever_cannot_show_them_is_refused(
    reach: Any, sandbox: Starlette, way: Way
) -> None:
    async with reach() as client:
        plan = await call(client, "deactivate_customers", customer_ids=ids(10, 11))
    persons = [None] if way.can_ask else [None, Person()]
    for person in persons:
        async with reach(person, confirm="ask") as client:
            for told in (
                await call(client, "deactivate_customers", customer_ids=ids(10, 11)),
                await call(client, "confirm_plan", **arguments_of(plan)),
            ):
                assert told["code"] == "confirmation_unavailable"
                assert told["changed"] == "nothing"
    check_untouched(sandbox)


async def test_where_plans_are_demanded_no_form_is_shown(
    reach: Any, sandbox: Starlette, way: Way
) -> None:
    person = Person()
    async with reach(person, confirm="plan") as client:
        plan = await call(client, "deactivate_customers", customer_ids=ids(10), mode="inactive")
        check_untouched(sandbox)
        told = await call(client, "confirm_plan", **arguments_of(plan))
    assert person.shown == []
    assert told["status"] == "done"
    assert effects(sandbox) == [("customer_updated", ids(10)[0])]


async def test_a_plan_made_without_forms_is_asked_about_where_they_can_be_shown(
    reach: Any, sandbox: Starlette, way: Way
) -> None:
    async with reach() as client:
        plan = await call(client, "deactivate_customers", customer_ids=ids(10, 11))
    person = Person(declines)
    async with reach(person) as client:
        told = await call(client, "confirm_plan", **arguments_of(plan))
    if way.can_ask:
        assert told["status"] == "not_confirmed"
        assert plan["statement"] in person.questions[0]
        check_untouched(sandbox)
    else:
        assert told["status"] == "done", "no form can be shown, so its words are its yes"
        assert len(sent(sandbox)) == 1
