"""Deleting, making active or not, counting: the exact request, and what is read from the answer."""

import json

import httpx
import pytest
from pydantic import ValidationError

from beel_mcp.api.models import Customer
from beel_mcp.errors import (
    ApiError,
    CallerError,
    ConflictError,
    ForbiddenError,
    InternalError,
    InvalidRequestError,
    NotFoundError,
    RouteRetiredError,
    UnknownOutcomeError,
)
from tests.support.servers.answers import (
    ADDRESS,
    CUSTOMER,
    CUSTOMER_ID,
    PREFIX,
    envelope,
    pages,
    refusal,
)

from .test_operations import client, family, sent

__all__ = ["client", "family"]  # the fixtures: one client in each family
pytestmark = pytest.mark.anyio

OTHER_ID = "550e8400-e29b-41d4-a716-446655440001"
RECORD = {
    **CUSTOMER,
    "trade_name": "Ñandú",
    "address": {**ADDRESS, "country": "España", "country_code": "ES", "floor": "3"},
    "phone": "912345678",
    "email": "hola@nandu.example",
    "website": "https://nandu.example",
    "billing_emails": ["facturas@nandu.example"],
    "contact_person": "Ana",
    "notes": "Paga el día 10",
    "preferred_payment_method": {"method": "CARD", "iban": "ES91", "payment_term_days": 30},
}
NOT_WRITTEN = {"id", "nif", "created_at", "something_new"}
NO_PATCH = refusal("METHOD_NOT_ALLOWED", "The path has other methods")


@pytest.fixture
def url(family):
    return f"{PREFIX[family]}/customers/{CUSTOMER_ID}"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(204),
        httpx.Response(200, json=envelope({"message": "Customer deactivated successfully"})),
    ],
    ids=["204", "200"],
)
async def test_a_deletion_names_one_customer_and_sends_nothing_else(
    beel, client, family, url, answer
):
    route = beel.delete(url).mock(return_value=answer)
    assert await client.customers.delete(CUSTOMER_ID) is None
    request, rest = sent(route, family)
    assert (request.url.query, request.content, rest) == (b"", b"", {})


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (409, "CLIENT_HAS_INVOICES", ConflictError),
        (400, "VALIDATION_ERROR", InvalidRequestError),
        (404, "NOT_FOUND", NotFoundError),
        (403, "COMPANY_READ_ONLY", ForbiddenError),
    ],
)
async def test_a_refused_deletion_keeps_beels_code(beel, client, url, status, code, kind):
    beel.delete(url).respond(status, json=refusal(code))
    with pytest.raises(kind) as caught:
        await client.customers.delete(CUSTOMER_ID)
    assert (type(caught.value), caught.value.code, caught.value.status) == (kind, code, status)
    assert caught.value.changed == "nothing"


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json=envelope({})),
        httpx.Response(200, content=b""),
        httpx.Response(204, json={"success": False}),
        httpx.Response(202),
    ],
    ids=["no message", "empty 200", "204 with a body", "202"],
)
async def test_a_deletion_that_is_not_said_plainly_is_unknown(beel, client, url, answer):
    beel.delete(url).mock(return_value=answer)
    with pytest.raises(UnknownOutcomeError) as caught:
        await client.customers.delete(CUSTOMER_ID)
    assert (caught.value.code, caught.value.changed) == ("unexpected_answer", "unknown")


async def test_a_bulk_deletion_joins_its_ids_as_the_seeds_do(beel, client, family):
    rows = [
        {"index": 0, "customer_id": CUSTOMER_ID, "status": "DELETED"},
        {"index": 1, "customer_id": OTHER_ID, "status": "NOT_FOUND"},
    ]
    route = beel.delete(f"{PREFIX[family]}/customers/bulk").respond(
        json=envelope({"customers_deletion": rows})
    )
    result = await client.customers.delete_bulk([CUSTOMER_ID, OTHER_ID])
    request, rest = sent(route, family)
    assert request.url.query == f"ids={CUSTOMER_ID}%2C{OTHER_ID}".encode()
    assert (request.content, rest) == (b"", {})
    assert [(row.customer_id, row.status) for row in result.rows] == [
        (CUSTOMER_ID, "deleted"),
        (OTHER_ID, "not_found"),
    ]
    assert result.request_id == "req-1"


