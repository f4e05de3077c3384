"""A mail whose answer is lost: never sent again by itself, settled by reading the history."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from mcp import Client

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import invoice_id
from tests.conftest import Connect, FakeTime
from tests.support.servers.fault_server import FaultServer, http
from tests.support.servers.losses import LOSSES, lose

pytestmark = pytest.mark.anyio

TOOL = "send_invoices"
TO = ["gestoria@example.com"]
WANTED = {
    "invoice_ids": [invoice_id(13), invoice_id(14), invoice_id(29)],
    "recipients": TO,
    "cc": ["jefa@taller.example"],
    "subject": "Facturas de otoño",
}
BOTH = pytest.mark.parametrize("keys", ["honoured", "ignored"])


@pytest.fixture(params=["honoured"])
def keys(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def sandbox(keys: Any) -> Any:
    return create_app(SandboxOptions(idempotency=keys))


async def call(client: Client, tool: str = TOOL, **arguments: Any) -> dict[str, Any]:
    return (await client.call_tool(tool, arguments)).structured_content or {}


async def confirmed(client: Client, **arguments: Any) -> dict[str, Any]:
    plan = await call(client, **arguments)
    [step] = plan["next"]
    return await call(client, step["tool"], **step["arguments"])


async def checked(client: Client, lost: dict[str, Any]) -> dict[str, Any]:
    [step] = lost["next"]
    assert step["tool"] == "check_operation"
    return await call(client, step["tool"], **step["arguments"])


def mails(beel: FaultServer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = beel.app.state.store.mails()[1:]
    return found


def posts(beel: FaultServer) -> int:
    return sum(method == "POST" for method, _ in beel.seen)


@BOTH
@pytest.mark.parametrize("loss", LOSSES)
async def test_a_lost_mail_is_unknown_then_settled_by_reading_and_never_sent_twice(
    client: Client, beel: FaultServer, loss: str, keys: str
) -> None:
    committed = lose(beel, "POST", loss, "deliveries").committed
    lost = await confirmed(client, **WANTED)
    assert (lost["status"], lost["changed"]) == ("unknown", "unknown")
    assert "may or may not have been mailed" in lost["summary"]
    assert "Do not repeat it" in lost["detail"]
    assert len(mails(beel)) == committed

    settled = await checked(client, lost)
    assert posts(beel) == 1, "settling only reads"
    if committed:
        assert settled["counts"] == {"sent": 2, "failed": 1, "unknown": 0, "not_attempted": 0}
        assert [row["outcome"] for row in settled["rows"]] == ["sent", "sent", "failed"]
    else:
        assert settled["counts"] == {"sent": 0, "failed": 0, "unknown": 0, "not_attempted": 3}
    again = await checked(client, lost)
    assert again["counts"] == settled["counts"]
    assert (posts(beel), len(mails(beel))) == (1, committed)


@pytest.mark.parametrize("loss", ["reset before the commit", "reset after the commit"])
async def test_the_same_call_meanwhile_asks_again_and_says_that_it_may_have_gone(
    client: Client, beel: FaultServer, loss: str
) -> None:
    lose(beel, "POST", loss, "deliveries")
    await confirmed(client, **WANTED)
    plan = await call(client, **WANTED)
    assert plan["status"] == "confirmation_required"
    assert [remark["code"] for remark in plan["remarks"]] == ["maybe_mailed"]
    assert (
        '3 of these invoices may already have been sent to "gestoria@example.com"'
        in plan["statement"]
    )
    assert posts(beel) == 1


async def test_a_mail_that_came_late_is_found_and_none_is_concluded_too_early(
    client: Client, beel: FaultServer
) -> None:
    beel.fault("late", method="POST", path="deliveries")
    lost = await confirmed(client, **WANTED)
    await beel.commit_late()
    settled = await checked(client, lost)
    assert settled["counts"]["sent"] == 2
    assert len(mails(beel)) == 1


async def test_another_mail_like_it_is_not_taken_for_it(
    client: Client, beel: FaultServer, fake_time: FakeTime
) -> None:
    """One of ours that is known, one to others, one with other invoices, one from days before."""
    first = await confirmed(client, **WANTED)
    assert first["status"] == "partial"
    await confirmed(client, **{**WANTED, "cc": []})
    await confirmed(client, **{**WANTED, "invoice_ids": [invoice_id(12), invoice_id(13)]})
    await confirmed(client, **{**WANTED, "subject": "Otra cosa"})
    store = beel.app.state.store
    old = (fake_time.now() - timedelta(days=3)).astimezone(UTC)
    store.execute(
        "INSERT INTO mails (id, company_id, email_type, recipients, cc, subject, status, sent_at,"
        " invoice_ids) SELECT '00000000-0000-4000-8000-000000000009', company_id, email_type,"
        " recipients, cc, subject, status, ?, invoice_ids FROM mails WHERE id = ?",
        old.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        first["email_id"],
    )
    lose(beel, "POST", "reset before the commit", "deliveries")
    lost = await confirmed(client, **WANTED)
    assert (await checked(client, lost))["counts"]["not_attempted"] == 3


async def test_a_mail_of_one_invoice_that_is_recorded_as_that_invoices_is_found(
    client: Client, beel: FaultServer
) -> None:
    one = {**WANTED, "invoice_ids": [invoice_id(13)]}
    lose(beel, "POST", "reset after the commit", "deliveries")
    lost = await confirmed(client, **one)
    [mail] = mails(beel)
    detail = {name: mail[name] for name in ("id", "recipients", "cc", "subject", "status")}
    detail |= {"sent_at": mail["sent_at"], "related_entity_id": invoice_id(13).upper()}
    body = json.dumps({"success": True, "data": detail}).encode()
    beel.fault("answer", method="GET", path="/emails/", raw=http("200 OK", body))
    assert (await checked(client, lost))["counts"]["sent"] == 1


async def test_a_mail_that_beel_stopped_was_sent_to_nobody(
    client: Client, beel: FaultServer
) -> None:
    lose(beel, "POST", "reset after the commit", "deliveries")
    lost = await confirmed(client, **WANTED)
    beel.app.state.store.execute(
        "UPDATE mails SET status = 'REJECTED' WHERE id = ?", mails(beel)[0]["id"]
    )
    settled = await checked(client, lost)
    assert settled["counts"]["failed"] == 3
    assert "REJECTED" in settled["rows"][0]["message"]


@pytest.mark.parametrize("loss", ["reset before the commit", "reset after the commit"])
async def test_a_key_that_may_not_read_mails_leaves_it_unknown_and_says_so(
    connect_to: Connect, beel: FaultServer, loss: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from beel_mcp.sandbox import gates

    def without_emails(endpoint: Any, *_: Any) -> None:
        if endpoint.scope == "emails:read":
            details = {"missing_scopes": "emails:read"}
            raise gates.ApiError(403, "INSUFFICIENT_SCOPE", "The key lacks it", details=details)

    monkeypatch.setattr(gates, "check_scopes", without_emails)
    lose(beel, "POST", loss, "deliveries")
    async with connect_to() as client:
        lost = await confirmed(client, **WANTED)
        for _ in range(2):
            told = await checked(client, lost)
            assert (told["status"], told["counts"]["unknown"]) == ("unknown", 3)
            assert "emails:read" in told["detail"]
        assert posts(beel) == 1


async def test_what_a_dead_process_left_in_flight_is_settled_by_another(
    connect_to: Connect, beel: FaultServer
) -> None:
    beel.fault("stall", committed=True, method="POST", path="deliveries")
    import anyio

    async with connect_to() as client, anyio.create_task_group() as group:
        group.start_soon(lambda: confirmed(client, **WANTED))
        await beel.arrived.wait()
        listed = await call(client, "check_operation")
        group.cancel_scope.cancel()
    assert listed["operations"][0]["state"] == "running"
    async with connect_to() as client:
        beel.released.set()
        [open_one] = (await call(client, "check_operation"))["operations"]
        told = await call(client, "check_operation", operation_id=open_one["operation_id"])
    assert told["counts"]["sent"] == 2
    assert (posts(beel), len(mails(beel))) == (1, 1)
    assert datetime.fromisoformat(mails(beel)[0]["sent_at"]).tzinfo is not None
