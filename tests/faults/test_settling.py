"""Settling in the hard cases: no NIF to look for, many rows, AEAT down, defects of our own."""

from typing import Any

import pytest
from filelock import FileLock
from mcp import Client

from beel_mcp.api.customers import CustomersApi
from beel_mcp.writes.run import execution
from tests.support.customers import customer, foreigner
from tests.support.servers.fault_server import FaultServer, http

pytestmark = pytest.mark.anyio


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    return (await client.call_tool(tool, arguments)).structured_content or {}


async def lost(client: Client, beel: FaultServer, rows: list[dict[str, Any]], **how: Any) -> Any:
    beel.fault("reset", method="POST", path="bulk", dry_run=False, **how)
    answer = await call(client, "create_customers", customers=rows)
    assert answer["status"] == "unknown"
    return answer["operation_id"]


@pytest.mark.parametrize("committed", [True, False])
async def test_rows_without_a_nif_are_looked_for_by_name_and_street(
    client: Client, beel: FaultServer, committed: bool
) -> None:
    rows = [foreigner(1), foreigner(2)]
    operation_id = await lost(client, beel, rows, committed=committed)
    settled = await call(client, "check_operation", operation_id=operation_id)
    assert settled["counts"]["created" if committed else "not_attempted"] == 2
    if committed:
        assert all(row["customer_id"] for row in settled["rows"])


async def test_who_was_marked_inactive_meanwhile_is_found_as_well(
    client: Client, beel: FaultServer
) -> None:
    operation_id = await lost(client, beel, [foreigner(1)], committed=True)
    name = foreigner(1)["legal_name"]
    beel.app.state.store.execute("UPDATE customers SET active = 0 WHERE legal_name = ?", name)
    settled = await call(client, "check_operation", operation_id=operation_id)
    assert settled["counts"]["created"] == 1
    assert settled["rows"][0]["customer_id"]


async def test_a_namesake_with_another_number_is_somebody_else(
    client: Client, beel: FaultServer
) -> None:
    namesake = foreigner(1)
    namesake["alternative_id"] = foreigner(2)["alternative_id"]
    await call(client, "create_customers", customers=[namesake])
    operation_id = await lost(client, beel, [foreigner(1)])
    settled = await call(client, "check_operation", operation_id=operation_id)
    assert settled["counts"]["not_attempted"] == 1


async def test_the_same_number_of_another_country_is_somebody_else(
    client: Client, beel: FaultServer
) -> None:
    other = foreigner(1)
    other["alternative_id"] = {**other["alternative_id"], "country_code": "FR"}
    await call(client, "create_customers", customers=[other])
    operation_id = await lost(client, beel, [foreigner(1)])
    settled = await call(client, "check_operation", operation_id=operation_id)
    assert settled["counts"]["not_attempted"] == 1


async def test_the_ids_of_many_customers_are_read_from_the_list(
    client: Client, beel: FaultServer
) -> None:
    rows = [customer(number) for number in range(130)]
    operation_id = await lost(client, beel, rows, committed=True)
    before = len(beel.seen)
    settled = await call(client, "check_operation", operation_id=operation_id)
    assert settled["counts"]["created"] == 130
    assert len(beel.seen) - before < 20, "not one request for each"
    pages = [settled]
    while pages[-1]["has_more"]:
        arguments = pages[-1]["next"][0]["arguments"]
        pages.append(await call(client, "check_operation", **arguments))
    told = [row for page in pages for row in page["rows"]]
    assert len(told) == len({row["customer_id"] for row in told}) == 130
    assert (await call(client, "check_operation", operation_id=operation_id, page=9))["summary"]


async def test_while_aeat_is_down_nothing_is_concluded(client: Client, beel: FaultServer) -> None:
    operation_id = await lost(client, beel, [customer(1)], committed=True)
    row = b'{"index": 0, "status": "NIF_INVALID", "errors": [], "warnings": []}'
    body = (
        b'{"success": true, "data": {"metadata": {"total_customers": 1, "is_dry_run": true,'
        b' "processing_time_ms": 9, "source_type": "BULK_JSON"}, "customers_validation": ['
        + row
        + b"]}}"
    )
    down = beel.fault("answer", raw=http("200 OK", body), path="bulk", dry_run=True, times=99)
    still = await call(client, "check_operation", operation_id=operation_id)
    assert still["status"] == "unknown"
    down.times = 0
    settled = await call(client, "check_operation", operation_id=operation_id)
    assert settled["counts"]["created"] == 1


async def test_a_defect_of_our_own_after_sending_leaves_it_unknown_and_recorded(
    client: Client, beel: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sends = CustomersApi.create_bulk

    async def broken(self: CustomersApi, rows: Any, *, idempotency_key: str) -> Any:
        await sends(self, rows, idempotency_key=idempotency_key)
        raise ZeroDivisionError("a secret of the inside")

    monkeypatch.setattr(CustomersApi, "create_bulk", broken)
    answer = await client.call_tool("create_customers", {"customers": [customer(1)]})
    structure = answer.structured_content or {}
    assert structure["status"] == "unknown"
    assert "secret" not in answer.content[0].text
    settled = await call(client, "check_operation", operation_id=structure["operation_id"])
    assert settled["counts"]["created"] == 1


async def test_a_write_of_another_process_that_does_not_end_makes_us_say_busy(
    client: Client, beel: FaultServer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await call(client, "create_customers", customers=[customer(1)])
    [lock] = (tmp_path / "state" / "locks").glob("*.lock")
    monkeypatch.setattr(execution, "TURN_S", 0.1)
    with FileLock(lock):
        answer = await call(client, "create_customers", customers=[customer(2)])
    assert answer["code"] == "busy"
    assert answer["changed"] == "nothing"
    assert answer["retryable"] is True
    assert len(beel.created) == 1