async def test_a_hundred_ids_are_sent_whole(beel, client, family):
    ids = [f"550e8400-e29b-41d4-a716-{number:012d}" for number in range(100)]
    route = beel.delete(f"{PREFIX[family]}/customers/bulk").respond(
        json=envelope({"deactivated_ids": ids})
    )
    result = await client.customers.delete_bulk(ids)
    assert route.calls.last.request.url.params["ids"] == ",".join(ids)
    assert {row.status for row in result.rows} == {"deleted"}


@pytest.mark.parametrize("ids", [[], [f"c-{number}" for number in range(101)], ["c-1", "C-1"]])
async def test_a_bulk_deletion_takes_1_to_100_different_ids(beel, client, ids):
    with pytest.raises(InternalError):
        await client.customers.delete_bulk(ids)
    assert not any(call.request.method == "DELETE" for call in beel.calls)


@pytest.mark.parametrize("customer_id", ["", "a,b", "a&active=true", "../x", "é", "a" * 65])
async def test_an_id_that_would_change_the_query_is_not_sent(beel, client, customer_id):
    with pytest.raises(CallerError):
        await client.customers.delete_bulk(["c-1", customer_id])
    with pytest.raises(CallerError):
        await client.invoices.count_for(customer_id)
    assert all("c-1" not in str(call.request.url) for call in beel.calls)


async def test_a_bulk_route_that_is_gone_is_said_to_be_gone(beel, client, family):
    beel.delete(f"{PREFIX[family]}/customers/bulk").respond(404, json=refusal("NOT_FOUND"))
    kind = RouteRetiredError if family == "flat" else NotFoundError
    with pytest.raises(kind):
        await client.customers.delete_bulk([CUSTOMER_ID])


@pytest.mark.parametrize("active", [True, False])
async def test_making_active_or_not_changes_one_field_only(beel, client, family, url, active):
    route = beel.patch(url).respond(json=envelope({**CUSTOMER, "active": active}))
    customer = await client.customers.update_fields(CUSTOMER_ID, {"active": active})
    request, rest = sent(route, family)
    assert json.loads(request.content) == {"active": active}
    assert (request.url.query, rest.keys()) == (b"", {"content-type", "content-length"})
    assert (customer.id, customer.active) == (CUSTOMER_ID, active)


@pytest.mark.parametrize("changes", [{"active": True}, {}, {"active": False, "id": OTHER_ID}])
async def test_a_customer_that_does_not_come_back_as_asked_for_is_unknown(
    beel, client, url, changes
):
    beel.patch(url).respond(json=envelope({**CUSTOMER, **changes}))
    with pytest.raises(UnknownOutcomeError) as caught:
        await client.customers.update_fields(CUSTOMER_ID, {"active": False})
    assert caught.value.changed == "unknown"


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422, 500])
async def test_only_a_405_leads_to_a_put(beel, client, url, status):
    put = beel.put(url)
    beel.patch(url).respond(status, json=refusal("METHOD_NOT_ALLOWED"))
    with pytest.raises(ApiError) as caught:
        await client.customers.update_fields(CUSTOMER_ID, {"active": False})
    assert (caught.value.status, put.call_count) == (status, 0)


@pytest.mark.parametrize("family", ["company"], indirect=True)
async def test_a_company_route_without_patch_is_an_error(beel, client, url):
    beel.patch(url).respond(405, json=NO_PATCH)
    put = beel.put(url)
    with pytest.raises(InvalidRequestError) as caught:
        await client.customers.update_fields(CUSTOMER_ID, {"active": False})
    assert (caught.value.code, put.call_count) == ("METHOD_NOT_ALLOWED", 0)


