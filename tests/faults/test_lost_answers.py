"""A creation whose answer is lost: the ledger, the journal and what is said agree, every time."""

from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from tests.conftest import Connect, FakeTime
from tests.support.customers import customer
from tests.support.servers.fault_server import FaultServer
from tests.support.servers.losses import BAD_GATEWAY, LOSSES

pytestmark = pytest.mark.anyio

ROWS = [customer(n) for n in range(4)]
NIFS = [row["nif"] for row in ROWS]


@pytest.fixture(params=["honoured", "ignored", "refused"])
def idempotency(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=[True, False], ids=["NIFs unique", "NIFs not unique"])
def nif_unique(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def sandbox(idempotency: Any, nif_unique: Any) -> Starlette:
    return create_app(SandboxOptions(idempotency=idempotency, nif_unique=nif_unique))


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content[0].text
    structure = result.structured_content or {}
    if "counts" in structure and "total" in structure:
        assert sum(structure["counts"].values()) == structure["total"]
    return structure


async def checked(client: Client) -> dict[str, Any]:
    answer = await call(client, "validate_customers", customers=ROWS)
    return {"batch_id": answer["batch_id"], "expected_count": len(ROWS)}


@pytest.mark.parametrize("loss", LOSSES)
async def test_a_lost_answer_is_unknown_then_settled_as_the_ledger_has_it_then_carried_on_once(
    client: Client, beel: FaultServer, loss: str
) -> None:
    how = LOSSES[loss]
    beel.fault(
        how.action, committed=how.committed, raw=how.raw, method="POST", path="bulk", dry_run=False
    )
    arguments = await checked(client)
    lost = await call(client, "create_customers", **arguments)
    assert lost["status"] == "unknown"
    assert lost["counts"]["unknown"] == len(ROWS)
    assert "may or may not exist" in lost["summary"]
    assert beel.created == (NIFS if how.committed else [])
    writes = len(beel.keys)

    [step] = lost["next"]
    settled = await call(client, step["tool"], **step["arguments"])
    assert len(beel.keys) == writes, "settling only reads"
    outcome = "created" if how.committed else "not_attempted"
    assert settled["counts"][outcome] == len(ROWS)
    assert settled["status"] == ("done" if how.committed else "nothing_done")
    if how.committed:
        assert all(row["customer_id"] for row in settled["rows"])

    again = await call(client, "create_customers", **arguments)
    assert again["counts"]["created"] == len(ROWS)
    assert again["status"] == "done"
    assert beel.created == NIFS, "each exactly once"
    assert len(set(beel.keys)) == 1, "the same decision has one key"
    assert (await call(client, "check_operation"))["operations"] == []


@pytest.mark.parametrize("loss", ["reset before the commit", "reset after the commit"])
async def test_repeating_the_call_instead_of_checking_settles_first_and_creates_once(
    client: Client, beel: FaultServer, loss: str
) -> None:
    how = LOSSES[loss]
    beel.fault(how.action, committed=how.committed, method="POST", path="bulk", dry_run=False)
    arguments = await checked(client)
    await call(client, "create_customers", **arguments)
    again = await call(client, "create_customers", **arguments)
    assert again["counts"]["created"] == len(ROWS)
    assert beel.created == NIFS


async def test_a_commit_that_comes_after_everybody_gave_it_up_is_not_doubled(
    client: Client, beel: FaultServer, nif_unique: Any, idempotency: Any
) -> None:
    if not nif_unique and idempotency == "ignored":
        pytest.skip("a BeeL that tells twins apart neither by NIF nor by key cannot be helped")
    beel.fault("late", method="POST", path="bulk", dry_run=False)
    arguments = await checked(client)
    lost = await call(client, "create_customers", **arguments)
    settled = await call(client, "check_operation", **lost["next"][0]["arguments"])
    assert settled["counts"]["not_attempted"] == len(ROWS)
    await beel.commit_late()
    await call(client, "create_customers", **arguments)
    end = await call(client, "create_customers", **arguments)
    assert end["counts"]["created"] == len(ROWS)
    assert beel.created == NIFS


async def test_overlapping_customers_wait_until_the_unknown_ones_are_settled(
    client: Client, beel: FaultServer
) -> None:
    beel.fault("reset", committed=True, method="POST", path="bulk", dry_run=False)
    arguments = await checked(client)
    other = await call(client, "validate_customers", customers=[ROWS[0], customer(77)])
    assert other["importable"] == 2
    await call(client, "create_customers", **arguments)
    result = await client.call_tool(
        "create_customers", {"batch_id": other["batch_id"], "expected_count": 2}
    )
    structure = result.structured_content or {}
    assert result.is_error
    assert structure["code"] == "operation_unsettled"
    assert structure["changed"] == "nothing"
    [step] = structure["next"]
    assert step["tool"] == "check_operation"
    assert f'"operation_id": "{step["arguments"]["operation_id"]}"' in result.content[0].text
    await call(client, "check_operation", **step["arguments"])
    assert beel.created == NIFS


async def test_a_mixed_picture_stops_and_shows_itself(
    client: Client, beel: FaultServer, nif_unique: Any, connect: Connect, tmp_path: Any
) -> None:
    if not nif_unique:
        pytest.skip("without unique NIFs BeeL's dry run sees no duplicates to be mixed with")
    beel.fault("reset", method="POST", path="bulk", dry_run=False)
    arguments = await checked(client)
    lost = await call(client, "create_customers", **arguments)
    async with connect(state_dir=tmp_path / "elsewhere") as somebody_else:
        await call(somebody_else, "create_customers", customers=[ROWS[1]])
    [step] = lost["next"]
    for _ in range(3):
        still = await call(client, step["tool"], **step["arguments"])
        assert still["status"] == "unknown"
        assert still["counts"]["unknown"] == len(ROWS)
        outcomes = [row["outcome"] for row in still["rows"]]
        assert outcomes == ["not seen in BeeL", "is in BeeL", *["not seen in BeeL"] * 2]
    again = await call(client, "create_customers", **arguments)
    assert again["status"] == "unknown"
    assert beel.created == [NIFS[1]]


async def test_a_beel_that_cannot_be_asked_leaves_it_unknown_and_the_observations_count_later(
    client: Client, beel: FaultServer, fake_time: FakeTime
) -> None:
    beel.fault("reset", method="POST", path="bulk", dry_run=False)
    arguments = await checked(client)
    lost = await call(client, "create_customers", **arguments)
    down = beel.fault("answer", raw=BAD_GATEWAY, times=999)
    result = await client.call_tool("check_operation", lost["next"][0]["arguments"])
    assert result.is_error
    told = result.structured_content or {}
    assert (told["changed"], told["next"][0]["tool"]) == ("unknown", "check_operation")
    down.times = 0
    await fake_time.sleep(60)
    settled = await call(client, "check_operation", **lost["next"][0]["arguments"])
    assert settled["counts"]["not_attempted"] == len(ROWS)


async def test_settling_that_runs_out_of_time_goes_on_in_the_next_call(
    connect_to: Connect, beel: FaultServer, fake_time: FakeTime
) -> None:
    hurried = Timing(now=fake_time.now, sleep=fake_time.sleep, patience_s=6)
    async with connect_to(timing=hurried) as client:
        beel.fault("reset", method="POST", path="bulk", dry_run=False)
        arguments = await checked(client)
        lost = await call(client, "create_customers", **arguments)
        step = lost["next"][0]["arguments"]
        first = await call(client, "check_operation", **step)
        assert first["status"] == "unknown"
        assert 0 < first["retry_after_s"] <= 11
        await fake_time.sleep(first["retry_after_s"])
        second = await call(client, "check_operation", **step)
        assert second["counts"]["not_attempted"] == len(ROWS)


async def test_after_a_day_what_was_never_settled_stands_in_nobodys_way(
    client: Client, beel: FaultServer, fake_time: FakeTime, nif_unique: Any
) -> None:
    if not nif_unique:
        pytest.skip("without unique NIFs nobody but the person can tell who is there already")
    beel.fault("reset", committed=True, method="POST", path="bulk", dry_run=False)
    await call(client, "create_customers", **(await checked(client)))
    await fake_time.sleep(24 * 3600 + 60)
    answer = await call(client, "validate_customers", customers=[*ROWS, customer(77)])
    assert answer["counts"]["duplicate"] == len(ROWS)
    done = await call(
        client,
        "create_customers",
        batch_id=answer["batch_id"],
        expected_count=1,
        skip_problems=True,
    )
    assert done["counts"]["created"] == 1
    assert beel.created == [*NIFS, customer(77)["nif"]]
