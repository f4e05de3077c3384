"""Templates made into pages and into the fragments of cards: one source for both.

A template of a view is a fragment, with headings from `<h2>` on. In it `page` tells whether it
stands in a page, where forms and links may be. Whatever a template puts out is text: escaped, and
without what cannot be seen or turns the order of what can.
"""

import sys
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

from beel_mcp.cleaning import clean
from beel_mcp.language import Language, localized
from beel_mcp.messages import sentence
from beel_mcp.writes.consent.statement import day_of, money

_TABLE: Final = "page_words"
_SPANISH_POINTS: Final = str.maketrans(",.", ".,")
Say = Callable[..., str]


def render_page(
    template: str,
    language: Language,
    nonce: str,
    *,
    title: str,
    status_code: int = 200,
    **values: Any,
) -> HTMLResponse:
    """Make the whole page of a fragment, with its one stylesheet inside, under the nonce.

    `title` is its one `<h1>`. `where`, if given, has environment and company, as
    `AppState.where()` gives them.
    """
    html = _template("base.html").render(
        _values(language, title, values),
        page=True,
        content=template,
        nonce=nonce,
        style=style(),
    )
    return HTMLResponse(html, status_code)


def render_fragment(template: str, language: Language, *, title: str, **values: Any) -> str:
    """Make the same content without page, forms and links, for a card in a chat."""
    html: str = _template("card.html").render(
        _values(language, title, values), page=False, content=template
    )
    return html.strip()


def attachment(data: bytes, name: str, media_type: str) -> Response:
    """Give a file that the browser saves under its name."""
    disposition = f"attachment; filename*=utf-8''{quote(name, safe='')}"
    return Response(data, media_type=media_type, headers={"Content-Disposition": disposition})


def render_shell(language: Language) -> str:
    """Make the document that apps put such fragments into, by the one script of ours."""
    html: str = _template("shell.html").render(
        _values(language, "BeeL", {}),
        style=style(),
        script=Markup(_source("card.js")),  # noqa: S704 - a file of this package
    )
    return html.strip()


def style() -> Markup:
    """Give the stylesheet of pages and cards, which is ours and fit to stand in `<style>`."""
    return Markup(_source("style.css"))  # noqa: S704 - a file of this package


def say(language: Language, code: str, /, **facts: object) -> str:
    """Say a sentence of the pages, group.name in data/page_words.toml."""
    return sentence(_TABLE, code, **facts).localized(language)


def number_of(number: int, language: Language) -> str:
    """Write a whole number as the person does."""
    text = f"{number:,}"
    return localized(language, en=text, es=text.translate(_SPANISH_POINTS))


def _values(language: Language, title: str, values: dict[str, Any]) -> dict[str, Any]:
    def amount(value: Decimal | str) -> str:
        return money(Decimal(value), language)

    def day(value: date | None) -> str:
        return "" if value is None else day_of(value, language)

    def speak(code: str, /, **facts: object) -> str:
        return say(language, code, **facts)

    return {
        "language": language,
        "title": title,
        "say": speak,
        "amount": amount,
        "day": day,
        "number": lambda value: number_of(value, language),
        "where": None,
        **values,
    }


@cache
def _environment() -> Environment:
    return Environment(
        loader=FunctionLoader(_source),
        autoescape=True,  # everything, whatever its name ends in
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _template(name: str) -> Any:
    return _environment().get_template(name)


@cache
def _source(name: str) -> str:
    return files(__package__).joinpath("templates", name).read_text("utf-8")


def _shown(value: Any) -> Any:
    """Clean what is put out, line by line; markup is of our own templates alone."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return "\n".join(clean(line, sys.maxsize) for line in value.split("\n"))
