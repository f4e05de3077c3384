"""A mail is sent exactly as it was written, at most once, and found again in the history."""

from datetime import UTC, datetime

import httpx
import pytest

from beel_mcp.api.client import BeelClient
from beel_mcp.api.mails import Mail
from beel_mcp.errors import (
    ConflictError,
    ForbiddenError,
    InternalError,
    InvalidRequestError,
    OperatorError,
    TooLargeError,
    UnknownOutcomeError,
)
from tests.support.servers.answers import ACCOUNT, PREFIX, a_company, envelope, pages, refusal

from .test_operations import sent

pytestmark = pytest.mark.anyio

ONE = "550e8400-e29b-41d4-a716-446655440001"
TWO = "550e8400-e29b-41d4-a716-446655440002"
EMAIL_ID = "550e8400-e29b-41d4-a716-446655440009"
URL = f"{PREFIX['company']}/invoices/deliveries"
EMAILS = f"/v1/accounts/{ACCOUNT}/emails"
MAIL = Mail([ONE, TWO], ["gestoria@example.com"], subject="Trimestre", message="Adjuntas.\nAna")
SINCE = datetime(2026, 9, 1, 10, tzinfo=UTC)


@pytest.fixture
async def client(settings, who):
    who(companies=[a_company()])
    client = BeelClient(settings())
    yield client
    await client.aclose()


def delivered(attached=2, **more):
    return envelope(
        {
            "email_id": EMAIL_ID,
            "sent_to": ["gestoria@example.com"],
            "sent_at": "2026-09-01T10:00:00Z",
            "total_invoices": 2,
            "invoices_attached": attached,
            **more,
        }
    )


def recorded(email_id, sent_at="2026-09-01T10:00:01Z", **more):
    moment = {"sent_at": sent_at} if sent_at else {}
    facts = {"id": email_id, "recipients": ["gestoria@example.com"], "status": "SENT"}
    return {**facts, "subject": "Trimestre", **moment, **more}


async def test_a_mail_is_these_bytes_and_always_says_who_gets_a_copy(beel, client):
    route = beel.post(URL).respond(json=delivered())
    answer = await client.mails.mail_invoices(MAIL, idempotency_key="k-1")
    request, rest = sent(route, "company")
    assert rest == {
        "content-type": "application/json",
        "content-length": str(len(request.content)),
        "idempotency-key": "k-1",
    }
    assert request.content.decode() == (
        f'{{"invoice_ids":["{ONE}","{TWO}"],"recipients":["gestoria@example.com"],"cc":[],'
        '"subject":"Trimestre","message":"Adjuntas.\\nAna"}'
    )
    assert (answer.email_id, answer.failures, answer.request_id) == (EMAIL_ID, (), "req-1")


async def test_what_is_not_said_is_left_to_beel_but_never_the_copies(beel, client):
    route = beel.post(URL).respond(json=delivered())
    await client.mails.mail_invoices(Mail([ONE, TWO], ["a@b.es"], ["c@d.es"]), idempotency_key="k")
    assert sent(route, "company")[0].content.decode() == (
        f'{{"invoice_ids":["{ONE}","{TWO}"],"recipients":["a@b.es"],"cc":["c@d.es"]}}'
    )


async def test_an_invoice_that_stayed_behind_is_named_with_its_reason(beel, client):
    failure = {"invoice_id": TWO, "error_code": "PDF_NOT_GENERATED", "error_message": "Later.\n"}
    beel.post(URL).respond(json=delivered(1, failures=[failure]))
    answer = await client.mails.mail_invoices(MAIL, idempotency_key="k-1")
    [missing] = answer.failures
    assert (missing.invoice_id, missing.code, missing.message) == (
        TWO,
        "PDF_NOT_GENERATED",
        "Later.",
    )


@pytest.mark.parametrize(
    "answer",
    [
        delivered(1),
        delivered(2, failures=[{"invoice_id": TWO, "error_code": "NOT_FOUND"}]),
        delivered(1, failures=[{"invoice_id": EMAIL_ID, "error_code": "NOT_FOUND"}]),
        envelope({"message": "Sent."}),
    ],
)
async def test_counts_that_do_not_add_up_settle_nothing(beel, client, answer):
    route = beel.post(URL).respond(json=answer)
    with pytest.raises(UnknownOutcomeError) as caught:
        await client.mails.mail_invoices(MAIL, idempotency_key="k-1")
    assert (caught.value.changed, route.call_count) == ("unknown", 1)


