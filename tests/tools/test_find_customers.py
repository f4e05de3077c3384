"""find_customers, through the client, on the sandbox."""

import pytest
from mcp import Client

pytestmark = pytest.mark.anyio


async def found(client: Client, **arguments: object) -> dict:
    result = await client.call_tool("find_customers", arguments)
    assert not result.is_error, result.content
    return result.structured_content or {}


async def test_pages_add_up_to_the_total_without_repeating_anyone(client: Client) -> None:
    first = await found(client, limit=4)
    ids = [customer["customer_id"] for customer in first["customers"]]
    answer = first
    while answer["has_more"]:
        [step] = answer["next"]
        answer = await found(client, **step["arguments"])
        ids += [customer["customer_id"] for customer in answer["customers"]]
    assert len(ids) == len(set(ids)) == first["total"]


async def test_inactive_customers_show_only_when_asked_for(client: Client) -> None:
    active = await found(client, limit=50)
    inactive = await found(client, limit=50, active=False)
    assert all(customer["active"] for customer in active["customers"])
    assert inactive["customers"]
    assert not any(customer["active"] for customer in inactive["customers"])


async def test_every_filter_narrows_the_list(client: Client) -> None:
    everyone = await found(client, limit=50)
    someone = next(one for one in everyone["customers"] if one.get("email") and one.get("nif"))
    for name in ("nif", "email", "city"):
        narrowed = await found(client, **{name: someone[name]})
        assert someone in narrowed["customers"]
        assert narrowed["total"] < everyone["total"]
    by_name = await found(client, search=someone["name"])
    assert someone in by_name["customers"]


async def test_nothing_found_is_an_answer_and_not_an_error(client: Client) -> None:
    answer = await found(client, search="nobody of this name")
    assert answer["total"] == 0
    assert answer["summary"].startswith("No active customers match.")


@pytest.mark.parametrize("arguments", [{"limit": 51}, {"limit": 0}, {"page": 0}, {"page": "two"}])
async def test_a_limit_or_page_out_of_range_is_refused_by_name(
    client: Client, arguments: dict
) -> None:
    result = await client.call_tool("find_customers", arguments)
    structure = result.structured_content or {}
    assert result.is_error
    assert structure["field_errors"][0]["field"] == next(iter(arguments))


@pytest.mark.parametrize("tool", ["find_customers", "find_invoices"])
@pytest.mark.parametrize("blank", ["", "  "])
async def test_an_empty_filter_is_not_no_filter(client: Client, tool: str, blank: str) -> None:
    for name in ("search",) if tool == "find_invoices" else ("search", "nif", "email", "city"):
        result = await client.call_tool(tool, {name: blank})
        structure = result.structured_content or {}
        assert result.is_error
        [fault] = structure["field_errors"]
        assert fault["field"] == name
        assert fault["message"].startswith("is empty: leave it out to list all")


@pytest.mark.parametrize("nif", ["b-83.012.740", "ES B83012740", "es-b83012740", "B 83 012 740"])
async def test_a_nif_is_found_however_it_is_written(client: Client, nif: str) -> None:
    for name in ("nif", "search"):
        answer = await found(client, **{name: nif})
        assert [one["name"] for one in answer["customers"]] == ["Ferretería La Llave SL"]


async def test_a_foreign_number_is_found_as_a_nif(client: Client) -> None:
    answer = await found(client, nif="DE 123456788")
    assert [one["name"] for one in answer["customers"]] == ["Müller Werkzeugbau GmbH"]
    assert answer["customers"][0]["other_id"] == "NIF_IVA DE123456788"
