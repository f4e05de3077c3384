"""What changed since the person saw it is not what they agreed to: nothing is sent."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from beel_mcp.sandbox import SandboxOptions, create_app
from tests.conftest import Era
from tests.guards.conftest import OpenApp
from tests.support.deactivations import DONE
from tests.support.people.evidence import (
    Told,
    bill,
    call,
    customers,
    delete,
    edit,
    effects,
    ids,
    make_inactive,
    rename,
    sent,
)
from tests.support.people.person import Person

pytestmark = pytest.mark.anyio

Meddling = Callable[[Starlette], None]

# What somebody else does to the first of two customers: the mode of our change, the deed, how the
# difference reads, and how many of the two could still be changed after it.
MEDDLINGS: dict[str, tuple[str, Meddling, str, int]] = {
    "edited": ("delete", lambda app: edit(app, 10), '"Xurxo Castiñeira Rey" was edited', 2),
    "renamed": (
        "delete",
        lambda app: rename(app, 10, "Otra SL"),
        '"Xurxo Castiñeira Rey" was edited',
        2,
    ),
    "deleted": (
        "delete",
        lambda app: delete(app, 10),
        '"Xurxo Castiñeira Rey" no longer exists',
        1,
    ),
    "gets an invoice": (
        "delete",
        lambda app: bill(app, 10),
        '"Xurxo Castiñeira Rey" now has invoices',
        1,
    ),
    "made inactive": (
        "inactive",
        lambda app: make_inactive(app, 10),
        '"Xurxo Castiñeira Rey" is already inactive',
        1,
    ),
    "deleted instead of made inactive": (
        "inactive",
        lambda app: delete(app, 10),
        '"Xurxo Castiñeira Rey" no longer exists',
        1,
    ),
}
table = pytest.mark.parametrize(
    ("mode", "meddle", "difference", "left"), MEDDLINGS.values(), ids=MEDDLINGS
)


def arguments_of(plan: Told) -> dict[str, str]:
    return {"plan_id": plan["plan_id"], "statement": plan["statement"]}


@table
async def test_between_plan_and_confirmation_a_change_sends_nothing_and_makes_a_new_plan(
    open_app: OpenApp, sandbox: Starlette, mode: str, meddle: Meddling, difference: str, left: int
) -> None:
    async with open_app() as client:
        old = await call(client, "deactivate_customers", customer_ids=ids(10, 11), mode=mode)
        meddle(sandbox)
        new = await call(client, "confirm_plan", **arguments_of(old))
        assert sent(sandbox) == []
        assert effects(sandbox) == []
        assert new["status"] == "confirmation_required"
        assert new["changed"] == "nothing"
        assert new["differences"] == [difference]
        assert f"Different now: {difference}." in new.text
        assert new["count"] == left
        assert new["plan_id"] != old["plan_id"]
        told = await call(client, "confirm_plan", **arguments_of(old))
        assert told["replayed"] is True
        assert told["changed"] == "nothing"
        assert told["counts"]["not_attempted"] == 2
        assert sent(sandbox) == []
        told = await call(client, "confirm_plan", **arguments_of(new))
    assert told["counts"][DONE[mode]] == left
    assert len(effects(sandbox)) == left


@table
async def test_between_question_and_answer_a_change_sends_nothing_that_was_not_shown(
    open_app: OpenApp,
    sandbox: Starlette,
    era: Era,
    mode: str,
    meddle: Meddling,
    difference: str,
    left: int,
) -> None:
    person = Person()

    def once() -> None:
        if len(person.shown) == 1:
            meddle(sandbox)
            assert sent(sandbox) == []

    person.before = once
    async with open_app(person) as client:
        told = await call(client, "deactivate_customers", customer_ids=ids(10, 11), mode=mode)
        if era == "legacy":
            assert told["status"] == "not_confirmed"
            assert told["differences"] == [difference]
            assert f"Different now: {difference}." in told.text
            assert "plan_id" not in told, "a form's plan is the form's alone"
            assert sent(sandbox) == []
            told = await call(client, "deactivate_customers", customer_ids=ids(10, 11), mode=mode)
    # The newer era asks about the new state by itself.
    first, second = person.questions
    assert first != second
    assert told["counts"][DONE[mode]] == left
    assert len(effects(sandbox)) == left


async def test_where_nothing_is_left_to_change_the_difference_is_told_and_no_plan_made(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    async with open_app() as client:
        plan = await call(client, "deactivate_customers", customer_ids=ids(10))
        bill(sandbox, 10)
        told = await call(client, "confirm_plan", **arguments_of(plan))
    assert told["status"] == "not_confirmed"
    assert told["differences"] == ['"Xurxo Castiñeira Rey" now has invoices']
    assert "plan_id" not in told
    assert sent(sandbox) == []


async def test_a_refusal_that_went_away_makes_a_new_plan_too(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    """Customer 9 is inactive, so it stays; once it is active it would be changed as well."""
    async with open_app() as client:
        plan = await call(client, "deactivate_customers", customer_ids=ids(9, 10), mode="inactive")
        assert plan["count"] == 1
        sandbox.state.store.execute("UPDATE customers SET active = 1 WHERE id = ?", *ids(9))
        told = await call(client, "confirm_plan", **arguments_of(plan))
    assert told["differences"] == ['"Talleres Guadalhorce SL" would now be changed as well']
    assert told["count"] == 2
    assert sent(sandbox) == []


@dataclass
class Meddler:
    """Stands before the sandbox and does something right before the request of that number."""

    app: Starlette
    deed: Callable[[], None]
    at: int = -1
    seen: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.seen == self.at:
            self.deed()
        self.seen += 1
        await self.app(scope, receive, send)


@pytest.mark.slow
@pytest.mark.parametrize("deed", [bill, delete, edit])
async def test_whatever_the_moment_of_a_change_no_billed_customer_is_deleted_and_no_row_is_lost(
    open_app: OpenApp, deed: Callable[[Starlette, int], None]
) -> None:
    """Try every request of the confirmation, the last one with the deletion on its way."""
    outcomes = []
    for moment in range(60):
        app = create_app(SandboxOptions())
        meddler = Meddler(app, lambda app=app: deed(app, 10))
        async with open_app(app=meddler) as client:  # type: ignore[arg-type]
            plan = await call(client, "deactivate_customers", customer_ids=ids(10, 11))
            meddler.at = meddler.seen + moment
            told = await call(client, "confirm_plan", **arguments_of(plan))
        if meddler.seen <= meddler.at:
            break
        outcomes.append(told["status"])
        if deed is bill:
            assert customers(app)[10] == "active"
        if told["status"] == "confirmation_required":
            assert sent(app) == []
            assert told["differences"]
        else:
            assert sent(app) == [("DELETE", "bulk")]
            assert sum(told["counts"].values()) == 2
            failed = told.get("failed", [])
            assert [one["code"] for one in failed] == (["has_invoices"] if deed is bill else [])
    assert moment < 60
    assert outcomes[0] == "confirmation_required"
    assert outcomes[-1] != "confirmation_required", "the last window is BeeL's own rule"


async def test_two_customers_who_change_places_are_another_state(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    async with open_app() as client:
        plan = await call(client, "deactivate_customers", customer_ids=ids(10, 11))
        rename(sandbox, 10, "Olena Kovalenko")
        rename(sandbox, 11, "Xurxo Castiñeira Rey")
        told = await call(client, "confirm_plan", **arguments_of(plan))
    assert told["status"] == "confirmation_required"
    assert len(told["differences"]) == 2
    assert sent(sandbox) == []
