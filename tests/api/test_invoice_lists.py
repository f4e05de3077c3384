"""Lists of invoices: the request of each generation, pages over several lists, whole walks."""

import json
from datetime import date
from decimal import Decimal

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as within
from hypothesis import strategies as st

from beel_mcp.api.http.responses import ApiResponse
from beel_mcp.api.invoice_lists import InvoiceFilter, InvoiceLists
from beel_mcp.api.routes import LIST_INVOICES
from beel_mcp.errors import CallerError, UnknownOutcomeError
from tests.support.servers.answers import PREFIX, envelope, pages

from .test_operations import client, family, sent

__all__ = ["client", "family"]  # the fixtures: one client in each family
pytestmark = pytest.mark.anyio

CUSTOMER_ID = "550e8400-e29b-41d4-a716-446655440000"
TOTALS = {
    "taxable_base": 100.0,
    "vat_breakdown": [{"type": 21, "base": 100.0, "amount": 21.0, "regime_key": "01"}],
    "total_vat": 21.0,
    "total_equivalence_surcharge": 0,
    "total_irpf": 0,
    "invoice_total": 121.0,
}


def invoice(invoice_id="i-1", status="SENT", **more):
    return {
        "id": invoice_id,
        "type": "STANDARD",
        "status": status,
        "issue_date": "2026-07-14",
        "totals": TOTALS,
        **more,
    }


def listed(*invoices, total=None, page=1, **more):
    count = len(invoices) if total is None else total
    return envelope({"invoices": list(invoices), "pagination": pages(count, page, **more)})


@pytest.fixture
def url(family):
    return f"{PREFIX[family]}/invoices"


async def test_a_list_without_filters_asks_for_a_page_only(beel, client, family, url):
    route = beel.get(url).respond(json=listed(invoice()))
    page = await client.invoices.list()
    request, rest = sent(route, family)
    assert (request.url.query, request.content, rest) == (b"page=1&limit=20", b"", {})
    assert ([i.id for i in page.items], page.total, page.has_more) == (["i-1"], 1, False)


async def test_every_filter_is_spelt_as_the_contract_has_it(beel, client, family, url):
    route = beel.get(url).respond(json=listed())
    wanted = InvoiceFilter(("PAID",), date(2026, 7, 1), date(2026, 9, 30), CUSTOMER_ID, "Ñandú")
    await client.invoices.list(wanted, page=3, limit=50)
    assert dict(route.calls.last.request.url.params) == {
        "status": "PAID",
        "date_from": "2026-07-01",
        "date_to": "2026-09-30",
        "customer_id": CUSTOMER_ID,
        "search": "Ñandú",
        "page": "3",
        "limit": "50",
    }


@pytest.mark.parametrize(
    "wanted",
    [
        InvoiceFilter(customer_id="a,b"),
        InvoiceFilter(customer_id=""),
        InvoiceFilter(("PAID,SENT",)),
        InvoiceFilter(("PAID&x=1",)),
    ],
)
async def test_what_would_change_the_query_is_not_sent(beel, client, url, wanted):
    route = beel.get(url).respond(json=listed())
    with pytest.raises(CallerError):
        await client.invoices.list(wanted)
    assert not route.called


STATUSES = ("SENT", "PAID")
SEVERAL = InvoiceFilter(STATUSES)


@pytest.mark.parametrize("family", ["company"], indirect=True)
async def test_company_routes_take_several_statuses_in_one_request(beel, client, url):
    route = beel.get(url).respond(json=listed(invoice()))
    await client.invoices.list(InvoiceFilter(("SENT", "PAID", "SENT")))
    assert route.calls.last.request.url.query == b"status=SENT%2CPAID&page=1&limit=20"
    assert route.call_count == 1


@pytest.fixture
def flat(beel, settings):
    """A client on flat routes that has not heard from BeeL yet."""
    from beel_mcp.api.client import BeelClient

    beel.get("/v1/me/identity").respond(404)
    return BeelClient(settings(routes="flat"))


async def test_a_flat_route_of_todays_takes_several_statuses_once_it_is_known(beel, flat):
    sunset = {"deprecation": "true"}
    route = beel.get("/v1/invoices").respond(json=listed(), headers=sunset)
    await flat.invoices.list(SEVERAL)
    asked = [call.request.url.params["status"] for call in route.calls]
    assert asked == ["SENT", "SENT,PAID"]
    await flat.invoices.list(SEVERAL)
    assert route.call_count == 3


async def test_the_seeds_are_asked_for_one_status_at_a_time(beel, flat):
    route = beel.get("/v1/invoices").respond(json=listed())
    await flat.invoices.list(SEVERAL)
    await flat.invoices.list(SEVERAL)
    asked = [call.request.url.params["status"] for call in route.calls]
    assert asked == ["SENT", "SENT", "PAID", "SENT", "PAID"]


