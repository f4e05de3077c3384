"""A creation of several requests, stopped at any of them: every row accounted for, none doubled."""

from typing import Any

import pytest
from mcp import Client

from beel_mcp.lists import batch
from beel_mcp.writes.kinds import create_customers
from tests.conftest import Connect, FakeTime
from tests.support.customers import customer
from tests.support.servers.fault_server import FaultServer, http

pytestmark = pytest.mark.anyio

ROWS = [customer(n) for n in range(8)]
NIFS = [row["nif"] for row in ROWS]
PARTS = (3, 3, 2)
BUSY = http(
    "429 Too Many Requests",
    b'{"success": false, "error": {"code": "RATE_LIMITED", "message": "slow down"}}',
    "Retry-After: 1",
)
REFUSAL = http(
    "400 Bad Request",
    b'{"success": false, "error": {"code": "VALIDATION_ERROR", "message": "wrong", "errors":'
    b' [{"index": 0, "field": "nif", "message": "is not in the census"}]}}',
)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "PART_SIZE", 3)
    monkeypatch.setattr(create_customers, "ROWS_IN_A_REQUEST", 3)


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    structure = result.structured_content or {}
    if "counts" in structure and "total" in structure:
        assert sum(structure["counts"].values()) == structure["total"]
    return structure


async def checked(client: Client, rows: list[dict[str, Any]] = ROWS) -> dict[str, Any]:
    answer = await call(client, "validate_customers", customers=rows)
    return answer["next"][0]["arguments"]


def counts(created: int, **others: int) -> dict[str, int]:
    names = ("refused", "unknown", "not_attempted", "skipped")
    return {"created": created, **dict.fromkeys(names, 0), **others}


@pytest.mark.parametrize("committed", [True, False])
@pytest.mark.parametrize("part", [0, 1, 2])
async def test_a_lost_answer_stops_the_run_and_the_same_call_goes_on_after_it(
    client: Client, beel: FaultServer, part: int, committed: bool
) -> None:
    beel.fault("reset", committed=committed, after=part, method="POST", path="bulk", dry_run=False)
    arguments = await checked(client)
    lost = await call(client, "create_customers", **arguments)
    before, here = sum(PARTS[:part]), PARTS[part]
    assert lost["status"] == "unknown"
    assert lost["counts"] == counts(before, unknown=here, not_attempted=8 - before - here)
    done = await call(client, "create_customers", **arguments)
    assert done["counts"] == counts(8)
    assert beel.created == NIFS, "each exactly once, in order"
    assert len(set(beel.keys)) == 3


@pytest.mark.parametrize("part", [0, 1, 2])
async def test_a_refused_request_stops_the_run_and_the_same_call_goes_on_with_the_rest(
    client: Client, beel: FaultServer, part: int
) -> None:
    beel.fault("answer", raw=REFUSAL, after=part, method="POST", path="bulk", dry_run=False)
    arguments = await checked(client)
    stopped = await call(client, "create_customers", **arguments)
    before, here = sum(PARTS[:part]), PARTS[part]
    rest = 8 - before - here
    assert stopped["counts"] == counts(before, refused=here, not_attempted=rest)
    assert stopped["problems"][0]["rows"] == [before + 1]
    if rest:
        [step] = [one for one in stopped["next"] if one["tool"] == "create_customers"]
        assert step["arguments"] == arguments
        done = await call(client, step["tool"], **step["arguments"])
        assert done["counts"] == counts(before + rest, refused=here)
    else:
        assert not [one for one in stopped.get("next", ()) if one["tool"] == "create_customers"]
    assert beel.created == NIFS[:before] + NIFS[before + here :]
    listed = await call(client, "check_operation", operation_id=stopped["operation_id"])
    assert [row["row"] for row in listed["rows"]] == list(range(1, 9)), "every row is there"


async def test_a_limit_in_the_middle_tells_why_the_rest_was_not_sent(
    client: Client, beel: FaultServer
) -> None:
    busy = beel.fault(
        "answer", raw=BUSY, times=99, after=1, method="POST", path="bulk", dry_run=False
    )
    arguments = await checked(client)
    stopped = await call(client, "create_customers", **arguments)
    assert stopped["status"] == "partial"
    assert stopped["counts"] == counts(3, not_attempted=5)
    assert "slow down" in stopped["detail"]
    busy.times = 0
    done = await call(client, "create_customers", **arguments)
    assert done["counts"] == counts(8)
    assert beel.created == NIFS


