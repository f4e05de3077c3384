"""The n-th call of the system fails, for every n: no file is half written, and nothing untrue said.

Whatever fails, the answer says what is so and what can be done, and once the machine is well again
the same call goes through, once.
"""

from pathlib import Path
from typing import Final

import pytest

from beel_mcp.settings import Settings
from tests.support.breaking.again import check_helpful, failing, passages
from tests.support.breaking.desk import Desk
from tests.support.breaking.disk import install
from tests.support.breaking.doors import Doors, Wrong
from tests.support.breaking.failures import wrongs
from tests.support.breaking.saving import SAVINGS, Backup, Saving, Template, finals, strays
from tests.support.matrix.tried import Tried
from tests.support.people.evidence import Told

pytestmark = pytest.mark.anyio

TITLE: Final = "What goes wrong on this machine"
NOTE: Final = (
    "Each cell is one call of one tool in which one call of the system fails: once, by EIO or"
    " EACCES, or by a disk that is full from then on, wherever room is needed. Then the machine is"
    " well, and the same call is made again."
)


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> Doors:
    made = Doors(lambda passage: passage.door == "disk")
    install(made, monkeypatch)
    return made


def check_files(saving: Saving, told: Told, before: list[Path], desk: Desk) -> None:
    """Hold the folder against what was said of it."""
    new = [path for path in finals(desk.files) if path not in before]
    half = [path.name for path in new if not saving.is_whole(path)]
    assert not half, f"half written: {half}"
    named = [Path(told["path"])] if told.get("path") else []
    assert new == named, f"said {named}, and there is {new}: {told['summary']}"


async def resumed(saving: Saving, told: Told) -> Told:
    """Do as an answer says, where it says how to go on; else make the same call again."""
    steps = [step for step in told.get("next") or () if "resume" in step["arguments"]]
    if steps:
        return await saving.trial.call(steps[0]["tool"], **steps[0]["arguments"])
    return await saving.act()


async def save(kind: type[Saving], desk: Desk, nth: int = 0, wrong: Wrong | None = None) -> None:
    """Save while something fails, and again once it does not any more."""
    async with desk.serve() as trial:
        saving = kind(trial)
        await saving.prepare()
        desk.doors.watch(nth, wrong)
        told = await saving.act()
        has_fired = desk.doors.has_fired
        desk.doors.leave()
        check_helpful(told)
        check_files(saving, told, [], desk)
        assert not trial.crashes.seen, f"logged: {trial.crashes.seen}"
        if wrong is None:
            assert told["status"] == "done", told
            return
        assert has_fired, "it did not fail"
        before = finals(desk.files)
        again = await resumed(saving, told)
        assert again["status"] == "done", again
        check_files(saving, again, before, desk)
        if strays(desk.files, desk.state):  # what could not be removed is, a day later
            await trial.time.sleep(25 * 3600)
            await saving.act()
        assert strays(desk.files, desk.state) == []


@pytest.mark.parametrize("kind", SAVINGS, ids=lambda kind: kind.name)
async def test_no_file_stands_half_written_whichever_call_of_the_system_fails(
    kind: type[Saving], doors: Doors, settings: Settings, tmp_path: Path
) -> None:
    await save(kind, Desk(settings, tmp_path / "well", doors))
    with Tried(TITLE, kind.name, NOTE) as tried:
        for number, passage, wrong in list(wrongs(doors.passed)):
            with tried.one(kind.name, f"{number}. {passage}", wrong):
                desk = Desk(settings, tmp_path / f"{number} {wrong}", doors)
                await save(kind, desk, number, wrong)


async def test_nobody_is_deleted_without_a_backup_whichever_call_of_the_system_fails(
    doors: Doors, settings: Settings, tmp_path: Path
) -> None:
    await passages(Backup, Desk(settings, tmp_path / "well", doors))
    with Tried(TITLE, Backup.name, NOTE) as tried:
        for number, passage, wrong in list(wrongs(doors.passed)):
            with tried.one(Backup.name, f"{number}. {passage}", wrong):
                desk = Desk(settings, tmp_path / f"{number} {wrong}", doors)
                job = await failing(Backup, desk, number, wrong)
                saved = finals(desk.files)
                assert saved
                assert all(job.is_whole(path) for path in saved)
                await check_no_strays(desk)


async def check_no_strays(desk: Desk) -> None:
    """Nothing half done is left, at the latest once the next file is saved."""
    if strays(desk.files, desk.state):
        async with desk.serve() as trial:
            await Template(trial).act()
    assert strays(desk.files, desk.state) == []
