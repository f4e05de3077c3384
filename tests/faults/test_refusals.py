"""A creation that BeeL refuses, slows down or stalls: told apart, and never sent once too often."""

from typing import Any

import anyio
import pytest
from mcp import Client

from beel_mcp.tools import declare
from tests.conftest import FakeTime
from tests.support.customers import customer
from tests.support.servers.fault_server import FaultServer, http

pytestmark = pytest.mark.anyio

ROWS = [customer(n) for n in range(3)]
NIFS = [row["nif"] for row in ROWS]


def refusal(status: str, code: str, *headers: str) -> bytes:
    body = f'{{"success": false, "error": {{"code": "{code}", "message": "no"}}}}'
    return http(status, body.encode(), *headers)


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    return (await client.call_tool(tool, arguments)).structured_content or {}


async def checked(client: Client) -> dict[str, Any]:
    answer = await call(client, "validate_customers", customers=ROWS)
    return {"batch_id": answer["batch_id"], "expected_count": len(ROWS)}


@pytest.mark.parametrize("code", ["CLIENT_DUPLICATE", "CONCURRENT_MODIFICATION"])
async def test_a_conflict_about_the_customers_is_a_definite_no(
    client: Client, beel: FaultServer, code: str
) -> None:
    answer = refusal("409 Conflict", code)
    beel.fault("answer", raw=answer, method="POST", path="bulk", dry_run=False, times=9)
    arguments = await checked(client)
    refused = await call(client, "create_customers", **arguments)
    assert refused["status"] == "nothing_done"
    assert refused["counts"]["refused"] == len(ROWS)
    assert code in refused["detail"]
    assert len(beel.keys) == 1
    again = await call(client, "create_customers", **arguments)
    assert again["replayed"] is True
    assert len(beel.keys) == 1


async def test_a_key_that_is_being_worked_on_is_waited_for_with_the_same_key(
    client: Client, beel: FaultServer
) -> None:
    answer = refusal("409 Conflict", "IDEMPOTENCY_KEY_PROCESSING")
    beel.fault("answer", raw=answer, method="POST", path="bulk", dry_run=False, times=1)
    done = await call(client, "create_customers", **(await checked(client)))
    assert done["counts"]["created"] == len(ROWS)
    assert len(beel.keys) == 2
    assert len(set(beel.keys)) == 1


@pytest.mark.parametrize("code", ["IDEMPOTENCY_KEY_PROCESSING", "IDEMPOTENCY_KEY_MISMATCH"])
async def test_a_conflict_about_the_key_leaves_it_unknown_until_somebody_looks(
    client: Client, beel: FaultServer, code: str
) -> None:
    answer = refusal("409 Conflict", code)
    beel.fault("answer", raw=answer, method="POST", path="bulk", dry_run=False, times=9)
    lost = await call(client, "create_customers", **(await checked(client)))
    assert lost["status"] == "unknown"
    settled = await call(client, "check_operation", operation_id=lost["operation_id"])
    assert settled["counts"]["not_attempted"] == len(ROWS)
    assert beel.created == []


async def test_a_429_is_waited_out_and_the_same_request_sent_again(
    client: Client, beel: FaultServer, fake_time: FakeTime
) -> None:
    slow = refusal("429 Too Many Requests", "RATE_LIMIT_EXCEEDED", "Retry-After: 7")
    beel.fault("answer", raw=slow, method="POST", path="bulk", dry_run=False)
    done = await call(client, "create_customers", **(await checked(client)))
    assert done["counts"]["created"] == len(ROWS)
    assert fake_time.slept.total_seconds() >= 7
    assert len(set(beel.keys)) == 1
    assert beel.created == NIFS


async def test_a_429_that_does_not_end_is_returned_and_the_batch_can_go_on_later(
    client: Client, beel: FaultServer
) -> None:
    slow = refusal("429 Too Many Requests", "RATE_LIMIT_EXCEEDED", "Retry-After: 2")
    storm = beel.fault("answer", raw=slow, method="POST", path="bulk", dry_run=False, times=999)
    arguments = await checked(client)
    refused = await call(client, "create_customers", **arguments)
    assert refused["code"] == "RATE_LIMIT_EXCEEDED"
    assert refused["changed"] == "nothing"
    assert refused["retryable"] is True
    assert len(beel.keys) <= 3
    storm.times = 0
    done = await call(client, "create_customers", **arguments)
    assert done["counts"]["created"] == len(ROWS)
    assert len(set(beel.keys)) == 1
    assert beel.created == NIFS


async def test_after_a_day_what_was_not_created_is_never_sent_again(
    client: Client, beel: FaultServer, fake_time: FakeTime
) -> None:
    beel.fault("reset", method="POST", path="bulk", dry_run=False)
    arguments = await checked(client)
    lost = await call(client, "create_customers", **arguments)
    await call(client, "check_operation", operation_id=lost["operation_id"])
    await fake_time.sleep(24 * 3600 + 60)
    again = await call(client, "create_customers", **arguments)
    assert again["status"] == "nothing_done"
    assert again["counts"]["not_attempted"] == len(ROWS)
    assert len(beel.keys) == 1
    assert beel.created == []


@pytest.mark.parametrize("tool", ["find_customers", "validate_customers"])
async def test_a_silent_beel_is_given_up_within_the_call(
    client: Client, beel: FaultServer, monkeypatch: pytest.MonkeyPatch, tool: str
) -> None:
    monkeypatch.setattr(declare, "CALL_LIMIT_S", 3.0)
    await call(client, "get_status")
    beel.fault("stall", path="customers", times=99)
    arguments = {"customers": ROWS} if tool == "validate_customers" else {}
    with anyio.fail_after(10):
        result = await client.call_tool(tool, arguments)
    structure = result.structured_content or {}
    assert result.is_error
    assert structure["changed"] == "nothing"
    assert structure["retryable"] is True
    assert "did not answer" in result.content[0].text
