"""How a cell of a write is tried: plan, call, what the answer says to do, and the call again."""

from collections.abc import Awaitable, Callable
from typing import Final

from tests.support.matrix.cells import (
    Cell,
    Place,
    Step,
    Wrong,
    few_with_a_read,
    some_of,
    with_a_write,
)
from tests.support.matrix.jobs import Job
from tests.support.matrix.oracle import check_calls, check_end, check_said
from tests.support.matrix.trial import Trial
from tests.support.people.evidence import Told
from tests.support.servers.fault_server import Fault

MOST_LOOKS = 6
STEPS: Final[tuple[tuple[Step, str], ...]] = (
    ("plan", ""),
    ("call", ""),
    ("call", "before commit"),
    ("call", "after commit"),
    ("settling", "before commit"),
    ("settling", "after commit"),
)
# How a write is lost before something else goes wrong, and how often: what is read at once after
# one loss is another thing than what is read once a call has ended with an unknown outcome.
LOSSES = {
    "": None,
    "before commit": Fault("reset", committed=False),
    "after commit": Fault("reset", committed=True),
}


def losing(job: Job, lost: str, times: int) -> list[Fault]:
    """Give the faults that lose the write of a job so many times."""
    fault = LOSSES[lost]
    return [
        Fault(fault.action, committed=fault.committed, operation=operation, times=times)
        for operation in (job.writes if fault else ())
    ]


async def armed(
    trial: Trial, faults: list[Fault], call: Callable[[], Awaitable[Told]]
) -> tuple[Told, int]:
    """Make a call while BeeL is as the faults say; tell how many happened."""
    trial.beel.arm(*faults)
    with trial.hurried(faults):
        told = await call()
    fired = trial.beel.calm()
    if faults:  # the circuit breaker closes again
        await trial.time.sleep(31)
    return told, fired


async def settled(job: Job, told: Told) -> Told:
    """Do as the answer says until nothing is unknown, or for as long as anybody would."""
    trial = job.trial
    for _ in range(MOST_LOOKS):
        steps = [one for one in told.get("next") or () if one["tool"] == "check_operation"]
        if told["status"] not in ("unknown", "error") or not steps:
            break
        await trial.time.sleep(told.get("retry_after_s") or 15)
        told = await trial.call("check_operation", **steps[0]["arguments"])
        check_said(job, told)
    return told


async def try_write(cell: Cell, kind: type[Job], trial: Trial) -> None:
    """Try a cell.

    Raises:
        AssertionError: ledger, journal and what was said do not agree.
    """
    job = kind(trial)
    trial.begin()
    await job.prepare()
    place = cell.place
    fault = cell.wrong.fault(place.operation, place.nth, place.position)
    fault.sql = job.meanwhile
    is_stale_write = cell.wrong.action == "stale" and place.operation in job.writes
    fired = 0
    if job.is_planned:
        told, fired = await armed(trial, [fault] if cell.step == "plan" else [], job.plan)
        if fired and told["status"] != "confirmation_required":
            check_said(job, told)
            told = await _planned_after_all(job)
        job.planned(told)
    faults = [fault] if cell.step == "call" else []
    loss = losing(job, cell.lost, 2 if cell.step == "settling" else 1)
    told, more = await armed(trial, [*loss, *faults], job.act)
    fired += more if faults else 0
    check_said(job, told)
    if cell.step == "settling":
        told, fired = await _looked(job, told, fault)
    if cell.wrong.action == "late":
        trial.beel.commit_late()
    told = await settled(job, told)
    await check_end(job, told)
    await _again(job)
    check_calls(job)
    assert bool(fired) != is_stale_write, f"the fault happened {fired} times"


async def _planned_after_all(job: Job) -> Told:
    """Ask once more: of several requests at once, only one may try whether BeeL is back."""
    told = await job.plan()
    if told["status"] == "error":
        check_said(job, told)
        await job.trial.time.sleep(told.get("retry_after_s") or 15)
        told = await job.plan()
    return told


async def _looked(job: Job, told: Told, fault: Fault) -> tuple[Told, int]:
    """Look for the first time while something goes wrong."""
    [step] = [one for one in told["next"] if one["tool"] == "check_operation"]
    looked, fired = await armed(
        job.trial, [fault], lambda: job.trial.call("check_operation", **step["arguments"])
    )
    check_said(job, looked)
    return (told if looked["status"] == "error" else looked), fired


async def _again(job: Job) -> None:
    """Make the same call again, as an app or a person may: it goes on, or says what was."""
    before = len(job.effects())
    told = await job.act()
    check_said(job, told, before)
    await check_end(job, await settled(job, told))


async def places_of(kind: type[Job], step: str, lost: str, trial: Trial) -> list[Place]:
    """Make the call once with nothing wrong, and give its requests."""
    job = kind(trial)
    trial.begin()
    await job.prepare()
    if job.is_planned:
        job.planned(await job.plan())
    elif step == "plan":
        return []
    if step != "plan":
        told, _ = await armed(trial, losing(job, lost, 2 if step == "settling" else 1), job.act)
        if step == "settling":
            if told["status"] != "unknown":
                return []  # it was settled at once
            [look] = [one for one in told["next"] if one["tool"] == "check_operation"]
            await trial.call("check_operation", **look["arguments"])
    requests = trial.calls[-1][3]
    places = [Place(one, requests[:index].count(one), index) for index, one in enumerate(requests)]
    return [one for one in places if one.nth == 0 or one.nth + 1 == requests.count(one.operation)]


async def cells_of(kind: type[Job], trial: Trial, *, is_whole: bool) -> list[Cell]:
    """Give the cells of a job in the world of a trial: all, or some that change with the world."""
    cells: list[Cell] = []
    known: set[tuple[str, str, int]] = set()
    await places_of(kind, "call", "", trial)  # by then it knows which BeeL this is
    for step, lost in STEPS:
        for place in await places_of(kind, step, lost, trial):
            key = (step, place.operation, place.nth)
            is_write = place.operation in kind.writes
            # What is read after a loss is another thing only where it was not read before.
            if lost and (is_write or (step == "call" and key in known)):
                continue
            if not is_write and not is_whole:
                continue
            known.add(key)
            wrongs = [one for one in _wrongs(kind, is_write=is_write) if _fits(kind, place, one)]
            if not is_write:
                wrongs = wrongs[len(known) % 2 :: 2]
            elif not is_whole:
                wrongs = some_of(wrongs, trial.world)
            cells += [Cell(kind.name, step, place, one, trial.world, lost) for one in wrongs]
            if kind.meanwhile_name and step == "call":
                other = Wrong(kind.meanwhile_name, "before commit", "meanwhile")
                cells.append(Cell(kind.name, step, place, other, trial.world, lost))
    return cells


def _wrongs(kind: type[Job], *, is_write: bool) -> list[Wrong]:
    return list(with_a_write() if is_write else few_with_a_read())


def _fits(kind: type[Job], place: Place, wrong: Wrong) -> bool:
    """Tell whether it is a fault: a BeeL that says of what it has that it is gone, lies."""
    return not (wrong.name == "404" and kind.done == "deleted" and place.operation in kind.writes)
