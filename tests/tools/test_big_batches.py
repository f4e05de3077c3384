"""Lists of more rows than one request takes: checked, listed and created part by part."""

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.lists import batch
from beel_mcp.settings import Settings
from beel_mcp.writes.kinds import create_customers
from tests.conftest import Connect
from tests.support.customers import customer
from tests.support.list_files import text
from tests.tools.test_corrections import asked
from tests.tools.test_create_customers import call, created

pytestmark = pytest.mark.anyio


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take three rows for a request, so that few rows make several."""
    monkeypatch.setattr(batch, "PART_SIZE", 3)
    monkeypatch.setattr(create_customers, "ROWS_IN_A_REQUEST", 3)


@pytest.mark.slow
async def test_a_list_of_several_requests_is_created_in_order_each_under_its_own_key(
    client: Client, sandbox: Starlette, settings: Settings
) -> None:
    rows = [["nombre", "nif", "calle", "numero", "cp", "poblacion", "provincia"]]
    people = [customer(n) for n in range(1_100)]
    rows += [[row["legal_name"], row["nif"], *list(row["address"].values())[:5]] for row in people]
    (settings.files_dir / "a.csv").write_bytes(text(rows))
    checked = await call(client, "validate_customers", source_path="a.csv")
    assert checked["total"] == 1_100
    done = await call(client, "create_customers", **checked["next"][0]["arguments"])
    assert done["status"] == "done"
    assert done["counts"]["created"] == checked["importable"]
    assert sum(done["counts"].values()) == 1_100
    good = [row["nif"] for row in people if not row["nif"][:-1].endswith("000")]
    assert created(sandbox) == good
    keys = [one["idempotency_key"] for one in sandbox.state.store.requests()]
    assert len(set(filter(None, keys))) == len(list(filter(None, keys))) == 3
    again = await call(client, "create_customers", **checked["next"][0]["arguments"])
    assert again["replayed"] is True
    assert again["counts"] == done["counts"]
    listed = await call(
        client, "check_operation", operation_id=done["operation_id"], page=checked["total"] // 20
    )
    assert listed["rows"][-1]["outcome"] == "created"


async def test_what_a_call_has_no_time_for_is_unchecked_and_the_next_call_goes_on(
    connect: Connect, sandbox: Starlette, small_parts: None
) -> None:
    async with connect(timing=Timing(patience_s=0)) as hurried:
        first = await call(hurried, "validate_customers", customers=[customer(n) for n in range(8)])
        assert first["status"] == "partial"
        assert first["counts"]["unchecked"] == 5
        assert "3 of 8 customers so far" in first["summary"]
        [step] = first["next"]
        assert step == {
            "tool": "validate_customers",
            "arguments": {"batch_id": first["batch_id"]},
            "reason": "checks the other rows",
        }
        early = await call(
            hurried, "create_customers", batch_id=first["batch_id"], expected_count=3
        )
        assert early["code"] == "unchecked_rows"
        assert early["next"][0]["arguments"] == step["arguments"]
        second = await call(hurried, step["tool"], **step["arguments"])
        assert second["counts"]["unchecked"] == 2
        assert second["batch_id"] == first["batch_id"]
        third = await call(hurried, step["tool"], **step["arguments"])
    assert (third["status"], third["counts"]["valid"]) == ("done", 8)
    assert asked(sandbox) == 3
    assert created(sandbox) == []


async def test_unchecked_rows_are_listed_as_such(connect: Connect, small_parts: None) -> None:
    async with connect(timing=Timing(patience_s=0)) as hurried:
        first = await call(hurried, "validate_customers", customers=[customer(n) for n in range(5)])
        rows = await call(hurried, "list_batch_rows", batch_id=first["batch_id"], kind="unchecked")
    assert [row["row"] for row in rows["rows"]] == [4, 5]
