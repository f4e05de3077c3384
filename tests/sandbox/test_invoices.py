"""Invoices are listed and shown as each generation words them; filters, order and pages."""

from decimal import Decimal

import pytest

from beel_mcp.sandbox.seed import (
    DEMO_COMPANY_ID,
    INVOICES,
    SECOND_COMPANY_ID,
    customer_id,
    invoice_id,
)

pytestmark = pytest.mark.anyio

FLAT = "/v1/invoices"
COMPANY = f"/v1/companies/{DEMO_COMPANY_ID}/invoices"
PROFORMAS = [18, 19, 20, 21]
NUMBERS = sorted(invoice["number"] for invoice in INVOICES)


@pytest.fixture(params=[FLAT, COMPANY], ids=["flat", "company"])
def invoices(request):
    return request.param


@pytest.fixture
def legacy(open_sandbox):
    return open_sandbox(generation="legacy")


async def numbers(api, path, **params):
    answer = await api.get(path, params=params)
    return [int(item["id"][-3:]) for item in answer.json()["data"]["invoices"]]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"search": "rías"}, [1, 18, 9, 15]),
        ({"search": "r26"}, [5, 27]),
        ({"search": "f9512"}, [22, 6, 26, 30, 27, 13, 20]),
        ({"search": "%"}, []),
        ({"status": "DRAFT"}, [16, 30, 17]),
        ({"status": "PAID,VOIDED", "date_from": "2026-04-01"}, [6, 7, 23, 9, 24]),
        ({"status": "OVERDUE"}, []),
        ({"status": "EXPIRED"}, [21]),
        ({"type": "CORRECTIVE"}, [5, 27]),
        ({"type": "PROFORMA"}, [21, 18, 19, 20]),
        ({"customer_id": customer_id(2)}, [2, 16, 10]),
        ({"customer_id": customer_id(8)}, []),
        ({"customer_id": customer_id(2).upper(), "status": "SENT"}, [10]),
        ({"date_from": "2026-11-16"}, [17, 20, 29, 15]),
        ({"date_to": "2026-01-20"}, [1, 21]),
        (
            {"date_from": "2026-07-01", "date_to": "2026-09-30"},
            [10, 25, 26, 30, 11, 27, 12, 28],
        ),
        ({"date_from": "2026-09-30", "date_to": "2026-07-01"}, []),
        ({"invoice_number": "f26-0001"}, [1]),
        ({"recipient_name": "MÜLLER"}, [25, 11]),
        ({"recipient_nif": "b83"}, [2, 16, 10]),
        ({"series_code": "p26"}, [21, 18, 19, 20]),
        ({"total_max": "-297"}, [5, 27]),
        ({"total_max": "-297.01"}, [5]),
        ({"total_min": "1512.50", "total_max": "1512.5"}, [4, 18, 9, 19, 17]),
        ({"taxable_base_min": 2000}, [25]),
        ({"taxable_base_min": "90", "taxable_base_max": "90.00"}, [24]),
    ],
)
async def test_filters_find_what_they_say(api, invoices, params, found):
    order = {"sort_by": "issue_date", "sort_order": "asc"}
    assert await numbers(api, invoices, **params, **order) == found


async def test_the_newest_come_first_unless_asked_otherwise(api, invoices):
    newest = await numbers(api, invoices, limit=100)
    assert (len(newest), newest[:2]) == (len(INVOICES), [15, 29])
    assert await numbers(api, invoices, limit=100, sort_order="asc") == newest[::-1]


@pytest.mark.parametrize(
    ("key", "first"), [("total", 5), ("recipient_name", 8), ("invoice_number", 15)]
)
async def test_other_orders_turn_around(api, key, first):
    up = await numbers(api, COMPANY, sort_by=key, sort_order="asc", limit=100)
    assert up[0] == first
    assert await numbers(api, COMPANY, sort_by=key, limit=100) == up[::-1]


async def test_pages_hold_every_invoice_once(api, invoices):
    pages = [await numbers(api, invoices, limit=8, page=page) for page in (1, 2, 3, 4, 5)]
    assert [len(page) for page in pages] == [8, 8, 8, 6, 0]
    assert sorted(sum(pages, [])) == NUMBERS  # noqa: RUF017


async def test_one_row_is_enough_to_count_those_of_a_customer(api, invoices):
    answer = await api.get(invoices, params={"customer_id": customer_id(1), "limit": 1})
    data = answer.json()["data"]
    assert (len(data["invoices"]), data["pagination"]["total_items"]) == (1, 4)


async def test_the_seed_generation_shows_no_proformas_and_takes_one_status(legacy):
    listed = await numbers(legacy, FLAT, limit=100)
    assert sorted(listed) == [number for number in NUMBERS if number not in PROFORMAS]
    assert await numbers(legacy, FLAT, status="SENT") == [28, 11, 10, 8]
    assert (await legacy.get(COMPANY)).status_code == 404
    assert (await legacy.get(f"{FLAT}/{invoice_id(18)}")).status_code == 404


