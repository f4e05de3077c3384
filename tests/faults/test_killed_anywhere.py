"""A process that dies at any step of any write: the next one finishes it, each record once.

The process dies in this one: from that step on no call of the system, no statement of SQLite and
no request of it gets through, and what the system gives back at a death is given back. The tests
that kill real processes at a sample of these steps are beside it.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Final

import pytest

from beel_mcp.settings import Settings
from tests.support.breaking.again import killed, passages, survived
from tests.support.breaking.desk import Desk
from tests.support.breaking.disk import install
from tests.support.breaking.doors import Doors, Moment, Passage, Wrong
from tests.support.matrix.jobs import (
    CustomersCreated,
    Deleted,
    DeletedInBulk,
    DraftCreated,
    DraftDeleted,
    ForeignersCreated,
    Job,
    MadeInactive,
    Mailed,
    Undone,
    Updated,
)
from tests.support.matrix.tried import Tried
from tests.support.people.evidence import Told

pytestmark = pytest.mark.anyio

NAMES: Final = ("link", "replace", "rename")  # a file has its name from then on
TITLE: Final = "Killed at every step of a write"
NOTE: Final = (
    "A point is a commit of the journal, a request to BeeL or the moment in which a file gets its"
    " name, in one write of one to three records; the process dies right before it or right after"
    " it, and another one goes on. A transaction that has not been committed is undone as a whole."
)


class ThreeUpdated(Updated):
    count = 3


class ThreeMadeInactive(MadeInactive):
    count = 3


class CreatedWithAYes(CustomersCreated):
    """A batch where the operator wants a yes for what only adds, too."""

    name = "create_customers, with a yes"
    settings: ClassVar = {"confirm_creates": True}

    async def plan(self) -> Told:
        checked = await super().plan()
        arguments = {"batch_id": checked["batch_id"], "expected_count": len(self.rows)}
        return await self.trial.call("create_customers", **arguments)

    def planned(self, told: Told) -> None:
        [step] = [one for one in told["next"] if one["tool"] == "confirm_plan"]
        self.step = step["arguments"]

    async def act(self) -> Told:
        return await self.trial.call("confirm_plan", **self.step)


KINDS: Final = (
    *(CustomersCreated, ForeignersCreated, CreatedWithAYes, DraftCreated, ThreeUpdated, Undone),
    *(Deleted, DeletedInBulk, ThreeMadeInactive, DraftDeleted, Mailed),
)


def matters(passage: Passage) -> bool:
    """Tell what a death before or after makes a difference to."""
    if passage.door == "disk":
        return passage.name in NAMES
    return passage.door == "BeeL" or passage.name == "COMMIT"


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Doors:
    made = Doors(matters)
    install(made, monkeypatch)
    return made


def points(kind: type[Job], passed: list[Passage]) -> Iterator[tuple[int, Passage, Moment]]:
    """Give the n-th passages, and the moments at which dying there is not the same."""
    for number, passage in enumerate(passed, 1):
        yield number, passage, "before"
        if passage.door != "BeeL" or passage.name in kind.writes:
            yield number, passage, "after"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_whoever_comes_after_finishes_it_and_nothing_is_done_twice(
    kind: type[Job], doors: Doors, settings: Settings, tmp_path: Path
) -> None:
    await passages(kind, Desk(settings, tmp_path / "well", doors, **kind.settings))
    with Tried(TITLE, kind.name, NOTE, "points") as tried:
        for number, passage, moment in points(kind, list(doors.passed)):
            with tried.one(kind.name, f"{number}. {passage}", f"killed {moment}"):
                desk = Desk(settings, tmp_path / f"{number}-{moment}", doors, **kind.settings)
                death = Wrong("killed", moment=moment)
                await survived(await killed(kind, desk, number, death), desk)