@pytest.mark.parametrize("taken", [False, True])
async def test_a_creation_that_waited_asks_beel_again_before_it_sends_the_rest(
    client: Client,
    connect_to: Connect,
    beel: FaultServer,
    fake_time: FakeTime,
    tmp_path: Any,
    taken: bool,
) -> None:
    busy = beel.fault(
        "answer", raw=BUSY, times=99, after=1, method="POST", path="bulk", dry_run=False
    )
    arguments = await checked(client)
    await call(client, "create_customers", **arguments)
    busy.times = 0
    await fake_time.sleep(16 * 60)
    if taken:
        async with connect_to(state_dir=tmp_path / "another machine") as somebody_else:
            await call(somebody_else, "create_customers", customers=[ROWS[4]])
    asked = len(beel.seen)
    again = await call(client, "create_customers", **arguments)
    assert "dry_run=true" in beel.seen[asked][1]
    if not taken:
        assert again["counts"] == counts(8)
        assert beel.created == NIFS
        return
    assert again["counts"] == counts(3, not_attempted=5)
    assert "row 5" in again["detail"]
    assert sorted(beel.created) == sorted([*NIFS[:3], NIFS[4]])


async def test_another_process_goes_on_where_the_first_one_stopped(
    connect_to: Connect, beel: FaultServer, tmp_path: Any
) -> None:
    state = tmp_path / "state"
    beel.fault("reset", committed=True, after=1, method="POST", path="bulk", dry_run=False)
    async with connect_to(state_dir=state) as first:
        arguments = await checked(first)
        await call(first, "create_customers", **arguments)
    async with connect_to(state_dir=state) as second:
        done = await call(second, "create_customers", **arguments)
    assert done["counts"] == counts(8)
    assert beel.created == NIFS


async def test_the_same_list_read_again_is_told_to_go_on_instead_of_starting_anew(
    connect_to: Connect, beel: FaultServer, tmp_path: Any
) -> None:
    state = tmp_path / "state"
    busy = beel.fault(
        "answer", raw=BUSY, times=99, after=1, method="POST", path="bulk", dry_run=False
    )
    async with connect_to(state_dir=state) as first:
        arguments = await checked(first)
        await call(first, "create_customers", **arguments)
    busy.times = 0
    async with connect_to(state_dir=state) as second:
        answer = await call(second, "validate_customers", customers=ROWS)
        assert answer["counts"]["duplicate"] == 3
        assert "go on with it" in answer["detail"]
        [step, *_] = answer["next"]
        assert step["arguments"]["batch_id"] == arguments["batch_id"]
        done = await call(second, step["tool"], **step["arguments"])
    assert done["counts"] == counts(8)
    assert beel.created == NIFS


async def test_rows_without_a_number_that_are_alike_do_not_stand_in_each_others_way(
    client: Client, beel: FaultServer
) -> None:
    twins = [customer(n) for n in range(4)]
    for row in (twins[0], twins[3]):
        row |= {"legal_name": "Namesake SL", "nif": ""}
        row["alternative_id"] = {"type": "PASSPORT", "number": "X1", "country_code": "DE"}
    answer = await call(client, "validate_customers", customers=twins)
    assert answer["counts"]["duplicate"] == 1, "the same number is found across requests"


@pytest.mark.parametrize("part", [1, 2])
async def test_a_check_that_fails_in_the_middle_keeps_what_it_has_and_goes_on_later(
    client: Client, beel: FaultServer, part: int
) -> None:
    busy = beel.fault(
        "answer", raw=BUSY, times=99, after=part, method="POST", path="bulk", dry_run=True
    )
    first = await call(client, "validate_customers", customers=ROWS)
    assert first["status"] == "partial"
    assert first["counts"]["unchecked"] == 8 - sum(PARTS[:part])
    assert first["retry_after_s"] >= 1
    assert "stopped" in first["detail"]
    busy.times = 0
    [step] = first["next"]
    second = await call(client, step["tool"], **step["arguments"])
    assert second["counts"]["valid"] == 8


