"""What every page and card has: one source, text that stays text, words in both languages."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

import beel_mcp
from beel_mcp.language import Language
from beel_mcp.messages import read_data
from beel_mcp.pages import rendering
from beel_mcp.pages.rendering import number_of, render_fragment, render_page, style
from tests.support.hostile.payloads import PAYLOADS
from tests.support.page_text import outline

PAGES = Path(beel_mcp.__file__).parent / "pages"
TEMPLATES = sorted((PAGES / "templates").glob("*.html"))
SAID = re.compile(r'"((?:[a-z_]+\.)[a-z_0-9]+)"')
# Chosen by what they are about: these names are not written out.
LOOKED_UP = re.compile(r"(?:environment|remedy|class|lasts)\.")
LANGUAGES: tuple[Language, ...] = ("es", "en")


def put_out(text: Any) -> str:
    return rendering._environment().from_string("{{ text }}").render(text=text)


def sentences() -> dict[str, dict[str, str]]:
    return {
        f"{group}.{name}": words
        for group, names in read_data("page_words").items()
        for name, words in names.items()
    }


def page(language: Language = "en", **values: Any) -> str:
    paragraphs = values.pop("paragraphs", ["Nothing is here."])
    answer = render_page("message.html", language, "N0nce", paragraphs=paragraphs, **values)
    return bytes(answer.body).decode()


def test_a_page_has_one_h1_a_main_part_and_its_language() -> None:
    for language in LANGUAGES:
        seen = outline(page(language, title="A title"))
        assert seen.language == language
        assert seen.headings == [(1, "A title")]
        assert seen.tags.count("main") == seen.tags.count("title") == 1
        assert seen.titles == ["A title · BeeL"]


def test_a_page_fetches_nothing_and_runs_nothing() -> None:
    for language in LANGUAGES:
        seen = outline(page(language, title="T", where={"environment": "live", "company": "X"}))
        loading = {"script", "link", "img", "iframe", "object", "embed", "svg", "video", "base"}
        assert not loading & set(seen.tags)
        names = {name for _, attributes in seen.attributes for name in attributes}
        assert not [name for name in names if name.startswith("on") or name in {"style", "src"}]
    assert not re.search(r"url\(|@import|expression|</", style())


def test_the_stylesheet_stands_inside_under_the_nonce() -> None:
    assert f'<style nonce="N0nce">{style()}</style>' in page(title="T")
    assert "<style" not in render_fragment("message.html", "en", title="T", paragraphs=[])


def test_where_we_are_is_said_by_a_word_and_the_company() -> None:
    where = {"environment": "live", "company": "Ana <b>López</b>"}
    for text in (
        page("es", title="T", where=where),
        render_fragment("message.html", "es", title="T", paragraphs=[], where=where),
    ):
        assert "Contabilidad real" in text
        assert "Ana &lt;b&gt;López&lt;/b&gt;" in text
    assert {name for name in sentences() if name.startswith("environment.")} == {
        f"environment.{name}" for name in ("sandbox", "test", "live", "none")
    }


def test_no_text_becomes_markup() -> None:
    for text in (*PAYLOADS, "<b>x</b>", "{{ 7*7 }}", "{% raw %}", "javascript:alert(1)", "a\"b'c"):
        made = put_out(text)
        assert not set('<>"') & set(made), text
        assert "'" not in made
        assert "49" not in made
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\x00-\x08]", made)


def test_lines_stay_lines_and_markup_of_ours_stays_markup() -> None:
    assert put_out("a\n b\u202e") == "a\nb"
    assert put_out(Markup("<p>\u202e</p>")) == "<p>\u202e</p>"
    assert put_out(7) == "7"


def test_a_value_that_is_not_given_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        rendering._environment().from_string("{{ nobody }}").render()


def test_numbers_are_written_as_the_person_does() -> None:
    assert number_of(5000, "es") == "5.000"
    assert number_of(5000, "en") == "5,000"
    assert rendering._values("es", "", {})["amount"]("1234.5") == "1.234,50 €"
    assert rendering._values("en", "", {})["amount"]("-1234.5") == "-€1,234.50"
    assert rendering._values("es", "", {})["day"](None) == ""


@pytest.mark.slow
def test_a_server_that_shows_no_page_starts_without_templates() -> None:
    code = "import sys, beel_mcp.server; print({'jinja2', 'beel_mcp.pages'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "set()"


# -- words ------------------------------------------------------------------------------------


def test_every_sentence_is_there_in_both_languages_with_the_same_facts() -> None:
    for code, words in sentences().items():
        assert words.keys() == {"en", "es"}, code
        facts = [{name for _, name, _, _ in Formatter().parse(text)} for text in words.values()]
        assert facts[0] == facts[1], code
        assert not [text for text in words.values() if re.search("[<>\n]", text)], code


def test_every_sentence_is_said_somewhere_and_what_is_said_is_there() -> None:
    sources = [*TEMPLATES, *sorted(PAGES.glob("*.py"))]
    text = "".join(path.read_text(encoding="utf-8") for path in sources)
    said = set(re.findall(r'\bsay\((?:\w[\w.]*, )?"([\w.]+)"', text)) - {"environment."}
    known = sentences().keys()
    assert said - known == set()
    written = set(SAID.findall(text))
    assert [code for code in known if code not in written and not LOOKED_UP.match(code)] == []


def test_templates_say_nothing_of_their_own() -> None:
    """Hold every word of a template against the table: what is written out has one language."""

    class Words(HTMLParser):
        def handle_data(self, data: str) -> None:
            found.append(data)

    for path in TEMPLATES:
        found: list[str] = []
        text = re.sub(
            r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", " ", path.read_text("utf-8"), flags=re.DOTALL
        )
        Words().feed(text)
        words = set(re.findall(r"[^\W\d_]{2,}", " ".join(found))) - {"BeeL"}
        assert not words, path.name


def test_templates_put_nothing_out_as_markup_and_style_nothing_by_themselves() -> None:
    for path in TEMPLATES:
        text = path.read_text(encoding="utf-8")
        if path.name == "shell.html":  # the one script of all is a file of its own
            text = text.replace("<script>{{ script }}</script>", "", 1)
        assert not re.search(r"\|\s*safe|autoescape|Markup|style=|\son\w+=|<script", text), (
            path.name
        )
        # A value in an attribute stands in quotes: without them a blank would end it.
        assert not re.search(r"=\s*\{\{", text), path.name


# -- contrast ---------------------------------------------------------------------------------

PAIRS = (
    *(("ink", "paper"), ("ink", "sheet"), ("muted", "paper"), ("muted", "sheet")),
    *(("accent", "paper"), ("on-accent", "accent"), ("red", "paper"), ("accent", "sheet")),
    *((name, f"on-{name}") for name in ("red", "orange", "yellow", "grey", "green")),
)


def colours() -> tuple[dict[str, str], dict[str, str]]:
    light, dark = re.findall(r":root \{(.*?)\}", style(), re.DOTALL)[:2]
    read = [dict(re.findall(r"--([\w-]+): (#\w{6});", part)) for part in (light, dark)]
    assert read[0].keys() == read[1].keys()
    return read[0], read[1]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_can_be_read_on_its_ground(scheme: int) -> None:
    named = colours()[scheme]
    poor = {
        pair: contrast(named[pair[0]], named[pair[1]])
        for pair in PAIRS
        if contrast(named[pair[0]], named[pair[1]]) < 4.5
    }
    assert poor == {}
    # The edge of a field, and of what has the focus, need three.
    assert contrast(named["field"], named["paper"]) >= 3
    assert contrast(named["accent"], named["paper"]) >= 3
