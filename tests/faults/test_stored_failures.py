"""BeeL keeps a failure under its key for a day: what it left is looked for, and sent once more."""

from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import customer_id
from beel_mcp.writes.kinds import create_customers
from tests.conftest import Connect, FakeTime
from tests.support.customers import customer, foreigner
from tests.support.servers.fault_server import FaultServer
from tests.support.servers.losses import BAD_GATEWAY, EMPTY

pytestmark = pytest.mark.anyio

ROWS = [customer(1), customer(2), foreigner(3)]
LINE = {"description": "Horas", "quantity": "2", "unit_price": "40", "tax_rate": "21"}
DRAFT = {"customer_id": customer_id(2), "lines": [LINE]}
CREATION = {"method": "POST", "path": "bulk", "dry_run": False}
WORLDS = [
    (idempotency, nif_unique)
    for idempotency in ("honoured", "ignored", "refused")
    for nif_unique in (True, False)
]
COMMITTED = pytest.mark.parametrize("committed", [True, False], ids=["after", "before"])


@pytest.fixture(params=[WORLDS[0]], ids=str)
def world(request: pytest.FixtureRequest) -> Any:
    """What becomes of idempotency keys, and whether BeeL keeps NIFs unique."""
    return request.param


IN_EVERY_WORLD = pytest.mark.parametrize("world", WORLDS, ids=str, indirect=True)


@pytest.fixture
def sandbox(world: Any) -> Starlette:
    return create_app(SandboxOptions(idempotency=world[0], nif_unique=world[1]))


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    structure = result.structured_content or {}
    if "counts" in structure and "total" in structure:
        assert sum(structure["counts"].values()) == structure["total"]
    return structure


async def checked(client: Client) -> dict[str, Any]:
    answer = await call(client, "validate_customers", customers=ROWS)
    return {"batch_id": answer["batch_id"], "expected_count": len(ROWS)}


def names(beel: FaultServer) -> list[str]:
    """The customers that were really created, as often as they were."""
    rows = beel.app.state.store.rows(
        "SELECT legal_name FROM customers JOIN ledger ON customers.id = ledger.customer_id"
        " WHERE kind = 'customer_created'"
    )
    return sorted(row["legal_name"] for row in rows)


def each_once() -> list[str]:
    return sorted(row["legal_name"] for row in ROWS)


@IN_EVERY_WORLD
@COMMITTED
async def test_customers_are_there_once_whatever_the_failure_left(
    client: Client, beel: FaultServer, world: Any, committed: bool
) -> None:
    beel.fault("fail", committed=committed, **CREATION)
    arguments = await checked(client)
    lost = await call(client, "create_customers", **arguments)
    assert lost["status"] == "unknown"
    assert names(beel) == (each_once() if committed else [])

    done = await call(client, "create_customers", **arguments)
    assert (done["status"], done["counts"]["created"]) == ("done", len(ROWS))
    assert names(beel) == each_once(), "each exactly once"
    keeps = world[0] != "ignored"
    assert len(beel.keys) == (1 if committed else 3 if keeps else 2)
    assert len(set(beel.keys)) == (2 if keeps and not committed else 1)

    again = await call(client, "create_customers", **arguments)
    assert (again["replayed"], again["counts"]["created"]) == (True, len(ROWS))
    assert names(beel) == each_once()


@IN_EVERY_WORLD
@COMMITTED
async def test_a_draft_is_there_once_whatever_the_failure_left(
    client: Client, beel: FaultServer, world: Any, committed: bool
) -> None:
    beel.fault("fail", committed=committed, method="POST", path="invoices")
    lost = await call(client, "create_draft_invoice", **DRAFT)
    assert lost["status"] == "unknown"
    done = await call(client, "create_draft_invoice", **DRAFT)
    assert (done["status"], done["operation_id"]) == ("done", lost["operation_id"])
    ledger = beel.app.state.store.ledger()
    assert [one["kind"] for one in ledger] == ["invoice_created"]
    assert len(set(beel.keys)) == (2 if world[0] != "ignored" and not committed else 1)


