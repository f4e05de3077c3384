"""The tables that commands take their words from: both languages, the same facts, no dead words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

import beel_mcp
from beel_mcp.cli.doctor.findings import Finding
from beel_mcp.language import Sentence
from beel_mcp.messages import read_data

SOURCE = "".join(
    path.read_text(encoding="utf-8")
    for path in sorted((Path(beel_mcp.__file__).parent / "cli").rglob("*.py"))
)
TABLES = ("doctor", "demo", "apps", "install")
# Chosen by what they are about: these names are not written out in the code.
LOOKED_UP = re.compile(r"(?:kinds|problems)\.|(?:place|key|done|line)\.[a-z-]+$|\w+\.?title")


def sentences(table: Any, path: str = "") -> Iterator[tuple[str, dict[str, str]]]:
    if isinstance(table, dict) and "en" in table:
        yield path, table
    elif isinstance(table, dict):
        for name, part in table.items():
            yield from sentences(part, f"{path}.{name}".removeprefix("."))


@pytest.mark.parametrize("table", TABLES)
def test_every_sentence_is_there_in_both_languages_with_the_same_facts(table: str) -> None:
    found = dict(sentences(read_data(table)))
    assert len(found) > 10
    for path, words in found.items():
        facts = [{name for _, name, _, _ in Formatter().parse(text)} for text in words.values()]
        assert words.keys() == {"en", "es"}, path
        assert facts[0] == facts[1], path
        assert all("\n" not in text for text in words.values()), path


@pytest.mark.parametrize("table", TABLES)
def test_no_words_are_kept_that_nobody_says(table: str) -> None:
    codes = {
        path.removesuffix(".fact").removesuffix(".remedy")
        for path, _ in sentences(read_data(table))
    }
    assert [
        code for code in sorted(codes) if f'"{code}"' not in SOURCE and not LOOKED_UP.match(code)
    ] == []


def test_every_topic_of_doctor_has_a_title() -> None:
    nothing = Sentence("", "")
    for topic, group in read_data("doctor").items():
        if topic != "folder":  # belongs to two topics
            assert Finding(topic, nothing, None, None).title() == Sentence(**group["title"])


# One name for one thing: the simulation that is built in, BeeL's test environment, and the
# journal. Beside these, `registro` is a record, or the log of an app; a plan begins with the mark
# SIMULACIÓN.
SHUNNED = (
    *("BeeL de prueba", "BeeL simulado", "diario", "registro de cambios", "To be mended"),
    *("simulador", "sandbox de BeeL", "modo de pruebas?", "entorno de prueba", "bitácora"),
    *("entornos? de pruebas(?! de BeeL)", "historial de operaciones", "registro de actividad"),
    *("BeeL(?:'s)? sandbox", "simulat(?:ion|ed|or)", "(?:fake|mock|test) BeeL", "test mode"),
    *("audit (?:log|trail)", "(?:change|operations?) (?:log|history)", "logbook"),
    "(?-i:[Ss]imulación)(?! incluida)",
)
PACKAGE = Path(beel_mcp.__file__).parent


def shunned(text: str) -> list[str]:
    said = " ".join(text.split())
    return [name for name in SHUNNED if re.search(rf"(?<!\w){name}\b", said, re.IGNORECASE)]


def spoken(path: Path) -> Iterator[str]:
    """Give what a file of the package may say: of Python the texts, without the docstrings."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield text
        return
    nodes = [*ast.walk(ast.parse(text))]
    remarks = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield "" if id(node) in remarks else node.value


def test_each_thing_has_one_name_in_answers_prompts_pages_and_commands() -> None:
    kinds = (".py", ".toml", ".md", ".html")
    files = [path for path in PACKAGE.rglob("*") if path.suffix in kinds]
    files += (PACKAGE.parent / "prompts").glob("*.md")
    assert {path.suffix for path in files} == {*kinds}
    found = {path.name: shunned(text) for path in files for text in spoken(path) if shunned(text)}
    assert found == {}


def test_each_thing_has_one_name_in_the_readme() -> None:
    readme = (Path(__file__).parent.parent / "README.es.md").read_text(encoding="utf-8")
    assert shunned(readme) == []
    for name in ("simulación incluida", "entorno\\s+de pruebas de BeeL", "registro de operaciones"):
        assert re.search(name, readme), name
