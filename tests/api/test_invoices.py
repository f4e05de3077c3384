"""Reading and deleting an invoice: the exact request, and what is read from the answer."""

import httpx
import pytest

from beel_mcp.errors import (
    CallerError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    RefusedError,
    RouteRetiredError,
    UnknownOutcomeError,
)
from tests.support.servers.answers import PREFIX, envelope, refusal

from .test_invoice_lists import invoice
from .test_operations import client, family, sent

__all__ = ["client", "family"]  # the fixtures: one client in each family
pytestmark = pytest.mark.anyio

INVOICE_ID = "550e8400-e29b-41d4-a716-446655440abc"


@pytest.fixture
def url(family):
    return f"{PREFIX[family]}/invoices/{INVOICE_ID}"


async def test_an_invoice_is_read_by_its_id(beel, client, family, url):
    route = beel.get(url).respond(json=envelope(invoice(INVOICE_ID.upper(), "DRAFT")))
    found = await client.invoices.get(INVOICE_ID)
    request, rest = sent(route, family)
    assert (request.url.query, request.content, rest) == (b"", b"", {})
    assert (found.id, found.is_draft, found.number) == (INVOICE_ID.upper(), True, None)


async def test_a_draft_that_was_deleted_is_a_draft_no_more(beel, client, url):
    gone = invoice(INVOICE_ID, "DRAFT", deleted_at="2026-07-14T10:00:00Z")
    beel.get(url).respond(json=envelope(gone))
    assert (await client.invoices.get(INVOICE_ID)).is_draft is False


async def test_another_invoice_is_not_taken_for_the_one_asked_for(beel, client, url):
    beel.get(url).respond(json=envelope(invoice("another")))
    with pytest.raises(UnknownOutcomeError) as caught:
        await client.invoices.get(INVOICE_ID)
    assert (caught.value.code, caught.value.changed) == ("unexpected_answer", "nothing")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(204),
        httpx.Response(200, json=envelope({"message": "Invoice deleted successfully"})),
    ],
    ids=["204", "200"],
)
async def test_a_deletion_names_one_invoice_and_sends_nothing_else(
    beel, client, family, url, answer
):
    route = beel.delete(url).mock(return_value=answer)
    assert await client.invoices.delete(INVOICE_ID) is None
    request, rest = sent(route, family)
    assert (request.url.query, request.content, rest) == (b"", b"", {})


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidRequestError),
        (409, ConflictError),
        (422, InvalidRequestError),
        (404, NotFoundError),
    ],
)
async def test_a_refused_deletion_keeps_beels_code_and_is_not_sent_again(
    beel, client, url, status, kind
):
    route = beel.delete(url).respond(status, json=refusal("VALIDATION_ERROR"))
    with pytest.raises(kind) as caught:
        await client.invoices.delete(INVOICE_ID)
    assert (type(caught.value), caught.value.status) == (kind, status)
    assert (caught.value.code, caught.value.changed) == ("VALIDATION_ERROR", "nothing")
    assert route.call_count == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json=envelope({})),
        httpx.Response(200, content=b""),
        httpx.Response(204, json={"success": False}),
        httpx.Response(202),
        httpx.Response(500, json=refusal("INTERNAL_ERROR")),
    ],
    ids=["no message", "empty 200", "204 with a body", "202", "500"],
)
async def test_a_deletion_that_is_not_said_plainly_is_unknown_and_not_sent_again(
    beel, client, url, answer
):
    route = beel.delete(url).mock(return_value=answer)
    with pytest.raises(UnknownOutcomeError) as caught:
        await client.invoices.delete(INVOICE_ID)
    assert caught.value.changed == "unknown"
    assert route.call_count == 1


@pytest.mark.parametrize("invoice_id", ["", "a,b", "../customers/c-1", "é", "a" * 65])
async def test_an_id_that_would_change_the_path_is_not_sent(beel, client, invoice_id):
    for use in (client.invoices.get, client.invoices.delete):
        with pytest.raises(CallerError):
            await use(invoice_id)
    assert all("invoices" not in str(call.request.url) for call in beel.calls)


async def test_a_route_that_is_gone_is_no_missing_invoice(beel, client, family, url):
    beel.delete(url).respond(410, json=refusal("GONE"))
    with pytest.raises(RefusedError) as caught:
        await client.invoices.delete(INVOICE_ID)
    assert type(caught.value) is (RouteRetiredError if family == "flat" else RefusedError)


async def test_a_page_of_a_proxy_is_no_missing_invoice(beel, client, family, url):
    beel.delete(url).respond(404, html="<h1>404</h1>")
    with pytest.raises(RefusedError) as caught:
        await client.invoices.delete(INVOICE_ID)
    assert not isinstance(caught.value, NotFoundError)


async def test_a_pdf_is_asked_for_with_the_wait_that_there_is_time_for(beel, client, family, url):
    link = {
        "download_url": "https://storage.example/x.pdf?sig=1",
        "expires_in_seconds": 300,
        "file_name": "factura_1.pdf",
    }
    route = beel.get(f"{url}/pdf").respond(json=envelope(link))
    state = await client.invoices.find_pdf(INVOICE_ID, wait_s=7)
    request, rest = sent(route, family)
    assert (request.url.query, request.content, rest) == (b"", b"", {"prefer": "wait=7"})
    assert (state.is_there, state.retry_after_s) == (True, None)


@pytest.mark.parametrize(
    ("headers", "again_s"), [({"Retry-After": "4"}, 4), ({}, None), ({"Retry-After": "soon"}, None)]
)
async def test_a_pdf_that_is_being_made_has_no_body_and_says_when(
    *, beel, client, family, url, headers, again_s
):
    route = beel.get(f"{url}/pdf").respond(202, headers=headers)
    state = await client.invoices.find_pdf(INVOICE_ID, wait_s=-3)
    assert sent(route, family)[1] == {"prefer": "wait=0"}
    assert (state.is_there, state.retry_after_s) == (False, again_s)


async def test_an_invoice_without_a_pdf_is_told_from_a_route_that_is_gone(
    beel, client, family, url
):
    route = beel.get(f"{url}/pdf")
    route.respond(400, json=refusal("INVOICE_NOT_ISSUED_NO_PDF"))
    with pytest.raises(InvalidRequestError):
        await client.invoices.find_pdf(INVOICE_ID, wait_s=0)
    for code in ("INVOICE_NOT_FOUND", "NOT_FOUND"):
        route.respond(404, json=refusal(code))
        with pytest.raises(NotFoundError) as caught:
            await client.invoices.find_pdf(INVOICE_ID, wait_s=0)
        assert type(caught.value) is NotFoundError
