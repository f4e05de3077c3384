"""find_customers answers a question about all customers in one call, or says what it cannot."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.sandbox import create_app
from beel_mcp.usecases.customer_search import whole_list
from tests.conftest import Connect
from tests.support.deactivations import bill
from tests.support.firm import Between, firm_id, ids_where, insert, make_firm, member
from tests.test_laws import count_tokens

pytestmark = pytest.mark.anyio

LACKING = {
    "email": "email IS NULL AND (billing_emails IS NULL OR billing_emails = '[]')",
    "nif": "nif IS NULL",
    "phone": "phone IS NULL",
    "address": "json_extract(address, '$.street') = ''",
    "iban": "json_extract(preferred_payment_method, '$.iban') IS NULL",
    "billing_emails": "billing_emails IS NULL OR billing_emails = '[]'",
}


@pytest.fixture(scope="module")
def firm() -> Starlette:
    return make_firm()


@pytest.fixture
def few() -> Starlette:
    """The seeded customers, and some of the firm: one page of BeeL's list has them all."""
    app = create_app()
    homeless = member(31) | {"legal_name": "Sin Calle"}
    homeless["address"] = homeless["address"] | {"street": ""}
    insert(app, *map(member, range(30)), homeless)
    return app


@pytest.fixture
async def client(connect: Connect, few: Starlette) -> AsyncIterator[Client]:
    async with connect(few) as opened:
        yield opened


async def ask(client: Client, **arguments: Any) -> tuple[dict[str, Any], str]:
    result = await client.call_tool("find_customers", arguments)
    return result.structured_content or {}, result.content[0].text


async def everyone(client: Client, **arguments: Any) -> set[str]:
    """Give the ids of all pages, which add up to the total and repeat nobody."""
    ids: list[str] = []
    answer: dict[str, Any] = {"next": [{"arguments": {**arguments, "limit": 50}}]}
    while answer.get("next"):
        [step] = answer["next"]
        answer, _ = await ask(client, **step["arguments"])
        ids += [one["customer_id"] for one in answer["customers"]]
    assert len(ids) == len({*ids}) == answer["total"]
    return {*ids}


@pytest.mark.slow
async def test_who_has_no_email_is_one_call_of_600_tokens(
    connect: Connect, firm: Starlette
) -> None:
    async with connect(firm) as client:
        for more in ({}, {"select_all": True}):
            before = len(firm.state.store.requests())
            answer, text = await ask(client, missing=["email"], **more)
            assert answer["total"] == len(ids_where(firm, LACKING["email"])) > 80
            assert answer["complete"] is True
            for half in (text, json.dumps(answer, ensure_ascii=False)):
                assert count_tokens(half) <= 600
            assert len(firm.state.store.requests()) - before <= 9
        assert answer["by"]["missing"]["email"] == answer["total"]
        assert sum(answer["by"]["province"].values()) == answer["total"]
        assert await everyone(client, missing=["email"]) == ids_where(firm, LACKING["email"])


@pytest.mark.slow
async def test_who_has_invoices_is_told_of_a_whole_firm(connect: Connect, firm: Starlette) -> None:
    billed = "id IN (SELECT customer_id FROM invoices WHERE deleted_at IS NULL)"
    async with connect(firm) as client:
        assert await everyone(client, has_invoices=True) == ids_where(firm, billed)
        assert await everyone(client, has_invoices=False) == ids_where(firm, f"NOT {billed}")


@pytest.mark.parametrize("field", LACKING)
async def test_who_lacks_something_is_told_for_each_of_it(
    client: Client, few: Starlette, field: str
) -> None:
    wanted = ids_where(few, LACKING[field])
    assert wanted
    assert await everyone(client, missing=[field]) == wanted


