"""Open plans on disk: private, found again, taken by one taker ever, gone when spent or old."""

import sqlite3
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import anyio
import pytest

from beel_mcp.api.company import Account
from beel_mcp.errors import CallerError
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.plan import PLAN_ID, Affected, LeftOut, Plan, Preview, Proposal
from beel_mcp.writes.journal.records import Decision, PlannedChunk, WriteRow

pytestmark = pytest.mark.anyio

ACCOUNT = Account("test", "c1", "0123456789abcdef")
LOOK = Preview(
    (Affected("a", "Acme SL", "B1", "state a"), Affected("b", "Beta SA", "", "state b")),
    (LeftOut("c", "Gamma SLU", "has_invoices"),),
    {"mode": "delete"},
)
PROPOSAL = Proposal(
    kind="deactivate_customers",
    caller="local",
    shown_as="plan",
    request={"customer_ids": ["a", "b", "c"]},
    arguments={"customer_ids": ["a", "b", "c"]},
    preview=LOOK,
    statement="delete 2 customers: Ñandú",
    account=ACCOUNT,
)
START = datetime(2026, 11, 21, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time

    def move(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: Clock) -> Iterator[Journal]:
    opened = Journal(tmp_path / "state", clock)
    yield opened
    opened.close()


async def take(journal: Journal, plan: Plan) -> Any:
    decision = Decision(
        *(plan.kind, plan.caller, plan.plan_id, plan.digest, plan.account),
        total=3,
        checked_at=plan.created_at,
        plan_id=plan.plan_id,
        confirmed_by="statement",
    )
    rows = [WriteRow(1, {}, record_id="a", name="Acme SL")]
    return await journal.take(plan, decision, [PlannedChunk(rows)])


def rows(path: Path, table: str = "plans") -> list[Any]:
    db = sqlite3.connect(path)
    try:
        return db.execute(f"SELECT * FROM {table}").fetchall()
    finally:
        db.close()


async def test_a_plan_is_read_back_as_it_was_made(journal: Journal) -> None:
    plan = await journal.plans.open(PROPOSAL)
    assert PLAN_ID.fullmatch(plan.plan_id)
    assert plan.count == 2
    assert plan.expires_at == START + timedelta(minutes=10)
    assert await journal.plans.find(plan.plan_id, "local") == plan


async def test_ids_are_random_and_say_nothing(journal: Journal) -> None:
    plans = [await journal.plans.open(replace(PROPOSAL, request=number)) for number in range(50)]
    ids = {plan.plan_id for plan in plans}
    assert len(ids) == 50
    assert len({one[:9] for one in ids}) > 40


async def test_the_reference_in_the_question_is_of_this_plan_and_this_state(
    journal: Journal,
) -> None:
    plan = await journal.plans.open(PROPOSAL)
    others = [replace(plan, digest="x"), replace(plan, plan_id="plan_" + "x" * 22)]
    assert len({plan.reference, *(one.reference for one in others)}) == 3
    assert plan.reference not in plan.plan_id


@pytest.mark.parametrize(
    "change",
    [
        {"caller": "token:other"},
        {"shown_as": "form"},
        {"request": "other"},
        {"kind": "create_customers"},
        {"account": replace(ACCOUNT, key_fingerprint="f")},
        {"account": replace(ACCOUNT, company_id="c2")},
        {"account": replace(ACCOUNT, company_id=None)},
        {"account": replace(ACCOUNT, environment="live")},
    ],
    ids=str,
)
async def test_what_differs_in_anything_is_a_plan_of_its_own(
    journal: Journal, change: dict[str, Any]
) -> None:
    first = await journal.plans.open(PROPOSAL)
    other = await journal.plans.open(replace(PROPOSAL, **change))
    assert other.plan_id != first.plan_id
    assert await journal.plans.open(PROPOSAL) == first


@pytest.mark.parametrize(
    "change",
    [
        {"preview": replace(LOOK, affected=LOOK.affected[:1])},
        {"preview": replace(LOOK, terms={"mode": "inactive"})},
        {"statement": "another sentence"},
    ],
    ids=["records", "meaning", "sentence"],
)
async def test_a_newer_picture_of_the_same_request_ends_the_older_plan(
    journal: Journal, change: dict[str, Any]
) -> None:
    old = await journal.plans.open(PROPOSAL)
    new = await journal.plans.open(replace(PROPOSAL, **change))
    assert new.plan_id != old.plan_id
    assert await journal.plans.find(old.plan_id, "local") is None
    assert await take(journal, old) is None


async def test_another_callers_plan_is_not_found(journal: Journal) -> None:
    plan = await journal.plans.open(PROPOSAL)
    assert await journal.plans.find(plan.plan_id, "token:other") is None


@pytest.mark.parametrize(
    ("seconds", "is_open"),
    [(0, True), (600, True), (600.1, False), (86_400, False), (-0.1, False), (-600, False)],
)
async def test_a_plan_lasts_ten_minutes_for_finding_and_for_taking(
    journal: Journal, clock: Clock, seconds: float, *, is_open: bool
) -> None:
    plan = await journal.plans.open(PROPOSAL)
    clock.move(seconds)
    assert (await journal.plans.find(plan.plan_id, "local") is not None) == is_open
    assert (await take(journal, plan) is not None) == is_open


async def test_what_expired_is_gone_from_the_disk_at_the_next_look(
    journal: Journal, clock: Clock, tmp_path: Path
) -> None:
    await journal.plans.count_question(await journal.plans.open(PROPOSAL))
    clock.move(601)
    await journal.recover(lambda _: None)
    assert rows(tmp_path / "state" / "journal.sqlite3") == []
    assert rows(tmp_path / "state" / "journal.sqlite3", "questions") == []
    everything = b"".join(one.read_bytes() for one in (tmp_path / "state").glob("journal*"))
    assert b"Acme SL" not in everything
    assert "Ñandú".encode() not in everything


async def test_a_spent_plan_is_gone_from_the_disk_and_its_operation_bears_its_id(
    journal: Journal, tmp_path: Path
) -> None:
    plan = await journal.plans.open(PROPOSAL)
    operation = await take(journal, plan)
    assert rows(tmp_path / "state" / "journal.sqlite3") == []
    found = await journal.find_confirmed(plan.plan_id, "local")
    assert found
    assert found.operation_id == operation.operation_id
    assert await journal.find_confirmed(plan.plan_id, "token:other") is None


async def test_plans_are_for_their_owner_alone(journal: Journal, tmp_path: Path) -> None:
    await journal.plans.open(PROPOSAL)
    for path in (tmp_path / "state").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


async def test_a_purge_drops_every_open_plan(journal: Journal) -> None:
    plan = await journal.plans.open(PROPOSAL)
    await journal.purge()
    assert await journal.plans.find(plan.plan_id, "local") is None
    assert await take(journal, plan) is None


async def test_a_plan_with_another_digest_than_was_shown_cannot_be_taken(journal: Journal) -> None:
    plan = await journal.plans.open(PROPOSAL)
    assert await take(journal, replace(plan, digest="0" * 64)) is None
    assert await take(journal, plan) is not None


EDITS = {
    "an id more": ("content", '"customer_ids": ["a",', '"customer_ids": ["x", "a",'),
    "another record": ("content", '"record_id": "b"', '"record_id": "x"'),
    "another name": ("content", "Acme SL", "Akme SL"),
    "another meaning": ("content", '"mode": "delete"', '"mode": "inactive"'),
    "another reason": ("content", "has_invoices", "not_found"),
    "another sentence": ("content", "delete 2 customers", "look at 2 customers"),
    "no JSON": ("content", '{"arguments"', '"arguments"'),
    "nothing": ("content", None, ""),
    "no text": ("content", None, b"\xff\xfe"),
    "another kind": ("kind", None, "delete_draft_invoice"),
    "a longer life": ("created_at", None, START.timestamp() + 5),
    "another company": ("company_id", None, "c2"),
    "another key": ("key_fingerprint", None, "f"),
    "a form's": ("shown_as", None, "form"),
    "another digest": ("digest", None, "0" * 64),
    "another request": ("request", None, "0" * 64),
}


@pytest.mark.parametrize("edit", EDITS)
async def test_a_plan_that_is_not_on_disk_as_it_was_made_is_none(
    journal: Journal, clock: Clock, tmp_path: Path, edit: str
) -> None:
    plan = await journal.plans.open(PROPOSAL)
    column, before, after = EDITS[edit]
    db = sqlite3.connect(tmp_path / "state" / "journal.sqlite3")
    [old] = db.execute(f"SELECT {column} FROM plans").fetchone()
    new = after if before is None else old.replace(before, after)
    assert new != old
    db.execute(
        f"UPDATE plans SET {column} = CAST(? AS {'REAL' if isinstance(new, float) else 'TEXT'})",
        (new,),
    )
    db.commit()
    db.close()
    clock.move(10)
    assert await journal.plans.find(plan.plan_id, "local") is None
    again = await journal.plans.open(PROPOSAL)
    assert again.plan_id != plan.plan_id
    assert await journal.plans.find(again.plan_id, "local") == again


async def test_of_many_takers_with_connections_of_their_own_one_takes_it(
    tmp_path: Path, clock: Clock
) -> None:
    takers = 12
    journals = [Journal(tmp_path / "state", clock) for _ in range(takers)]
    try:
        for run in range(10):
            plan = await journals[0].plans.open(replace(PROPOSAL, request=run))
            start = Barrier(takers)

            async def go(plan: Plan = plan, start: Barrier = start) -> Any:
                own = Journal(tmp_path / "state", clock)
                try:
                    start.wait(30)
                    return await take(own, plan)
                finally:
                    own.close()

            with ThreadPoolExecutor(takers) as pool:
                taken = [one for one in pool.map(anyio.run, [go] * takers) if one]
            assert len(taken) == 1
    finally:
        for one in journals:
            one.close()


async def test_three_wrong_sentences_end_a_plan_across_restarts(
    tmp_path: Path, clock: Clock
) -> None:
    left = []
    for _ in range(3):
        journal = Journal(tmp_path / "state", clock)
        plan = await journal.plans.open(PROPOSAL)
        left.append(await journal.plans.count_wrong(plan))
        gone = await journal.plans.find(plan.plan_id, "local") is None
        journal.close()
    assert left == [2, 1, 0]
    assert gone


async def test_a_question_too_many_is_not_counted_and_not_asked(
    journal: Journal, clock: Clock
) -> None:
    for number in range(10):
        plan = await journal.plans.open(replace(PROPOSAL, request=number))
        await journal.plans.count_question(plan)
    last = await journal.plans.open(replace(PROPOSAL, request="last"))
    with pytest.raises(CallerError) as caught:
        await journal.plans.count_question(last)
    assert caught.value.code == "too_many_questions"
    other = await journal.plans.open(replace(PROPOSAL, caller="token:other"))
    await journal.plans.count_question(other)
    clock.move(599)
    with pytest.raises(CallerError):
        await journal.plans.count_question(last)
    clock.move(2)
    await journal.plans.count_question(last)
