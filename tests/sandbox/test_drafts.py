"""New invoices are drafts: numbers of every tax add up, and nothing is ever issued."""

from datetime import UTC, datetime

import pytest

from beel_mcp.sandbox.seed import DEMO_COMPANY_ID, customer_id

pytestmark = pytest.mark.anyio

FLAT = "/v1/invoices"
COMPANY = f"/v1/companies/{DEMO_COMPANY_ID}/invoices"


@pytest.fixture(params=[FLAT, COMPANY], ids=["flat", "company"])
def invoices(request):
    return request.param


def line(**changes):
    tax = {"type": "IVA", "percentage": 21}
    return {"description": "Horas", "quantity": 1, "unit_price": 100, "main_tax": tax} | changes


def draft(*lines, **changes):
    recipient = {"customer_id": customer_id(2)}
    return {"type": "STANDARD", "recipient": recipient, "lines": list(lines) or [line()]} | changes


async def made(api, path, body):
    answer = await api.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def test_a_new_invoice_is_a_draft_without_a_number_and_listed_as_one(api, invoices):
    shown = await made(api, invoices, draft(notes="Noviembre", operation_date="2026-11-03"))
    assert (shown["status"], shown["invoice_number"]) == ("DRAFT", None)
    assert (shown["notes"], shown["operation_date"]) == ("Noviembre", "2026-11-03")
    assert (await api.get(f"{invoices}/{shown['id']}")).json()["data"] == shown
    listed = (await api.get(invoices, params={"status": "DRAFT"})).json()["data"]["invoices"]
    assert shown in listed
    assert api.effects() == ["invoice_created"]


async def test_there_is_a_row_for_each_tax_rate_and_regime(api, open_sandbox):
    lines = [
        line(),
        line(unit_price=50),
        line(main_tax={"type": "IVA", "percentage": 21, "regime_key": "17"}),
        line(main_tax={"type": "IVA", "percentage": 4}),
        line(main_tax={"type": "IPSI", "percentage": 4}),
    ]
    rows = (await made(api, FLAT, draft(*lines)))["totals"]["vat_breakdown"]
    assert [(row["type"], row["base"], row["regime_key"]) for row in rows] == [
        (21, 150, "01"),
        (21, 100, "17"),
        (4, 100, "01"),
        (4, 100, "01"),
    ]
    legacy = await made(open_sandbox(generation="legacy"), FLAT, draft(line()))
    assert legacy["totals"]["vat_breakdown"] == [{"type": 21, "base": 100, "amount": 21}]


async def test_its_date_is_the_day_in_madrid(open_sandbox):
    api = open_sandbox(now=lambda: datetime(2026, 6, 30, 23, 30, tzinfo=UTC))
    assert (await made(api, FLAT, draft()))["issue_date"] == "2026-07-01"


@pytest.mark.parametrize(
    ("lines", "base", "tax", "irpf", "total"),
    [
        ([line()], 100, 21, 0, 121),
        ([line(irpf_rate=15)], 100, 21, 15, 106),
        ([line(main_tax={"type": "IGIC", "percentage": 7})], 100, 7, 0, 107),
        ([line(main_tax={"type": "IPSI", "percentage": 0.5})], 100, 0.5, 0, 100.5),
        ([line(main_tax={"type": "OTHER", "percentage": 0})], 100, 0, 0, 100),
        ([line(quantity=2.5, unit_price=39.9999, discount_percentage=10)], 90, 18.9, 0, 108.9),
        ([line(), line(quantity=-0.5)], 50, 10.5, 0, 60.5),
    ],
)
async def test_its_totals_follow_from_its_lines(api, invoices, lines, base, tax, irpf, total):
    shown = await made(api, invoices, draft(*lines))
    totals = shown["totals"]
    assert (totals["taxable_base"], totals["total_vat"]) == (base, tax)
    assert (totals["total_irpf"], totals["invoice_total"]) == (irpf, total)
    kinds = [one["main_tax"]["type"] for one in lines]
    assert [one["main_tax"]["type"] for one in shown["lines"]] == kinds


async def test_a_simplified_invoice_stands_in_its_own_series(api, invoices):
    shown = await made(api, invoices, draft(type="SIMPLIFIED"))
    assert (shown["type"], shown["series"]["code"]) == ("SIMPLIFIED", "S26")


async def test_the_company_route_says_where_the_draft_is(api):
    answer = await api.post(COMPANY, json=draft())
    assert answer.headers["location"] == f"{COMPANY}/{answer.json()['data']['id']}"


async def test_the_same_key_makes_one_draft(api, invoices):
    headers = {"Idempotency-Key": "one-draft"}
    first = await api.post(invoices, json=draft(), headers=headers)
    again = await api.post(invoices, json=draft(), headers=headers)
    assert again.json() == first.json()
    assert again.headers["idempotency-replay"] == "true"
    assert api.effects() == ["invoice_created"]


async def test_the_customer_of_another_company_gets_no_draft(open_sandbox):
    api = open_sandbox(companies=2)
    body = draft(recipient={"customer_id": customer_id(101)})
    answer = await api.post(COMPANY, json=body)
    assert (answer.status_code, api.effects()) == (404, [])
    assert answer.json()["error"]["code"] == "INVOICE_CLIENT_NOT_FOUND"


async def test_todays_lines_need_a_tax_and_the_legacy_ones_a_description(open_sandbox):
    untaxed = draft({"description": "Horas", "quantity": 1, "unit_price": 100})
    refused = await open_sandbox().post(FLAT, json=untaxed)
    assert refused.json()["error"]["code"] == "LINE_MAIN_TAX_REQUIRED"
    assert (await open_sandbox(generation="legacy").post(FLAT, json=untaxed)).status_code == 201
    nameless = line()
    del nameless["description"]
    assert (await open_sandbox().post(FLAT, json=draft(nameless))).status_code == 201
    refused = await open_sandbox(generation="legacy").post(FLAT, json=draft(nameless))
    assert refused.status_code == 422