@pytest.mark.parametrize(
    ("meets", "error"),
    [
        (httpx.ReadTimeout("x"), UnknownOutcomeError),
        (httpx.RemoteProtocolError("x"), UnknownOutcomeError),
        (httpx.Response(200, text=""), UnknownOutcomeError),
        (httpx.Response(500, json=refusal("INTERNAL_ERROR")), UnknownOutcomeError),
        (httpx.Response(502, text="<html>"), UnknownOutcomeError),
        (httpx.Response(409, json=refusal("IDEMPOTENCY_KEY_PROCESSING")), ConflictError),
        (httpx.Response(400, json=refusal("VALIDATION_ERROR")), InvalidRequestError),
        (httpx.Response(403, json=refusal("ENVIO_NO_PERMITIDO")), ForbiddenError),
        (httpx.Response(413, json=refusal("FILE_TOO_LARGE")), TooLargeError),
    ],
)
async def test_whatever_comes_a_mail_that_left_is_never_sent_again(beel, client, meets, error):
    route = beel.post(URL).mock(side_effect=[meets, httpx.Response(200, json=delivered())])
    with pytest.raises(error):
        await client.mails.mail_invoices(MAIL, idempotency_key="k-1")
    assert route.call_count == 1


async def test_what_beel_turned_away_at_the_door_is_sent_once_it_may(beel, client):
    full = httpx.Response(429, json=refusal("RATE_LIMIT_EXCEEDED"), headers={"Retry-After": "1"})
    route = beel.post(URL).mock(side_effect=[full, httpx.Response(200, json=delivered())])
    await client.mails.mail_invoices(MAIL, idempotency_key="k-1")
    assert [call.request.headers["idempotency-key"] for call in route.calls] == ["k-1", "k-1"]


async def test_nothing_is_mailed_by_flat_routes(beel, settings, who):
    who(companies=[a_company()])
    client = BeelClient(settings(routes="flat"))
    for attempt in (
        client.mails.check_routes(),
        client.mails.mail_invoices(MAIL, idempotency_key="k-1"),
    ):
        with pytest.raises(OperatorError) as caught:
            await attempt
        assert caught.value.code == "company_routes_needed"
        assert "BEEL_COMPANY_ID" in caught.value.remedy
    assert [call.request.method for call in beel.calls if call.request.method != "GET"] == []
    await client.aclose()


@pytest.mark.parametrize("ids", [[], [ONE, ONE.upper()], [str(number) for number in range(201)]])
async def test_a_mail_of_no_invoice_one_twice_or_too_many_is_a_defect_of_ours(client, ids):
    with pytest.raises(InternalError):
        await client.mails.mail_invoices(Mail(ids, ["a@b.es"]), idempotency_key="k-1")


async def test_the_history_goes_back_to_a_time_and_knows_what_has_none_yet(beel, client):
    def answer(request):
        query = dict(request.url.params)
        assert (query["recipient"], query["limit"]) == ("gestoria@example.com", "100")
        if query.get("status") == "QUEUED":
            mails, more = [recorded("e-queued", None, status="QUEUED")], 1
        elif query["page"] == "1":
            mails, more = [recorded("e-3"), recorded("e-2")], 201
        else:
            mails, more = [recorded("e-1"), recorded("e-0", "2026-09-01T09:59:59Z")], 201
        page = pages(more, int(query["page"]))
        return httpx.Response(200, json=envelope({"emails": mails, "pagination": page}))

    route = beel.get(EMAILS).mock(side_effect=answer)
    found = await client.mails.history("gestoria@example.com", SINCE)
    assert [mail.id for mail in found] == ["e-3", "e-2", "e-1", "e-queued"]
    assert route.call_count == 3, "nothing older is asked for"


async def test_a_mail_that_was_stopped_or_failed_has_not_left(beel, client):
    beel.get(f"{EMAILS}/{EMAIL_ID}").mock(
        side_effect=[
            httpx.Response(
                200,
                json=envelope(
                    recorded(
                        EMAIL_ID,
                        status=status,
                        related_invoices=[{"id": ONE, "invoice_number": "F-1"}],
                    )
                ),
            )
            for status in ("REJECTED", "FAILED", "QUEUED", "BOUNCED", "DELIVERED")
        ]
    )
    mails = [await client.mails.get(EMAIL_ID) for _ in range(5)]
    assert [mail.has_left for mail in mails] == [False, False, True, True, True]
    assert [invoice.id for invoice in mails[0].related_invoices] == [ONE]


async def test_another_mail_than_the_one_asked_for_is_none(beel, client):
    beel.get(f"{EMAILS}/{EMAIL_ID}").respond(json=envelope(recorded("e-1")))
    with pytest.raises(UnknownOutcomeError):
        await client.mails.get(EMAIL_ID)
