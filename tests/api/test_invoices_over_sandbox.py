"""Invoices over the sandbox: found, read, deleted and packed, in every generation and family."""

import io
import zipfile
from datetime import date
from decimal import Decimal

import pytest

from beel_mcp.api.client import BeelClient
from beel_mcp.api.invoice_lists import InvoiceFilter
from beel_mcp.errors import (
    CallerError,
    InvalidRequestError,
    NoPdfError,
    NotFoundError,
    TooLargeError,
)
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import INVOICES, customer_id, invoice_id

pytestmark = pytest.mark.anyio

NOBODY = "00000000-0000-4000-8000-000000000000"
PROFORMAS = {18, 19, 20, 21}
QUARTER = InvoiceFilter(date_from=date(2026, 7, 1), date_to=date(2026, 9, 30))
ISSUED = ("ISSUED", "SENT", "PAID", "OVERDUE", "RECTIFIED", "VOIDED")


@pytest.fixture(params=["company", "flat", "legacy"])
def kind(request):
    return request.param


@pytest.fixture
def sandbox_options():
    return {}


@pytest.fixture
async def client(kind, settings, sandbox_options):
    generation = "legacy" if kind == "legacy" else "current"
    app = create_app(SandboxOptions(generation=generation, **sandbox_options))
    routes = "auto" if kind == "company" else "flat"
    client = BeelClient(settings(sandbox=True, routes=routes), sandbox_app=app)
    client.store = app.state.store
    yield client
    await client.aclose()
    app.state.store.close()


def asked(client):
    lists = [row["query"] for row in client.store.requests() if row["path"].endswith("/invoices")]
    return len(lists)


def numbers(invoices):
    return [int(invoice.id[-3:]) for invoice in invoices]


async def all_of(client, wanted, most=2_000):
    return [invoice async for invoice in client.invoices.list_all(wanted, most=most)]


async def test_every_invoice_is_listed_and_can_be_read(client, kind):
    listed = await all_of(client, InvoiceFilter())
    hidden = PROFORMAS if kind == "legacy" else set()
    assert set(numbers(listed)) == {invoice["number"] for invoice in INVOICES} - hidden
    for invoice in listed:
        assert await client.invoices.get(invoice.id) == invoice


async def test_the_quarter_comes_with_all_that_a_manifest_needs(client):
    wanted = InvoiceFilter(ISSUED, QUARTER.date_from, QUARTER.date_to)
    found = {n: i for i in await all_of(client, wanted) for n in numbers([i])}
    assert found.keys() == {10, 11, 12, 25, 26, 27, 28}
    assert (found[27].rectified_invoice_id, found[27].type) == (invoice_id(26), "CORRECTIVE")
    assert found[27].totals.total == Decimal(-297)
    assert (found[28].has_pdf, found[10].has_pdf) == (False, True)
    totals = found[28].totals
    assert [(r.rate, r.base, r.amount) for r in totals.irpf_by_rate] == [(15, 450, Decimal("67.5"))]
    assert totals.taxable_base + totals.total_tax - totals.total_irpf == totals.total
    assert [part.rate for part in found[25].totals.by_rate] == [0]
    assert found[25].recipient.alternative_id.number == "DE123456788"
    assert found[10].recipient.customer_id == customer_id(2)


async def test_each_generation_is_asked_in_its_own_way_for_several_statuses(client, kind):
    wanted = InvoiceFilter(("DRAFT", "SENT", "VOIDED"))
    found = await all_of(client, wanted)
    assert sorted(numbers(found)) == [7, 8, 10, 11, 16, 17, 28, 30]
    # The seeds are asked once who they are, then for each status, and again at the end.
    assert asked(client) == (7 if kind == "legacy" else 1)


