"""The READMEs: what they name exists, and their tables are the served ones."""

import argparse
import re
from pathlib import Path

import pytest
from mcp import Client
from mcp.types import Tool

from beel_mcp.cli.arguments import parser
from beel_mcp.cli.demo import IMPORTABLE, TOTAL
from tests.support.browsing.pictures import VIEWS

ROOT = Path(__file__).parent.parent
READMES = {"en": "README.md", "es": "README.es.md"}
EFFECTS = {"reads": "lee", "adds in BeeL": "añade en BeeL", "saves a file": "guarda un archivo"}
EFFECTS |= {"changes or removes": "cambia o quita"}


def read(language: str) -> str:
    return (ROOT / READMES[language]).read_text(encoding="utf-8")


def between(text: str, first: str, last: str) -> str:
    _, found, rest = text.partition(first)
    assert found, f"no {first}"
    return rest.split(last)[0]


def effect(tool: Tool) -> str:
    hints = tool.annotations
    assert hints
    if hints.read_only_hint:
        return "reads"
    if hints.destructive_hint:
        return "changes or removes"
    return "saves a file" if tool.name.startswith(("download_", "save_")) else "adds in BeeL"


def row(tool: Tool) -> str:
    sentence = re.split(r"(?<=\.)\s", tool.description or "", maxsplit=1)[0]
    return f"| `{tool.name}` | {effect(tool)} | {sentence} |"


def table_of(text: str) -> list[str]:
    """Give the lines between the marks, which stand on lines of their own."""
    return between(text, "<!-- tools", "<!-- /tools -->").splitlines()[1:]


@pytest.mark.anyio
async def test_the_tool_table_is_the_served_list(
    client: Client, request: pytest.FixtureRequest
) -> None:
    rows = [row(tool) for tool in (await client.list_tools()).tools]
    wanted = ["| tool | effect | what it does |", "|---|---|---|", *rows]
    if request.config.getoption("--update-snapshots"):
        text = read("en")
        lines = table_of(text)
        old = "\n".join([*lines, "<!-- /tools -->"])
        new = "\n".join([*wanted, "<!-- /tools -->"])
        (ROOT / READMES["en"]).write_text(text.replace(old, new), encoding="utf-8")
    assert table_of(read("en")) == wanted, "run pytest with --update-snapshots, and read it"


@pytest.mark.anyio
async def test_the_spanish_tool_table_names_the_same_tools_and_effects(client: Client) -> None:
    wanted = [(tool.name, EFFECTS[effect(tool)]) for tool in (await client.list_tools()).tools]
    found = [
        (cells[1].strip(" `"), cells[2].strip())
        for cells in (line.split("|") for line in table_of(read("es"))[2:])
    ]
    assert found == wanted, "README.es.md: one line per tool, in the order of README.md"


def subcommands() -> dict[str, argparse.ArgumentParser]:
    [action] = [
        action for action in parser("en")._actions if isinstance(action, argparse._SubParsersAction)
    ]
    return dict(action.choices)


@pytest.mark.parametrize("language", READMES)
def test_every_command_it_names_exists(language: str) -> None:
    named = re.findall(r"`beel-mcp((?: [a-z-]+| --[a-z-]+)*)`", read(language))
    assert {" demo", " sandbox", " --sandbox", " serve --http"} <= set(named)
    for words in named:
        # The real parser is the judge.
        parser("en").parse_args(words.split())


@pytest.mark.parametrize("language", READMES)
def test_every_command_that_exists_is_named(language: str) -> None:
    for command in subcommands():
        assert f"`beel-mcp {command}" in read(language), command


@pytest.mark.parametrize("language", READMES)
@pytest.mark.parametrize(("mark", "end"), [("demo", "beel-mcp demo"), ("tests", "-n auto")])
def test_the_marked_commands_are_there_in_one_line(language: str, mark: str, end: str) -> None:
    block = between(read(language), f"<!-- {mark} -->\n", "\n```\n")
    fence, command = block.splitlines()
    assert fence == "```bash"
    assert command.startswith("python3 -m venv .venv && ")
    assert command.endswith(end)


@pytest.mark.parametrize("mark", ["demo", "tests"])
def test_both_languages_mark_the_same_commands(mark: str) -> None:
    blocks = {between(read(one), f"<!-- {mark} -->\n", "\n```\n") for one in READMES}
    assert len(blocks) == 1


def test_both_languages_have_the_same_sections_settings_and_examples() -> None:
    for pattern in (r"`(BEEL_\w+)`", r"`(beel-mcp[^`]*)`", r"(```\w*\n.*?```)", r"\]\((\S+?)\)"):
        found = [re.findall(pattern, read(one), re.DOTALL) for one in READMES]
        for language, other in (("README.es.md", "README.md"), ("README.md", "README.es.md")):
            found = [[item for item in items if item not in (language, other)] for items in found]
        # Each shows the pages in its own language.
        found = [[re.sub(r"\.(en|es)\.png", ".png", item) for item in items] for items in found]
        assert found[0] == found[1], pattern
    headings = [len(re.findall(r"^## ", read(one), re.MULTILINE)) for one in READMES]
    assert len(set(headings)) == 1


def test_the_pictures_show_what_the_demo_shows() -> None:
    pictures = ROOT / "docs" / "pictures"
    chat = (pictures / "chat.svg").read_text(encoding="utf-8")
    assert f"{TOTAL} clientes: {IMPORTABLE} se pueden dar de alta." in chat
    assert f"Dados de alta: {IMPORTABLE}." in chat
    rows = (ROOT / "examples" / "customers.csv").read_text(encoding="utf-8").splitlines()
    report = (pictures / "report.svg").read_text(encoding="utf-8")
    shown = re.findall(r'x="14" y="(\d+)">(\d+)<', report)
    assert len(shown) == 4
    for height, number in shown:
        cells = rows[int(number) - 1].split(";")[:2]  # the head is row 1
        told = re.findall(rf'x="(?:62|286)" y="{height}">([^<]+)<', report)
        assert told == [cell for cell in cells if cell]
    for picture in pictures.glob("*.svg"):
        assert picture.stat().st_size < 4_000


def test_each_page_shows_every_view_in_its_own_language() -> None:
    pictures = {path.name for path in (ROOT / "docs" / "pictures").glob("*.png")}
    assert pictures == {f"{view}.{language}.png" for view in VIEWS for language in READMES}
    for language in READMES:
        shown = re.findall(r"\(docs/pictures/(\S+\.png)\)", read(language))
        assert sorted(shown) == sorted(f"{view}.{language}.png" for view in VIEWS)
    for name in pictures:
        picture = ROOT / "docs" / "pictures" / name
        assert picture.read_bytes().startswith(b"\x89PNG")
        assert picture.stat().st_size < 150_000, name


@pytest.mark.parametrize("name", ["README.md", "README.es.md", "SECURITY.md", "examples/README.md"])
def test_links_to_files_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for target in re.findall(r"\]\((?!https?:|mailto:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize(("language", "separator"), [("en", ","), ("es", ".")])
def test_what_it_says_was_tried_is_what_the_page_of_figures_adds_up_to(
    language: str, separator: str
) -> None:
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    in_all = between(page, "- In all: ", ".\n")
    told = between(read(language), {"en": "\nTried: ", "es": "\nProbado: "}[language], ".\n[")
    numbers = [number.replace(",", separator) for number in re.findall(r"[\d,]*\d", in_all)]
    assert re.findall(rf"[\d{separator}]*\d", told) == numbers
    assert numbers[3:] == ["0", "0", "0"]