async def test_who_lacks_any_of_several_is_told_with_what_each_lacks(
    client: Client, few: Starlette
) -> None:
    answer, text = await ask(client, missing=["email", "phone"], limit=50)
    emails, phones = (ids_where(few, LACKING[field]) for field in ("email", "phone"))
    assert {one["customer_id"] for one in answer["customers"]} == emails | phones
    assert answer["by"]["missing"] == {"email": len(emails), "phone": len(phones)}
    for one in answer["customers"]:
        assert ("email" in one["lacks"]) == (one["customer_id"] in emails)
        assert ("phone" in one["lacks"]) == (one["customer_id"] in phones)
    assert "without any e-mail address or phone" in answer["summary"]
    assert "· without email, phone" in text or "· without phone" in text


async def test_invoices_have_somewhere_to_go_by_either_address_and_the_answer_says_what_it_counted(
    client: Client, few: Starlette
) -> None:
    lonely = ids_where(few, LACKING["email"])
    mailed = min(lonely)
    few.state.store.execute(
        "UPDATE customers SET billing_emails = ? WHERE id = ?", '["facturas@x.example"]', mailed
    )
    assert await everyone(client, missing=["email"]) == lonely - {mailed}
    answer, text = await ask(client, missing=["email"])
    assert answer["by"]["missing"]["email"] == len(lonely) - 1
    said = (
        "Without e-mail is who has neither email nor billing_emails; 1 with billing_emails alone"
        " not counted."
    )
    assert answer["remark"] == said
    assert said in text
    other, _ = await ask(client, missing=["phone"])
    assert "remark" not in other


async def test_billing_addresses_that_the_list_does_not_show_are_read(
    connect: Connect, few: Starlette
) -> None:
    def hide(path: str, query: dict[str, str], answer: Any) -> Any:
        for one in answer["data"].get("customers", ()) if path.endswith("/customers") else ():
            one.pop("billing_emails", None)
        return answer

    few.state.store.execute("UPDATE customers SET email = NULL WHERE lower(address) LIKE '%laga%'")
    seen = ids_where(few, f"{LACKING['email']} AND lower(address) LIKE '%laga%'")
    assert 1 < len(seen) <= 10
    mailed = min(seen)
    few.state.store.execute(
        "UPDATE customers SET billing_emails = ? WHERE id = ?", '["facturas@x.example"]', mailed
    )
    async with connect(Between(few, hide)) as client:
        answer, _ = await ask(client, missing=["email"], city="malaga", limit=50)
    assert {one["customer_id"] for one in answer["customers"]} == seen - {mailed}


async def test_a_foreign_number_stands_beside_a_missing_nif(client: Client) -> None:
    answer, text = await ask(client, missing=["nif"])
    assert answer["customers"][0]["other_id"] == "NIF_IVA DE123456788"
    assert "DE123456788" in text


async def test_filters_hold_together_whoever_compares_them(client: Client, few: Starlette) -> None:
    wanted = ids_where(few, f"{LACKING['email']} AND lower(address) LIKE '%laga%'")
    assert await everyone(client, missing=["email"], city="malaga") == wanted
    answer, _ = await ask(client, missing=["email"], search="zaragoza nobody")
    assert answer["total"] == 0


async def test_a_city_is_found_however_its_accents_and_capitals_are(
    client: Client, few: Starlette
) -> None:
    wanted = ids_where(few, "lower(address) LIKE '%laga%'")
    for city in ("Málaga", "MALAGA", "malaga "):
        assert await everyone(client, city=city) == wanted


async def test_few_are_asked_about_one_by_one_and_drafts_count(
    client: Client, few: Starlette
) -> None:
    bill(few, [firm_id(2)])
    few.state.store.execute(
        "UPDATE invoices SET status = 'DRAFT' WHERE customer_id = ?", firm_id(2)
    )
    with_some, _ = await ask(client, city="malaga", has_invoices=True)
    assert [one["customer_id"] for one in with_some["customers"]] == [firm_id(2)]
    assert with_some["summary"] == ("1 active customer with invoices, drafts or proformas found.")
    without, _ = await ask(client, city="malaga", has_invoices=False, limit=50)
    assert firm_id(2) not in {one["customer_id"] for one in without["customers"]}
    assert "without invoices, and without drafts or proformas found" in without["summary"]
    assert without["total"] == len(ids_where(few, "lower(address) LIKE '%laga%'")) - 1


