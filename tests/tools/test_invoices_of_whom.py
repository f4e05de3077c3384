"""find_invoices looks for whom a person means: no accent or typing error makes a debt vanish."""

from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.sandbox import create_app
from tests.conftest import Connect
from tests.support.deactivations import bill
from tests.support.firm import Between, firm_id, insert, member

pytestmark = pytest.mark.anyio

# Two who differ by an accent and their legal form, one with an accent, one with three words.
RUIZ, ACCENTED_RUIZ, PENISCOLA, IGLESIAS = 10, 11, 12, 13


@pytest.fixture
def firm() -> Starlette:
    app = create_app()
    insert(app, *map(member, range(9, 20)))
    bill(app, [firm_id(number) for number in (ACCENTED_RUIZ, PENISCOLA, IGLESIAS)])
    return app


async def found(client: Client, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool("find_invoices", arguments)
    assert not result.is_error, result.structured_content
    return {**(result.structured_content or {}), "text": result.content[0].text}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "who", "why"),
    [
        ("peniscola", PENISCOLA, "accents"),
        ("Conservas Penyiscola", PENISCOLA, "one letter differs"),
        ("peñíscola conservas", PENISCOLA, "other order of words"),
        ("fontaneria igelsias", IGLESIAS, "one letter differs"),
        (member(IGLESIAS)["nif"].lower().replace("2007", "20.07-"), IGLESIAS, "has this name"),
    ],
)
async def test_whoever_is_meant_is_named_where_no_invoice_matches_and_never_taken_as_the_match(
    connect: Connect, firm: Starlette, text: str, who: int, why: str
) -> None:
    async with connect(firm) as client:
        answer = await found(client, search=text, group_by="customer", quarter="2026-Q1")
        assert answer["total"] == 0
        assert answer["summary"] == "No invoices match."
        assert "sums" not in answer
        [one] = answer["suggestions"]
        assert one["customer_id"] == firm_id(who)
        assert why in one["why"]
        assert one["customer_id"] in answer["text"]
        [step] = answer["next"]
        theirs = await found(client, **step["arguments"])
    assert theirs["total"] == 1
    assert [group["customer_id"] for group in theirs["groups"]] == [firm_id(who)]


async def test_what_ruiz_owes_is_not_told_without_the_other_ruiz(
    connect: Connect, firm: Starlette
) -> None:
    async with connect(firm) as client:
        nothing = await found(client, search="Ruiz")
        ids = [one["customer_id"] for one in nothing["suggestions"]]
        assert ids == [firm_id(RUIZ), firm_id(ACCENTED_RUIZ)]
        bill(firm, [firm_id(RUIZ)])
        some = await found(client, search="Ruiz", group_by="customer")
        both = await client.call_tool("find_customers", {"search": "ruiz"})
    assert [group["customer_id"] for group in some["groups"]] == [firm_id(RUIZ)]
    assert [one["customer_id"] for one in some["suggestions"]] == [firm_id(ACCENTED_RUIZ)]
    assert "Names alike, not in these sums: ask which is meant:" in some["text"]
    assert {firm_id(RUIZ), firm_id(ACCENTED_RUIZ)} <= {*both.content[0].text.split()}


async def test_whoever_is_spelled_with_an_accent_is_shown_beside_one_without_it(
    connect: Connect, firm: Starlette
) -> None:
    insert(firm, member(30) | {"legal_name": "Electricidad Ruíz Hermanos SL"})
    async with connect(firm) as client:
        answer = (await client.call_tool("find_customers", {"search": "ruiz"})).structured_content
    assert firm_id(30) in [one["customer_id"] for one in (answer or {})["suggestions"]]


async def test_nobody_alike_is_said_and_a_number_asks_for_no_customer(
    connect: Connect, firm: Starlette
) -> None:
    async with connect(firm) as client:
        nobody = await found(client, search="zzxxyy")
        before = len(firm.state.store.requests())
        number = await found(client, search="F26-0010")
        paths = [request["path"] for request in firm.state.store.requests()[before:]]
    assert nobody["summary"] == "No invoices match. No customer's name or NIF is alike either."
    assert number["total"] == 1
    assert not [path for path in paths if path.endswith("/customers")]


async def test_where_the_customers_cannot_be_read_the_invoices_are_told_all_the_same(
    connect: Connect, firm: Starlette
) -> None:
    def refuse(path: str, _: dict[str, str], answer: Any) -> Any:
        return 403 if path.endswith("/customers") else answer

    async with connect(Between(firm, refuse)) as client:
        answer = await found(client, search="Conservas")
    assert answer["total"] == 1
    assert "could not be looked up" in answer["text"]
