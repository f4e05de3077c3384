"""What a reviewer found: each was a customer lost, doubled or misreported until it was mended."""

from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import utc_now
from tests.conftest import Connect, FakeTime
from tests.support.customers import customer, foreigner
from tests.support.servers.fault_server import FaultServer, http

pytestmark = pytest.mark.anyio


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    return (await client.call_tool(tool, arguments)).structured_content or {}


async def batch_of(client: Client, *rows: dict[str, Any]) -> dict[str, Any]:
    answer = await call(client, "validate_customers", customers=list(rows))
    return {"batch_id": answer["batch_id"], "expected_count": len(rows)}


async def test_a_stranger_with_the_same_nif_proves_nothing_about_rows_without_one(
    client: Client, connect: Connect, beel: FaultServer, tmp_path: Path
) -> None:
    rows = [customer(1), foreigner(2), foreigner(3)]
    beel.fault("reset", method="POST", path="bulk", dry_run=False)
    lost = await call(client, "create_customers", **(await batch_of(client, *rows)))
    async with connect(state_dir=tmp_path / "elsewhere") as stranger:
        await call(stranger, "create_customers", customers=[customer(1)])
    looked = await call(client, "check_operation", operation_id=lost["operation_id"])
    assert looked["counts"]["created"] == 0
    assert looked["status"] == "unknown"
    assert len(beel.created) == 1


async def test_rows_without_a_nif_are_not_created_by_two_lists_of_ours(
    client: Client, beel: FaultServer
) -> None:
    one = await batch_of(client, foreigner(1))
    other = await batch_of(client, foreigner(1), customer(2))
    await call(client, "create_customers", **one)
    for _ in range(2):  # repeating the refused call must not get through, either
        refused = await call(client, "create_customers", **other)
        assert refused["code"] == "created_meanwhile"
    assert len(beel.created) == 1


async def test_rows_without_a_nif_wait_until_the_unknown_ones_are_settled(
    client: Client, beel: FaultServer
) -> None:
    beel.fault("reset", committed=True, method="POST", path="bulk", dry_run=False)
    await call(client, "create_customers", customers=[foreigner(1)])
    again = await call(client, "create_customers", customers=[foreigner(1), customer(2)])
    assert again["code"] == "operation_unsettled"
    assert len(beel.created) == 1


async def test_an_operation_is_settled_and_carried_on_only_in_its_own_books(
    connect_to: Connect, connect: Connect, beel: FaultServer, tmp_path: Path, fake_time: FakeTime
) -> None:
    state = tmp_path / "state"
    async with connect_to(state_dir=state) as client:
        arguments = await batch_of(client, customer(1))
        beel.fault("reset", committed=True, method="POST", path="bulk", dry_run=False)
        lost = await call(client, "create_customers", **arguments)
    other = create_app(SandboxOptions())
    async with connect(other, state_dir=state) as elsewhere:
        for tool, given in (
            ("check_operation", {"operation_id": lost["operation_id"]}),
            ("create_customers", arguments),
        ):
            answer = await call(elsewhere, tool, **given)
            assert answer["code"] == "another_company"
            assert answer["changed"] == "nothing"
    assert other.state.store.ledger() == []
    await fake_time.sleep(60)
    async with connect_to(state_dir=state) as client:
        settled = await call(client, "check_operation", operation_id=lost["operation_id"])
        assert settled["counts"]["created"] == 1


