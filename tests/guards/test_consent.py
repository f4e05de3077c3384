"""A change runs only where a person said yes to a form; nothing else that comes back is a yes."""

from typing import Any

import pytest
from mcp.client.session import ClientSession
from mcp.types import ClientCapabilities, ElicitationCapability, UrlElicitationCapability
from starlette.applications import Starlette

from beel_mcp.settings import Confirm
from tests.guards.conftest import OpenApp
from tests.support.people.evidence import call, check_untouched, customers, effects, ids, sent
from tests.support.people.person import (
    Person,
    Reply,
    cancels,
    declines,
    fills_in,
    presses_accept_on_an_empty_form,
)

pytestmark = pytest.mark.anyio

NOT_A_YES_FOR_SEVERAL: dict[str, Reply] = {
    "decline": declines,
    "cancel": cancels,
    "empty accept": presses_accept_on_an_empty_form,
    "the number asked for, not the number that changes": fills_in(count=3),
    "one less": fills_in(count=1),
    "none": fills_in(count=0),
    "a negative number": fills_in(count=-2),
    "a word": fills_in(count="two"),
    "a list": fills_in(count=["2"]),
    "true": fills_in(count=True),
    "a half": fills_in(count=2.5),
    "the form for one": fills_in(confirm="yes"),
    "another field": fills_in(number=2),
}
NOT_A_YES_FOR_ONE: dict[str, Reply] = {
    "decline": declines,
    "cancel": cancels,
    "empty accept": presses_accept_on_an_empty_form,
    "no": fills_in(confirm="no"),
    "another case": fills_in(confirm="YES"),
    "another word": fills_in(confirm="sí"),
    "a label": fills_in(confirm="Yes, do it"),
    "true as text": fills_in(confirm="true"),
    "true": fills_in(confirm=True),
    "nothing": fills_in(confirm=""),
    "the form for several": fills_in(count=1),
}


async def test_a_yes_carries_out_just_what_was_shown(open_app: OpenApp, sandbox: Starlette) -> None:
    person = Person()
    async with open_app(person) as client:
        told = await call(client, "deactivate_customers", customer_ids=ids(10, 11, 1))
    [question] = person.questions
    assert question.startswith(
        "SANDBOX · Demo Taller SL (B12345674): delete 2 customers for good and free their NIFs:"
        ' "Xurxo Castiñeira Rey" (33471259A), "Olena Kovalenko" (X2468135M).'
        " A deletion cannot be undone. Left out: 1 with invoices."
    )
    assert told["status"] == "partial"
    assert told["changed"] == "something"
    assert told["counts"] == {"deleted": 2, "failed": 1, "unknown": 0, "not_attempted": 0}
    assert told["deleted"] == ids(10, 11)
    assert told["failed"][0]["code"] == "has_invoices"
    assert told.text.startswith(
        "2 of 3 customers were deleted for good.\nThe person agreed in the form."
    )
    assert sent(sandbox) == [("DELETE", "bulk")]
    assert effects(sandbox) == [("customer_deleted", one) for one in ids(10, 11)]
    assert (customers(sandbox)[10], customers(sandbox)[11]) == ("deleted", "deleted")


@pytest.mark.parametrize(
    ("mode", "method", "left"), [("delete", "DELETE", "deleted"), ("inactive", "PATCH", "inactive")]
)
async def test_one_record_is_asked_about_with_a_choice_that_nobody_made_beforehand(
    open_app: OpenApp, sandbox: Starlette, mode: str, method: str, left: str
) -> None:
    person = Person()
    async with open_app(person) as client:
        told = await call(client, "deactivate_customers", customer_ids=ids(10), mode=mode)
    [shown] = person.shown
    choice = shown.requested_schema["properties"]["confirm"]
    assert choice["enum"] == ["no", "yes"]
    assert choice["enumNames"] == ["No, leave everything as it is", "Yes, do it"]
    assert "default" not in choice
    assert shown.requested_schema["required"] == ["confirm"]
    assert told["status"] == "done"
    assert sent(sandbox) == [(method, ids(10)[0])]
    assert customers(sandbox)[10] == left


@pytest.mark.parametrize(
    ("numbers", "reply"),
    [
        *[pytest.param((10, 11, 1), reply, id=f"several: {name}")
          for name, reply in NOT_A_YES_FOR_SEVERAL.items()],
        *[pytest.param((10,), reply, id=f"one: {name}")
          for name, reply in NOT_A_YES_FOR_ONE.items()],
    ],
)  # fmt: skip
async def test_whatever_else_a_form_brings_back_changes_nothing(
    open_app: OpenApp, sandbox: Starlette, numbers: tuple[int, ...], reply: Reply
) -> None:
    person = Person(reply)
    async with open_app(person) as client:
        told = await call(client, "deactivate_customers", customer_ids=ids(*numbers))
    assert len(person.shown) == 1
    assert told["status"] == "not_confirmed"
    assert told["changed"] == "nothing"
    assert told["summary"] == (
        "Nothing was changed. No confirmation arrived: it was declined, or this app answered"
        " without showing the question."
    )
    assert "Ask the person in the chat what they want, and call this again" in told.text
    assert "BEEL_CONFIRM=plan" in told.text
    assert "the user" not in told.text
    assert "plan_id" not in told
    check_untouched(sandbox)


