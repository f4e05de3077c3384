"""How long a test may take that has no marker which says that it takes long."""

import os
import time
from collections.abc import Callable, Collection

LIMIT_S = 1.0
SAYS_SO = {"slow", "fault", "proof", "interop", "browser", "nightly", "benchmark"}
REFERENCE_S = 0.02  # what `slowness` takes of the processor on the machine the limit is meant for


def processor_s() -> float:
    """Measure the processor's time of this process and of the children it waited for.

    Not the time on the wall: on a busy machine that says nothing about the test.
    """
    now = os.times()
    return now.user + now.system + now.children_user + now.children_system


def slowness() -> float:
    """Measure by how much this machine is slower at present than the one the limit is meant for."""
    before = time.process_time()
    total = 0
    for number in range(400_000):
        total += number * number % 7
    return max(1.0, (time.process_time() - before) / REFERENCE_S)


def fault_of(
    took_s: float, marks: Collection[str], slowness: Callable[[], float] = slowness
) -> str:
    """Say what is wrong with a test that took so many seconds of the processor, if anything."""
    if took_s <= LIMIT_S or SAYS_SO & set(marks) or took_s <= LIMIT_S * slowness():
        return ""
    return f"{took_s:.1f} s of the processor: a test over {LIMIT_S:.0f} s is marked `slow`"
