"""The n-th statement of the journal fails, for every n: nothing is sent that it does not know.

Whatever fails, what is said is what BeeL has, and once the journal is well again the same call
goes through, once.
"""

from pathlib import Path
from typing import Final

import pytest

from beel_mcp.settings import Settings
from tests.support.breaking.again import failing, passages
from tests.support.breaking.desk import Desk
from tests.support.breaking.disk import install
from tests.support.breaking.doors import Doors
from tests.support.breaking.failures import wrongs
from tests.support.matrix.jobs import CustomersCreated, DeletedInBulk, DraftCreated, Job, Mailed
from tests.support.matrix.tried import Tried

pytestmark = pytest.mark.anyio

TITLE: Final = "What goes wrong in the journal"
NOTE: Final = (
    "Each cell is one write in which one statement of SQLite fails: once, by a disk I/O error or"
    " by somebody else's lock, or by a database that is full from then on. Then the journal is"
    " well, and the same call is made again."
)

# These two take all the ways through the journal that there are; the others differ in requests.
KINDS: Final = (
    CustomersCreated,
    DeletedInBulk,
    pytest.param(DraftCreated, marks=pytest.mark.nightly, id=DraftCreated.name),
    pytest.param(Mailed, marks=pytest.mark.nightly, id=Mailed.name),
)


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Doors:
    made = Doors(lambda passage: passage.door == "journal")
    install(made, monkeypatch)
    return made


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: getattr(kind, "name", None))
async def test_nothing_is_sent_that_the_journal_does_not_know_whichever_statement_fails(
    kind: type[Job], doors: Doors, settings: Settings, tmp_path: Path
) -> None:
    await passages(kind, Desk(settings, tmp_path / "well", doors))
    with Tried(TITLE, kind.name, NOTE) as tried:
        for number, passage, wrong in list(wrongs(doors.passed)):
            with tried.one(kind.name, f"{number}. {passage}", wrong):
                desk = Desk(settings, tmp_path / f"{number} {wrong}", doors)
                await failing(kind, desk, number, wrong)
