"""The page of a package: the sums of its answer and its manifest, and what is missing."""

import csv
import io
import re
import unicodedata
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from beel_mcp.answers.files import _REMEDIES
from beel_mcp.context import Timing
from beel_mcp.door.links import Target
from beel_mcp.files.invoice_package import ManifestRow
from beel_mcp.memory.packages import FinishedPackage, PackageStore
from beel_mcp.messages import read_data
from beel_mcp.pages import package_page, package_view
from beel_mcp.pages.paging import ROWS_PER_PAGE
from beel_mcp.pages.rendering import render_fragment, render_page
from beel_mcp.sandbox import SandboxOptions, create_app
from tests.conftest import FakeTime
from tests.pages.conftest import Open, Opened, Seen
from tests.pages.test_batch_view import HIDDEN, HOSTILE, safe
from tests.support.hostile.payloads import MARK
from tests.support.invoices import make_firm
from tests.support.page_text import Outline, outline

pytestmark = pytest.mark.anyio
Q3 = {"quarter": "2026-Q3"}


async def made(opened: Opened, **arguments: Any) -> tuple[dict[str, Any], Target]:
    answer = await opened.call("download_invoices_zip", **arguments)
    [kept] = opened.state.packages._kept.of("local")[:1]
    return answer, Target("package", kept.package_id, "local")


def cells_under(page: Outline, caption: str) -> list[list[str]]:
    """Give the rows of one table."""
    return page.tables[caption]


def money(text: str) -> Decimal:
    """Read what a page writes: 1.234,56 €."""
    assert re.fullmatch(r"-?[0-9]{1,3}(\.[0-9]{3})*,[0-9]{2} €", text), text
    return Decimal(text.removesuffix(" €").replace(".", "").replace(",", "."))


def total(amounts: Iterable[str]) -> Decimal:
    return sum(map(Decimal, amounts), Decimal())


async def test_the_sums_are_those_of_the_answer_and_of_the_manifest(opening: Open) -> None:
    app = create_app(SandboxOptions())
    make_firm(app)
    app.state.store.execute("UPDATE invoices SET pdf_ready = 0 WHERE number % 5 = 0")
    async with opening(app, language="es") as opened:
        answer, target = await made(opened, **Q3)
        async with opened.browser(target) as browser:
            page = (await browser.get("./?page=all")).outline
    with zipfile.ZipFile(answer["path"]) as archive:
        text = archive.read("manifest.csv").decode("utf-8-sig")
    manifest = list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))

    *lines, foot = cells_under(page, "Lo facturado, por estado")[1:]
    assert [money(line[-1]) for line in lines] == [*map(Decimal, answer["sums"].values())]
    invoiced = answer["invoiced"]
    assert [money(foot[2]), money(foot[3]), money(foot[-1])] == [
        Decimal(invoiced[name]) for name in ("base", "tax", "total")
    ]
    *months, foot_of_months = cells_under(page, "Lo facturado, por mes")[1:]
    assert [line[0] for line in months] == ["07/2026", "08/2026", "09/2026"]
    assert foot_of_months == foot
    assert sum(money(line[-1]) for line in months) == Decimal(invoiced["total"])
    *rates, foot_of_rates = cells_under(page, "Lo facturado, por tipo impositivo")[1:]
    assert sum(money(line[1]) for line in rates) == money(foot_of_rates[1])
    others = cells_under(page, "No facturado: no está en ninguna de las demás sumas")[1:]
    assert sum(money(line[-1]) for line in others) == total(answer["not_invoiced"].values())

    here = total(answer["included_sums"].values())
    assert f"en el ZIP hay {here:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".") in (
        page.text
    )
    shown = cells_under(page, "Todas las facturas pedidas, por fecha y número")
    digest = manifest[0].index("sha256")
    for line, of_file in zip(shown, manifest, strict=True):
        told = [*of_file[:digest], *of_file[digest + 1 :]]
        plain = [re.sub(r"^(-?[0-9.]+,[0-9]{2}) €$", r"\1", cell) for cell in line]
        assert [cell.replace(".", "").casefold() for cell in plain] == [
            cell.replace(".", "").casefold() for cell in told
        ]


async def test_what_is_missing_is_named_with_its_reason_and_a_remedy(opening: Open) -> None:
    app = create_app(SandboxOptions())
    app.state.store.execute("UPDATE invoices SET pdf_ready = 0 WHERE number = 28")
    async with opening(app, language="es") as opened:
        answer, target = await made(opened, **Q3)
        async with opened.browser(target) as browser:
            page = (await browser.get()).outline
        [missing] = answer["missing"]
        [line] = cells_under(page, "Facturas que no están en el ZIP")[1:]
        assert line[0] == missing["number"]
        assert money(line[3]) == Decimal(missing["amount"])
        assert line[4] == "BeeL aún no tiene su PDF"
        assert line[5] == "BeeL está preparando su PDF: vuelva a pedirla dentro de 30 s."
        assert "in 30 s" in missing["remedy"]
        assert "Faltan: 1." in page.text
        nothing, other = await made(opened, invoice_ids=[missing["invoice_id"]])
        assert nothing["status"] == "nothing_done"
        async with opened.browser(other) as browser:
            page = (await browser.get()).outline
        assert "No se ha guardado ningún archivo" in page.text
        assert "Tampoco llegó el PDF la vez anterior" in page.text


def test_every_remedy_has_words_for_a_person() -> None:
    assert read_data("page_words")["remedy"].keys() == _REMEDIES.keys()


