"""find_customers finds who is meant: suggestions say how they differ, and are never the match."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.sandbox import create_app
from beel_mcp.sandbox.seed import customer_id
from tests.conftest import Connect
from tests.support.firm import Between, firm_id, insert, member

pytestmark = pytest.mark.anyio

RUIZ, OTHER_RUIZ, PENISCOLA, FAR = (firm_id(number) for number in (10, 11, 12, 203))


@pytest.fixture
def firm() -> Starlette:
    app = create_app()
    insert(app, *map(member, (10, 11, 12, 13, 14, 203)))
    return app


@pytest.fixture
async def client(connect: Connect, firm: Starlette) -> AsyncIterator[Client]:
    async with connect(firm) as opened:
        yield opened


async def found(client: Client, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool("find_customers", arguments)
    assert not result.is_error, result.content
    text = result.content[0].text
    structure = result.structured_content or {}
    for one in (*structure["customers"], *structure.get("suggestions", ())):
        assert one["customer_id"] in text
    return structure


def suggested(answer: dict[str, Any]) -> dict[str, str]:
    return {one["customer_id"]: one["why"] for one in answer.get("suggestions", ())}


def matched(answer: dict[str, Any]) -> list[str]:
    return [one["customer_id"] for one in answer["customers"]]


@pytest.mark.parametrize(
    ("asked", "who", "why"),
    [
        ({"search": "peniscola"}, PENISCOLA, "accents"),
        ({"search": "ruiz talleres"}, RUIZ, "other order of words"),
        ({"search": "Talleres Riuz"}, RUIZ, "one letter differs"),
        ({"search": "txomn"}, firm_id(14), "one letter differs"),
        ({"nif": "B83012741"}, customer_id(2), "1 character differs"),
        ({"email": "COMPRAS@lalave.example"}, customer_id(2), "1 character differs"),
        ({"city": "Zargoza"}, FAR, '"Zaragoza": one letter differs'),
    ],
)
async def test_who_is_meant_is_suggested_and_not_taken(
    client: Client, asked: dict[str, str], who: str, why: str
) -> None:
    answer = await found(client, **asked)
    assert (answer["total"], answer["customers"]) == (0, [])
    assert answer["summary"].startswith("No active customers match.")
    assert suggested(answer)[who] == why


async def test_an_inactive_customer_is_suggested_as_inactive(
    client: Client, firm: Starlette
) -> None:
    firm.state.store.execute("UPDATE customers SET active = 0 WHERE id = ?", PENISCOLA)
    assert suggested(await found(client, search="Peñíscola")) == {PENISCOLA: "inactive"}
    answer = await found(client, search="peniscola")
    assert suggested(answer) == {PENISCOLA: "inactive, accents"}


async def test_nobody_alike_is_said(client: Client) -> None:
    answer = await found(client, search="Grúas Xyz")
    assert answer["summary"] == (
        "No active customers match. Nobody is alike either, active or not."
    )


async def test_who_is_found_and_lacks_nothing_is_not_called_unknown(client: Client) -> None:
    answer = await found(client, search="Talleres Ruiz SL", missing=["email"])
    assert answer["summary"] == "No active customers without any e-mail address match."
    assert suggested(answer) == {}


async def test_two_alike_names_are_shown_together(client: Client) -> None:
    for search in ("Talleres Ruiz", "Talleres Ruiz SL", "ruiz s"):
        answer = await found(client, search=search)
        assert matched(answer) == [RUIZ]
        assert suggested(answer) == {OTHER_RUIZ: "accents, legal form"}
    answer = await found(client, search="Talleres")
    assert {RUIZ, OTHER_RUIZ} <= {*matched(answer)}
    assert suggested(answer) == {}


async def test_a_number_or_an_address_is_one_customers_and_reads_no_list(
    client: Client, firm: Starlette
) -> None:
    person = await found(client, search="Talleres Ruiz SL")
    [one] = person["customers"]
    before = len(firm.state.store.requests())
    for search in (one["nif"], one["email"]):
        answer = await found(client, search=search)
        assert matched(answer) == [RUIZ]
        assert suggested(answer) == {}
    assert len(firm.state.store.requests()) == before + 2


async def test_at_most_five_are_suggested_and_the_rest_is_counted(
    client: Client, firm: Starlette
) -> None:
    alike = [{**member(number), "legal_name": "Hotel Güell"} for number in range(300, 307)]
    insert(firm, *alike)
    answer = await found(client, search="guell hotel")
    assert len(answer["suggestions"]) == 5
    assert answer["more_suggestions"] == 2


async def test_what_could_not_be_compared_is_said(connect: Connect, firm: Starlette) -> None:
    def refuse(path: str, query: dict[str, str], answer: Any) -> Any:
        return 400 if path.endswith("/customers") and "search" not in query else answer

    async with connect(Between(firm, refuse)) as client:
        answer = await found(client, search="Talleres Ruiz SL")
    assert matched(answer) == [RUIZ]
    assert answer["remark"] == "Whether others have a name alike could not be looked up in time."
