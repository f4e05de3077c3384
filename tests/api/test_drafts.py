"""A draft is sent exactly as it was written, asks for a draft only, and its rules are checked."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.api.http import responses
from beel_mcp.api.new_draft import DraftLine, NewDraft, read_draft
from beel_mcp.errors import CallerError, ConflictError, InvalidRequestError, UnknownOutcomeError
from tests.support.servers.answers import PREFIX, envelope, refusal

from .test_invoice_lists import CUSTOMER_ID, invoice
from .test_operations import client, family, sent

__all__ = ["client", "family"]  # the fixtures: one client in each family
pytestmark = pytest.mark.anyio

LINE = {"description": "Horas", "quantity": "2.5", "unit_price": "39.90", "tax_rate": "21"}
VALUES = {"customer_id": CUSTOMER_ID, "lines": [LINE]}


@pytest.fixture
def url(family):
    return f"{PREFIX[family]}/invoices"


def with_line(**changes):
    return VALUES | {"lines": [LINE | changes]}


def a_draft(status="DRAFT"):
    return invoice("i-9", status, recipient={"customer_id": CUSTOMER_ID.upper()})


async def test_a_draft_is_these_bytes_and_no_others(beel, client, family, url):
    route = beel.post(url).respond(201, json=envelope(a_draft()))
    values = {
        "customer_id": CUSTOMER_ID,
        "lines": [
            LINE | {"description": "Reparación «a»", "quantity": "10.00", "tax_type": "IGIC"},
            LINE
            | {"unit_price": "0.0001", "discount_percentage": "12.5", "withholding_rate": "15.0"},
        ],
        "date": "2026-07-31",
        "notes": "Julio",
    }
    made = await client.invoices.create_draft(read_draft(values), idempotency_key="k-1")
    request, rest = sent(route, family)
    assert rest == {
        "content-type": "application/json",
        "content-length": str(len(request.content)),
        "idempotency-key": "k-1",
    }
    assert request.content.decode() == (
        f'{{"type":"STANDARD","recipient":{{"customer_id":"{CUSTOMER_ID}"}},"lines":['
        '{"description":"Reparación «a»","quantity":10,"unit_price":39.9,'
        '"main_tax":{"type":"IGIC","percentage":21}},'
        '{"description":"Horas","quantity":2.5,"unit_price":0.0001,'
        '"main_tax":{"type":"IVA","percentage":21},"discount_percentage":12.5,"irpf_rate":15}],'
        '"operation_date":"2026-07-31","notes":"Julio","options":{"issue_directly":false}}'
    )
    assert (made.id, made.status, made.totals.total) == ("i-9", "DRAFT", Decimal("121.0"))


async def test_a_simplified_invoice_names_its_type_and_no_more(beel, client, family, url):
    route = beel.post(url).respond(201, json=envelope(a_draft()))
    draft = read_draft(VALUES | {"type": "SIMPLIFIED"})
    await client.invoices.create_draft(draft, idempotency_key="k-1")
    body = responses.parse(sent(route, family)[0].content)
    assert (body["type"], set(body)) == ("SIMPLIFIED", {"type", "recipient", "lines", "options"})


async def test_an_answer_about_another_customer_settles_nothing(beel, client, url):
    stranger = a_draft() | {"recipient": {"customer_id": "another"}}
    beel.post(url).respond(201, json=envelope(stranger))
    with pytest.raises(UnknownOutcomeError) as caught:
        await client.invoices.create_draft(read_draft(VALUES), idempotency_key="k-1")
    assert caught.value.changed == "unknown"


@pytest.mark.parametrize(
    ("status", "code", "error", "times"),
    [
        (422, "LINE_MAIN_TAX_REQUIRED", InvalidRequestError, 1),
        (409, "IDEMPOTENCY_KEY_ALREADY_PROCESSED", ConflictError, 1),
        (409, "IDEMPOTENCY_KEY_PROCESSING", ConflictError, 3),
        (500, "INTERNAL_ERROR", UnknownOutcomeError, 1),
        (503, "UNAVAILABLE", UnknownOutcomeError, 1),
    ],
)
async def test_only_what_cannot_make_a_second_draft_is_sent_again(
    beel, client, url, status, code, error, times
):
    route = beel.post(url).respond(status, json=refusal(code))
    with pytest.raises(error):
        await client.invoices.create_draft(read_draft(VALUES), idempotency_key="k-1")
    assert route.call_count == times
    assert {call.request.headers["idempotency-key"] for call in route.calls} == {"k-1"}


@given(st.decimals(-999_999_999, 999_999_999, places=6, allow_nan=False))
def test_every_decimal_arrives_as_it_was_written(quantity):
    line = DraftLine("Horas", quantity, Decimal(1), Decimal(21))
    sent = NewDraft(CUSTOMER_ID, (line,)).body()["lines"][0]["quantity"]
    assert Decimal(repr(sent)) == quantity


def test_a_draft_is_read_with_its_day_and_what_was_left_out_stays_out():
    draft = read_draft(VALUES | {"date": "2026-07-31"})
    assert (draft.day, draft.notes, draft.type) == (date(2026, 7, 31), None, "STANDARD")
    assert draft.lines[0].withholding_rate is None
    assert read_draft(with_line(withholding_rate="0")).lines[0].body()["irpf_rate"] == 0


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        (with_line(unit_price="39,90"), "lines.0.unit_price", 'send "39.90"'),
        (with_line(unit_price="1.200,50 €"), "lines.0.unit_price", 'send "1200.50"'),
        (with_line(unit_price="1.200"), "lines.0.unit_price", 'send "1.20" or "1200"'),
        (with_line(unit_price="12 euros"), "lines.0.unit_price", '"1250.50"'),
        (with_line(quantity="1e3"), "lines.0.quantity", "decimal"),
        (with_line(quantity="٣"), "lines.0.quantity", "decimal"),
        (with_line(unit_price="-0.01"), "lines.0.unit_price", "0 to 999999.9999"),
        (with_line(unit_price="-5"), "lines.0.unit_price", "negative quantity"),
        (with_line(unit_price="1000000"), "lines.0.unit_price", "999999.9999"),
        (with_line(tax_rate="101"), "lines.0.tax_rate", "0 to 100"),
        (with_line(discount_percentage="-1"), "lines.0.discount_percentage", "0 to 100"),
        (with_line(withholding_rate="20"), "lines.0.withholding_rate", "0, 1, 2, 7, 15, 19"),
        (with_line(withholding_rate="7.5"), "lines.0.withholding_rate", "one of"),
        (with_line(description=" "), "lines.0.description", "1 to 2000"),
        (with_line(description="x" * 2001), "lines.0.description", "1 to 2000"),
        (with_line(tax_type="VAT"), "lines.0.tax_type", "IVA, IGIC, IPSI, OTHER"),
        (with_line(unit_price=39.9), "lines.0.unit_price", 'as text: "39.9"'),
        (with_line(quantity=2.0), "lines.0.quantity", 'as text: "2.0"'),
        (with_line(quantity=True), "lines.0.quantity", "as text"),
        (with_line(quantity=None), "lines.0.quantity", "is required"),
        (with_line(description=7), "lines.0.description", "must be text"),
        (with_line(price="1"), "lines.0.price", "did you mean unit_price?"),
        (with_line(colour="1"), "lines.0.colour", "there are description, quantity"),
        (VALUES | {"lines": [LINE, "Horas"]}, "lines.1", "must be an object"),
        (VALUES | {"lines": []}, "lines", "1 to 100"),
        (VALUES | {"lines": [LINE] * 101}, "lines", "1 to 100"),
        (VALUES | {"type": "CORRECTIVE"}, "type", "STANDARD, SIMPLIFIED"),
        (VALUES | {"date": "31/07/26"}, "date", "could be 2026-07-31 or 2031-07-26"),
        (VALUES | {"date": "20260731"}, "date", "2026-07-31"),
        (VALUES | {"notes": "x" * 1001}, "notes", "1000"),
    ],
)
def test_what_breaks_a_rule_of_the_contract_is_named_with_its_remedy(values, field, words):
    with pytest.raises(CallerError) as caught:
        read_draft(values)
    [fault] = caught.value.field_errors
    assert (fault.field, words in fault.message) == (field, True), fault.message
