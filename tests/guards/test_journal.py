"""The journal: written before anything is sent, private, versioned, and free of people."""

import sqlite3
import stat
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.usecases import confirmation
from beel_mcp.writes.journal.database import JournalError
from tests.conftest import TEST_KEY, Connect, FakeTime
from tests.support.customers import customer

pytestmark = pytest.mark.anyio

ROWS = [customer(n) for n in range(3)]


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    return (await client.call_tool(tool, arguments)).structured_content or {}


async def created_batch(client: Client) -> dict[str, Any]:
    batch = await call(client, "validate_customers", customers=ROWS)
    arguments = {"batch_id": batch["batch_id"], "expected_count": len(ROWS)}
    return await call(client, "create_customers", **arguments)


def effects(sandbox: Starlette) -> int:
    return len(sandbox.state.store.ledger())


async def test_without_a_journal_nothing_is_sent_and_reading_still_works(
    connect: Connect, sandbox: Starlette, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    async with connect(state_dir=tmp_path / "file" / "state") as client:
        answer = await created_batch(client)
        assert answer["code"] == "journal_unavailable"
        assert answer["changed"] == "nothing"
        assert effects(sandbox) == 0
        assert (await call(client, "find_customers"))["status"] == "done"
        assert (await call(client, "validate_customers", customers=ROWS))["status"] == "done"


@pytest.mark.parametrize("damage", ["a newer version", "another program's", "no database"])
async def test_a_journal_that_is_not_ours_to_read_is_refused_and_left_as_it_is(
    connect: Connect, sandbox: Starlette, tmp_path: Path, damage: str
) -> None:
    state = tmp_path / "damaged"
    state.mkdir()
    path = state / "journal.sqlite3"
    if damage == "no database":
        path.write_bytes(b"not a database at all, but long enough to look at" * 40)
    else:
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE other (x)")
            db.execute(f"PRAGMA user_version = {99 if damage == 'a newer version' else 0}")
        db.close()
    before = path.read_bytes()
    async with connect(state_dir=state) as client:
        answer = await created_batch(client)
    assert answer["code"] == "journal_unavailable"
    assert effects(sandbox) == 0
    assert path.read_bytes() == before


async def test_the_folder_and_the_file_are_for_their_owner_alone(
    connect: Connect, tmp_path: Path
) -> None:
    state = tmp_path / "private"
    async with connect(state_dir=state) as client:
        await created_batch(client)
        modes = {
            path.relative_to(tmp_path).as_posix(): stat.S_IMODE(path.stat().st_mode)
            for path in [state, *state.rglob("*")]
        }
    assert modes["private/journal.sqlite3"] == 0o600
    for name, mode in modes.items():
        assert mode & 0o077 == 0, name


async def test_a_journal_that_others_could_read_is_closed_to_them(
    connect: Connect, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    async with connect(state_dir=state) as client:
        await created_batch(client)
    (state / "journal.sqlite3").chmod(0o644)
    async with connect(state_dir=state) as client:
        await call(client, "create_customers", customers=[customer(9)])
        modes = {stat.S_IMODE(path.stat().st_mode) for path in state.glob("journal.sqlite3*")}
    assert modes == {0o600}


async def test_looking_and_validating_leave_no_trace(connect: Connect, tmp_path: Path) -> None:
    state = tmp_path / "untouched"
    async with connect(state_dir=state) as client:
        await call(client, "get_status")
        await call(client, "check_operation")
        await call(client, "validate_customers", customers=ROWS)
        await call(client, "create_customers", batch_id="bat_x", expected_count=1)
    assert not state.exists()


def everything_in(state: Path) -> bytes:
    return b"".join(path.read_bytes() for path in state.rglob("*") if path.is_file())


async def test_after_a_day_and_a_purge_no_customer_and_never_the_key_is_in_the_state_folder(
    connect: Connect, sandbox: Starlette, fake_time: FakeTime, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    timing = Timing(now=fake_time.now, sleep=fake_time.sleep)
    async with connect(state_dir=state, timing=timing, key=TEST_KEY) as client:
        done = await created_batch(client)
        told = await call(client, "check_operation", operation_id=done["operation_id"])
        assert [row["name"] for row in told["rows"]] == [row["legal_name"] for row in ROWS]
        await fake_time.sleep(24 * 3600 + 1)
        told = await call(client, "check_operation", operation_id=done["operation_id"])
        assert told["counts"]["created"] == len(ROWS)
        assert "rows" not in told
    kept = everything_in(state)
    for row in ROWS:
        assert row["nif"].encode() not in kept
        assert row["legal_name"].encode() not in kept
    assert TEST_KEY.encode() not in kept


async def test_what_settling_needed_is_removed_once_it_is_settled(
    connect: Connect, tmp_path: Path
) -> None:
    async with connect(state_dir=tmp_path / "state") as client:
        await created_batch(client)
        with sqlite3.connect(tmp_path / "state" / "journal.sqlite3") as db:
            purposes = [purpose for [purpose] in db.execute("SELECT purpose FROM private")]
            content = str(db.execute("SELECT content FROM private").fetchall())
        db.close()
    assert purposes == ["record"]
    assert ROWS[0]["nif"] not in content
    assert "Calle Mayor" not in content


async def test_rows_that_were_created_within_a_day_and_are_gone_are_said_to_be_both(
    connect: Connect, sandbox: Starlette
) -> None:
    async with connect() as client:
        await created_batch(client)
        for row in sandbox.state.store.ledger():
            sandbox.state.store.execute("DELETE FROM customers WHERE id = ?", row["customer_id"])
        checked = await call(client, "validate_customers", customers=ROWS)
        again = await created_batch(client)
    assert "no longer in BeeL" in str(checked["problems"])
    assert again["counts"]["created"] == len(ROWS)


async def test_another_callers_operation_does_not_exist(connect: Connect) -> None:
    async with connect() as client:
        answer = await call(client, "check_operation", operation_id="op_invented")
    assert answer["code"] == "unknown_operation"


async def test_reusing_a_dry_runs_key_creates_nothing_and_ours_never_is(
    connect: Connect, sandbox: Starlette
) -> None:
    """The key is bound to the body and not to the query: a replayed dry run looks like success."""
    transport = httpx.ASGITransport(sandbox)
    headers = {"Authorization": f"Bearer {TEST_KEY}", "Idempotency-Key": "one-key-for-both"}
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as beel:
        for dry_run in ("true", "false"):
            answer = await beel.post(
                "/v1/customers/bulk",
                params={"dry_run": dry_run},
                json={"customers": ROWS},
                headers=headers,
            )
            assert answer.is_success
    assert effects(sandbox) == 0, "the harm: 200, and nothing was created"
    async with connect() as client:
        assert (await created_batch(client))["counts"]["created"] == len(ROWS)
    sent = [request for request in sandbox.state.store.requests() if "bulk" in request["path"]]
    keys = {request["query"]: request["idempotency_key"] for request in sent[2:]}
    assert keys["dry_run=true"] is None
    assert keys["dry_run=false"].startswith("bmcp1-create_customers-op_")


async def test_what_was_done_is_not_denied_when_the_journal_cannot_be_read_any_more(
    connect: Connect, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreadable(*_: object) -> None:
        raise JournalError("The journal cannot be used")

    async with connect() as client:
        with monkeypatch.context() as patch:
            patch.setattr(confirmation, "read_outcomes", unreadable)
            told = await created_batch(client)
        assert effects(sandbox) == len(ROWS)
        assert (told["code"], told["changed"]) == ("journal_unavailable", "unknown")
        assert "may or may not" in told["summary"]
        [step] = told["next"]
        found = await call(client, step["tool"], **step["arguments"])
    assert found["counts"]["created"] == len(ROWS)


async def test_where_nobody_can_say_whose_turn_it_is_nothing_is_sent(
    connect: Connect, sandbox: Starlette, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "locks").write_text("in the way")
    async with connect(state_dir=state) as client:
        told = await created_batch(client)
        assert (told["code"], told["changed"]) == ("journal_unavailable", "nothing")
        assert effects(sandbox) == 0
        (state / "locks").unlink()
        assert (await created_batch(client))["status"] == "done"
    assert effects(sandbox) == len(ROWS)
