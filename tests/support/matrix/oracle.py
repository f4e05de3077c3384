"""Holds what was said against the ledger and the journal: nothing lost, doubled or misreported."""

from collections import Counter
from typing import Any

from tests.support.matrix.jobs import Job
from tests.support.matrix.trial import Trial
from tests.support.people.evidence import Told

MOST_REQUESTS = 60
MOST_WAIT_S = 120.0
MOST_SENDINGS = 3
# What stands in no answer, whatever BeeL sent.
NEVER_SAID = ("secret-page", "<html", "DOCTYPE", "Traceback", "beel_sk_test", "0" * 40)


class LostError(AssertionError):
    """Something was said to be done that BeeL does not have."""


class DoubledError(AssertionError):
    """Something was done twice."""


class MisreportedError(AssertionError):
    """What was said is not so, or stays open where it could be found out."""


def check_said(job: Job, told: Told, known: int = 0) -> None:
    """Hold one answer against the ledger of now; so many effects were told before."""
    effects = job.effects()
    check_once(job, effects)
    if told["status"] == "error":
        _check_error(told, effects, known)
        return
    if told["status"] in ("confirmation_required", "not_confirmed"):
        _expect(not effects, told, effects)
        return
    counts = told.get("counts") or _counts_of_draft(job, told)
    done, unknown = counts.get(job.done, 0), counts.get("unknown", 0)
    if done > len(effects) and done > len(job.achieved()):
        raise LostError(f"{told['summary']} But the ledger has {dict(effects)}")
    _expect(len(effects) <= done + unknown, told, effects)
    named = told.get(job.done)
    if isinstance(named, list) and all(isinstance(one, str) for one in named):
        _expect(set(named) <= job.achieved().keys(), told, effects)
    if told.get("changed") == "nothing":
        _expect(not effects, told, effects)


def _check_error(told: Told, effects: Counter[str], known: int) -> None:
    if told["code"] == "internal_error":
        raise MisreportedError(f"a defect: {told['summary']}")
    _expect(told["changed"] != "nothing" or len(effects) == known, told, effects)
    _expect(told["changed"] != "something" or bool(effects), told, effects)


def _counts_of_draft(job: Job, told: Told) -> dict[str, int]:
    """Give the counts of an answer that is about one record."""
    is_done = told["status"] in ("done", "partial") or "invoice_id" in told
    return {job.done: int(is_done), "unknown": int(told["status"] == "unknown")}


def check_once(job: Job, effects: Counter[str]) -> None:
    if job.creates and (twice := {one: n for one, n in effects.items() if n > 1}):
        raise DoubledError(f"done more than once: {twice}")


async def check_end(job: Job, told: Told) -> None:
    """Hold the last answer, and the journal, against the ledger: nothing is open any more."""
    effects = job.effects()
    if told["status"] == "unknown":
        raise MisreportedError(f"stays unknown: {told['summary']} {told.get('detail')}")
    operation_id = told.get("operation_id")
    if operation_id is None:
        return
    operation = await job.trial.journal.get(operation_id)
    done = sum(chunk.done for chunk in operation.chunks)
    states = [chunk.state for chunk in operation.chunks]
    if operation.is_open or done != len(effects):
        raise MisreportedError(f"the journal has {states}, {done} done; ledger: {dict(effects)}")


def check_calls(job: Job) -> None:
    """Hold every call of a write against what a call may send, cost and say."""
    for tool, _, _, requests in job.trial.calls:
        sendings = sum(one in job.writes for one in requests)
        assert sendings <= MOST_SENDINGS, f"{tool} sent the write {sendings} times"
        if tool == "check_operation":
            assert sendings == 0, "settling only reads"
    check_cost(job.trial)


def check_cost(trial: Trial) -> None:
    """Hold every call of a cell against what a call may cost and say."""
    for tool, told, waited_s, requests in trial.calls:
        assert waited_s <= MOST_WAIT_S, f"{tool} waited {waited_s:.0f} s"
        assert len(requests) <= MOST_REQUESTS, f"{tool} sent {len(requests)} requests"
        said = f"{told.text} {dict(told)}"
        shown = [one for one in NEVER_SAID if one in said]
        assert not shown, f"{tool} says {shown}"
    assert not trial.crashes.seen, f"logged: {trial.crashes.seen}"


def _expect(so: bool, told: Told, effects: Any) -> None:
    if not so:
        said = {name: told.get(name) for name in ("status", "code", "summary", "changed", "counts")}
        raise MisreportedError(f"{said}, but the ledger has {dict(effects)}")