@pytest.mark.parametrize(
    "answer",
    [
        listed(invoice(), total=0),
        listed(invoice(), page=2, total=3),
        listed(invoice("a"), invoice("b"), invoice("c")),
        listed(invoice(status="PAID")),
        listed(invoice(recipient={"customer_id": "other"})),
        listed({"id": "i-1"}),
        listed(invoice(totals={**TOTALS, "invoice_total": "much"})),
        listed(invoice(totals={**TOTALS, "invoice_total": 10**30})),
        envelope({"invoices": []}),
    ],
)
async def test_a_page_that_is_not_what_was_asked_for_is_not_believed(beel, client, url, answer):
    beel.get(url).respond(json=answer)
    with pytest.raises(UnknownOutcomeError) as caught:
        await client.invoices.list(InvoiceFilter(("SENT",), customer_id=CUSTOMER_ID), limit=2)
    assert (caught.value.code, caught.value.changed) == ("unexpected_answer", "nothing")


async def test_a_number_that_would_fill_the_memory_is_refused(beel, client, url):
    text = json.dumps(listed(invoice())).replace("121.0", "1E+999999")
    beel.get(url).mock(
        return_value=httpx.Response(200, content=text, headers={"content-type": "application/json"})
    )
    with pytest.raises(UnknownOutcomeError):
        await client.invoices.list()


async def test_an_invoice_is_read_whole_and_in_decimals(beel, client, url):
    totals = {
        **TOTALS,
        "taxable_base": 100.1,
        "irpf_breakdown": [{"type": 15, "base": 100.1, "amount": 15.02}],
        "surcharge_breakdown": None,
        "total_irpf": 15.02,
    }
    beel.get(url).respond(
        json=listed(
            invoice(
                invoice_number="F26-0001",
                series={"id": "s-1", "code": "F26"},
                recipient={"customer_id": CUSTOMER_ID, "legal_name": "Uno SL", "nif": "B12345674"},
                lines=[{"description": "X", "quantity": 1, "main_tax": {"type": "IGIC"}}],
                totals=totals,
                rectified_invoice_id="i-0",
                source_proforma_id="p-1",
                pdf_download_url="https://files.example/secret?signature=abc",
                updated_at="2026-07-14T10:00:00Z",
                something_new=[1],
            )
        )
    )
    [found] = (await client.invoices.list()).items
    assert (found.number, found.series.code, found.is_draft) == ("F26-0001", "F26", False)
    assert (found.issue_date, found.updated_at.hour) == (date(2026, 7, 14), 10)
    assert (found.recipient.legal_name, found.recipient.nif) == ("Uno SL", "B12345674")
    assert found.totals.taxable_base == Decimal("100.1")
    assert [(r.rate, r.base, r.amount) for r in found.totals.by_rate] == [(21, 100, 21)]
    assert [(r.rate, r.amount) for r in found.totals.irpf_by_rate] == [(15, Decimal("15.02"))]
    assert (found.totals.total, found.totals.surcharge_by_rate) == (Decimal(121), ())
    assert (found.rectified_invoice_id, found.source_proforma_id) == ("i-0", "p-1")
    assert found.lines[0].main_tax.type == "IGIC"
    assert found.has_pdf is True
    assert "signature" not in repr(found)


@pytest.mark.parametrize(
    ("more", "has_pdf"),
    [({}, None), ({"pdf_download_url": None}, False), ({"pdf_download_url": " "}, False)],
)
async def test_whether_there_is_a_pdf_is_not_guessed(beel, client, url, more, has_pdf):
    beel.get(url).respond(json=listed(invoice(recipient=None, invoice_number=None, **more)))
    [found] = (await client.invoices.list()).items
    assert (found.has_pdf, found.number, found.recipient.legal_name) == (has_pdf, None, None)


class OldBeel:
    """A BeeL of the seeds with lists by status; `before` may change them before each answer."""

    generation_seen = "legacy"

    def __init__(self, lists, before=lambda beel: None):
        self.lists, self.asked, self.before = lists, [], before

    async def active_company(self):
        from beel_mcp.api.company import ActiveCompany

        return ActiveCompany(None, "flat", "")

    async def send(self, call):
        query = call.query_texts()
        page, limit = int(query["page"]), int(query["limit"])
        self.asked.append((query.get("status"), page, limit))
        self.before(self)
        ids = self.lists.get(query.get("status"), [])
        rows = [
            invoice(name, query.get("status") or "SENT")
            for name in ids[(page - 1) * limit : page * limit]
        ]
        data = {"invoices": rows, "pagination": pages(len(ids), page, limit)}
        return ApiResponse(LIST_INVOICES, "flat", 200, data, None)


