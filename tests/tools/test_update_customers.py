"""update_customers, through the client, on the sandbox: the named fields change, and no other."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import customer_id
from tests.conftest import Connect
from tests.support.deactivations import EXTRAS, row_of
from tests.support.people.evidence import call
from tests.support.people.forms import guarded_requests
from tests.support.updates import (
    WORLDS,
    add,
    confirmed,
    fields_of,
    planned,
    put_back,
    updated,
)

pytestmark = pytest.mark.anyio

TOOL = "update_customers"
NOBODY = customer_id(999)


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


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "one field": ({"email": "nueva@taller.example"}, {"email": "nueva@taller.example"}),
    "the website": ({"website": "https://x.example"}, {"website": "https://x.example"}),
    "a list": (
        {"billing_emails": ["a@x.example", "b@x.example"]},
        {"billing_emails": ["a@x.example", "b@x.example"]},
    ),
    "a part of the address": (
        {"address": {"street": "Calle Mayor", "floor": "4"}},
        {"address.street": "Calle Mayor", "address.floor": "4"},
    ),
    "a part of the payment": (
        {"preferred_payment_method": {"payment_term_days": 60}},
        {"preferred_payment_method.payment_term_days": 60},
    ),
    "numbers": ({"general_discount": "7,5"}, {"general_discount": 7.5}),
    "inactive": ({"active": False}, {"active": 0}),
    "much": (
        {"legal_name": "Otra SL", "phone": "600 000 000", "clear": ["notes", "trade_name"]},
        {"legal_name": "Otra SL", "phone": "600 000 000", "notes": None, "trade_name": None},
    ),
    "emptied": (
        {"clear": ["email", "website", "billing_emails", "contact_person", "general_discount"]},
        dict.fromkeys(("email", "website", "billing_emails", "contact_person", "general_discount")),
    ),
}


@pytest.mark.parametrize("changes", CHANGES)
async def test_the_named_fields_change_and_no_other_and_what_was_there_can_be_put_back(
    client: Client, sandbox: Starlette, changes: str
) -> None:
    asked, wanted = CHANGES[changes]
    one, other = add(sandbox, 2)
    before = fields_of(sandbox, one)
    done = await updated(client, [one], asked)
    after = {name: value for name, value in {**before, **wanted}.items() if value is not None}
    assert done["status"] == "done"
    assert done["changed"] == "something"
    assert done["updated"] == [one]
    assert done["counts"]["updated"] == done["requested"] == 1
    assert fields_of(sandbox, one) == after
    await put_back(client, done)
    assert fields_of(sandbox, one) == before
    assert row_of(sandbox, other)["updated_at"] == "2026-01-02T09:00:00.000000Z"


async def test_a_null_is_refused_with_the_way_to_empty_a_field(
    client: Client, sandbox: Starlette
) -> None:
    [one] = add(sandbox)
    for changes in (
        {"notes": None},
        {"address": {"floor": None}},
        {"address": None},
        {"notes": ""},
    ):
        answer = await call(client, TOOL, customer_ids=[one], changes=changes)
        assert answer["code"] == "invalid_arguments"
        assert "clear" in answer["field_errors"][0]["message"]
    assert guarded_requests(sandbox) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"emial": "a@b.example"}, "emial"),
        ({"address": {"calle": "x"}}, "address"),
        ({"address": "Calle Mayor 1"}, "address"),
        ({"active": "no"}, "active"),
        ({"clear": ["legal_name"]}, "clear"),
        ({"clear": ["nonsense"]}, "clear"),
        ({"clear": "notas"}, "clear"),
        ({"notes": "x", "clear": ["notes"]}, "notes"),
        ({"general_discount": []}, "general_discount"),
        ({"nif": "B11111119", "alternative_id": {"type": "PASSPORT", "number": "X"}}, "nif"),
        ({"email": "nobody"}, "email"),
        ({"billing_emails": ["a@b.example", "nobody"]}, "billing_emails"),
        ({"preferred_payment_method": {"iban": "ES00"}}, "preferred_payment_method.iban"),
        ({"general_discount": 200}, "general_discount"),
    ],
)
async def test_what_cannot_be_is_refused_by_field_before_anybody_is_asked(
    client: Client, sandbox: Starlette, changes: dict[str, Any], field: str
) -> None:
    [one] = add(sandbox)
    answer = await call(client, TOOL, customer_ids=[one], changes=changes)
    assert answer["code"] in ("invalid_arguments", "invalid_values")
    assert [error["field"] for error in answer["field_errors"]] == [field]
    assert guarded_requests(sandbox) == []


@pytest.mark.parametrize("changes", [{}, {"clear": []}, [], "email", None])
async def test_no_change_at_all_is_refused(client: Client, changes: Any) -> None:
    answer = await call(client, TOOL, customer_ids=[NOBODY], changes=changes)
    assert answer["code"] == "invalid_arguments"


async def test_more_fields_than_a_sentence_can_show_are_refused(
    client: Client, sandbox: Starlette
) -> None:
    [one] = add(sandbox)
    long = {letter: {"email": f"{letter * 90}@x.example"} for letter in "ñü"}
    for letter, changes in long.items():
        changes["billing_emails"] = [f"{letter * 90}@y.example"]  # type: ignore[assignment]
    await updated(client, [one], long["ñ"])
    before = len(guarded_requests(sandbox))
    texts = dict.fromkeys(CUSTOMER_TEXTS, "ñ" * 90)
    answer = await call(client, TOOL, customer_ids=[one], changes={**long["ü"], **texts})
    assert answer["code"] == "too_long_to_show"
    names = dict.fromkeys(CUSTOMER_TEXTS, "x")
    answer = await call(client, TOOL, customer_ids=[one], changes={**names, **ADDRESS})
    assert "at most 12" in answer["message"]
    assert len(guarded_requests(sandbox)) == before


CUSTOMER_TEXTS = ("legal_name", "trade_name", "contact_person", "notes")
ADDRESS = {
    "address": {"street": "A", "number": "1", "floor": "2", "door": "3", "postal_code": "28001"},
    "preferred_payment_method": {"method": "CARD", "payment_term_days": 1},
    "general_discount": 1,
    "active": True,
}


async def test_a_change_that_changes_nothing_is_said_and_nobody_is_asked(
    client: Client, sandbox: Starlette
) -> None:
    [one] = add(sandbox)
    same = {"notes": EXTRAS["notes"], "active": True, "clear": ["address.floor"]}
    told = await call(client, TOOL, customer_ids=[one], changes=same)
    assert told["status"] == "nothing_done"
    assert told["counts"]["unchanged"] == 1
    assert told["unchanged"] == [one]
    assert "already so" in told["summary"]
    assert guarded_requests(sandbox) == []


async def test_everybody_who_was_asked_for_is_in_one_class(
    client: Client, sandbox: Starlette
) -> None:
    one, other, same = add(sandbox, 3)
    await updated(client, [same], {"notes": "Nueva"})
    plan = await planned(client, [one, same, NOBODY, other], {"notes": "Nueva"})
    assert (plan["count"], plan["requested"]) == (2, 4)
    assert [left["code"] for left in plan["failed"]] == ["not_found"]
    assert "1 already as requested" in plan["statement"]
    before = len(guarded_requests(sandbox))
    done = await confirmed(client, plan)
    assert done["status"] == "partial"
    assert done["counts"] == {
        "updated": 2,
        "unchanged": 1,
        "failed": 1,
        "unknown": 0,
        "not_attempted": 0,
    }
    assert (done["updated"], done["unchanged"]) == ([one, other], [same])
    assert done["previous"].keys() == {one, other}
    sent = guarded_requests(sandbox)[before:]
    assert all(path.endswith((one, other)) for _, path in sent)
    record = await call(client, "check_operation", operation_id=done["operation_id"])
    assert record["counts"] == done["counts"]
    assert {row["customer_id"]: row["outcome"] for row in record["rows"]} == {
        one: "updated",
        other: "updated",
        same: "unchanged",
        NOBODY: "failed",
    }