async def test_what_the_list_does_not_show_is_read_or_said_never_claimed(
    connect: Connect, few: Starlette
) -> None:
    def hide(path: str, query: dict[str, str], answer: Any) -> Any:
        for one in answer["data"].get("customers", ()) if path.endswith("/customers") else ():
            one.pop("preferred_payment_method", None)
        return answer

    async with connect(Between(few, hide)) as client:
        answer, text = await ask(client, missing=["iban"])
        assert answer["code"] == "not_listed"
        assert "BeeL's list does not show iban" in text
        few_of_them, _ = await ask(client, missing=["iban"], city="zaragoza", limit=50)
    wanted = ids_where(few, f"({LACKING['iban']}) AND address LIKE '%aragoza%'")
    assert {one["customer_id"] for one in few_of_them["customers"]} == wanted
    assert "iban" in few_of_them["by"]["missing"]


class Pages:
    """A list of 100 to a page in front of a small sandbox would need many rows: ten to a page."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, fails: str = "", most: int = 60) -> None:
        monkeypatch.setattr(whole_list, "PAGE_SIZE", 10)
        monkeypatch.setattr(whole_list, "MOST_PAGES", most)
        self.fails = fails

    def __call__(self, path: str, query: dict[str, str], answer: Any) -> Any:
        return (
            400 if self.fails and path.endswith(self.fails) and query.get("page") == "3" else answer
        )


async def test_pages_that_did_not_come_make_an_answer_incomplete(
    connect: Connect, few: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect(Between(few, Pages(monkeypatch, fails="/customers"))) as client:
        answer, text = await ask(client, missing=["email"], select_all=True)
    assert answer["complete"] is False
    assert 0 < answer["total"] < len(ids_where(few, LACKING["email"]))
    assert "Not all could be read in time" in text
    assert "selection_id" not in answer


async def test_no_more_pages_are_read_than_a_call_has_room_for(
    connect: Connect, few: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect(Between(few, Pages(monkeypatch, most=2))) as client:
        answer, _ = await ask(client, select_all=True)
    assert (answer["complete"], answer["total"]) == (False, 20)


async def test_who_has_no_invoices_is_not_guessed_from_some_pages(
    connect: Connect, few: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect(Between(few, Pages(monkeypatch, fails="/invoices"))) as client:
        refused, text = await ask(client, has_invoices=False)
        assert refused["code"] == "not_listed"
        assert "Who has no invoices cannot be told" in text
        some, _ = await ask(client, has_invoices=True)
    assert some["complete"] is False
    assert some["total"] > 0


async def test_a_list_that_moves_while_it_is_read_is_incomplete(
    connect: Connect, few: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    pages = Pages(monkeypatch)

    def move(path: str, query: dict[str, str], answer: Any) -> Any:
        if path.endswith("/customers") and query.get("page") == "2":
            answer["data"]["pagination"]["total_items"] += 1
        return pages(path, query, answer)

    async with connect(Between(few, move)) as client:
        answer, _ = await ask(client, missing=["email"])
    assert answer["complete"] is False


async def test_a_beel_that_gives_fewer_to_a_page_is_read_to_its_end(
    connect: Connect, few: Starlette
) -> None:
    async def smaller(scope: Any, receive: Any, send: Any) -> None:
        asked = scope["query_string"].replace(b"limit=100", b"limit=7")
        await few({**scope, "query_string": asked}, receive, send)

    async with connect(smaller) as client:
        assert await everyone(client, missing=["email"]) == ids_where(few, LACKING["email"])


async def test_another_page_than_asked_for_is_not_told_as_that_one(
    connect: Connect, few: Starlette
) -> None:
    async def other(scope: Any, receive: Any, send: Any) -> None:
        asked = scope["query_string"].replace(b"limit=2", b"limit=5")
        await few({**scope, "query_string": asked}, receive, send)

    async with connect(other) as client:
        answer, text = await ask(client, limit=2)
    assert answer["status"] == "error"
    assert "BeeL answered with another page than the one asked for." in text
