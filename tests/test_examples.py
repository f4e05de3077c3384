"""The examples: each runs on the sandbox, shows something, asserts it, and is listed."""

import ast
import runpy
from pathlib import Path

import pytest

from beel_mcp.lists.files.rows import read_list

FOLDER = Path(__file__).parent.parent / "examples"
STORIES = sorted(path.parent for path in FOLDER.glob("*/run.py"))


def test_there_are_stories() -> None:
    assert STORIES


@pytest.mark.slow
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_runs_and_shows_what_a_person_would_see(
    story: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(story)  # as Python itself does for a script
    runpy.run_path(str(story / "run.py"), run_name="__main__")
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) >= 5
    assert shown.err == ""


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_asserts_what_it_shows(story: Path) -> None:
    tree = ast.parse((story / "run.py").read_text(encoding="utf-8"))
    assert [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_a_story_is_told_and_listed(story: Path) -> None:
    told = (story / "README.md").read_text(encoding="utf-8")
    assert f"examples/{story.name}/run.py" in told
    assert f"({story.name}/" in (FOLDER / "README.md").read_text(encoding="utf-8")


def test_the_sheet_of_900_is_the_one_that_its_script_writes(tmp_path: Path) -> None:
    story = FOLDER / "import_from_excel"
    made = runpy.run_path(str(story / "make_list.py"))
    made["write_list"](tmp_path / "a.xlsx")
    kept = read_list((story / "clientes.xlsx").read_bytes(), "clientes.xlsx")
    assert kept == read_list((tmp_path / "a.xlsx").read_bytes(), "clientes.xlsx")
    assert len(kept.rows) == 900
