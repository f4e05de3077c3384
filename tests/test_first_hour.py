"""The first hour: what both READMEs and the examples tell a person to type, in a fresh shell."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from beel_mcp.cli.arguments import HOSTS
from tests.support.systems.marks import posix_only
from tests.test_readme import READMES, ROOT, between, read

pytestmark = posix_only
# The commands that end with something else than 0 where there is no account and no app, and why.
ENDS = {
    "doctor": (2, "BEEL_API_KEY"),  # no key yet
    "install claude-desktop": (3, "Claude"),  # is not installed
    "install cursor": (3, ".cursor"),
}
SERVES = ("serve --http", "sandbox")
STORIES = sorted(path.parent.name for path in ROOT.glob("examples/*/run.py"))
NEEDS = {"HOST": HOSTS[0], "FOLDER": "kept"}


@pytest.fixture
def shell(tmp_path: Path) -> "Shell":
    return Shell(tmp_path)


class Shell:
    """A fresh shell in a clone whose environment was made, with an empty home."""

    def __init__(self, folder: Path) -> None:
        self.home, self.clone = folder / "home", folder / "clone"
        self.home.mkdir()
        self.clone.mkdir()
        for path in ROOT.iterdir():
            if path.name != ".venv":
                (self.clone / path.name).symlink_to(path)
        (self.clone / ".venv").symlink_to(sys.prefix)
        self.env = {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "BEEL_LANGUAGE": "en"}

    def installed(self) -> "Shell":
        """Run the line that has every terminal find the program, and open another terminal."""
        line = command("en", "install")
        assert self.run(line).returncode == 0
        self.env["PATH"] = f"{self.home}/.local/bin:/usr/bin:/bin"
        return self

    def run(self, line: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-c", line],
            cwd=self.clone,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def command(language: str, mark: str) -> str:
    return between(read(language), f"<!-- {mark} -->\n```bash\n", "\n```\n")


def named(language: str) -> set[str]:
    """Give every command of this program that a README names on its own."""
    found = re.findall(r"`beel-mcp((?: [A-Za-z-]+)*)`", read(language))
    return {line.strip() for line in found}


def test_both_name_the_same_commands() -> None:
    assert named("en") == named("es")
    assert len(named("en")) > 10


@pytest.mark.slow
def test_every_command_runs_as_it_is_written(shell: Shell) -> None:
    shell.installed()
    for line in sorted(named("en")):
        for word, value in NEEDS.items():
            line = line.replace(word, value)  # noqa: PLW2901 - what the reader puts there
        if line in SERVES:
            assert serves(shell, line), line
            continue
        ended = shell.run(f"beel-mcp {line}")
        code, words = ENDS.get(line, (0, ""))
        assert ended.returncode == code, (line, ended.stdout, ended.stderr)
        assert words in ended.stdout + ended.stderr, line


def serves(shell: Shell, line: str) -> bool:
    """Start what serves until it says where, and end it as a person does."""
    process = subprocess.Popen(
        ["bash", "-c", f"exec beel-mcp {line}"],
        cwd=shell.clone,
        env=shell.env,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    says_where = "http://127.0.0.1:" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    return says_where


@pytest.mark.slow
@pytest.mark.parametrize(
    "story", sorted(path.parent.name for path in ROOT.glob("examples/*/run.py"))
)
def test_the_command_of_each_example_runs_in_the_clone(shell: Shell, story: str) -> None:
    page = (ROOT / "examples" / story / "README.md").read_text(encoding="utf-8")
    [line] = re.findall(r"^```(?:ba)?sh\n(.+)\n```$", page, re.MULTILINE)
    ended = shell.run(line)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("language", READMES)
def test_each_system_is_told_in_at_most_five_lines_with_its_python_and_address(
    language: str,
) -> None:
    heading = {"en": "## Install\n", "es": "## Instalar\n"}[language]
    _, *systems = re.split(r"^### ", between(read(language), heading, "\n## "), flags=re.MULTILINE)
    assert len(systems) == 4
    for system in systems:
        told = re.sub(r"^```\w*\n(.*?)^```\n|^ {4}.*$", "", system, flags=re.DOTALL | re.MULTILINE)
        _, *lines = filter(None, re.sub(r"<!--.*?-->", "", told).splitlines())
        assert 1 <= len(lines) <= 5, system
    for system in systems[1:3]:
        assert re.search(r"3\.11 (?:to|a la) 3\.14", system)
        assert "git clone https://github.com/" in system


@pytest.mark.parametrize("language", READMES)
def test_what_awaits_a_release_is_said_to(language: str) -> None:
    text = read(language)
    words = {"en": "Not before there is a release", "es": "Mientras no haya una versión publicada"}
    before = text[: text.index("`uvx beel-mcp demo`")].rsplit("\n\n", 1)[1]
    assert before.startswith(words[language])
