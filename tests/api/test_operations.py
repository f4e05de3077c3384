"""Each operation in both families: the exact request, and what is read from the answer."""

import json

import pytest

from beel_mcp.api import routes
from beel_mcp.api.client import BeelClient
from beel_mcp.errors import CallerError, InternalError
from tests.support.servers.answers import (
    ACCOUNT,
    ADDRESS,
    BASE,
    COMPANY,
    CUSTOMER,
    CUSTOMER_ID,
    KEY,
    PREFIX,
    ROW,
    a_company,
    envelope,
    pages,
    report,
)

pytestmark = pytest.mark.anyio
ENDPOINTS = [row for row in vars(routes).values() if isinstance(row, routes.Endpoint)]

FAMILIES = ("flat", "company")
WIRE_ROW = {
    "flat": {
        **ROW,
        "address": {**ADDRESS, "country": "España", "country_code": "ES"},
        "web": "https://nandu.example",
    },
    "company": ROW,
}


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture
async def client(family, settings, who):
    who(companies=[a_company()])
    routes = "flat" if family == "flat" else "auto"
    client = BeelClient(settings(routes=routes, company_id=COMPANY))
    yield client
    await client.aclose()


def sent(route, family, accept="application/json, application/problem+json"):
    request = route.calls.last.request
    headers = dict(request.headers)
    assert headers.pop("authorization") == f"Bearer {KEY}"
    assert headers.pop("accept") == accept
    assert headers.pop("accept-encoding") == "identity"
    assert headers.pop("accept-language") == "en"
    assert headers.pop("user-agent") == "beel-mcp"
    assert headers.pop("host") == "app.beel.es"
    headers.pop("connection")
    expected = COMPANY if family == "flat" else None
    assert headers.pop("beel-active-company", None) == expected
    return request, headers


async def test_listing_customers_sends_only_what_was_asked(beel, client, family):
    route = beel.get(f"{PREFIX[family]}/customers").respond(
        json=envelope({"customers": [CUSTOMER], "pagination": pages(21, size=20)})
    )
    page = await client.customers.list(search="Ñandú", active=True, city="")
    request, rest = sent(route, family)
    assert dict(request.url.params) == {
        "page": "1",
        "limit": "20",
        "search": "Ñandú",
        "active": "true",
    }
    assert rest == {}
    assert request.content == b""
    assert (page.total, page.page, page.has_more) == (21, 1, True)
    assert page.items[0].legal_name == "Ferretería Ñandú SL"


async def test_every_filter_of_a_list_has_its_own_parameter(beel, client, family):
    route = beel.get(f"{PREFIX[family]}/customers").respond(
        json=envelope({"customers": [], "pagination": pages(0, has_next=False)})
    )
    await client.customers.list(
        page=3, limit=50, nif="B12345674", email="a@b.es", city="León", active=False
    )
    assert dict(route.calls.last.request.url.params) == {
        "page": "3",
        "limit": "50",
        "nif": "B12345674",
        "email": "a@b.es",
        "city": "León",
        "active": "false",
    }


@pytest.mark.parametrize("name", ["web", "website"])
async def test_a_customer_is_read_in_the_words_of_either_generation(beel, client, family, name):
    route = beel.get(f"{PREFIX[family]}/customers/{CUSTOMER_ID}").respond(
        json=envelope({**CUSTOMER, name: "https://nandu.example"})
    )
    customer = await client.customers.get(CUSTOMER_ID)
    request, rest = sent(route, family)
    assert not request.url.query
    assert rest == {}
    assert customer.website == "https://nandu.example"
    assert str(customer.general_discount) == "2.5"
    assert customer.address.city == "Madrid"
    assert customer.active is True
    assert "ES9121" not in repr(customer)


