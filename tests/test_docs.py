"""The pages for developers: what they name exists, and their tables are what the code says."""

import ast
import re
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from tests.test_architecture import ARROWS, FILES, LEAVES, PACKAGE
from tests.test_readme import ROOT, between

ARCHITECTURE = ROOT / "ARCHITECTURE.md"
CONTRIBUTING = ROOT / ".github" / "CONTRIBUTING.md"
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PAGES = (ARCHITECTURE, CONTRIBUTING, *DECISIONS)
REWRITE = "run pytest with --update-snapshots, and read it"


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def held(page: Path, mark: str, wanted: Iterable[str], config: pytest.Config) -> None:
    """Compare the lines between two marks, or write them."""
    text, last = read(page), f"<!-- /{mark} -->"
    found = between(text, f"<!-- {mark}", last).splitlines()[1:]
    if config.getoption("--update-snapshots"):
        old, new = ("\n".join([*lines, last]) for lines in (found, wanted))
        page.write_text(text.replace(old, new), encoding="utf-8")
        found = between(read(page), f"<!-- {mark}", last).splitlines()[1:]
    assert found == [*wanted], REWRITE


def home(room: str) -> Path:
    path = PACKAGE.joinpath(*room.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def first_line(path: Path) -> str:
    return (ast.get_docstring(ast.parse(read(path))) or "").splitlines()[0]


def imports_of(room: str) -> str:
    """Name what a room may import, those that always go together as one."""
    names = set(ARROWS[room]) - {room}
    words = []
    for word, group in (
        ("*leaves*", LEAVES),
        ("`writes.*`", {name for name in ARROWS if name.startswith("writes.")}),
    ):
        if group <= names:
            names -= group
            words.append(word)
    order = list(ARROWS)
    listed = [f"`{name}`" for name in sorted(names, key=order.index)]
    return ", ".join([*listed, *words]) or "nothing"


def test_the_table_of_rooms_is_that_of_the_arrows(request: pytest.FixtureRequest) -> None:
    rows = [
        f"| {f'`{room}`' + (' (leaf)' if room in LEAVES else '')} | {first_line(home(room))} |"
        f" {imports_of(room)} |"
        for room in ARROWS
    ]
    wanted = ["| room | what it is | may import |", "|---|---|---|", *rows]
    held(ARCHITECTURE, "rooms", wanted, request.config)


def test_the_table_of_markers_is_that_of_pytest(request: pytest.FixtureRequest) -> None:
    options = tomllib.loads(read(ROOT / "pyproject.toml"))["tool"]["pytest"]["ini_options"]
    markers = [marker.partition(": ") for marker in options["markers"]]
    rows = [f"| `{name}` | {what} |" for name, _, what in markers]
    held(CONTRIBUTING, "markers", ["| marker | what it is |", "|---|---|", *rows], request.config)


def test_links_lead_somewhere() -> None:
    faults = [
        f"{page.name}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", read(page))
        if not (page.parent / target).exists()
    ]
    assert faults == []


def test_links_to_headings_lead_to_headings() -> None:
    headings = {
        f"{page.name}#{heading.lower().replace(' ', '-')}"
        for page in PAGES
        for heading in re.findall(r"^## (.+)$", read(page), re.MULTILINE)
    }
    faults = [
        target
        for page in PAGES
        for name, heading in re.findall(r"\]\(([^)#]*)#([^)]+)\)", read(page))
        if (target := f"{Path(name).name or page.name}#{heading}") not in headings
    ]
    assert faults == []


def test_paths_in_backticks_exist() -> None:
    tops = ("beel_mcp/", "tests/", "docs/", ".ci/", "prompts/")
    found = [
        (page.name, path)
        for page in PAGES
        for path in re.findall(r"`([\w./-]+)`", read(page))
        if path.startswith(tops)
    ]
    assert len(found) > 40
    assert [one for one in found if not (ROOT / one[1]).exists()] == []


@cache
def names() -> tuple[set[str], set[str]]:
    """Give what the package defines: all names, and Class.member for each class."""
    plain: set[str] = set()
    members: set[str] = set()
    for path in FILES:
        for node in ast.walk(ast.parse(read(path))):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                plain.add(node.name)
            if isinstance(node, ast.arg):
                plain.add(node.arg)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                plain.add(node.id)
            if isinstance(node, ast.alias):
                plain.add(node.asname or node.name)
            if isinstance(node, ast.ClassDef):
                members |= {f"{node.name}.{name}" for name in defined(node)}
    return plain, members


def defined(node: ast.ClassDef) -> set[str]:
    found = set()
    for one in node.body:
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(one.name)
        elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
            found.add(one.target.id)
    return found


def test_classes_and_members_in_backticks_exist() -> None:
    plain, members = names()
    faults = []
    for page in PAGES:
        # What is not to be said stands in the last column of a table, and exists nowhere.
        text = re.sub(r"^\| say \|.*?\n\n", "", read(page), flags=re.MULTILINE | re.DOTALL)
        for name, member in re.findall(r"`(_?[A-Z]\w*[a-z]\w*)(\.\w+)?`", text):
            known = f"{name}{member}" in members if member else name in plain
            faults += [] if known else [f"{page.name}: {name}{member}"]
    assert faults == []


def test_what_the_diagrams_call_is_defined() -> None:
    plain, members = names()
    blocks = re.findall(r"```mermaid\n(.*?)```", read(ARCHITECTURE), re.DOTALL)
    assert len(blocks) == 2
    called = {name for block in blocks for name in re.findall(r"\b([a-z]\w*)\(", block)}
    assert called - plain == set()
    assert set(re.findall(r"\b[A-Z]\w+\.\w+", blocks[1])) <= members


def test_the_diagram_has_every_state_of_a_chunk() -> None:
    from typing import get_args

    from beel_mcp.writes.journal.records import ChunkState

    block = between(read(ARCHITECTURE), "stateDiagram-v2\n", "```")
    assert set(re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)*\b", block)) == set(get_args(ChunkState))


def test_decisions_are_short_numbered_and_listed() -> None:
    text, faults = read(ARCHITECTURE), []
    for number, page in enumerate(DECISIONS, 1):
        lines = read(page).splitlines()
        title = lines[0].removeprefix(f"# {number}. ")
        parts = [line for line in lines if line.startswith("## ")]
        is_told = (
            page.name.startswith(f"{number:04d}-")
            and title != lines[0]
            and parts == ["## Context", "## Decision", "## Consequences"]
            and len(lines) <= 30
            and f"- [{title}](docs/decisions/{page.name})" in text
        )
        faults += [] if is_told else [page.name]
    assert faults == []


def test_the_hooks_run_what_ci_runs() -> None:
    """Fetch nothing either: each hook is of this repository, and runs what lies in .venv."""
    hooks = read(ROOT / ".pre-commit-config.yaml")
    entries = re.findall(r"^ +entry: \.venv/bin/(.+)$", hooks, re.MULTILINE)
    checks = {line.replace('"', "") for line in read(ROOT / ".ci" / "run").splitlines()}
    assert re.findall(r"repo: (\S+)", hooks) == ["local"]
    assert len(entries) == hooks.count("- id: ")
    assert {f"$tools/venv/bin/{entry}" for entry in entries} <= checks
