"""Where the operator wants a yes for what only adds, no draft is created without one."""

from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.applications import Starlette

from beel_mcp import context
from beel_mcp.sandbox.seed import customer_id
from tests.guards.conftest import OpenApp
from tests.support.people.evidence import call, delete, effects, rename
from tests.support.people.person import (
    Person,
    Reply,
    cancels,
    declines,
    presses_accept_on_an_empty_form,
)

pytestmark = pytest.mark.anyio

TOOL = "create_draft_invoice"
LINES = [
    {"description": "Horas", "quantity": "2.5", "unit_price": "40", "tax_rate": "21"},
    {
        "description": "Material",
        "quantity": "1",
        "unit_price": "19.99",
        "tax_rate": "21",
        "discount_percentage": "50",
    },
]
TODAY = datetime.now(UTC).date().isoformat()  # a day that is far away is remarked on
WANTED = {"customer_id": customer_id(2), "lines": LINES, "date": TODAY}
SENTENCE = (
    "SANDBOX · Demo Taller SL (B12345674): create 1 draft invoice: "
    '"{name}" ({nif}) · "Horas" and 1 more line · date of the work '
    f"{TODAY} · €110.00 before taxes. It is not issued."
)


def sentence(sandbox: Starlette) -> str:
    store = sandbox.state.store
    [row] = store.rows("SELECT * FROM customers WHERE id = ?", customer_id(2))
    return SENTENCE.format(name=row["legal_name"], nif=row["nif"])


def created(sandbox: Starlette) -> list[str]:
    assert {kind for kind, _ in effects(sandbox)} <= {"invoice_created"}
    return [one["invoice_id"] for one in sandbox.state.store.ledger()]


async def test_a_yes_to_the_form_creates_the_draft_that_was_shown(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    person = Person()
    async with open_app(person, confirm_creates=True) as client:
        told = await call(client, TOOL, **WANTED)
        again = await call(client, TOOL, **WANTED)
    [question] = person.questions
    assert question.startswith(sentence(sandbox))
    assert (told["status"], created(sandbox)) == ("done", [told["invoice_id"]])
    assert again["replayed"] is True, "what is there already is asked about by nobody"


@pytest.mark.parametrize("reply", [declines, cancels, presses_accept_on_an_empty_form])
async def test_without_a_yes_no_draft_is_created(
    open_app: OpenApp, sandbox: Starlette, reply: Reply
) -> None:
    person = Person(reply)
    async with open_app(person, confirm_creates=True) as client:
        told = await call(client, TOOL, **WANTED)
    assert len(person.shown) == 1
    assert (told["status"], told["changed"]) == ("not_confirmed", "nothing")
    assert created(sandbox) == []


async def test_without_forms_there_is_a_plan_and_its_words_create_once(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    async with open_app(confirm_creates=True) as client:
        plan = await call(client, TOOL, **WANTED)
        assert (plan["status"], plan["count"]) == ("confirmation_required", 1)
        assert plan["statement"] == sentence(sandbox)
        assert created(sandbox) == []
        arguments = plan["next"][0]["arguments"]
        wrong = {**arguments, "statement": arguments["statement"].replace("110", "10")}
        assert (await call(client, "confirm_plan", **wrong))["code"] == "wrong_statement"
        assert created(sandbox) == []
        first = await call(client, "confirm_plan", **arguments)
        again = await call(client, "confirm_plan", **arguments)
    assert first["tool"] == again["tool"] == TOOL
    assert created(sandbox) == [first["invoice_id"]] == [again["invoice_id"]]
    assert first["invoice_id"] in first.text
    assert "The plan was confirmed by its sentence." in first.text
    assert again["replayed"] is True
    assert (first["invoice_status"], first["amount"]) == ("DRAFT", "133.10")


@pytest.mark.parametrize(
    "arguments",
    [
        WANTED | {"lines": [LINES[0] | {"unit_price": "-1"}]},
        WANTED | {"customer_id": "deadbeef-0000-4000-8000-000000000001"},
    ],
)
async def test_nobody_is_asked_about_what_cannot_be_created(
    open_app: OpenApp, sandbox: Starlette, arguments: dict[str, Any]
) -> None:
    person = Person()
    async with open_app(person, confirm_creates=True) as client:
        told = await call(client, TOOL, **arguments)
    assert (told["status"], person.shown) == ("error", [])
    assert created(sandbox) == []


async def test_where_no_yes_is_wanted_for_it_nobody_is_asked(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    person = Person(declines)
    async with open_app(person, confirm="ask") as client:
        told = await call(client, TOOL, **WANTED)
    assert (told["status"], person.shown) == ("done", [])


@pytest.mark.parametrize("forms", [False, True], ids=["without forms", "with forms"])
async def test_a_plan_makes_no_draft_for_somebody_who_is_called_otherwise_now(
    open_app: OpenApp, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch, *, forms: bool
) -> None:
    person = Person()
    async with open_app(person if forms else None, confirm_creates=True) as client:
        with monkeypatch.context() as patch:
            patch.setattr(context, "can_ask", lambda _: False)
            patch.setattr(context, "can_open", lambda _: False)
            plan = await call(client, TOOL, **WANTED)
        rename(sandbox, 2, "Otra SL")
        told = await call(client, "confirm_plan", **plan["next"][0]["arguments"])
        assert (told["status"], told["changed"]) == ("confirmation_required", "nothing")
        assert (told["tool"], told["statement"]) == (TOOL, sentence(sandbox))
        assert told["differences"] == [f'"{plan["statement"].split(chr(34))[1]}" was edited']
        assert effects(sandbox) == []
        done = await call(client, "confirm_plan", **told["next"][0]["arguments"])
    assert len(created(sandbox)) == 1
    assert done["status"] == "done"
    assert len(person.shown) == (2 if forms else 0)


async def test_a_plan_makes_no_draft_for_somebody_who_is_gone(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    async with open_app(confirm_creates=True) as client:
        plan = await call(client, TOOL, **WANTED)
        delete(sandbox, 2)
        told = await call(client, "confirm_plan", **plan["next"][0]["arguments"])
    assert (told["status"], told["code"]) == ("error", "CLIENT_NOT_FOUND")
    assert effects(sandbox) == []
