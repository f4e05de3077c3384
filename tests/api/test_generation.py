"""Which generation answers, told by its answers; and many customers found through the lists."""

import httpx
import pytest

from beel_mcp.api.client import BeelClient
from beel_mcp.errors import BeelMcpError
from tests.support.servers.answers import COMPANY, a_company, envelope, pages, refusal

pytestmark = pytest.mark.anyio

SUNSET = {"Deprecation": "true", "Sunset": "Wed, 09 Dec 2026 00:00:00 GMT"}
PLAIN = {"id": "c-1", "legal_name": "Uno"}


def listing(*customers):
    return envelope({"customers": list(customers), "pagination": pages(len(customers))})


@pytest.fixture
async def flat(settings, who):
    """A client on the flat routes that cannot learn who it is."""
    who(identity=404)
    client = BeelClient(settings(routes="flat"))
    yield client
    await client.aclose()


@pytest.mark.parametrize(
    ("customer", "headers", "generation"),
    [
        (PLAIN, {}, "legacy"),
        ({**PLAIN, "web": "https://uno.example"}, {}, "legacy"),
        ({**PLAIN, "website": "https://uno.example"}, {}, "current"),
        (PLAIN, SUNSET, "current"),
        (PLAIN, {"Sunset": SUNSET["Sunset"]}, "current"),
        ({**PLAIN, "web": "https://uno.example"}, {"Deprecation": "true"}, "current"),
    ],
)
async def test_flat_answers_tell_their_generation(beel, flat, customer, headers, generation):
    assert flat.generation_seen is None
    beel.get("/v1/customers").respond(json=listing(customer), headers=headers)
    await flat.customers.list()
    assert flat.generation_seen == generation
    beel.get("/v1/customers/c-1").respond(json=envelope(customer), headers=headers)
    await flat.customers.get("c-1")
    assert flat.generation_seen == generation


async def test_a_sign_of_today_settles_it_for_good(beel, flat):
    beel.get("/v1/customers").respond(json=listing(PLAIN))
    await flat.customers.list()
    assert flat.generation_seen == "legacy"
    told = {"customers_deletion": [{"customer_id": "c-1", "status": "DELETED"}]}
    beel.delete("/v1/customers/bulk").respond(json=envelope(told))
    await flat.customers.delete_bulk(["c-1"])
    assert flat.generation_seen == "current"
    await flat.customers.list()
    assert flat.generation_seen == "current"


async def test_an_error_tells_no_generation(beel, flat):
    beel.get("/v1/customers").respond(422, json=refusal("VALIDATION_ERROR"), headers=SUNSET)
    with pytest.raises(BeelMcpError):
        await flat.customers.list()
    assert flat.generation_seen is None


async def test_company_routes_and_identity_are_todays(beel, settings, who):
    who(companies=[a_company()])
    client = BeelClient(settings())
    await client.active_company()
    assert client.generation_seen == "current"
    await client.aclose()


async def test_a_company_deletion_without_a_body_is_a_sign_too(beel, settings, who):
    who(identity=404)
    client = BeelClient(settings(company_id=COMPANY, routes="company"))
    beel.delete(f"/v1/companies/{COMPANY}/customers/c-1").respond(204)
    await client.customers.delete("c-1")
    assert client.generation_seen == "current"
    await client.aclose()


def scripted_lists(beel, active, inactive, *, size=2):
    """Script both lists; gives what was asked for, in order."""
    asked = []

    def answer(request):
        query = dict(request.url.params)
        asked.append((query["active"], int(query["page"])))
        assert query["limit"] == "100"
        whole = active if query["active"] == "true" else inactive
        page = int(query["page"])
        part = whole[(page - 1) * size : page * size]
        data = {
            "customers": [{"id": customer_id, "legal_name": "Uno"} for customer_id in part],
            "pagination": pages(len(whole), page, size),
        }
        return httpx.Response(200, json=envelope(data))

    beel.get("/v1/customers").mock(side_effect=answer)
    return asked


async def test_customers_are_found_through_both_lists(beel, flat):
    asked = scripted_lists(beel, ["a", "b", "c"], ["d", "e"])
    found = await flat.customers.list_all({"C", "d", "nobody"})
    assert {name: customer.id for name, customer in found.items()} == {"C": "c", "d": "d"}
    assert asked == [("true", 1), ("true", 2), ("false", 1)]


async def test_nobody_looks_further_than_needed(beel, flat):
    asked = scripted_lists(beel, ["a", "b", "c"], ["d"])
    assert list(await flat.customers.list_all({"b"})) == ["b"]
    assert await flat.customers.list_all(set()) == {}
    assert asked == [("true", 1)]


async def test_a_list_that_never_ends_is_left_after_two_hundred_pages(beel, flat):
    def answer(request):
        page = int(request.url.params["page"])
        data = {"customers": [PLAIN], "pagination": pages(1, page=page, has_next=True)}
        return httpx.Response(200, json=envelope(data))

    route = beel.get("/v1/customers").mock(side_effect=answer)
    assert await flat.customers.list_all({"a"}) == {}
    assert route.call_count == 200
