"""The cells: an operation, what goes wrong with it, before or after the commit or in the answer."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from tests.support.matrix.trial import SIGN, World
from tests.support.servers.fault_server import Action, Fault
from tests.support.servers.spoiling import BLIND, CHANGED, HARMLESS, REFUSALS

Phase = Literal["before commit", "after commit", "in the answer"]
Step = Literal["plan", "call", "settling"]
Extent = Literal["once", "twice", "always", "with all that follows"]
TIMES: Final[dict[Extent, int]] = {"once": 1, "twice": 2, "always": 99, "with all that follows": 99}
LOST: Final[tuple[Action, ...]] = ("reset", "hang up", "stall")
CUT: Final[tuple[Action, ...]] = (
    *("truncate", "chunked", "unlengthed", "headers", "half", "trickle", "drip"),
)
WORST: Final = ("reset", "hang up", "fail", "truncate", "500", "late")
UNHARMED: Final = (*HARMLESS, "drip")


@dataclass(frozen=True)
class Wrong:
    """What goes wrong, when, and how often."""

    name: str
    phase: Phase
    action: Action
    how: str = ""
    extent: Extent = "once"

    def __str__(self) -> str:
        return SIGN.join([self.name, self.phase, self.extent])

    @property
    def is_harmless(self) -> bool:
        return self.name in UNHARMED

    def fault(self, operation: str, nth: int, position: int) -> Fault:
        """Make the fault for the n-th request of an operation; `position` counts all requests."""
        fault = Fault(
            self.action,
            committed=self.phase != "before commit",
            operation=operation,
            how=self.how,
            times=TIMES[self.extent],
            after=nth,
        )
        if self.extent == "with all that follows":
            return replace(fault, operation="", after=position)
        return replace(fault, times=1, after=position) if self.action == "refuse" else fault


@dataclass(frozen=True)
class Place:
    """One request of a call: the n-th of its operation, and the how manieth of all."""

    operation: str
    nth: int
    position: int


@dataclass(frozen=True)
class Cell:
    """Everything that names one trial."""

    job: str
    step: Step
    place: Place
    wrong: Wrong
    world: World
    lost: str = ""  # how the write was lost before this goes wrong

    def __str__(self) -> str:
        nth = f" (no. {self.place.nth + 1})" if self.place.nth else ""
        lost = f" after the write was lost {self.lost}" if self.lost else ""
        where = f"{self.job}: {self.step}{lost}"
        parts = [where, self.place.operation + nth, str(self.wrong), str(self.world)]
        return SIGN.join(parts)


def spoiled(names: Sequence[str], phase: Phase, extent: Extent = "once") -> list[Wrong]:
    return [Wrong(name, phase, "spoil", name, extent) for name in names]


def with_a_write() -> Iterator[Wrong]:
    """Give all that goes wrong with a request that has an effect."""
    yield Wrong("refused", "before commit", "refuse")
    yield Wrong("late", "before commit", "late")
    yield Wrong("stale", "before commit", "stale")
    for phase in ("before commit", "after commit"):
        for action in (*LOST, "fail"):
            yield Wrong(action, phase, action)
            yield Wrong(action, phase, action, extent="twice")
        yield from spoiled(tuple(BLIND), phase)
        yield from spoiled(("500", "empty 200", "302"), phase, "with all that follows")
        yield Wrong("reset", phase, "reset", extent="with all that follows")
    for action in CUT:
        yield Wrong(action, "in the answer", action)
    yield from spoiled((*HARMLESS, *CHANGED), "in the answer")
    yield from spoiled(tuple(REFUSALS), "before commit")
    yield from spoiled(("429", "409, key in use", "401", "422"), "before commit", "always")
    yield from spoiled(("429", "503"), "before commit", "with all that follows")


def with_a_read() -> Iterator[Wrong]:
    """Give all that goes wrong with a request that reads."""
    yield Wrong("refused", "before commit", "refuse")
    yield Wrong("stale", "before commit", "stale")
    yield Wrong("hang up", "before commit", "hang up")
    for action in LOST:
        yield Wrong(action, "before commit", action, extent="always")
    for action in CUT:
        yield Wrong(action, "in the answer", action, extent="always")
    yield from spoiled(("502 in HTML", "429, in 1 s", "wrong types"), "in the answer")
    yield from spoiled((*HARMLESS, *BLIND, *CHANGED, *REFUSALS), "in the answer", "always")


def few_with_a_read() -> Iterator[Wrong]:
    """Give some of those, for reads that stand in many places."""
    yield Wrong("refused", "before commit", "refuse")
    for action in ("reset", "half", "unlengthed"):
        yield Wrong(action, "in the answer", action, extent="always")  # type: ignore[arg-type]
    names = ("500", "302", "empty 200", "HTML", "wrong types", "empty data", "403", "429")
    yield from spoiled(("404 in HTML", "404 of the route"), "in the answer", "always")
    yield from spoiled(names, "in the answer", "always")


def some_of(wrongs: Sequence[Wrong], world: World) -> list[Wrong]:
    """Give the worst, and of the others every seventh, beginning elsewhere in each world."""
    worst = [one for one in wrongs if one.name in WORST and one.extent == "once"]
    offset = zlib.crc32(str(world).encode()) % 7
    return worst + [one for one in wrongs if one not in worst][offset::7]