@pytest.mark.parametrize("world", WORLDS[:2], ids=str, indirect=True)
async def test_what_the_first_request_did_before_it_failed_is_found_and_not_sent_again(
    client: Client, beel: FaultServer
) -> None:
    """BeeL was still at it when it was looked for, and then failed after all."""
    beel.fault("late", **CREATION)
    arguments = await checked(client)
    lost = await call(client, "create_customers", **arguments)
    looked = await call(client, "check_operation", operation_id=lost["operation_id"])
    assert looked["counts"]["not_attempted"] == len(ROWS)
    await beel.commit_late()
    beel.failed.update(beel.keys)
    done = await call(client, "create_customers", **arguments)
    assert done["counts"]["created"] == len(ROWS)
    assert names(beel) == each_once()
    assert len(set(beel.keys)) == 1, "it was found, so no other key was wanted"


async def test_a_repeated_failure_that_cannot_be_looked_into_stays_unknown_and_says_which_it_is(
    client: Client, beel: FaultServer, connect_to: Connect
) -> None:
    beel.fault("fail", **CREATION)
    arguments = await checked(client)
    lost = await call(client, "create_customers", **arguments)
    await call(client, "check_operation", operation_id=lost["operation_id"])
    down = beel.fault("answer", raw=BAD_GATEWAY, method="POST", dry_run=True, times=99)
    still = await call(client, "create_customers", **arguments)
    assert still["status"] == "unknown"
    assert still["summary"].startswith("BeeL repeated an earlier failure")
    assert "may or may not exist" in still["summary"]
    assert len(set(beel.keys)) == 1
    down.times = 0
    # Whoever comes after knows that the key is spent.
    async with connect_to() as another:
        settled = await call(another, "check_operation", operation_id=lost["operation_id"])
        assert settled["counts"]["not_attempted"] == len(ROWS)
        [step] = [one for one in settled["next"] if one["tool"] == "create_customers"]
        done = await call(another, step["tool"], **step["arguments"])
    assert done["counts"]["created"] == len(ROWS)
    assert names(beel) == each_once()
    assert len(beel.keys) == 3, "it was not sent under the spent key again"


