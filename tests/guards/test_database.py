"""The journal's file: work in threads, one write at a time, reads that see one state of it."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio import from_thread, to_thread

from beel_mcp.api.company import Account
from beel_mcp.errors import CallerError
from beel_mcp.writes.journal.database import Database, JournalBusyError, JournalError
from beel_mcp.writes.journal.entries import DecidedMeanwhileError
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.plan_store import MOST_QUESTIONS_A_PLAN
from beel_mcp.writes.journal.records import Decision, Operation, PlannedChunk, WriteRow, utc_now
from beel_mcp.writes.journal.workers import BackgroundWrites, ProcessLease, _taken
from tests.guards.test_fifty_takers import proposal
from tests.support.kept_journal import kept

pytestmark = pytest.mark.anyio

ACCOUNT = Account("test", "c1", "0123456789abcdef")
ROWS = [PlannedChunk([WriteRow(1, {"legal_name": "Acme SL"}, name="Acme SL")])]


def decision(number: int = 1) -> Decision:
    return Decision("create_customers", "local", f"bat_{number}", "digest", ACCOUNT, 1, 0.0)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path, busy_s=0.05)
    yield opened
    opened.close()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path, utc_now, busy_s=0.05)
    yield opened
    opened.close()


def asked(db: sqlite3.Connection) -> int:
    [number] = db.execute("SELECT count(*) FROM questions").fetchone()
    return int(number)


def ask(db: sqlite3.Connection) -> int:
    db.execute("INSERT INTO questions VALUES ('local', 0)")
    return asked(db)


class Slow:
    """Work that lasts until it is let go."""

    def __init__(self) -> None:
        self.began, self.let_go = anyio.Event(), threading.Event()

    def __call__(self, db: sqlite3.Connection | None = None) -> None:
        from_thread.run_sync(self.began.set)
        assert self.let_go.wait(30)
        if db:
            ask(db)


async def test_work_is_done_in_other_threads_than_the_loops(database: Database) -> None:
    here = threading.get_ident()
    assert await database.write(lambda _: threading.get_ident()) != here
    assert await database.read(lambda _: threading.get_ident()) != here


async def test_a_read_sees_one_state_and_can_write_nothing(database: Database) -> None:
    await database.write(ask)

    def twice(db: sqlite3.Connection) -> tuple[int, int]:
        before = asked(db)
        with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
            ask(other)
        return before, asked(db)

    assert await database.read(twice) == (1, 1)
    assert await database.read(asked) == 2
    with pytest.raises(JournalError):
        await database.read(ask)
    assert await database.read(asked) == 2


async def test_work_that_fails_leaves_nothing_and_the_next_goes_well(database: Database) -> None:
    def fail(db: sqlite3.Connection) -> None:
        ask(db)
        raise CallerError("no")

    with pytest.raises(CallerError):
        await database.write(fail)
    with pytest.raises(JournalError):
        await database.write(lambda db: db.execute("ROLLBACK"))  # as a full disk ends it by itself
    assert await database.write(ask) == 1


async def test_a_write_waits_for_those_before_it_and_no_longer_than_it_may(
    database: Database,
) -> None:
    slow = Slow()
    async with anyio.create_task_group() as group:
        group.start_soon(database.write, slow)
        await slow.began.wait()
        assert await database.read(asked) == 0
        with pytest.raises(JournalBusyError):
            await database.write(ask)
        with pytest.raises(JournalBusyError):
            await database.write(ask, within_s=0)
        slow.let_go.set()
        assert await database.write(ask, within_s=30) == 2


async def test_a_write_is_finished_although_its_caller_is_cancelled(database: Database) -> None:
    slow = Slow()
    async with anyio.create_task_group() as group:
        group.start_soon(database.write, slow)
        await slow.began.wait()
        group.start_soon(partial(database.write, ask, within_s=30))  # and this one waits for it
        await anyio.wait_all_tasks_blocked()
        group.cancel_scope.cancel()
        slow.let_go.set()
    assert await database.read(asked) == 2


async def test_looking_where_there_is_no_journal_needs_no_thread_and_leaves_no_trace(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a thread")

    monkeypatch.setattr(to_thread, "run_sync", refuse)
    await journal.recover(lambda _: None)
    assert await journal.find("op_1", "local") is None
    assert await journal.unfinished(ACCOUNT, "local") == []
    assert await journal.recent("local") == []
    assert await journal.last_sent_at(ACCOUNT) == 0.0
    assert await journal.personal_data.in_doubt(ACCOUNT.ledger_id) == []
    assert await journal.personal_data.created_since([], ACCOUNT.ledger_id) == {}
    assert await journal.personal_data.find_origin("bat_1", "local") == ({}, False)
    assert await journal.purge() == (0, 0)
    assert names(tmp_path) == []


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_the_first_writes_of_a_process_may_come_at_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path, utc_now)
    begun: list[Operation] = []

    async def begin(number: int) -> None:
        begun.append(await journal.begin(decision(number), ROWS))

    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(begin, number)
    assert len({one.operation_id for one in begun}) == 10
    assert {one.owner for one in begun} == {journal.lease.name}
    assert Journal(tmp_path, utc_now).lease.is_alive(journal.lease.name)
    journal.close()


async def test_what_another_call_decided_or_went_on_with_meanwhile_is_not_decided_again(
    journal: Journal,
) -> None:
    seen = await journal.decided("create_customers", "digest", ACCOUNT, "local")
    first = await journal.begin(decision(1), ROWS, seen)
    for number in (1, 2):  # of the same list, and of the same rows in another
        with pytest.raises(DecidedMeanwhileError):
            await journal.begin(decision(number), ROWS, seen)
    seen = await journal.decided("create_customers", "digest", ACCOUNT, "local")
    await journal.pending(first.chunks[0])
    with pytest.raises(DecidedMeanwhileError):
        await journal.begin(decision(2), ROWS, seen)
    seen = await journal.decided("create_customers", "digest", ACCOUNT, "local")
    assert await journal.begin(decision(2), ROWS, seen)


async def test_a_plan_is_not_spent_on_what_another_call_decided_meanwhile(
    journal: Journal,
) -> None:
    plan = await journal.plans.open(proposal())
    await journal.begin(decision(1), ROWS)
    with pytest.raises(DecidedMeanwhileError):
        await journal.take(plan, decision(2), ROWS, [])
    assert await journal.plans.find(plan.plan_id, "local") == plan
    # Nor is it said to be gone where it was spent on just this by another call.
    assert await journal.take(plan, decision(3), ROWS)
    with pytest.raises(DecidedMeanwhileError):
        await journal.take(plan, decision(3), ROWS, [])


async def test_wrong_words_and_questions_count_whatever_the_caller_read_before(
    journal: Journal,
) -> None:
    plan = await journal.plans.open(proposal())
    assert [await journal.plans.count_wrong(plan) for _ in range(3)] == [2, 1, 0]
    plan = await journal.plans.open(proposal())
    for _ in range(MOST_QUESTIONS_A_PLAN):
        await journal.plans.count_question(plan)
    with pytest.raises(CallerError):
        await journal.plans.count_question(plan)


async def test_a_recovery_leaves_what_was_sent_anew_since_it_looked(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    operation = await journal.begin(decision(), ROWS)
    chunk = await journal.pending(operation.chunks[0])
    dead = journal._dead

    def late(db: sqlite3.Connection, is_running: object) -> object:
        found = dead(db, lambda _: None)
        with closing(sqlite3.connect(journal._database.path, isolation_level=None)) as other:
            other.execute("UPDATE chunks SET sent_at = sent_at + 1")
        return found

    monkeypatch.setattr(journal, "_dead", late)
    await journal.recover(lambda _: None)
    assert (await journal.chunk(chunk)).state == "PENDING"
    monkeypatch.setattr(journal, "_dead", dead)
    await journal.recover(lambda _: None)
    assert (await journal.chunk(chunk)).state == "UNKNOWN"


async def test_a_recovery_waits_for_nobody_and_is_made_up_for(
    journal: Journal, tmp_path: Path
) -> None:
    operation = await journal.begin(decision(), ROWS)
    chunk = await journal.pending(operation.chunks[0])
    patient = Journal(tmp_path, utc_now, busy_s=3600.0)
    with kept(tmp_path):
        await patient.recover(lambda _: None)  # the other one lives
        await journal.recover(lambda _: None)
        assert (await journal.chunk(chunk)).state == "PENDING"
    await patient.recover(lambda _: None)
    assert (await journal.chunk(chunk)).state == "PENDING"
    journal.lease.release()
    with kept(tmp_path):
        await patient.recover(lambda _: None)
    await patient.recover(lambda _: None)
    assert (await journal.chunk(chunk)).state == "UNKNOWN"
    patient.close()


async def test_an_answer_that_cannot_be_recorded_is_not_said_to_be_nothing(
    journal: Journal, tmp_path: Path
) -> None:
    operation = await journal.begin(decision(), ROWS)
    chunk = await journal.pending(operation.chunks[0])
    with kept(tmp_path), pytest.raises(JournalBusyError) as caught:
        await journal.settle(chunk, "COMMITTED", done=1)
    assert (caught.value.changed, caught.value.retryable) == ("unknown", False)
    [step] = caught.value.next_calls
    assert step.arguments == {"operation_id": operation.operation_id}


async def test_deleted_rows_leave_the_log_as_soon_as_nobody_reads_there(
    journal: Journal, tmp_path: Path
) -> None:
    plan = await journal.plans.open(proposal())
    with closing(sqlite3.connect(tmp_path / "journal.sqlite3", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT plan_id FROM plans").fetchall() == [(plan.plan_id,)]
        await journal.purge()
        assert not journal._database.is_tidy
        assert log_size(tmp_path) > 0
    await journal.recover(lambda _: None)
    assert journal._database.is_tidy
    assert log_size(tmp_path) == 0


def log_size(folder: Path) -> int:
    return (folder / "journal.sqlite3-wal").stat().st_size


def test_what_one_thread_locked_another_gives_back(tmp_path: Path) -> None:
    group: Any = None
    writes, lease = BackgroundWrites(group, tmp_path), ProcessLease(tmp_path)
    lock = writes._lock_of("ledger")

    def take() -> None:
        assert _taken(lock)
        lease.acquire()

    thread = threading.Thread(target=take)
    thread.start()
    thread.join()
    other = ProcessLease(tmp_path)
    assert not _taken(writes._lock_of("ledger"))
    assert other.is_alive(lease.name)
    lock.release()
    lease.release()
    assert _taken(writes._lock_of("ledger"))
    assert not other.is_alive(lease.name)
