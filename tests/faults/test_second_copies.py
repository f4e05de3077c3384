"""A list that was created before, checked and created again as a new one: nobody is there twice.

BeeL names the first copy only where it keeps NIFs unique; here it may not, and repeats no answer.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.lists import batch
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.settings import Settings
from beel_mcp.usecases.customer_search import whole_list
from beel_mcp.usecases.imports import known
from beel_mcp.writes.journal.database import JournalError
from beel_mcp.writes.journal.personal_data import PersonalData
from beel_mcp.writes.kinds import create_customers
from tests.conftest import TEST_KEY, Connect, FakeTime
from tests.support.customers import customer, foreigner
from tests.support.list_files import text
from tests.support.servers.fault_server import FaultServer, http
from tests.support.servers.raw_server import KILLED_AT, started

pytestmark = pytest.mark.anyio

ROWS = [customer(n) for n in range(6)]
NIFS = [row["nif"] for row in ROWS]
REFUSAL = b'{"success": false, "error": {"code": "CLIENT_DUPLICATE", "message": "no"}}'


@pytest.fixture
def era() -> Any:
    """What stands in the journal has nothing to do with the protocol's era."""
    return "auto"


@pytest.fixture(params=[False, True], ids=["NIFs not unique", "NIFs unique"])
def nif_unique(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def sandbox(nif_unique: Any) -> Starlette:
    return create_app(SandboxOptions(idempotency="ignored", nif_unique=nif_unique))


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take three rows for a request, so that few rows make several."""
    monkeypatch.setattr(batch, "PART_SIZE", 3)
    monkeypatch.setattr(create_customers, "ROWS_IN_A_REQUEST", 3)


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    return (await client.call_tool(tool, arguments)).structured_content or {}


async def created_once(client: Client, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    checked = await call(client, "validate_customers", customers=rows)
    arguments = {"batch_id": checked["batch_id"], "expected_count": len(rows)}
    return await call(client, "create_customers", **arguments)


async def in_beel(beel: FaultServer, method: str, customer_id: str, **body: Any) -> None:
    """Do something to a customer as the person does it, in BeeL."""
    headers = {"Authorization": f"Bearer {TEST_KEY}"}
    async with httpx.AsyncClient(base_url=beel.url, headers=headers) as person:
        path = f"/v1/customers/{customer_id}"
        answer = await person.request(method, path, json=body or None)
        assert answer.is_success


def lists_read(beel: FaultServer) -> int:
    """Count the requests for customers of the list."""
    return sum(method == "GET" and "/customers?" in target for method, target in beel.seen)


@pytest.mark.parametrize("source", ["file", "inline"])
async def test_of_a_list_half_created_a_new_batch_creates_the_other_half(
    connect_to: Connect, beel: FaultServer, settings: Settings, source: str
) -> None:
    header = ["nombre", "nif", "calle", "numero", "cp", "poblacion", "provincia"]
    people = [[row["legal_name"], row["nif"], *list(row["address"].values())[:5]] for row in ROWS]
    (settings.files_dir / "lista.csv").write_bytes(text([header, *people]))
    given: dict[str, Any] = (
        {"source_path": "lista.csv"} if source == "file" else {"customers": ROWS}
    )
    no = http("409 Conflict", REFUSAL)
    beel.fault("answer", raw=no, method="POST", path="bulk", dry_run=False, after=1)
    async with connect_to() as client:
        first = await call(client, "validate_customers", **given)
        half = await call(client, "create_customers", **first["next"][0]["arguments"])
        assert (half["counts"]["created"], half["counts"]["refused"]) == (3, 3)

        again = await call(client, "validate_customers", **given)
        assert again["batch_id"] != first["batch_id"]
        assert (again["counts"]["duplicate"], again["importable"]) == (3, 3)
        rows = await call(client, "list_batch_rows", batch_id=again["batch_id"], kind="duplicate")
        ids = {row["name"]: row["customer_id"] for row in half["created"]}
        assert {row["name"]: row["existing_customer_id"] for row in rows["rows"]} == ids
        rest = await call(client, "create_customers", **again["next"][0]["arguments"])
        assert rest["counts"]["created"] == 3
    assert beel.created == NIFS


async def test_what_was_created_is_called_a_duplicate_with_when_and_by_which_operation(
    client: Client, beel: FaultServer, nif_unique: Any
) -> None:
    done = await created_once(client, ROWS)
    checked = await call(client, "validate_customers", customers=ROWS)
    assert (checked["importable"], checked["counts"]["duplicate"]) == (0, 6)
    assert done["operation_id"] in checked["detail"]
    if not nif_unique:
        [group] = checked["problems"]
        assert done["operation_id"] in group["message"]
        assert "Created 20" in group["message"]
        assert "0 can be created, 6 were created already, 0 cannot" in checked["summary"]
    refused = await call(client, "create_customers", customers=ROWS)
    assert refused["status"] == "nothing_done"
    skipping = {"batch_id": checked["batch_id"], "expected_count": 6, "skip_problems": True}
    assert (await call(client, "create_customers", **skipping))["code"] == "nothing_importable"
    assert beel.created == NIFS


async def test_another_process_on_the_same_state_folder_knows_them_too(
    connect_to: Connect, beel: FaultServer, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    async with connect_to(state_dir=state) as one, connect_to(state_dir=state) as other:
        early = await call(other, "validate_customers", customers=ROWS)
        assert early["importable"] == 6
        await created_once(one, ROWS)
        refused = await call(other, "create_customers", **early["next"][0]["arguments"])
        assert refused["code"] == "created_meanwhile"
        late = await call(other, "validate_customers", customers=[*ROWS, customer(9)])
        assert (late["counts"]["duplicate"], late["importable"]) == (6, 1)
        await call(other, "create_customers", **late["next"][0]["arguments"])
    assert beel.created == [*NIFS, customer(9)["nif"]]


@pytest.mark.parametrize("committed", [False, True])
async def test_what_may_have_been_created_is_settled_before_anything_of_it_is_sent(
    client: Client, beel: FaultServer, committed: bool, nif_unique: Any
) -> None:
    rows = ROWS[:3]
    beel.fault("reset", committed=committed, method="POST", path="bulk", dry_run=False)
    lost = await created_once(client, rows)
    assert lost["status"] == "unknown"
    checked = await call(client, "validate_customers", customers=rows)
    if checked["importable"]:
        [step] = checked["next"]
        assert step["tool"] == "check_operation"
        assert step["arguments"] == {"operation_id": lost["operation_id"]}
        assert lost["operation_id"] in checked["detail"]
        arguments = {"batch_id": checked["batch_id"], "expected_count": 3}
        refused = await call(client, "create_customers", **arguments)
        assert (refused["code"], refused["changed"]) == ("operation_unsettled", "nothing")
        assert refused["next"][0]["arguments"] == step["arguments"]
    else:
        assert committed, "BeeL names them itself"
        assert nif_unique, "BeeL names them itself"
    assert beel.created == NIFS[:3] * committed

    await call(client, "check_operation", operation_id=lost["operation_id"])
    settled = await call(client, "validate_customers", customers=rows)
    assert settled["importable"] == (0 if committed else 3)
    if not committed:
        await call(client, "create_customers", **settled["next"][0]["arguments"])
    assert beel.created == NIFS[:3]


@pytest.mark.parametrize(("step", "moment"), [("settle", "before"), ("settle", "after")])
async def test_a_kill_before_or_after_the_outcome_was_recorded_creates_nobody_twice(
    connect_to: Connect,
    beel: FaultServer,
    fake_time: FakeTime,
    tmp_path: Path,
    step: str,
    moment: str,
) -> None:
    state, rows = tmp_path / "state", ROWS[:3]
    async with started(beel.url, state, KILLED_AT, step, moment) as server:
        answer = await server.call("validate_customers", customers=rows)
        arguments = {"batch_id": answer["batch_id"], "expected_count": 3}
        await server.send("tools/call", {"name": "create_customers", "arguments": arguments})
        await server.process.wait()
    assert beel.created == NIFS[:3]
    await fake_time.sleep(60)
    async with connect_to(state_dir=state) as client:
        for _ in range(2):
            checked = await call(client, "validate_customers", customers=rows)
            if checked["importable"]:
                [following] = checked["next"]
                assert following["tool"] == "check_operation"
                wanted = {"batch_id": checked["batch_id"], "expected_count": 3}
                refused = await call(client, "create_customers", **wanted)
                assert refused["code"] == "operation_unsettled"
                await call(client, "check_operation", **following["arguments"])
        assert checked["counts"]["duplicate"] == 3
    assert beel.created == NIFS[:3]


@pytest.mark.parametrize("by", ["us", "the person"])
@pytest.mark.parametrize("make", [customer, foreigner])
async def test_who_was_deleted_since_may_be_created_again(
    client: Client, beel: FaultServer, by: str, make: Any
) -> None:
    rows = [make(1), make(2)]
    done = await created_once(client, rows)
    [gone, there] = [row["customer_id"] for row in done["created"]]
    if by == "us":
        plan = await call(client, "deactivate_customers", customer_ids=[gone])
        await call(client, "confirm_plan", **plan["next"][0]["arguments"])
    else:
        await in_beel(beel, "DELETE", gone)
    checked = await call(client, "validate_customers", customers=rows)
    assert (checked["importable"], checked["counts"]["duplicate"]) == (1, 1)
    listed = await call(client, "list_batch_rows", batch_id=checked["batch_id"])
    [first, second] = listed["rows"]
    assert "no longer in BeeL" in first["warnings"][0]["message"]
    assert second["existing_customer_id"] == there
    again = await call(client, "create_customers", **checked["next"][0]["arguments"])
    assert again["counts"]["created"] == 1
    assert len(beel.created) == 3
    whole = await call(client, "validate_customers", customers=rows)
    assert whole["counts"]["duplicate"] == 2


async def test_an_inactive_customer_is_still_there(client: Client, beel: FaultServer) -> None:
    done = await created_once(client, ROWS[:1])
    [made] = done["created"]
    ids = {"customer_ids": [made["customer_id"]], "mode": "inactive"}
    plan = await call(client, "deactivate_customers", **ids)
    await call(client, "confirm_plan", **plan["next"][0]["arguments"])
    checked = await call(client, "validate_customers", customers=ROWS[:1])
    assert checked["counts"]["duplicate"] == 1


async def test_who_has_no_nif_and_another_name_since_is_still_there(
    client: Client, beel: FaultServer
) -> None:
    done = await created_once(client, [foreigner(1)])
    [made] = done["created"]
    await in_beel(beel, "PATCH", made["customer_id"], legal_name="Nombre corregido")
    checked = await call(client, "validate_customers", customers=[foreigner(1)])
    assert checked["counts"]["duplicate"] == 1


async def test_after_a_day_only_beel_knows_them(
    client: Client, beel: FaultServer, fake_time: FakeTime, nif_unique: Any
) -> None:
    await created_once(client, ROWS)
    await fake_time.sleep(23 * 3600)
    assert (await call(client, "validate_customers", customers=ROWS))["importable"] == 0
    await fake_time.sleep(2 * 3600)
    checked = await call(client, "validate_customers", customers=ROWS)
    assert checked["importable"] == (0 if nif_unique else 6)


async def test_a_list_of_others_costs_no_request_more(client: Client, beel: FaultServer) -> None:
    await created_once(client, ROWS[:3])
    before = len(beel.seen)
    checked = await call(client, "validate_customers", customers=ROWS[3:])
    assert checked["importable"] == 3
    assert [method for method, _ in beel.seen[before:]] == ["POST"]


async def test_a_batch_whose_known_customers_were_deleted_since_has_them_to_create_again(
    client: Client, beel: FaultServer
) -> None:
    checked = await call(client, "validate_customers", customers=ROWS[:3])
    done = await call(client, "create_customers", **checked["next"][0]["arguments"])
    await in_beel(beel, "DELETE", done["created"][1]["customer_id"])
    again = await call(client, "validate_customers", batch_id=checked["batch_id"])
    assert "1 can be created" in again["summary"]
    assert "2 were created already" in again["summary"]
    await call(client, "create_customers", **again["next"][0]["arguments"])
    assert beel.created == [*NIFS[:3], NIFS[1]]


async def test_what_was_checked_without_the_journal_is_held_against_it_before_it_is_sent(
    client: Client, beel: FaultServer, nif_unique: Any
) -> None:
    if nif_unique:
        pytest.skip("BeeL says itself that it has them")
    await created_once(client, ROWS[:3])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(PersonalData, "created_since", no_journal)
        checked = await call(client, "validate_customers", customers=ROWS[:3])
        assert checked["importable"] == 3
    arguments = checked["next"][0]["arguments"]
    assert (await call(client, "create_customers", **arguments))["code"] == "nothing_importable"
    assert beel.created == NIFS[:3]


async def no_journal(*_: object) -> Any:
    raise JournalError("The journal cannot be read")


async def test_in_books_too_large_to_read_only_who_is_seen_to_be_gone_is_new(
    client: Client, beel: FaultServer, monkeypatch: pytest.MonkeyPatch, nif_unique: Any
) -> None:
    if nif_unique:
        pytest.skip("BeeL says itself that it has them")
    monkeypatch.setattr(known, "LOOKED_UP_ONE_BY_ONE", 0)
    monkeypatch.setattr(whole_list, "MOST_PAGES", 1)
    monkeypatch.setattr(whole_list, "PAGE_SIZE", 1)
    done = await created_once(client, ROWS[:3])
    await in_beel(beel, "DELETE", done["created"][0]["customer_id"])
    assert (await call(client, "validate_customers", customers=ROWS[:3]))["importable"] == 1
    monkeypatch.setattr(known, "MOST_LOOKED_UP", 1)
    assert (await call(client, "validate_customers", customers=ROWS[:3]))["importable"] == 0


async def test_many_known_rows_are_looked_up_by_reading_the_list_once(
    client: Client, beel: FaultServer, monkeypatch: pytest.MonkeyPatch, nif_unique: Any
) -> None:
    if nif_unique:
        pytest.skip("BeeL says itself that it has them")
    monkeypatch.setattr(known, "LOOKED_UP_ONE_BY_ONE", 2)
    await created_once(client, ROWS)
    before = lists_read(beel)
    checked = await call(client, "validate_customers", customers=ROWS)
    assert checked["counts"]["duplicate"] == 6
    assert lists_read(beel) - before == 1


async def test_while_beel_cannot_be_read_such_rows_are_neither_new_nor_duplicates(
    client: Client, beel: FaultServer, nif_unique: Any
) -> None:
    if nif_unique:
        pytest.skip("BeeL says itself that it has them")
    await created_once(client, ROWS[3:])
    down = beel.fault("answer", raw=http("403 Forbidden", REFUSAL), method="GET", times=99)
    checked = await call(client, "validate_customers", customers=ROWS)
    assert (checked["status"], checked["counts"]["unchecked"]) == ("partial", 3)
    down.times = 0
    [step] = checked["next"]
    whole = await call(client, step["tool"], **step["arguments"])
    assert (whole["counts"]["valid"], whole["counts"]["duplicate"]) == (3, 3)
