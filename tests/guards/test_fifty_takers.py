"""One taker, ever: threads and processes that take the same plan at the same moment."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from beel_mcp.api.company import Account
from beel_mcp.errors import CallerError
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.plan import Affected, Plan, Preview, Proposal
from beel_mcp.writes.journal.records import Decision, utc_now

pytestmark = pytest.mark.anyio

TAKERS = 50
RUNS = 200
ACCOUNT = Account("test", None, "0123456789abcdef")
ROOT = Path(__file__).parent.parent.parent


def look(*names: str) -> Preview:
    return Preview(tuple(Affected(name, name, "", "state of " + name) for name in names))


def proposal(number: int = 0, *, caller: str = "local", **changes: Any) -> Proposal:
    shown = changes.pop("shown", look("a", "b"))
    facts = {
        "kind": "deactivate_customers",
        "caller": caller,
        "shown_as": "plan",
        "request": {"ids": number},
        "arguments": {"customer_ids": ["a", "b"]},
        "preview": shown,
        "statement": f"Delete them, number {number}.",
        "account": ACCOUNT,
    }
    return Proposal(**{**facts, **changes})


def decision(plan: Plan) -> Decision:
    return Decision(
        *(plan.kind, plan.caller, plan.plan_id, plan.digest, plan.account),
        total=2,
        checked_at=plan.created_at,
        plan_id=plan.plan_id,
        confirmed_by="statement",
    )


async def taken(journal: Journal, plan: Plan) -> bool:
    return await journal.take(plan, decision(plan), []) is not None


@pytest.mark.proof
async def test_of_fifty_takers_exactly_one_gets_the_plan_two_hundred_times(tmp_path: Path) -> None:
    barrier = threading.Barrier(TAKERS + 1)
    current: list[Plan] = []
    won: list[str] = []

    async def take_every_plan() -> None:
        journal = Journal(tmp_path, utc_now)
        for _ in range(RUNS):
            barrier.wait()
            if await taken(journal, current[-1]):
                won.append(current[-1].plan_id)
            barrier.wait()
        journal.close()

    threads = [
        threading.Thread(target=anyio.run, args=(take_every_plan,), daemon=True)
        for _ in range(TAKERS)
    ]
    for thread in threads:
        thread.start()
    maker = Journal(tmp_path, utc_now)
    for number in range(RUNS):
        current.append(await maker.plans.open(proposal(number)))
        barrier.wait()
        barrier.wait()
    for thread in threads:
        thread.join()
    assert won == [plan.plan_id for plan in current]
    assert all([await maker.find_confirmed(plan_id, "local") for plan_id in won])
    maker.close()


# Each process takes what it can get of the plans whose ids it reads, all at the same time.
PROCESS = """
import sys
from pathlib import Path
import anyio
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import utc_now
from tests.guards.test_fifty_takers import taken

async def take_all():
    journal = Journal(Path(sys.argv[1]), utc_now)
    plans = [await journal.plans.find(line.strip(), "local") for line in sys.stdin]
    print("ready", flush=True)
    while not Path(sys.argv[2]).exists():
        pass
    print(*[plan.plan_id for plan in plans if await taken(journal, plan)], flush=True)
    journal.close()

anyio.run(take_all)
"""


@pytest.mark.proof
def test_of_eight_processes_exactly_one_gets_each_plan(tmp_path: Path) -> None:
    plans = anyio.run(hundred_plans, tmp_path / "state")
    signal = tmp_path / "go"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(tmp_path / "state"), str(signal)],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for process in processes:
        assert process.stdin
        assert process.stdout
        process.stdin.write("\n".join(plans))
        process.stdin.close()
        assert process.stdout.readline() == "ready\n"
    signal.touch()
    won = [plan_id for process in processes for plan_id in (process.stdout or "").read().split()]
    assert sorted(won) == sorted(plans)
    assert [process.wait() for process in processes] == [0] * 8
    for process in processes:
        assert process.stdout
        process.stdout.close()


async def hundred_plans(folder: Path) -> list[str]:
    journal = Journal(folder, utc_now)
    plans = [await journal.plans.open(proposal(number)) for number in range(100)]
    journal.close()
    return [plan.plan_id for plan in plans]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path, utc_now)
    yield made
    made.close()


async def test_a_plan_that_was_taken_is_gone_and_its_operation_bears_its_id(
    journal: Journal,
) -> None:
    plan = await journal.plans.open(proposal())
    assert await taken(journal, plan)
    assert not await taken(journal, plan)
    assert await journal.plans.find(plan.plan_id, "local") is None
    confirmed = await journal.find_confirmed(plan.plan_id, "local")
    assert confirmed
    assert (confirmed.plan_id, confirmed.confirmed_by) == (plan.plan_id, "statement")


async def test_another_callers_plan_does_not_exist(journal: Journal) -> None:
    plan = await journal.plans.open(proposal())
    assert await journal.plans.find(plan.plan_id, "token:somebody") is None
    assert await taken(journal, plan)
    assert await journal.find_confirmed(plan.plan_id, "token:somebody") is None


async def test_a_plan_with_another_picture_of_the_state_is_not_taken(journal: Journal) -> None:
    plan = await journal.plans.open(proposal())
    assert not await taken(journal, replace(plan, digest="another"))
    assert await taken(journal, plan)


@pytest.mark.parametrize("seconds", [-1, 601])
async def test_a_plan_out_of_its_time_is_neither_found_nor_taken(
    tmp_path: Path, seconds: int
) -> None:
    moment = [datetime(2026, 11, 21, tzinfo=UTC)]
    journal = Journal(tmp_path, lambda: moment[0])
    plan = await journal.plans.open(proposal())
    moment[0] += timedelta(seconds=seconds)
    assert await journal.plans.find(plan.plan_id, "local") is None
    assert not await taken(journal, plan)
    journal.close()


async def test_the_same_request_in_the_same_state_is_the_same_plan(journal: Journal) -> None:
    plan = await journal.plans.open(proposal())
    assert await journal.plans.open(proposal()) == plan
    assert (await journal.plans.open(proposal(1))).plan_id != plan.plan_id
    assert (await journal.plans.open(proposal(caller="token:b"))).plan_id != plan.plan_id
    assert (await journal.plans.open(proposal(shown_as="form"))).plan_id != plan.plan_id
    other = await journal.plans.open(proposal(shown=look("a")))
    assert other.plan_id != plan.plan_id
    # What it showed is no longer so: nobody can say yes to it any more.
    assert await journal.plans.find(plan.plan_id, "local") is None


async def test_nothing_of_a_plan_stays_on_the_disk_once_it_is_spent(
    journal: Journal, tmp_path: Path
) -> None:
    plan = await journal.plans.open(proposal(shown=look("Aurelia Somoza")))
    assert await taken(journal, plan)
    confirmed = await journal.find_confirmed(plan.plan_id, "local")
    assert confirmed
    await journal.end(confirmed.operation_id)
    assert b"Aurelia" not in kept_in(tmp_path)


def kept_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("journal*"))


async def test_the_101st_open_plan_of_a_caller_is_refused(journal: Journal) -> None:
    for number in range(100):
        await journal.plans.open(proposal(number))
    with pytest.raises(CallerError, match="waiting"):
        await journal.plans.open(proposal(100))
    await journal.plans.open(proposal(100, caller="token:b"))
