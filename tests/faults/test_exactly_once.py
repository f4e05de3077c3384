"""Any order of calls, faults, kills, clocks and strangers: said is what happened, and once."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from tests.support.figures import record
from tests.support.machine.bookkeeping import STATS
from tests.support.machine.machine import play
from tests.support.matrix.oracle import DoubledError, LostError, MisreportedError

STEPS: Final = os.environ.get("TESTS_STEPS", "")  # of all parts together; then never the same
PARTS: Final = 4
A_NIGHT: Final = 1_000_000
A_CHANGE: Final = 25_000  # 500 examples of 50 steps
LENGTH: Final = 50
NOTE: Final = (
    "Two servers on one state folder, one BeeL, a person, and others at work in BeeL. After each"
    " step BeeL's ledger, the journal and what was said agree. Not covered: real processes and"
    " sockets, what others change in the moment between our last reading and our request, and a"
    " list whose people were created by another one after our clock was put back."
)


@contextmanager
def counted() -> Iterator[None]:
    """Keep the figures, whatever came of them."""
    STATS.clear()
    wrong: Counter[type[Exception]] = Counter()
    try:
        yield
    except (LostError, DoubledError, MisreportedError) as error:
        wrong[type(error)] += 1
        raise
    finally:
        sums = {name: STATS[name] for name in ("steps", "examples", "calls", "requests")}
        figures = {
            **sums,
            "writes begun": STATS["operations"],
            "requests that went wrong": STATS["faults"],
            "clocks that jumped": STATS["jumps of the clock"],
            "processes killed": STATS["killed"],
            "calls cancelled": STATS["cancelled"],
            "lost": wrong[LostError],
            "doubled": wrong[DoubledError],
            "misreported": wrong[MisreportedError],
        }
        record("Any order of calls and faults", figures, note=NOTE)
        print(figures, dict(STATS))


@pytest.mark.proof
@pytest.mark.parametrize("part", range(PARTS))
def test_ledger_journal_and_what_was_said_agree_in_any_order(part: int) -> None:
    steps = int(STEPS or A_CHANGE)
    with counted():
        play(examples=steps // PARTS // LENGTH, steps=LENGTH, number=None if STEPS else part)
    assert STATS["steps"] >= steps // PARTS // 2
    # A machine in which nothing comes about would prove little.
    assert STATS["operations"] >= STATS["steps"] // 20
    assert STATS["killed"] >= STATS["steps"] // 400


@pytest.mark.nightly
def test_ledger_journal_and_what_was_said_agree_over_a_million_steps() -> None:
    with counted():
        play(examples=int(STEPS or A_NIGHT) // LENGTH, steps=LENGTH, number=None)