async def walked(beel, statuses, most=2_000):
    wanted = InvoiceFilter(tuple(statuses))
    return [found.id async for found in InvoiceLists(beel).all(wanted, most)]


@within(max_examples=150, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 7), min_size=2, max_size=4),
    limit=st.integers(1, 6),
)
async def test_pages_over_several_lists_hold_every_invoice_once_in_one_order(sizes, limit):
    lists = {f"S{n}": [f"{n}-{i}" for i in range(size)] for n, size in enumerate(sizes)}
    every = [name for names in lists.values() for name in names]
    beel = OldBeel(lists)
    found, page = [], 1
    while True:
        beel.asked.clear()
        got = await InvoiceLists(beel).page(InvoiceFilter(tuple(lists)), page, limit)
        assert got.total == len(every)
        assert got.has_more is (page * limit < len(every))
        assert len(beel.asked) <= 3 * len(lists)
        for status, asked, _ in beel.asked:
            assert asked == 1 or (asked - 1) * limit < len(lists[status])
        found += [item.id for item in got.items]
        if not got.has_more:
            break
        assert len(got.items) == limit
        page += 1
    assert found == every


async def test_an_invoice_in_two_lists_stands_once_on_a_page():
    beel = OldBeel({"DRAFT": ["a", "B"], "SENT": ["b", "c"]})
    got = await InvoiceLists(beel).page(InvoiceFilter(("DRAFT", "SENT")), 1, 10)
    assert [item.id for item in got.items] == ["a", "B", "c"]


@pytest.mark.parametrize("sizes", [(0,), (1,), (100,), (101,), (250,), (0, 0), (100, 1, 205)])
async def test_a_walk_meets_every_invoice_once(sizes):
    lists = {f"S{n}": [f"{n}-{i}" for i in range(size)] for n, size in enumerate(sizes)}
    beel = OldBeel(lists)
    assert await walked(beel, lists) == [name for names in lists.values() for name in names]
    needed = sum(max(1, -(-size // 100)) for size in sizes)
    assert len(beel.asked) == needed + (len(sizes) if len(sizes) > 1 else 0)


@pytest.mark.parametrize(
    ("lists", "most", "words"),
    [
        ({"A": range(11)}, 10, "These are 11 invoices; at most 10"),
        ({"A": range(6), "B": range(9), "C": []}, 10, "at least 15 invoices"),
    ],
)
async def test_more_than_can_be_taken_is_said_before_it_is_walked(lists, most, words):
    beel = OldBeel({status: [f"{status}{n}" for n in ids] for status, ids in lists.items()})
    with pytest.raises(CallerError) as caught:
        await walked(beel, lists, most)
    assert caught.value.code == "too_many_invoices"
    assert words in caught.value.message


def when(count, change):
    def before(beel):
        if len(beel.asked) == count:
            change(beel.lists)

    return before


HUNDREDS = [f"a{n}" for n in range(150)]


@pytest.mark.parametrize(
    ("count", "change"),
    [
        (2, lambda lists: lists["A"].insert(0, "new")),
        (2, lambda lists: lists["A"].remove("a3")),
        (2, lambda lists: lists["A"].remove("a3") or lists["A"].insert(0, "new") or
            lists["A"].insert(0, "newer")),
        (3, lambda lists: lists["B"].append("a7")),
        (4, lambda lists: lists["A"].append("b1")),
        (5, lambda lists: lists["B"].remove("b1")),
    ],
)  # fmt: skip
async def test_a_list_that_moves_while_it_is_walked_is_noticed(count, change):
    beel = OldBeel({"A": list(HUNDREDS), "B": ["b1", "b2"]}, when(count, change))
    with pytest.raises(UnknownOutcomeError) as caught:
        await walked(beel, "AB")
    assert (caught.value.code, caught.value.retryable) == ("list_moved", True)
    assert caught.value.changed == "nothing"


async def test_one_that_comes_behind_a_last_page_that_is_full_is_noticed():
    beel = OldBeel({"A": [f"a{n}" for n in range(200)]}, when(2, lambda li: li["A"].append("new")))
    with pytest.raises(UnknownOutcomeError):
        await walked(beel, "A")


async def test_one_that_slips_to_the_next_page_is_noticed():
    def swap(lists):
        lists["A"].insert(0, "new")
        lists["A"].remove("a149")  # the count stays, and a99 comes again

    beel = OldBeel({"A": list(HUNDREDS)}, when(2, swap))
    with pytest.raises(UnknownOutcomeError):
        await walked(beel, "A")


async def test_pages_that_are_shorter_than_asked_for_end_the_walk(beel, client, url):
    short = listed(*(invoice(f"i-{n}") for n in range(50)), total=120)
    route = beel.get(url).respond(json=short)
    with pytest.raises(UnknownOutcomeError):
        [found async for found in client.invoices.list_all(most=2_000)]
    assert route.call_count == 1