async def test_after_a_no_the_same_call_asks_again_and_a_yes_counts(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    person = Person(declines)
    async with open_app(person) as client:
        await call(client, "deactivate_customers", customer_ids=ids(10, 11))
        check_untouched(sandbox)
        person.reply = fills_in(count=2)
        told = await call(client, "deactivate_customers", customer_ids=ids(10, 11))
    assert len(person.shown) == 2
    assert told["status"] == "done"
    assert len(sent(sandbox)) == 1


@pytest.mark.parametrize("language", ["en", "es"])
async def test_the_form_speaks_the_language_of_the_person(
    open_app: OpenApp, sandbox: Starlette, language: str
) -> None:
    person = Person(declines)
    async with open_app(person, language=language) as client:
        await call(client, "deactivate_customers", customer_ids=ids(10))
        await call(client, "deactivate_customers", customer_ids=ids(10, 11))
    one, several = (shown.requested_schema["properties"] for shown in person.shown)
    titles = one["confirm"]["title"], several["count"]["title"]
    assert titles == (
        ("Do you confirm it?", "How many records does this affect?")
        if language == "en"
        else ("¿Lo confirma?", "¿A cuántos registros afecta?")
    )
    assert ("Referencia: " in person.questions[0]) == (language == "es")
    check_untouched(sandbox)


async def test_nobody_is_asked_where_nothing_would_change(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    person = Person()
    async with open_app(person) as client:
        told = await call(client, "deactivate_customers", customer_ids=ids(1, 99))
    assert person.shown == []
    assert told["status"] == "nothing_done"
    assert {one["code"] for one in told["failed"]} == {"has_invoices", "not_found"}
    assert told["counts"]["failed"] == 2
    check_untouched(sandbox)


@pytest.mark.parametrize("confirm", ["auto", "plan"])
async def test_an_app_without_forms_gets_a_plan_and_nothing_happens(
    open_app: OpenApp, sandbox: Starlette, confirm: Confirm
) -> None:
    async with open_app(confirm=confirm) as client:
        told = await call(client, "deactivate_customers", customer_ids=ids(10, 11, 1))
    assert told["status"] == "confirmation_required"
    assert told["count"] == 2
    assert told["requested"] == 3
    assert told["next"][0]["arguments"] == {
        "plan_id": told["plan_id"],
        "statement": told["statement"],
    }
    assert f"Statement: {told['statement']}" in told.text
    assert told["plan_id"] in told.text
    check_untouched(sandbox)


async def test_an_app_that_declares_links_only_is_asked_to_open_one_and_never_shown_a_form(
    open_app: OpenApp, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_url = ElicitationCapability(url=UrlElicitationCapability())

    def capabilities(*_: Any) -> ClientCapabilities:
        return ClientCapabilities(elicitation=only_url)

    monkeypatch.setattr(ClientSession, "_build_capabilities", capabilities)
    person = Person(declines)
    async with open_app(person) as client:
        told = await call(client, "deactivate_customers", customer_ids=ids(10))
    assert [one.mode for one in person.shown] == ["url"]
    assert told["status"] == "not_confirmed"
    check_untouched(sandbox)


async def test_an_empty_declaration_means_forms(
    open_app: OpenApp, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    def capabilities(*_: Any) -> ClientCapabilities:
        return ClientCapabilities(elicitation=ElicitationCapability())

    monkeypatch.setattr(ClientSession, "_build_capabilities", capabilities)
    person = Person()
    async with open_app(person) as client:
        told = await call(client, "deactivate_customers", customer_ids=ids(10))
    assert len(person.shown) == 1
    assert told["status"] == "done"


async def test_where_the_operator_chose_plans_no_form_is_shown(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    person = Person()
    async with open_app(person, confirm="plan") as client:
        plan = await call(client, "deactivate_customers", customer_ids=ids(10, 11))
        check_untouched(sandbox)
        step = plan["next"][0]
        told = await call(client, step["tool"], **step["arguments"])
    assert person.shown == []
    assert told["status"] == "done"
    assert effects(sandbox) == [("customer_deleted", one) for one in ids(10, 11)]


async def test_where_the_operator_wants_forms_an_app_without_them_is_refused_at_once(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    async with open_app() as client:
        plan = await call(client, "deactivate_customers", customer_ids=ids(10))
    read = len(sandbox.state.store.requests())
    async with open_app(confirm="ask") as client:
        again = await call(client, "deactivate_customers", customer_ids=ids(10))
        confirmed = await call(client, "confirm_plan", **plan["next"][0]["arguments"])
    for told in (again, confirmed):
        assert told["code"] == "confirmation_unavailable"
        assert told["changed"] == "nothing"
        assert "BEEL_CONFIRM=auto" in told.text
    about_customers = [
        one for one in sandbox.state.store.requests()[read:] if "customers" in one["path"]
    ]
    assert about_customers == []
    check_untouched(sandbox)


async def test_an_app_with_forms_is_asked_for_a_plan_that_was_made_without_them(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    async with open_app() as client:
        plan = await call(client, "deactivate_customers", customer_ids=ids(10, 11))
    person = Person(declines)
    async with open_app(person) as client:
        arguments = plan["next"][0]["arguments"]
        told = await call(client, "confirm_plan", **arguments)
        assert told["status"] == "not_confirmed"
        check_untouched(sandbox)
        person.reply = fills_in(count=2)
        told = await call(client, "confirm_plan", **arguments)
    assert len(person.shown) == 2
    assert plan["statement"] in person.questions[0]
    assert told["status"] == "done"
    assert told["tool"] == "deactivate_customers"
    assert len(sent(sandbox)) == 1