@pytest.mark.parametrize("language", ["es", "en"])
async def test_a_program_that_reads_aloud_finds_its_way(opening: Open, language: str) -> None:
    async with opening(language=language) as opened:
        answer, target = await made(opened, **Q3)
        async with opened.browser(target) as browser:
            seen: Seen = await browser.get()
    page = seen.outline
    assert page.language == language
    assert page.skipped_headings() == page.unlabelled() == page.unreachable() == []
    assert page.tags.count("table") == len(page.captions) == len(set(page.captions))
    assert not [one for tag, one in page.attributes if tag == "th" and "scope" not in one]
    assert Path(answer["path"]).name in seen.html
    assert "€" in page.text
    assert (", por mes" in page.text) is (language == "es")


async def test_a_package_that_is_gone_says_so_and_anothers_is_not_found(
    opening: Open, fake_time: FakeTime
) -> None:
    timing = Timing(now=fake_time.now, sleep=fake_time.sleep)
    async with opening(timing=timing, language="es") as opened:
        _, target = await made(opened, **Q3)
        for other in (replace(target, caller="token:ana"), replace(target, id="pkg_nobody")):
            async with opened.browser(other) as browser:
                page = await browser.get()
                assert page.status == 410
                assert "Este paquete ya no se muestra" in page.html
                assert ".zip" not in page.html
        for minutes, status in ((0, 200), (29, 200), (31, 410)):
            await fake_time.sleep(minutes * 60)
            async with opened.browser(target) as browser:
                assert (await browser.get()).status == status


async def test_the_answer_knows_its_package_and_does_not_say_it(opening: Open) -> None:
    from beel_mcp.answers.files import PackageAnswer

    answer = PackageAnswer(status="done").kept_as("pkg_1")
    assert answer.package_id == "pkg_1"
    assert "pkg_1" not in str(answer.structure())
    assert answer.model_copy(update={"summary": "x"}).package_id == "pkg_1"
    async with opening() as opened:
        told, target = await made(opened, **Q3)
        assert target.id not in str(told)
        kept = opened.state.packages.find(target.id, "local")
        assert kept
        assert len(kept.rows) == told["requested"]


def rows(count: int, **changes: Any) -> tuple[ManifestRow, ...]:
    half = Decimal("50.25")
    return tuple(
        ManifestRow(
            f"id{n}",
            **{
                "day": date(2026, 1 + n % 3, 1),
                "number": f"F-{n}",
                "type": "STANDARD",
                "status": "PAID",
                "rates": ((Decimal(21), half, half),),
                "total": half * 2,
                **changes,
            },
        )
        for n in range(1, count + 1)
    )


def page_of(view: package_view.PackageView) -> Outline:
    answer = render_page("package.html", "es", "N0nce", title="Paquete", view=view)
    return outline(bytes(answer.body).decode())


def test_a_long_manifest_is_paged_and_whole_to_print(monkeypatch: pytest.MonkeyPatch) -> None:
    package = FinishedPackage("local", "a.zip", rows(2_000), {})
    drawn: list[int] = []
    cells_of = package_view.cells_of

    def count(*given: Any) -> list[str]:
        drawn.append(1)
        return cells_of(*given)

    monkeypatch.setattr(package_view, "cells_of", count)
    view = package_view.package_view(package, "es", 40)
    assert view.manifest
    assert len(view.manifest.rows) == len(drawn) == ROWS_PER_PAGE
    assert (view.manifest.pager.page, view.manifest.pager.after) == (40, "")
    addresses = [address for address, _ in page_of(view).links]
    assert addresses == ["#content", "./?page=all", "./?page=39", "./?page=39"]
    assert view.invoiced.total == "201000.00"
    whole = package_view.package_view(package, "es", None)
    assert whole.manifest
    assert len(whole.manifest.rows) == 2_000


@pytest.mark.slow
def test_no_text_of_an_invoice_is_anything_but_text() -> None:
    for text in HOSTILE:
        texts = dict.fromkeys(("number", "type", "rectifies", "customer", "nif", "status"), text)
        told = rows(2, **texts, file=text)
        lost = rows(2, **texts, missing=text)
        unknown = (ManifestRow(text, missing="not_found"),)
        package = FinishedPackage("local", text, (*told, *lost, *unknown), {"id1": "unknown"})
        seen = page_of(package_view.package_view(package, "es"))
        assert MARK in unicodedata.normalize("NFKC", seen.text).lower()
        assert not HIDDEN.search(seen.text.replace("\n", ""))
        assert "49" not in re.sub("[^0-9]", " ", seen.text).split()
        safe(seen)
        card = render_fragment(
            "package.html", "es", title="P", view=package_view.card_view(package, "es")
        )
        safe(outline(card))


async def test_a_card_has_the_sums_and_what_is_missing_and_no_links(opening: Open) -> None:
    package = FinishedPackage("local", "a.zip", rows(40, missing="unknown"), {"id1": "unknown"})
    async with opening(language="es") as opened:
        seen = outline(package_page.card(package, opened.state))
    assert not {"a", "nav", "form", "input"} & set(seen.tags)
    assert len(seen.tables["Facturas que no están en el ZIP"]) == 11
    assert "Y 30 más" in seen.text
    assert seen.skipped_headings() == []


def test_packages_are_kept_for_their_caller_and_within_bounds(fake_time: FakeTime) -> None:
    store = PackageStore(fake_time.now)
    many = [FinishedPackage("local", "a.zip", rows(2_000), {}) for _ in range(12)]
    for package in many:
        store.add(package)
    found = [package for package in many if store.find(package.package_id, "local")]
    assert found == many[2:]
    assert store.find(many[-1].package_id, "token:ana") is None
