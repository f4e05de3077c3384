"""How a list is drawn: pages of it, hostile texts in it, its card; without a server."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from beel_mcp.lists.batch import Batch
from beel_mcp.lists.export import marks
from beel_mcp.lists.inline import read_inline
from beel_mcp.lists.model import Problem, Row
from beel_mcp.messages import Message, verbatim
from beel_mcp.pages import batch_view as views
from beel_mcp.pages.batch_form import Typed, read_form
from beel_mcp.pages.batch_view import Asked, BatchView, batch_view, card_view
from beel_mcp.pages.paging import ROWS_PER_PAGE
from beel_mcp.pages.rendering import render_fragment, render_page
from tests.support.customers import customer
from tests.support.hostile.payloads import MARK, PAYLOADS
from tests.support.page_text import Outline, outline

HOSTILE = (
    *PAYLOADS,
    *(f"{{{{7*7}}}}{MARK}", f"{{% raw %}}{MARK}", f"{{# {MARK} #}}", "{0}{self}" + MARK),
    *(f"javascript:alert({MARK})", f"<script>{MARK}</script>", f"<img src=x onerror={MARK}>"),
    *(f'" autofocus onfocus="{MARK}', f"' style='{MARK}", MARK * 50, f"</textarea><b>{MARK}"),
    *(f"</style><b>{MARK}</b>", f"<!-- {MARK}", f"]]>{MARK}", f"\u202e{MARK}\u2066"),
)
KNOWN_TAGS = {
    *("html", "head", "meta", "title", "style", "body", "a", "header", "p", "main", "h1", "h2"),
    *("bdi", "div", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "span"),
    *("form", "input", "textarea", "select", "option", "label", "button", "footer", "nav"),
    *("ul", "li"),
}
HIDDEN = re.compile("[\u202a-\u202e\u2066-\u2069\u200b-\u200f\u2028\u2029\x00-\x08\x0b-\x1f]")


def page_of(view: BatchView, **values: Any) -> str:
    given = {"problem": "", "is_corrected": True, **values}
    made = render_page("batch.html", "es", "N0nce", title="Lista", view=view, **given)
    return bytes(made.body).decode()


def many(count: int) -> Batch:
    """Give a long list; each seventh row lacks a number, which is told."""
    values = read_inline([customer(1)])[0].values
    lacks = Problem("address.number", Message("address.no_number"), severity="error")
    rows = tuple(Row(n, values, () if n % 7 else (lacks,)) for n in range(1, count + 1))
    return Batch("local", "lista.csv", rows)


def counted(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> list[int]:
    """Count the calls of a function from now on."""
    calls: list[int] = []
    real: Callable[..., Any] = getattr(owner, name)

    def count(*given: Any, **named: Any) -> Any:
        calls.append(1)
        return real(*given, **named)

    monkeypatch.setattr(owner, name, count)
    return calls


def safe(seen: Outline) -> None:
    """Hold that texts of a list are texts: no element, no address, no attribute of theirs."""
    assert set(seen.tags) <= KNOWN_TAGS
    for tag, one in seen.attributes:
        assert not [name for name in one if name.startswith("on") or name in ("style", "src")]
        told = {name for name, text in one.items() if MARK in text.lower()}
        assert told <= ({"value"} if tag in ("input", "textarea", "option") else set()), (tag, one)
    for address, _ in seen.links:
        assert address.startswith(("./", "#", "list.xlsx")), address


@pytest.mark.slow
def test_no_text_of_a_list_is_anything_but_text() -> None:
    for at in range(0, len(HOSTILE), 4):
        texts = HOSTILE[at : at + 4]
        rows = tuple(
            Row(
                number,
                {"legal_name": text, "notes": text, "nif": text, "address": {"city": text}},
                tuple(
                    Problem(field, verbatim(text), text, verbatim(text), severity=severity)
                    for field in ("legal_name", "notes", "row", text)
                    for severity in ("error", "advice")
                ),
            )
            for number, text in enumerate(texts, 1)
        )
        batch = Batch("local", texts[0], rows)
        typed = Typed(batch.batch_id, None, {(1, "email"): texts[0], (2, "notes"): texts[1]})
        errors = {(1, "email"): texts[0]}
        for view in (
            batch_view(batch, "es", Asked()),
            batch_view(batch, "es", Asked(), typed, errors),
            batch_view(batch, "en", Asked(page=None)),
        ):
            html = page_of(view, problem=texts[0])
            assert not HIDDEN.search(html)
            assert MARK in html.lower()
            assert ">49" not in html
            safe(outline(html))
        card = render_fragment(
            "batch.html",
            "es",
            title="L",
            view=card_view(batch, "es"),
            problem="",
            is_corrected=False,
        )
        safe(outline(card))
        assert not HIDDEN.search(card)


@pytest.mark.slow
def test_a_page_of_5000_rows_draws_50(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = many(5_000)
    drawn = counted(monkeypatch, views._Drawing, "row")
    view = batch_view(batch, "es", Asked(page=3))
    assert [row.number for row in view.rows] == list(range(101, 151))
    assert len(drawn) == ROWS_PER_PAGE
    errors = batch_view(batch, "es", Asked("error", page=99))
    assert errors.pager
    assert (errors.pager.page, errors.pager.pages, errors.pager.last) == (15, 15, 714)
    assert len(errors.rows) == 14
    assert page_of(view).count("<tr>") == ROWS_PER_PAGE + 5  # headings, classes


def test_the_columns_of_a_list_are_found_without_drawing_its_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The fields that no row has are not looked for in each of them."""
    batch = many(500)
    looked = [counted(monkeypatch, marks, name) for name in ("cell_text", "marks_of")]
    assert "address.number" in marks.columns_of(batch)
    assert looked == [[], []]


@pytest.mark.slow
def test_what_is_printed_has_every_row_of_its_class_and_no_form() -> None:
    view = batch_view(many(500), "es", Asked("error", None))
    seen = outline(page_of(view))
    assert len(view.rows) == 500 // 7
    assert not {"form", "button", "select"} & set(seen.tags)
    first = batch_view(many(500), "es", Asked("error"))
    assert ("./?kind=error&page=all", "Las 71 en una sola página, para imprimir") in outline(
        page_of(first)
    ).links


def test_a_card_has_the_counts_and_the_first_rows_to_look_at_and_no_form() -> None:
    view = card_view(many(500), "es")
    html = render_fragment(
        "batch.html", "es", title="Lista", view=view, problem="", is_corrected=False
    )
    seen = outline(html)
    assert [row.number for row in view.rows] == [*range(1, 11)]
    assert not {"form", "button", "input", "a", "nav"} & set(seen.tags)
    assert seen.headings[0] == (1, "Lista")
    assert seen.skipped_headings() == []


def test_a_form_is_read_as_far_as_it_is_one() -> None:
    sent = (
        b"batch_id=bat_1&kind=error&12/nif=x&12/notes=a%0D%0Ab&12/take/nif=1&13/drop=1"
        b"&nope/nif=1&12/nope=1&12/take/nif=99999&kind2=1&-1/nif=2&99999999999/nif=3"
    )
    typed = read_form(sent)
    assert typed.values == {(12, "nif"): "x", (12, "notes"): "a\nb"}
    assert (typed.batch_id, typed.kind) == ("bat_1", "error")
    assert typed.taken == {(12, "nif"): 1}
    assert typed.rows == {12, 13}
    assert read_form(b"&".join([b"1/nif=1"] * 5_001)) == Typed()
    assert read_form(b"\xff\xfe=\xff&kind=%3Cb%3E").kind is None