@pytest.mark.parametrize("family", ["flat"], indirect=True)
@pytest.mark.parametrize("is_known", [True, False])
async def test_without_patch_a_flat_route_is_put_the_whole_record(
    beel, client, family, url, is_known
):
    beel.patch(url).respond(405, json=NO_PATCH)
    get = beel.get(url).respond(json=envelope(RECORD))
    put = beel.put(url).respond(json=envelope({**RECORD, "active": False}))
    current = Customer.model_validate(RECORD) if is_known else None
    customer = await client.customers.update_fields(CUSTOMER_ID, {"active": False}, current=current)
    request, _ = sent(put, family)
    written = {name: value for name, value in RECORD.items() if name not in NOT_WRITTEN}
    assert json.loads(request.content) == {
        **written,
        "web": RECORD["website"],
        "active": False,
    }
    assert (customer.active, get.call_count) == (False, 0 if is_known else 1)


@pytest.mark.parametrize("family", ["flat"], indirect=True)
async def test_a_bare_record_is_put_without_anything_made_up(beel, client, url):
    beel.patch(url).respond(405, json=NO_PATCH)
    put = beel.put(url).respond(json=envelope({**CUSTOMER, "active": True}))
    current = Customer(id=CUSTOMER_ID, legal_name="Uno", general_discount="2.5", web="")
    await client.customers.update_fields(CUSTOMER_ID, {"active": True}, current=current)
    body = {"legal_name": "Uno", "general_discount": 2.5, "active": True}
    assert json.loads(put.calls.last.request.content) == body


@pytest.mark.parametrize("family", ["flat"], indirect=True)
async def test_a_discount_of_eleven_digits_is_put_back_as_the_number_it_is(beel, client, url):
    beel.patch(url).respond(405, json=NO_PATCH)
    put = beel.put(url).respond(json=envelope({**CUSTOMER, "active": True}))
    current = Customer(id=CUSTOMER_ID, legal_name="Uno", general_discount="1E+10")
    await client.customers.update_fields(CUSTOMER_ID, {"active": True}, current=current)
    assert json.loads(put.calls.last.request.content)["general_discount"] == 10**10


def test_a_discount_of_a_million_digits_is_refused_where_it_is_read():
    with pytest.raises(ValidationError, match="general_discount"):
        Customer.model_validate({**RECORD, "general_discount": "1E+999999"})


@pytest.mark.parametrize("family", ["flat"], indirect=True)
async def test_a_missing_patch_is_found_out_once(beel, client, url):
    patch = beel.patch(url).respond(405, json=NO_PATCH)
    beel.put(url).respond(json=envelope({**CUSTOMER, "active": False}))
    current = Customer.model_validate(RECORD)
    for _ in range(3):
        await client.customers.update_fields(CUSTOMER_ID, {"active": False}, current=current)
    assert patch.call_count == 1


async def test_the_invoices_of_a_customer_are_counted_with_one_row(beel, client, family):
    invoice = {"id": "i-1", "recipient": {"customer_id": CUSTOMER_ID.upper()}}
    route = beel.get(f"{PREFIX[family]}/invoices").respond(
        json=envelope({"invoices": [invoice], "pagination": pages(37, size=1)})
    )
    assert await client.invoices.count_for(CUSTOMER_ID) == 37
    request, rest = sent(route, family)
    assert dict(request.url.params) == {"customer_id": CUSTOMER_ID, "limit": "1"}
    assert rest == {}


@pytest.mark.parametrize("total", [0, 1])
async def test_no_invoices_or_nameless_ones_are_counted_too(beel, client, family, total):
    beel.get(f"{PREFIX[family]}/invoices").respond(
        json=envelope({"invoices": [{"id": "i-1"}] * total, "pagination": pages(total)})
    )
    assert await client.invoices.count_for(CUSTOMER_ID) == total


@pytest.mark.parametrize(
    ("invoice", "total"),
    [({"id": "i-1", "recipient": {"customer_id": OTHER_ID}}, 1), ({"id": "i-1"}, 0)],
)
async def test_a_count_that_cannot_be_right_is_not_believed(beel, client, family, invoice, total):
    beel.get(f"{PREFIX[family]}/invoices").respond(
        json=envelope({"invoices": [invoice], "pagination": pages(total)})
    )
    with pytest.raises(UnknownOutcomeError):
        await client.invoices.count_for(CUSTOMER_ID)