async def test_a_kind_that_reading_cannot_be_sure_of_is_not_sent_under_another_key(
    client: Client, beel: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(create_customers.CustomerCreation, "may_change_key", False)
    beel.fault("fail", **CREATION)
    arguments = await checked(client)
    for _ in range(2):
        lost = await call(client, "create_customers", **arguments)
        assert lost["status"] == "unknown"
    assert (len(beel.keys), len(set(beel.keys))) == (2, 1)
    assert names(beel) == []


async def test_a_beel_that_fails_under_every_key_is_asked_twice_a_call_and_no_more(
    client: Client, beel: FaultServer
) -> None:
    beel.fault("fail", times=9, **CREATION)
    arguments = await checked(client)
    for sendings in (1, 3, 5):
        lost = await call(client, "create_customers", **arguments)
        assert (lost["status"], len(beel.keys)) == ("unknown", sendings)
    beel.faults.clear()
    done = await call(client, "create_customers", **arguments)
    assert done["counts"]["created"] == len(ROWS)
    assert names(beel) == each_once()


async def test_a_batch_whose_answers_are_lost_again_and_again_goes_on_at_last(
    client: Client, beel: FaultServer
) -> None:
    beel.fault("reset", times=4, **CREATION)
    arguments = await checked(client)
    await call(client, "create_customers", **arguments)
    for _ in range(3):
        lost = (await call(client, "check_operation"))["operations"][0]
        settled = await call(client, "check_operation", operation_id=lost["operation_id"])
        assert settled["counts"]["not_attempted"] == len(ROWS)
        [step] = settled["next"]
        assert step["arguments"] == arguments
        await call(client, step["tool"], **step["arguments"])
    done = await call(client, "create_customers", **arguments)
    assert done["counts"]["created"] == len(ROWS)
    assert names(beel) == each_once()
    assert len(set(beel.keys)) == 1, "no answer ever said that the key is spent"


async def test_what_beel_refuses_the_second_time_says_so_and_can_be_checked_again(
    client: Client, beel: FaultServer
) -> None:
    beel.fault("reset", **CREATION)
    arguments = await checked(client)
    await call(client, "create_customers", **arguments)
    refusal = (
        b"HTTP/1.1 422 Unprocessable Entity\r\ncontent-type: application/json\r\n"
        b'content-length: 59\r\n\r\n{"success": false, "error": {"code": "VALIDATION_ERROR"}}  '
    )
    beel.fault("answer", raw=refusal, **CREATION)
    lost = await call(client, "create_customers", **arguments)
    settled = await call(client, "check_operation", operation_id=lost["operation_id"])
    assert "BeeL had said VALIDATION_ERROR." in settled["detail"]
    beel.fault("answer", raw=refusal, **CREATION)
    told = await call(client, "create_customers", **arguments)
    assert told["status"] == "unknown"
    await call(client, "check_operation", operation_id=lost["operation_id"])
    done = await call(client, "create_customers", **arguments)
    assert done["counts"]["created"] == len(ROWS)
    assert names(beel) == each_once()


async def test_a_day_later_the_one_thing_to_do_is_named_and_it_works(
    client: Client, beel: FaultServer, fake_time: FakeTime
) -> None:
    beel.fault("answer", raw=EMPTY, **CREATION)
    arguments = await checked(client)
    lost = await call(client, "create_customers", **arguments)
    await call(client, "check_operation", operation_id=lost["operation_id"])
    await fake_time.sleep(24 * 3600 + 60)
    over = await call(client, "create_customers", **arguments)
    assert over["counts"]["not_attempted"] == len(ROWS)
    assert "call validate_customers again with the same list" in over["detail"]
    for step in over.get("next", ()):
        assert step["tool"] != "create_customers", "it would do nothing"
    anew = await call(client, "validate_customers", customers=ROWS)
    [step, *_] = anew["next"]
    done = await call(client, step["tool"], **step["arguments"])
    assert done["counts"]["created"] == len(ROWS)
    assert names(beel) == each_once()


async def test_a_key_that_was_not_spent_is_not_changed_by_a_kill_or_another_process(
    connect_to: Connect, beel: FaultServer, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    beel.fault("reset", committed=False, **CREATION)
    async with connect_to(state_dir=state) as one:
        arguments = await checked(one)
        await call(one, "create_customers", **arguments)
    async with connect_to(state_dir=state) as another:
        done = await call(another, "create_customers", **arguments)
    assert done["counts"]["created"] == len(ROWS)
    assert (len(beel.keys), len(set(beel.keys))) == (2, 1)


@pytest.mark.parametrize("part", [0, 1, 2])
@COMMITTED
async def test_a_list_of_several_requests_goes_on_after_a_repeated_failure_to_its_end(
    client: Client,
    beel: FaultServer,
    monkeypatch: pytest.MonkeyPatch,
    part: int,
    committed: bool,
) -> None:
    monkeypatch.setattr(create_customers, "ROWS_IN_A_REQUEST", 1)
    beel.fault("fail", committed=committed, after=part, **CREATION)
    arguments = await checked(client)
    lost = await call(client, "create_customers", **arguments)
    assert (lost["counts"]["created"], lost["counts"]["unknown"]) == (part, 1)
    done = await call(client, "create_customers", **arguments)
    assert (done["status"], done["counts"]["created"]) == ("done", len(ROWS))
    assert names(beel) == each_once()
    assert len(set(beel.keys)) == len(ROWS) + (not committed)
