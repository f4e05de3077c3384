"""What a person does once something went wrong: look, settle, make the same call again."""

from collections import Counter
from typing import TypeVar

from tests.support.breaking.desk import Desk
from tests.support.breaking.doors import Wrong
from tests.support.matrix.jobs import Job
from tests.support.matrix.oracle import (
    DoubledError,
    LostError,
    MisreportedError,
    check_end,
    check_said,
)
from tests.support.matrix.writing import settled
from tests.support.people.evidence import Told

J = TypeVar("J", bound=Job)


async def tried(job: Job) -> Told:
    """Plan, where a plan is needed, and carry it out; what is said is so."""
    if job.is_planned:
        told = await job.plan()
        if told["status"] in ("error", "nothing_done"):
            check_helpful(told)
            check_said(job, told, len(job.effects()))
            return told
        job.planned(told)
    return await acted(job)


async def acted(job: Job) -> Told:
    """Make the call that writes; what is said is so."""
    before = len(job.effects())
    told = await job.act()
    check_helpful(told)
    check_said(job, told, before)
    return told


def check_helpful(told: Told) -> None:
    """Hold an answer to what every answer owes: no defect, and something that can be done."""
    if told["status"] != "error":
        return
    if told["code"] == "internal_error":
        raise MisreportedError(f"a defect: {told['summary']}")
    has_remedy = told["message"] != told["summary"]
    assert told.get("next") or has_remedy, f"no way on: {told.text}"


async def finished(job: Job) -> None:
    """Look, settle, repeat the call, and ask once more for what is not done: all is, once."""
    trial = job.trial
    await trial.time.sleep(60)
    await trial.call("get_status")
    listed = await trial.call("check_operation")
    for one in listed["operations"]:
        told = await trial.call("check_operation", operation_id=one["operation_id"])
        check_said(job, told)
        await settled(job, told)
    if job.step or not job.is_planned:
        told = await settled(job, await acted(job))
        await check_end(job, told)
    if before := len(job.effects()):
        await _rest(job, before)
    else:
        await check_end(job, await settled(job, await tried(job)))
    check_all(job)
    assert not (await trial.call("check_operation"))["operations"], "something stays open"
    assert not trial.crashes.seen, f"logged: {trial.crashes.seen}"


async def _rest(job: Job, before: int) -> None:
    """Ask once more for what only some records of have got; the others need nothing any more."""
    if before == len(job.records):
        return
    job.planned(await job.plan())
    told = await job.act()
    done = told["counts"][job.done]
    if done != len(job.effects()) - before:
        raise MisreportedError(f"{told['summary']} But the ledger has {dict(job.effects())}")


def check_all(job: Job) -> None:
    """Every record was written, once."""
    effects = job.effects()
    if twice := {one: n for one, n in effects.items() if n > 1}:
        raise DoubledError(f"done more than once: {twice}")
    if effects != Counter(job.records):
        raise LostError(f"only {dict(effects)} of {job.records}")


async def passages(kind: type[Job], desk: Desk) -> None:
    """Make the calls of a job with nothing wrong; the doors have counted what passed."""
    async with desk.serve() as trial:
        job = kind(trial)
        await job.prepare()
        desk.doors.watch()
        told = await tried(job)
        desk.doors.leave()
        assert told["status"] == "done", told
        check_all(job)


async def killed(kind: type[Job], desk: Desk, nth: int, wrong: Wrong) -> Job:
    """Make the calls of a job in a process that dies on the way; the job, with what it knows."""
    job: Job | None = None
    try:
        async with desk.serve() as trial:
            job = kind(trial)
            await job.prepare()
            desk.doors.watch(nth, wrong)
            await tried(job)
    except BaseException:
        if not desk.doors.has_fired:
            raise
    assert job
    assert desk.doors.has_fired, "it did not die"
    return job


async def survived(job: Job, desk: Desk) -> None:
    """Start the next process, and finish what the dead one began."""
    async with desk.serve() as trial:
        job.trial = trial
        await finished(job)


async def failing(kind: type[J], desk: Desk, nth: int, wrong: Wrong) -> J:
    """Make the calls of a job while something fails, and finish once it does not any more."""
    async with desk.serve() as trial:
        job = kind(trial)
        await job.prepare()
        desk.doors.watch(nth, wrong)
        await tried(job)
        if not desk.doors.has_fired:  # the last steps of a write may come after its answer
            await trial.call("check_operation")
        has_fired = desk.doors.has_fired
        desk.doors.leave()
        assert has_fired, "it did not fail"
        await finished(job)
        return job
