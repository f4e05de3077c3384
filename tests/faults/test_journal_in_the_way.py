"""A journal purged, kept or closed in the middle of a write: nothing is doubled or misreported."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette

from beel_mcp.api.company import Account
from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.settings import Settings
from beel_mcp.writes.journal.database import Database, JournalError
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import Decision, PlannedChunk, WriteRow, utc_now
from beel_mcp.writes.kinds import create_customers
from beel_mcp.writes.kinds.create_customers import CustomerCreation
from tests.conftest import Connect, FakeTime
from tests.support.customers import customer
from tests.support.kept_journal import kept
from tests.support.people.evidence import call
from tests.support.servers.fault_server import FaultServer

pytestmark = pytest.mark.anyio
ROWS = [customer(number) for number in range(3)]
ACCOUNT = Account("test", "c1", "0123456789abcdef")


@pytest.fixture
def sandbox() -> Starlette:
    return create_app(SandboxOptions(nif_unique=False))


@pytest.fixture
def era() -> Any:
    """What the journal does has nothing to do with the protocol's era."""
    return "auto"


@pytest.fixture
def impatient(fake_time: FakeTime) -> Timing:
    return Timing(now=fake_time.now, sleep=fake_time.sleep, busy_s=0.05)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path, busy_s=5.0)
    yield opened
    opened.close()


def ask(db: sqlite3.Connection) -> int:
    return db.execute("INSERT INTO questions VALUES ('local', 0)").rowcount


async def test_rows_that_are_purged_right_before_they_leave_stay_here(
    connect_to: Connect,
    beel: FaultServer,
    settings: Settings,
    fake_time: FakeTime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recheck, purged = CustomerCreation.recheck, []

    async def rechecked(write: CustomerCreation, *seen: Any) -> None:
        await recheck(write, *seen)
        if not purged:
            other = Journal(settings.state_dir, fake_time.now)
            purged.append(await other.purge())
            other.close()

    monkeypatch.setattr(CustomerCreation, "recheck", rechecked)
    async with connect_to() as client:
        batch = await call(client, "validate_customers", customers=ROWS)
        told = await call(client, "create_customers", **batch["next"][0]["arguments"])
        assert (told["status"], told["code"], told["changed"]) == ("error", "busy", "nothing")
        assert beel.created == []
        batch = await call(client, "validate_customers", customers=ROWS)
        beel.fault("cut", committed=True, method="POST", path="bulk", dry_run=False)
        lost = await call(client, "create_customers", **batch["next"][0]["arguments"])
        assert lost["status"] == "unknown"
    assert len(beel.created) == 3


async def test_what_may_be_done_is_not_said_to_be_unsent_where_a_look_cannot_be_noted(
    connect_to: Connect, beel: FaultServer, settings: Settings, impatient: Timing
) -> None:
    beel.fault("hang up", committed=True, method="POST", path="bulk", dry_run=False)
    async with connect_to(timing=impatient) as client:
        batch = await call(client, "validate_customers", customers=ROWS)
        arguments = batch["next"][0]["arguments"]
        lost = await call(client, "create_customers", **arguments)
        with kept(settings.state_dir):
            again = await call(client, "create_customers", **arguments)
            looked = await call(client, "check_operation", operation_id=lost["operation_id"])
        for told in (again, looked):
            assert told.get("changed", "unknown") == "unknown", told.text
            assert "nothing was sent to BeeL" not in told.text
            assert "Nothing was changed" not in told.text
            assert lost["operation_id"] in told.text
        settled = await call(client, "check_operation", operation_id=lost["operation_id"])
    assert settled["counts"]["created"] == len(beel.created) == 3


async def test_where_something_was_done_it_is_the_rest_that_was_not_sent(
    connect_to: Connect,
    settings: Settings,
    impatient: Timing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(create_customers, "ROWS_IN_A_REQUEST", 2)
    keeping, sent, pending = ExitStack(), [], Journal.pending

    async def second(journal: Journal, chunk: Any) -> Any:
        sent.append(chunk)
        if len(sent) == 2:
            keeping.enter_context(kept(settings.state_dir))
        return await pending(journal, chunk)

    monkeypatch.setattr(Journal, "pending", second)
    async with connect_to(timing=impatient) as client:
        with keeping:
            told = await call(client, "create_customers", customers=ROWS)
    assert told["counts"]["created"] == 2
    assert "the rest was not sent" in told.text
    assert "nothing was sent" not in told.text


async def begun(journal: Journal) -> Any:
    rows = [WriteRow(number, row, name=row["legal_name"]) for number, row in enumerate(ROWS, 1)]
    decision = Decision("create_customers", "local", "bat_1", "digest", ACCOUNT, 3, journal.time())
    return await journal.begin(decision, [PlannedChunk(rows[:2]), PlannedChunk(rows[2:])])


async def test_a_late_end_does_not_hide_that_another_process_is_sending(tmp_path: Path) -> None:
    first, second = Journal(tmp_path, utc_now), Journal(tmp_path, utc_now)
    operation = await begun(first)
    await first.settle(await first.pending(operation.chunks[0]), "COMMITTED", done=2)
    await second.pending(operation.chunks[1])
    await first.end(operation.operation_id)
    now = await first.get(operation.operation_id)
    assert now.ended_at is None
    assert await first.lease.runs_elsewhere(now)
    first.close()
    second.close()


async def test_a_journal_that_is_closed_while_it_is_written_finishes_and_takes_no_more(
    tmp_path: Path, database: Database
) -> None:
    await database.write(ask)
    entered, go_on = threading.Event(), threading.Event()

    def slow(db: sqlite3.Connection) -> int:
        entered.set()
        assert go_on.wait(30)
        return ask(db)

    async with anyio.create_task_group() as group:
        group.start_soon(database.write, slow)
        assert await anyio.to_thread.run_sync(entered.wait, 30)
        database.close()  # and does not wait
        go_on.set()
    with pytest.raises(JournalError):
        await database.write(ask)
    other = Database(tmp_path)
    assert await other.read(lambda db: db.execute("SELECT count(*) FROM questions").fetchone()) == (
        2,
    )
    other.close()


class FailingRollback:
    """A connection whose first ROLLBACK fails, as on a disk that does."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db, self.has_failed = db, False

    def execute(self, sql: str, *values: Any) -> Any:
        if sql == "ROLLBACK" and not self.has_failed:
            self.has_failed = True
            raise sqlite3.OperationalError("disk I/O error")
        return self._db.execute(sql, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


async def test_a_transaction_that_cannot_be_undone_bars_nobody(
    tmp_path: Path, database: Database
) -> None:
    await database.write(ask)
    failing: Any = FailingRollback(database._connections[True])
    database._connections[True] = failing

    def broken(db: sqlite3.Connection) -> None:
        ask(db)
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(JournalError):
        await database.write(broken)
    assert failing.has_failed
    assert await database.write(ask) == 1
    other = Database(tmp_path, busy_s=0.05)
    assert await other.write(ask) == 1
    other.close()


async def test_whoever_reads_for_long_keeps_no_write_waiting(
    tmp_path: Path, database: Database
) -> None:
    await database.write(ask)
    reader = sqlite3.connect(tmp_path / "journal.sqlite3", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM questions").fetchone()
    await database.write(ask, tidies=True)
    assert not database.is_tidy
    [waits_ms] = database._connections[True].execute("PRAGMA busy_timeout").fetchone()
    assert waits_ms == 0
    reader.close()
    await database.write(ask, tidies=True)
    assert database.is_tidy
