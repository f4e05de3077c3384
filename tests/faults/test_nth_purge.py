"""A call of `beel-mcp purge` fails, whichever: it says so, and the next purge removes all."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import anyio
import pytest

from beel_mcp.cli import ENVIRONMENT, WELL, main
from beel_mcp.files.output import RECORDS
from beel_mcp.settings import Settings
from tests.support.breaking.again import tried
from tests.support.breaking.desk import Desk
from tests.support.breaking.disk import install
from tests.support.breaking.doors import JOURNAL, Doors, Wrong
from tests.support.breaking.failures import wrongs
from tests.support.breaking.saving import Template
from tests.support.matrix.jobs import CustomersCreated
from tests.support.matrix.tried import Tried

TOLD: Final = ("can be removed; call purge again", "cannot be used")
NOTE: Final = (
    "Each cell is one `beel-mcp purge` in which one call of the system, or one statement of SQLite,"
    " fails. Then all is well, and it is called again."
)


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Doors:
    made = Doors(lambda passage: passage.door != "BeeL")
    install(made, monkeypatch)
    return made


@pytest.fixture
def used(settings: Settings, doors: Doors, tmp_path: Path) -> Path:
    """A state folder with personal data, a file that was saved, and an unfinished package."""

    async def use(desk: Desk) -> None:
        async with desk.serve() as trial:
            await tried(CustomersCreated(trial))
            await Template(trial).act()

    desk = Desk(settings, tmp_path / "used", doors)
    anyio.run(use, desk)
    package = desk.state / "packages" / "pkg_0123456789abcdef"
    package.mkdir(parents=True)
    (package / "0.pdf").write_bytes(b"%PDF-")
    return desk.state


def purge(state: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("BEEL_STATE_DIR", str(state))
    return main(["purge"])


def personal_data(state: Path) -> list[str]:
    """Name what is still there of what purge removes."""
    left = [RECORDS] if (state / RECORDS).exists() else []
    left += [path.name for path in (state / "packages").iterdir()]
    with closing(sqlite3.connect(state / JOURNAL)) as db:
        left += db.execute("SELECT purpose FROM private").fetchall()
    return left


def test_it_says_so_and_the_next_one_removes_all(
    used: Path,
    doors: Doors,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def purged(name: str, nth: int = 0, wrong: Wrong | None = None) -> tuple[Path, int]:
        state = tmp_path / name
        shutil.copytree(used, state)
        doors.watch(nth, wrong)
        try:
            return state, purge(state, monkeypatch)
        finally:
            doors.leave()

    assert personal_data(used)
    state, code = purged("well")
    assert (code, personal_data(state)) == (WELL, [])
    with Tried("What goes wrong on this machine", "beel-mcp purge", NOTE) as cells:
        for number, passage, wrong in list(wrongs(doors.passed)):
            with cells.one("purge", f"{number}. {passage}", wrong):
                state, code = purged(f"{number} {wrong}", number, wrong)
                assert doors.has_fired, "it did not fail"
                told = capsys.readouterr()
                assert code in (WELL, ENVIRONMENT)
                is_told = any(words in told.err for words in TOLD)
                assert is_told == (code == ENVIRONMENT), told.err
                assert code == ENVIRONMENT or not personal_data(state), "it said that it did"
                assert purge(state, monkeypatch) == WELL
                assert personal_data(state) == []