async def test_an_invoice_shows_whom_it_is_for_and_adds_up(api, invoices):
    for invoice in INVOICES:
        answer = await api.get(f"{invoices}/{invoice_id(invoice['number'])}")
        shown = answer.json()["data"]
        assert shown["recipient"]["customer_id"] == customer_id(invoice["customer"])
        assert (shown["status"], shown["issue_date"]) == (invoice["status"], invoice["issue_date"])
        assert (shown["number"] is None) == (shown["invoice_number"] is None)
        totals = {name: Decimal(str(value)) for name, value in shown["totals"].items()
                  if not name.endswith("_breakdown")}  # fmt: skip
        due = totals["taxable_base"] + totals["total_vat"] - totals["total_irpf"]
        assert due == totals["invoice_total"]
        for breakdown, name in (("vat_breakdown", "total_vat"), ("irpf_breakdown", "total_irpf")):
            parts = [Decimal(str(part["amount"])) for part in shown["totals"][breakdown]]
            assert sum(parts) == totals[name]
        lines = sum(Decimal(str(line["taxable_base"])) for line in shown["lines"])
        assert lines == totals["taxable_base"]
        assert all(line["unit_price"] > 0 for line in shown["lines"])


async def test_a_proforma_and_its_invoice_name_each_other(api, legacy):
    made = (await api.get(f"{COMPANY}/{invoice_id(9)}")).json()["data"]
    proforma = (await api.get(f"{COMPANY}/{invoice_id(18)}")).json()["data"]
    assert made["source_proforma_id"] == proforma["id"]
    assert proforma["converted_invoice_id"] == made["id"]
    assert made["company_id"] == DEMO_COMPANY_ID
    old = (await legacy.get(f"{FLAT}/{invoice_id(9)}")).json()["data"]
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


async def test_what_a_corrective_invoice_corrects_can_be_asked_for_on_company_routes(api):
    assert await numbers(api, COMPANY, rectified_invoice_id=invoice_id(26)) == [27]
    flat = await api.get(FLAT, params={"rectified_invoice_id": invoice_id(26)})
    assert flat.status_code == 400


async def test_only_what_has_a_number_and_is_ready_has_a_pdf_address(api, invoices):
    listed = (await api.get(invoices, params={"limit": 100})).json()["data"]["invoices"]
    without = {int(item["id"][-3:]) for item in listed if item["pdf_download_url"] is None}
    assert without == {15, 16, 17, 30, 28, 29}


async def test_a_deleted_draft_is_gone_and_its_proforma_is_active_again(api, invoices):
    draft, proforma = f"{invoices}/{invoice_id(17)}", f"{invoices}/{invoice_id(19)}"
    gone = await api.delete(draft)
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await api.get(draft)).status_code == 404
    assert (await api.delete(draft)).status_code == 404
    assert 17 not in await numbers(api, invoices, limit=100)
    shown = (await api.get(proforma)).json()["data"]
    assert (shown["status"], "converted_invoice_id" in shown) == ("ACTIVE", False)
    assert [
        (entry["kind"], entry["invoice_id"], entry["customer_id"]) for entry in api.store.ledger()
    ] == [
        ("invoice_deleted", invoice_id(17), customer_id(5)),
        ("proforma_reactivated", invoice_id(19), customer_id(5)),
    ]


async def test_the_seed_generation_leaves_the_proforma_as_it_was(legacy):
    assert (await legacy.delete(f"{FLAT}/{invoice_id(17)}")).status_code == 204
    [proforma] = legacy.store.rows("SELECT status FROM invoices WHERE id = ?", invoice_id(19))
    assert proforma["status"] == "CONVERTED"
    assert legacy.effects() == ["invoice_deleted"]


@pytest.mark.parametrize(
    "number", [row["number"] for row in INVOICES if row["status"] not in ("DRAFT", "ACTIVE")]
)
async def test_nothing_but_a_draft_can_be_deleted(api, number):
    answer = await api.delete(f"{COMPANY}/{invoice_id(number)}")
    assert (answer.status_code, api.effects()) == (400, [])


async def test_an_active_proforma_can_be_deleted_today(api):
    assert (await api.delete(f"{COMPANY}/{invoice_id(20)}")).status_code == 204
    assert api.effects() == ["invoice_deleted"]


async def test_the_customer_of_a_deleted_draft_can_be_deleted_then(api):
    await api.delete(f"{COMPANY}/{invoice_id(16)}")
    assert await numbers(api, COMPANY, customer_id=customer_id(2)) == [10, 2]
