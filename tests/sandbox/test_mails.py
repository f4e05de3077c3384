"""Mails with invoices: what is attached, who is told apart, and what the history says of it."""

import pytest

from beel_mcp.sandbox.seed import (
    ACCOUNT_ID,
    DEMO_COMPANY_ID,
    SECOND_COMPANY_ID,
    invoice_id,
    mail_id,
)

pytestmark = pytest.mark.anyio

DELIVERIES = f"/v1/companies/{DEMO_COMPANY_ID}/invoices/deliveries"
EMAILS = f"/v1/accounts/{ACCOUNT_ID}/emails"
KEYED = {"Idempotency-Key": "mail-1"}


def mail(*numbers, **more):
    return {
        "invoice_ids": [invoice_id(number) for number in numbers],
        "recipients": ["gestoria@example.com"],
        "cc": [],
        **more,
    }


async def test_one_mail_has_all_that_have_a_pdf_and_names_the_others(api):
    body = mail(13, 16, 29)
    body["invoice_ids"].append("00000000-0000-4000-8000-000000000000")
    answer = (await api.post(DELIVERIES, json=body)).json()["data"]
    assert (answer["total_invoices"], answer["invoices_attached"]) == (4, 1)
    assert [failure["error_code"] for failure in answer["failures"]] == [
        "INVALID_STATE",
        "PDF_NOT_GENERATED",
        "NOT_FOUND",
    ]
    assert api.effects() == ["mail_sent"]
    [_, noted] = api.store.mails()
    assert (noted["id"], noted["invoice_ids"]) == (answer["email_id"], [invoice_id(13)])
    assert noted["sent_at"] == answer["sent_at"]


async def test_invoices_of_another_company_are_not_mailed(api):
    elsewhere = DELIVERIES.replace(DEMO_COMPANY_ID, SECOND_COMPANY_ID)
    assert (await api.post(elsewhere, json=mail(13))).status_code == 403
    assert api.effects() == []


async def test_the_same_key_mails_once(api):
    first = await api.post(DELIVERIES, json=mail(13), headers=KEYED)
    second = await api.post(DELIVERIES, json=mail(13), headers=KEYED)
    assert second.headers["Idempotency-Replay"] == "true"
    assert second.content == first.content
    assert api.effects() == ["mail_sent"]
    other = await api.post(DELIVERIES, json=mail(14), headers=KEYED)
    assert other.json()["error"]["code"] == "IDEMPOTENCY_KEY_MISMATCH"


async def test_a_holder_is_mailed_to_where_nobody_else_is(open_sandbox):
    api = open_sandbox(mails_holder_only=True)
    for address, status in (("demo+gestoria@taller.example", 200), ("gestoria@example.com", 403)):
        answer = await api.post(DELIVERIES, json=mail(13, recipients=[address]))
        assert answer.status_code == status, address
    copied = mail(13, recipients=["demo@taller.example"], cc=["gestoria@example.com"])
    assert (await api.post(DELIVERIES, json=copied)).status_code == 403
    assert api.effects() == ["mail_sent"]


async def test_the_history_lists_the_newest_first_and_finds_by_part_of_an_address(api):
    await api.post(DELIVERIES, json=mail(13, recipients=["Otra@Example.com"], subject="Noviembre"))
    listed = (await api.get(EMAILS)).json()["data"]
    assert [one["subject"] for one in listed["emails"]] == [
        "Noviembre",
        "Facturas del segundo trimestre",
    ]
    found = (await api.get(EMAILS, params={"recipient": "GESTORIA@"})).json()["data"]["emails"]
    assert [one["id"] for one in found] == [mail_id(1)]
    first = (await api.get(EMAILS, params={"sort_order": "asc", "limit": 1})).json()["data"]
    assert first["emails"][0]["id"] == mail_id(1)
    assert first["pagination"]["total_items"] == 2
    queued = (await api.get(EMAILS, params={"status": "QUEUED"})).json()["data"]["emails"]
    of_one = {"related_entity_id": invoice_id(6)}
    assert (queued, (await api.get(EMAILS, params=of_one)).json()["data"]["emails"]) == ([], [])


async def test_a_mail_of_the_history_names_the_invoices_that_it_carried(api):
    found = (await api.get(f"{EMAILS}/{mail_id(1)}")).json()["data"]
    assert [one["invoice_number"] for one in found["related_invoices"]] == [
        "F26-0005",
        "F26-0007",
        "F26-0008",
    ]
    assert found["related_entity_id"] is None
