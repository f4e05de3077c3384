"""A release: what stops it, in which order it goes, and that nothing leaves without a yes."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.support.bundles import SCRIPTS, script

release = script("release")
OWNED = '[project]\nversion = "1.2.3"\nurls = { Repository = "https://github.com/ana/beel-mcp" }\n'
CHANGELOG = "# Changelog\n\n## 1.2.3 (2027-01-31)\n\n- It is better.\n\n## 1.2.2 (2027-01-01)\n"
Change = Callable[[Path], object]


class Machine:
    """What a release would run, as it was asked for; building leaves its files behind."""

    def __init__(self, root: Path, git: dict[str, str], failing: str = "") -> None:
        self.ran: list[str] = []
        self._root, self._git, self._failing = root, git, failing

    def run(self, words: Sequence[str]) -> str:
        if words[0] == "git":
            return self._git.get(words[1], "")
        said = " ".join(Path(word).name for word in words if word != sys.executable)
        self.ran.append(said)
        if self._failing and self._failing in said:
            raise subprocess.CalledProcessError(1, said)
        if "build" in words:
            for name in ("beel_mcp-1.2.3.tar.gz", "beel_mcp-1.2.3-py3-none-any.whl"):
                (self._root / "dist").mkdir(exist_ok=True)
                (self._root / "dist" / name).write_bytes(b"built")
        return ""


class Person:
    """Somebody at the terminal, who gives these answers in turn."""

    def __init__(self, *answers: str) -> None:
        self._answers = iter(answers)

    def ask(self, question: str) -> str:
        return next(self._answers)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text(OWNED, encoding="utf-8")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    return tmp_path


def test_a_release_checks_builds_checks_again_and_is_uploaded_after_a_yes(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = Machine(tree, {})
    release.Release(tree, machine.run, Person("1.2.3", "yes").ask).make()
    wheel, sdist = "beel_mcp-1.2.3-py3-none-any.whl", "beel_mcp-1.2.3.tar.gz"
    assert machine.ran == [
        "run",
        f"-m build --outdir dist {tree.name}",
        "build.py dist",
        f"-m twine check --strict {wheel} {sdist}",
        f"-m twine upload {wheel} {sdist}",
    ]
    assert (tree / "dist" / "NOTES.md").read_text(encoding="utf-8") == "- It is better.\n"
    said = capsys.readouterr().out
    assert f"  {wheel}" in said
    assert "git tag v1.2.3" in said


@pytest.mark.parametrize("answer", ["", "y", "no", "1.2.3", "Yes please"])
def test_nothing_is_uploaded_without_a_yes(tree: Path, answer: str) -> None:
    machine = Machine(tree, {})
    with pytest.raises(release.RefusedError, match="nothing was uploaded"):
        release.Release(tree, machine.run, Person("1.2.3", answer).ask).make()
    assert not [line for line in machine.ran if "twine upload" in line]


@pytest.mark.parametrize("failing", ["run", "build.py", "-m build", "twine check"])
def test_nothing_is_uploaded_when_a_check_or_a_build_fails(tree: Path, failing: str) -> None:
    machine = Machine(tree, {}, failing)
    with pytest.raises(subprocess.CalledProcessError):
        release.Release(tree, machine.run, Person("1.2.3", "yes").ask).make()
    assert failing in machine.ran[-1]
    assert not [line for line in machine.ran if "twine upload" in line]


UNOWNED = OWNED.replace("ana", release.PLACEHOLDER)
NOT_READY: dict[str, tuple[Change, dict[str, str]]] = {
    "no owner": (lambda tree: (tree / "pyproject.toml").write_text(UNOWNED), {}),
    "not committed": (lambda tree: None, {"status": " M README.md\n"}),
    "has been released": (lambda tree: None, {"tag": "v1.2.3\n"}),
    "dist/ is there": (lambda tree: (tree / "dist").mkdir(), {}),
    "CHANGELOG.md must begin": (
        lambda tree: (tree / "CHANGELOG.md").write_text("## 1.2.3 (unreleased)\n"),
        {},
    ),
    "begin with ## 1.2.3": (
        lambda tree: (tree / "CHANGELOG.md").write_text("## 1.2.4 (2027-02-01)\n"),
        {},
    ),
}


@pytest.mark.parametrize("why", NOT_READY)
def test_a_tree_that_is_not_ready_is_refused_before_anything_runs(tree: Path, why: str) -> None:
    change, git = NOT_READY[why]
    change(tree)
    machine = Machine(tree, git)
    with pytest.raises(release.RefusedError, match=why):
        release.Release(tree, machine.run, Person("1.2.3", "yes").ask).make()
    assert machine.ran == []


@pytest.mark.parametrize("typed", ["", "1.2.2", "yes", "v1.2.3"])
def test_another_version_than_that_of_the_project_is_refused(tree: Path, typed: str) -> None:
    machine = Machine(tree, {})
    with pytest.raises(release.RefusedError, match="nothing was done"):
        release.Release(tree, machine.run, Person(typed, "yes").ask).make()
    assert machine.ran == []


def test_without_a_terminal_there_is_no_release() -> None:
    ended = subprocess.run(
        [sys.executable, str(SCRIPTS / "release.py")],
        input="0.1.0\nyes\n",
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == "A release is made by a person at a terminal.\n"