async def test_another_key_of_the_same_company_sees_what_is_unsettled(
    connect_to: Connect, beel: FaultServer, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    async with connect_to(state_dir=state) as client:
        beel.fault("reset", committed=True, method="POST", path="bulk", dry_run=False)
        await call(client, "create_customers", customers=[customer(1)])
    async with connect_to(state_dir=state, key="beel_sk_test_9z8y7x6w5v4u") as client:
        assert len((await call(client, "get_status"))["unsettled"]) == 1


async def test_a_look_that_comes_late_does_not_undo_what_happened_since(
    client: Client, beel: FaultServer, fake_time: FakeTime
) -> None:
    beel.fault("reset", method="POST", path="bulk", dry_run=False)
    arguments = await batch_of(client, customer(1))
    lost = await call(client, "create_customers", **arguments)
    slow = beel.fault("delay", committed=True, path="bulk", dry_run=True)
    answers: list[dict[str, Any]] = []

    async def look() -> None:
        answers.append(await call(client, "check_operation", operation_id=lost["operation_id"]))

    async with anyio.create_task_group() as group:
        group.start_soon(look)
        await beel.arrived.wait()
        while slow.times:
            await anyio.lowlevel.checkpoint()
        done = await call(client, "create_customers", **arguments)
        assert done["counts"]["created"] == 1
        beel.released.set()
    told = await call(client, "check_operation", operation_id=lost["operation_id"])
    assert told["counts"]["created"] == 1
    assert len(beel.created) == 1


async def test_inline_rows_that_were_not_created_go_on_under_their_own_key(
    client: Client, beel: FaultServer
) -> None:
    beel.fault("reset", method="POST", path="bulk", dry_run=False)
    lost = await call(client, "create_customers", customers=[customer(1)])
    await call(client, "check_operation", operation_id=lost["operation_id"])
    done = await call(client, "create_customers", customers=[customer(1)])
    assert done["counts"]["created"] == 1
    assert done["operation_id"] == lost["operation_id"]
    assert len(beel.keys) == 2
    assert len(set(beel.keys)) == 1


async def test_a_refusal_after_a_slow_down_is_a_refusal_and_not_a_doubt(
    client: Client, beel: FaultServer
) -> None:
    def answer(status: str, code: str) -> bytes:
        body = f'{{"success": false, "error": {{"code": "{code}", "message": "no"}}}}'
        return http(status, body.encode(), "Retry-After: 300")

    arguments = await batch_of(client, customer(1))
    slow = answer("429 Too Many Requests", "RATE_LIMIT_EXCEEDED")
    beel.fault("answer", raw=slow, method="POST", path="bulk", dry_run=False)
    assert (await call(client, "create_customers", **arguments))["status"] == "error"
    no = answer("409 Conflict", "CLIENT_DUPLICATE")
    beel.fault("answer", raw=no, method="POST", path="bulk", dry_run=False)
    refused = await call(client, "create_customers", **arguments)
    assert refused["counts"]["refused"] == 1


async def test_settling_and_waiting_share_the_time_of_one_call(
    connect_to: Connect, beel: FaultServer, fake_time: FakeTime
) -> None:
    hurried = Timing(now=fake_time.now, sleep=fake_time.sleep, patience_s=1.0)
    async with connect_to(timing=hurried) as client:
        beel.fault("delay", committed=True, method="POST", path="bulk", dry_run=False)
        arguments = await batch_of(client, customer(1))
        with anyio.fail_after(5):
            slow = await call(client, "create_customers", **arguments)
            again = await call(client, "create_customers", **arguments)
        assert slow["operation_id"] == again["operation_id"]
        assert again["status"] == "partial"
        beel.released.set()


async def test_no_customer_stays_in_the_write_ahead_log_of_a_living_server(
    client: Client, beel: FaultServer, tmp_path: Path
) -> None:
    await call(client, "create_customers", customers=[customer(1)])
    files = list((tmp_path / "state").glob("journal*"))
    kept = b"".join(path.read_bytes() for path in files)
    assert customer(1)["nif"].encode() not in kept
    assert b"Calle Mayor" not in kept


def test_many_processes_open_a_new_journal_at_once(tmp_path: Path) -> None:
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(4) as pool:
        opened = list(pool.map(open_journal, [tmp_path / "state"] * 24))
    assert opened == [True] * 24


def open_journal(folder: Path) -> bool:
    journal = Journal(folder, utc_now)
    anyio.run(journal.purge)
    anyio.run(journal._database.write, lambda db: db.execute("DELETE FROM observations"))
    journal.close()
    return True
