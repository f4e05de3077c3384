"""The trials as they are written: each can be played, and none is passed by doing nothing."""

import re
from pathlib import Path

import pytest

from beel_mcp.tools import TOOLS
from tests.trials.judge import verdict
from tests.trials.task import Task, TaskError, all_tasks
from tests.trials.trial import begun

pytestmark = pytest.mark.anyio
TASKS = list(all_tasks())
NAMES = [task.name for task in TASKS]


def test_there_are_thirty_trials_and_more_in_each_language() -> None:
    assert len(TASKS) >= 30
    assert len(set(NAMES)) == len(NAMES)
    assert {task.language for task in TASKS} == {"es", "en"}
    for language in ("es", "en"):
        assert sum(name.endswith(f"-{language}") for name in NAMES) >= 10


def test_trials_name_tools_that_there_are_and_patterns_that_can_be_read() -> None:
    tools = {tool.name for tool in TOOLS}
    for task in TASKS:
        end = task.end
        for one in (*end.must_call, *end.must_not_call):
            assert (one if isinstance(one, str) else one["tool"]) in tools, task.name
        patterns = [*end.must_say, *end.must_not_say, *end.asked, *task.person.agrees]
        for pattern in (*patterns, *(rule.when for rule in task.person.answers)):
            re.compile(pattern)
        assert end.tokens > 0, task.name
        assert {one["after"] for one in task.start.meanwhile} <= tools


@pytest.mark.parametrize(
    "task",
    [pytest.param(one, marks=() if one.chore == "limits" else pytest.mark.slow) for one in TASKS],
    ids=NAMES,
)
async def test_a_trial_in_which_nothing_is_done_is_failed(task: Task, tmp_path: Path) -> None:
    async with begun(task, tmp_path) as trial:
        assert trial.tools
        while not trial.is_over:
            trial.end("Hecho. Done.")
        reasons = verdict(trial.played())
    assert reasons
    # What is wrong is that nothing was done, and not that the trial names what is not there.
    assert not [one for one in reasons if "is not there" in one]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("+++\nabout='a'\nlanguage='es'\nend.tokens=1\n+++\n", "front matter"),
        ("+++\nabout='a'\nlanguage='es'\nend.says=['a']\n+++\n¿?", "says means nothing"),
        ("+++\nabout='a'\nlanguage='es'\nmood='x'\nend.tokens=1\n+++\n¿?", "mood means nothing"),
    ],
)
def test_a_word_that_means_nothing_in_a_trial_is_refused(
    text: str, fault: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TaskError, match=fault):
        Task.read(path)


def test_requests_are_parted_by_a_line(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    head = "+++\nabout='a'\nlanguage='es'\nend.tokens=1\n+++\n"
    path.write_text(f"{head}¿Uno?\n---\n¿Dos?\n", encoding="utf-8")
    assert Task.read(path).requests == ("¿Uno?", "¿Dos?")