async def test_pages_of_several_statuses_hold_every_invoice_once(client):
    wanted = InvoiceFilter(("DRAFT", "SENT", "VOIDED", "SCHEDULED"))
    found, page = [], 1
    while True:
        got = await client.invoices.list(wanted, page=page, limit=2)
        found += numbers(got.items)
        assert got.total == 9
        if not got.has_more:
            break
        page += 1
    assert (sorted(found), page) == ([7, 8, 10, 11, 15, 16, 17, 28, 30], 5)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (InvoiceFilter(("SENT",)), {8, 10, 11, 28}),
        (InvoiceFilter(customer_id=customer_id(2).upper()), {2, 10, 16}),
        (InvoiceFilter(search="müller"), {11, 25}),
        (InvoiceFilter(("DRAFT",), date_from=date(2026, 8, 20), date_to=date(2026, 8, 20)), {30}),
    ],
)
async def test_filters_narrow_as_they_say(client, wanted, found):
    assert set(numbers(await all_of(client, wanted))) == found


async def test_too_many_are_refused(client):
    with pytest.raises(CallerError, match="at most 7"):
        await all_of(client, InvoiceFilter(), most=7)


async def test_a_draft_is_deleted_and_its_proforma_is_what_the_generation_makes_of_it(client, kind):
    draft = await client.invoices.get(invoice_id(17))
    assert draft.is_draft
    assert draft.source_proforma_id == (None if kind == "legacy" else invoice_id(19))
    await client.invoices.delete(draft.id)
    for use in (client.invoices.get, client.invoices.delete):
        with pytest.raises(NotFoundError):
            await use(draft.id)
    if kind != "legacy":
        assert (await client.invoices.get(invoice_id(19))).status == "ACTIVE"


@pytest.mark.parametrize("number", [1, 8, 13, 15])
async def test_what_is_no_draft_is_refused_and_stays(client, number):
    before = await client.invoices.get(invoice_id(number))
    with pytest.raises(InvalidRequestError) as caught:
        await client.invoices.delete(invoice_id(number))
    assert (caught.value.status, caught.value.changed) == (400, "nothing")
    assert await client.invoices.get(invoice_id(number)) == before


async def test_a_zip_holds_what_has_a_pdf_and_says_how_many_are_missing(client, kind):
    sink = io.BytesIO()
    ids = [*map(invoice_id, (10, 16, 28, 12)), NOBODY]
    told = await client.invoices.download_zip(ids, sink)
    with zipfile.ZipFile(sink) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {"factura_F26-0009.pdf", "factura_F26-0011.pdf"}
        assert all(archive.read(name).startswith(b"%PDF-") for name in archive.namelist())
    assert (told.total, told.successful, told.failed) == (5, 2, 3)
    assert told.size_bytes == len(sink.getvalue())
    left_out = told.left_out and [(item.invoice_id, item.code) for item in told.left_out]
    assert left_out == (
        [
            (invoice_id(16), "PDF_NOT_GENERATED"),
            (invoice_id(28), "PDF_NOT_GENERATED"),
            (NOBODY, "NOT_FOUND"),
        ]
        if kind == "legacy"
        else None
    )


async def test_none_available_is_an_error_of_its_own(client):
    with pytest.raises(NoPdfError):
        await client.invoices.download_zip([invoice_id(16), NOBODY], io.BytesIO())


@pytest.mark.parametrize("sandbox_options", [{"zip_cap_bytes": 2_200}])
async def test_what_is_too_much_for_one_zip_fits_when_it_is_halved(client):
    ids, sink = [invoice_id(number) for number in (1, 2)], io.BytesIO()
    with pytest.raises(TooLargeError):
        await client.invoices.download_zip(ids, sink)
    assert sink.getvalue() == b""
    for half in ids:
        await client.invoices.download_zip([half], sink)


async def test_more_ids_than_the_generation_takes_are_a_size_refusal(client, kind):
    ids = [f"f0000000-0000-4000-8000-{number:012d}" for number in range(1, 22)]
    if kind != "legacy":
        assert (await client.invoices.download_zip(ids, io.BytesIO())).total == 21
        return
    with pytest.raises(TooLargeError) as caught:
        await client.invoices.download_zip(ids, io.BytesIO())
    assert caught.value.status == 422
