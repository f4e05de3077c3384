"""Who comes back with a batch_id after a restart is told the file, and the call that reads it."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from beel_mcp.context import Timing
from beel_mcp.settings import Settings
from beel_mcp.writes.journal.journal import Journal
from tests.conftest import Connect, FakeTime
from tests.support.customers import customer, dni
from tests.support.list_files import xlsx
from tests.support.program_exports import BEEL

pytestmark = pytest.mark.anyio
IBAN = "ES9121000418450200051332"


@pytest.fixture
def clients(settings: Settings) -> Path:
    """A workbook whose list is in the second sheet, under a header of its own."""
    header = ["Wer", *BEEL[0][1:]]
    rows = [[f"Cliente {n}", dni(n), f"c{n}@example.com", *BEEL[1][3:]] for n in range(3)]
    path = settings.files_dir / "clientes.xlsx"
    path.write_bytes(xlsx([["notas"]], name="Notas", others={"Datos": [header, *rows]}))
    return path


READ: dict[str, Any] = {
    "source_path": "clientes.xlsx",
    "sheet": "Datos",
    "columns": [{"header": "Wer", "field": "legal_name"}],
}


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    return (await client.call_tool(tool, arguments)).structured_content or {}


async def test_the_next_call_reads_the_file_as_it_was_read_and_corrected(
    connect: Connect, clients: Path
) -> None:
    async with connect() as client:
        first = await call(client, "validate_customers", **READ)
        fix = {"row": 2, "field": "legal_name", "value": "Otro Nombre SL"}
        corrected = await call(
            client,
            "validate_customers",
            batch_id=first["batch_id"],
            corrections=[fix],
            drop_rows=[4],
        )
    async with connect() as client:
        for tool, more in (
            ("validate_customers", {}),
            ("list_batch_rows", {}),
            ("save_batch_report", {}),
            ("create_customers", {"expected_count": 2}),
        ):
            gone = await call(client, tool, batch_id=corrected["batch_id"], **more)
            assert (gone["code"], gone["changed"]) == ("batch_expired", "nothing")
            assert 'read from "clientes.xlsx"' in gone["message"]
        [step] = gone["next"]
        assert step["arguments"] == {**READ, "corrections": [fix], "drop_rows": [4]}
        again = await call(client, step["tool"], **step["arguments"])
        assert (again["total"], again["counts"]) == (2, corrected["counts"])


async def test_a_list_given_inline_must_be_sent_again_and_leaves_no_trace(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        made = await call(client, "validate_customers", customers=[customer(1)])
    async with connect() as client:
        gone = await call(client, "list_batch_rows", batch_id=made["batch_id"])
    assert gone["code"] == "batch_expired"
    assert "again with the same customers" in gone["message"]
    assert "next" not in gone
    assert not settings.state_dir.exists()


async def test_what_is_kept_goes_after_a_day_or_with_a_purge_and_has_no_account(
    connect: Connect, settings: Settings, clients: Path, fake_time: FakeTime
) -> None:
    timing = Timing(now=fake_time.now, sleep=fake_time.sleep)
    fix = {"row": 2, "field": "preferred_payment_method.iban", "value": IBAN}
    async with connect(timing=timing) as client:
        made = await call(client, "validate_customers", **READ, corrections=[fix])
    kept = (settings.state_dir / "journal.sqlite3").read_bytes()
    assert b"clientes.xlsx" in kept
    assert IBAN.encode() not in kept
    async with connect(timing=timing) as client:
        gone = await call(client, "list_batch_rows", batch_id=made["batch_id"])
        assert gone["next"][0]["arguments"] == READ
        assert "all corrections made so far" in gone["message"]
        await fake_time.sleep(24 * 3600 + 1)
        late = await call(client, "list_batch_rows", batch_id=made["batch_id"])
        assert "next" not in late
        await call(client, "check_operation")
    assert b"clientes.xlsx" not in (settings.state_dir / "journal.sqlite3").read_bytes()
    async with connect(timing=timing) as client:
        await call(client, "validate_customers", **READ)
    journal = Journal(settings.state_dir, fake_time.now)
    await journal.purge()
    journal.close()
    assert b"clientes.xlsx" not in (settings.state_dir / "journal.sqlite3").read_bytes()


async def test_a_journal_that_cannot_be_used_stops_no_check(
    connect: Connect, settings: Settings, clients: Path
) -> None:
    settings.state_dir.mkdir()
    (settings.state_dir / "journal.sqlite3").write_bytes(b"something else" * 100)
    async with connect() as client:
        made = await call(client, "validate_customers", **READ)
        assert made["total"] == 3
        gone = await call(client, "list_batch_rows", batch_id="bat_x")
        assert gone["code"] == "batch_expired"


async def test_the_call_of_another_caller_does_not_exist_and_only_the_newest_are_kept(
    tmp_path: Path,
) -> None:
    clock = datetime(2026, 7, 1, tzinfo=UTC)
    journal = Journal(tmp_path, lambda: clock)
    for number in range(205):
        clock += timedelta(seconds=1)
        call = {"source_path": f"{number}.csv"}
        await journal.personal_data.keep_origin(f"bat_{number}", "ana", call, is_whole=True)
    assert await journal.personal_data.find_origin("bat_204", "ana") == (
        {"source_path": "204.csv"},
        True,
    )
    assert await journal.personal_data.find_origin("bat_204", "eva") == ({}, False)
    assert await journal.personal_data.find_origin("bat_0", "ana") == ({}, False)
    journal.close()
    with sqlite3.connect(tmp_path / "journal.sqlite3") as db:
        assert db.execute("SELECT count(*) FROM origins").fetchone() == (200,)
    db.close()