async def test_a_validation_says_that_it_is_dry_and_carries_no_idempotency_key(
    beel, client, family
):
    route = beel.post(f"{PREFIX[family]}/customers/bulk").respond(json=report(1))
    result = await client.customers.validate_bulk([ROW])
    request, rest = sent(route, family)
    assert request.url.query == b"dry_run=true"
    assert json.loads(request.content) == {"customers": [WIRE_ROW[family]]}
    assert rest.pop("content-type") == "application/json"
    assert rest.keys() == {"content-length"}
    assert [row.status for row in result.rows] == ["VALID"]
    assert result.statistics == {"total_processed": 1, "imported": 0}
    assert result.processing_time_ms == 45


async def test_a_creation_says_that_it_is_not_dry_and_carries_its_key(beel, client, family):
    route = beel.post(f"{PREFIX[family]}/customers/bulk").respond(
        201, json=report(1, dry=False, imported=1, customer_id="c-1")
    )
    result = await client.customers.create_bulk([ROW], idempotency_key="bmcp1-x-1")
    request, rest = sent(route, family)
    assert request.url.query == b"dry_run=false"
    assert json.loads(request.content) == {"customers": [WIRE_ROW[family]]}
    assert rest["idempotency-key"] == "bmcp1-x-1"
    assert request.headers["connection"] == "keep-alive"
    assert [(row.index, row.customer_id) for row in result.created] == [(0, "c-1")]
    assert result.request_id == "req-1"


async def test_identity_is_the_same_route_for_both_families(beel, client, who):
    identity = await client.identity.get()
    assert (identity.account_id, identity.environment, identity.name) == (ACCOUNT, "test", "Ana")
    request = beel.calls.last.request
    assert str(request.url) == f"{BASE}/v1/me/identity"
    assert "beel-active-company" not in request.headers


async def test_companies_are_listed_page_by_page(beel, settings):
    client = BeelClient(settings())
    url = f"/v1/accounts/{ACCOUNT}/companies"
    first = beel.get(url, params={"page": 1, "limit": 100}).respond(
        json=envelope({"companies": [a_company()], "pagination": pages(101)})
    )
    second = beel.get(url, params={"page": 2, "limit": 100}).respond(
        json=envelope({"companies": [a_company("c-2")], "pagination": pages(101, page=2)})
    )
    companies = await client.identity.companies(ACCOUNT)
    assert [company.id for company in companies] == [COMPANY, "c-2"]
    assert (first.call_count, second.call_count) == (1, 1)
    await client.aclose()


async def test_a_list_of_companies_that_never_ends_is_left_after_ten_pages(beel, settings):
    client = BeelClient(settings())
    route = beel.get(f"/v1/accounts/{ACCOUNT}/companies").respond(
        json=envelope({"companies": [a_company()], "pagination": pages(1, has_next=True)})
    )
    assert len(await client.identity.companies(ACCOUNT)) == 1
    assert route.call_count == 10
    await client.aclose()


@pytest.mark.parametrize("customer_id", ["", "..", "../bulk", "a/b", "a?x=1", "é", "a" * 65])
async def test_an_id_that_would_change_the_path_is_not_sent(beel, client, customer_id):
    with pytest.raises(CallerError):
        await client.customers.get(customer_id)
    assert all("customers" not in str(call.request.url) for call in beel.calls)


@pytest.mark.parametrize("rows", [[], [ROW] * 501])
async def test_a_bulk_request_has_1_to_500_rows(client, rows):
    with pytest.raises(InternalError):
        await client.customers.validate_bulk(rows)


@pytest.mark.parametrize("key", ["", "a b", "ñ", "a" * 256])
async def test_an_idempotency_key_has_the_form_that_beel_takes(client, key):
    with pytest.raises(InternalError):
        await client.customers.create_bulk([ROW], idempotency_key=key)


def test_only_a_write_may_leave_something_unknown():
    assert {o.name for o in ENDPOINTS if o.changed_if_lost == "unknown"} == {
        "create_customers",
        "create_invoice",
        "update_customer",
        "replace_customer",
        "delete_customer",
        "delete_customers",
        "delete_invoice",
        "create_delivery",
    }
    keyed = {o.name for o in ENDPOINTS if o.takes_idempotency_key}
    assert keyed == {"create_customers", "create_invoice", "create_delivery"}