async def test_a_check_that_learns_nothing_is_an_error(client: Client, beel: FaultServer) -> None:
    beel.fault("answer", raw=BUSY, times=99, method="POST", path="bulk", dry_run=True)
    answer = await call(client, "validate_customers", customers=ROWS)
    assert answer["status"] == "error"
    assert answer["retryable"] is True


async def test_statistics_that_contradict_their_rows_are_recounted_and_said(
    client: Client, beel: FaultServer
) -> None:
    """The seed's own example counts other rows than it lists."""
    body = (
        b'{"success": true, "data": {"metadata": {"total_customers": 3, "is_dry_run": true,'
        b' "processing_time_ms": 1, "source_type": "BULK_JSON"}, "customers_validation": ['
        b'{"index": 0, "status": "VALID", "errors": [], "warnings": []},'
        b'{"index": 1, "status": "DUPLICATE", "errors": [], "warnings": []},'
        b'{"index": 2, "status": "VALID", "errors": [], "warnings": []}], "statistics": '
        b'{"total_processed": 3, "valid": 3, "with_warnings": 0, "with_errors": 2,'
        b' "duplicates": 0, "invalid_nifs": 1, "imported": 0, "success_rate": 1.0}}}'
    )
    beel.fault("answer", raw=http("200 OK", body), method="POST", path="bulk", dry_run=True)
    answer = await call(client, "validate_customers", customers=ROWS[:3])
    assert answer["statistics_mismatch"] is True
    assert (answer["counts"]["valid"], answer["counts"]["duplicate"]) == (2, 1)
    assert answer["importable"] == 2


async def test_what_was_refused_is_checked_again_and_created_as_another_batch(
    client: Client, beel: FaultServer
) -> None:
    beel.fault("answer", raw=REFUSAL, after=2, method="POST", path="bulk", dry_run=False)
    arguments = await checked(client)
    stopped = await call(client, "create_customers", **arguments)
    assert stopped["counts"] == counts(6, refused=2)
    [step] = [one for one in stopped["next"] if one["tool"] == "validate_customers"]
    again = await call(client, step["tool"], **step["arguments"])
    assert (again["importable"], again["counts"]["duplicate"]) == (2, 6)
    assert again["batch_id"] != arguments["batch_id"]
    assert "another batch_id" in again["detail"]
    create = again["next"][0]
    assert create["arguments"]["batch_id"] == again["batch_id"]
    done = await call(client, create["tool"], **create["arguments"])
    assert done["counts"] == counts(2, skipped=6)
    assert beel.created == NIFS
    recorded = await call(client, "create_customers", **arguments)
    assert recorded["counts"] == counts(6, refused=2), "what was decided first stands"


async def test_a_rest_that_another_call_overtook_is_not_gone_on_with_but_created_anew(
    client: Client, beel: FaultServer
) -> None:
    busy = beel.fault(
        "answer", raw=BUSY, times=99, after=1, method="POST", path="bulk", dry_run=False
    )
    arguments = await checked(client)
    await call(client, "create_customers", **arguments)
    busy.times = 0
    await call(client, "create_customers", customers=[ROWS[4]])
    stopped = await call(client, "create_customers", **arguments)
    assert stopped["counts"] == counts(3, not_attempted=5)
    assert "created by another call" in stopped["detail"]
    [step] = stopped["next"]
    again = await call(client, step["tool"], **step["arguments"])
    assert (again["importable"], again["counts"]["duplicate"]) == (4, 4)
    create = again["next"][0]
    done = await call(client, create["tool"], **create["arguments"])
    assert done["counts"] == counts(4, skipped=4)
    assert sorted(beel.created) == sorted(NIFS)


async def test_a_rest_that_nobody_touched_is_gone_on_with_as_it_was_decided(
    client: Client, beel: FaultServer
) -> None:
    busy = beel.fault(
        "answer", raw=BUSY, times=99, after=1, method="POST", path="bulk", dry_run=False
    )
    arguments = await checked(client)
    await call(client, "create_customers", **arguments)
    busy.times = 0
    again = await call(client, "validate_customers", batch_id=arguments["batch_id"])
    assert again["batch_id"] == arguments["batch_id"]
    create = again["next"][0]
    assert create["arguments"] == arguments
    done = await call(client, create["tool"], **create["arguments"])
    assert done["counts"] == counts(8)
