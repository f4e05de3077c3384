"""Invoices are listed and shown as each generation words them; filters, order and pages."""

from decimal import Decimal

import pytest

from beel_mcp.sandbox.seed import BILLS, DEMO_COMPANY_ID, SECOND_COMPANY_ID, customer_id, invoice_id

pytestmark = pytest.mark.anyio

FLAT = "/v1/invoices"
COMPANY = f"/v1/companies/{DEMO_COMPANY_ID}/invoices"
PROFORMAS = [18, 19, 20, 21]


@pytest.fixture(params=[FLAT, COMPANY], ids=["flat", "company"])
def invoices(request):
    return request.param


@pytest.fixture
def seeds(open_sandbox):
    return open_sandbox(generation="seeds")


async def numbers(api, path, **params):
    answer = await api.get(path, params=params)
    return [int(item["id"][-3:]) for item in answer.json()["data"]["invoices"]]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"search": "rías"}, [1, 18, 9, 15]),
        ({"search": "r26"}, [5]),
        ({"search": "f9512"}, [6, 13, 20]),
        ({"search": "%"}, []),
        ({"status": "DRAFT"}, [16, 17]),
        ({"status": "OVERDUE,VOIDED"}, [7, 8, 12]),
        ({"status": "EXPIRED"}, [21]),
        ({"type": "CORRECTIVE"}, [5]),
        ({"type": "PROFORMA"}, [21, 18, 19, 20]),
        ({"customer_id": customer_id(2)}, [2, 16, 10]),
        ({"customer_id": customer_id(8)}, []),
        ({"customer_id": customer_id(2).upper(), "status": "SENT"}, [10]),
        ({"date_from": "2026-11-16"}, [17, 20, 15]),
        ({"date_to": "2026-01-20"}, [1, 21]),
        ({"date_from": "2026-07-01", "date_to": "2026-09-30"}, [10, 11, 12]),
        ({"date_from": "2026-09-30", "date_to": "2026-07-01"}, []),
        ({"invoice_number": "f26-0001"}, [1]),
        ({"recipient_name": "MÜLLER"}, [11]),
        ({"recipient_nif": "b83"}, [2, 16, 10]),
        ({"series_code": "p26"}, [21, 18, 19, 20]),
    ],
)
async def test_filters_find_what_they_say(api, invoices, params, found):
    order = {"sort_by": "issue_date", "sort_order": "asc"}
    assert await numbers(api, invoices, **params, **order) == found


async def test_the_newest_come_first_unless_asked_otherwise(api, invoices):
    newest = await numbers(api, invoices, limit=100)
    assert (len(newest), newest[:2]) == (len(BILLS), [15, 20])
    assert await numbers(api, invoices, limit=100, sort_order="asc") == newest[::-1]


@pytest.mark.parametrize(
    ("key", "first"), [("total", 5), ("recipient_name", 8), ("invoice_number", 15)]
)
async def test_other_orders_turn_around(api, key, first):
    up = await numbers(api, COMPANY, sort_by=key, sort_order="asc", limit=100)
    assert up[0] == first
    assert await numbers(api, COMPANY, sort_by=key, limit=100) == up[::-1]


async def test_pages_hold_every_invoice_once(api, invoices):
    pages = [await numbers(api, invoices, limit=8, page=page) for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [8, 8, 5, 0]
    assert sorted(sum(pages, [])) == sorted(bill.number for bill in BILLS)  # noqa: RUF017


async def test_one_row_is_enough_to_count_those_of_a_customer(api, invoices):
    answer = await api.get(invoices, params={"customer_id": customer_id(1), "limit": 1})
    data = answer.json()["data"]
    assert (len(data["invoices"]), data["pagination"]["total_items"]) == (1, 4)


async def test_the_seed_generation_shows_no_proformas_and_takes_one_status(seeds):
    listed = await numbers(seeds, FLAT, limit=100)
    assert sorted(listed) == [bill.number for bill in BILLS if bill.number not in PROFORMAS]
    assert await numbers(seeds, FLAT, status="SENT") == [11, 10]
    assert (await seeds.get(COMPANY)).status_code == 404
    assert (await seeds.get(f"{FLAT}/{invoice_id(18)}")).status_code == 404


async def test_an_invoice_shows_whom_it_is_for_and_adds_up(api, invoices):
    for bill in BILLS:
        answer = await api.get(f"{invoices}/{invoice_id(bill.number)}")
        shown = answer.json()["data"]
        assert shown["recipient"]["customer_id"] == customer_id(bill.customer)
        assert (shown["status"], shown["issue_date"]) == (bill.status, bill.issue_date)
        assert (shown["number"] is None) == (shown["invoice_number"] is None)
        totals = {name: Decimal(str(value)) for name, value in shown["totals"].items()
                  if name != "vat_breakdown"}  # fmt: skip
        assert totals["taxable_base"] + totals["total_vat"] == totals["invoice_total"]
        lines = sum(Decimal(str(line["taxable_base"])) for line in shown["lines"])
        assert lines == totals["taxable_base"]
        assert all(line["unit_price"] > 0 for line in shown["lines"])


async def test_a_proforma_and_its_invoice_name_each_other(api, seeds):
    made = (await api.get(f"{COMPANY}/{invoice_id(9)}")).json()["data"]
    proforma = (await api.get(f"{COMPANY}/{invoice_id(18)}")).json()["data"]
    assert made["source_proforma_id"] == proforma["id"]
    assert proforma["converted_invoice_id"] == made["id"]
    assert made["company_id"] == DEMO_COMPANY_ID
    old = (await seeds.get(f"{FLAT}/{invoice_id(9)}")).json()["data"]
    assert made.keys() - old.keys() == {"company_id", "source_proforma_id"}


async def test_a_recipient_is_the_customer_as_it_is_now(api, invoices):
    customer = f"/v1/customers/{customer_id(1)}"
    await api.patch(customer, json={"trade_name": "", "email": None})
    shown = (await api.get(f"{invoices}/{invoice_id(1)}")).json()["data"]
    assert shown["recipient"].keys() == {"customer_id", "legal_name", "nif", "address", "phone"}


async def test_each_company_has_its_own_invoices(open_sandbox):
    api = open_sandbox(companies=2)
    theirs = f"/v1/companies/{SECOND_COMPANY_ID}/invoices"
    assert await numbers(api, theirs) == []
    assert (await api.get(f"{theirs}/{invoice_id(1)}")).status_code == 404


async def test_reading_leaves_no_trace_in_the_ledger(api, invoices):
    await api.get(invoices)
    await api.get(f"{invoices}/{invoice_id(1)}")
    assert api.effects() == []
