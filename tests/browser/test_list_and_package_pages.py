"""The pages of a list and of a package in a browser: for everybody, and never more than text."""

from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.language import Language
from tests.browser.conftest import Visiting
from tests.browser.test_plan_for_everybody import ELEMENTS, ODD
from tests.conftest import Connect
from tests.support.browsing.judging import judged
from tests.support.browsing.links import Links
from tests.support.browsing.visits import NARROW, Scheme, Visit
from tests.support.customers import customer
from tests.support.hostile.payloads import MARK, PAYLOADS
from tests.support.people.forms import call

pytestmark = pytest.mark.anyio
WRONG = {**customer(2), "nif": "B12345678"}
ROWS = [customer(1), WRONG, {"legal_name": "Solo SL"}, {**customer(4), "email": "nadie"}]
PERIOD = {"date_from": "2026-01-01", "date_to": "2026-12-31"}


async def list_page(client: Client, links: Links, rows: list[dict[str, Any]]) -> str:
    told = await call(client, "validate_customers", customers=rows)
    return await links.to("batch", told["batch_id"])


async def package_page(client: Client, links: Links) -> str:
    told = await call(client, "download_invoices_zip", **PERIOD)
    return await links.to("package", links.package(told["path"]))


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_everybody_can_read_and_use_them(
    connect: Connect,
    links: Links,
    visit_with: Visiting,
    axe: str,
    language: Language,
    scheme: Scheme,
) -> None:
    async with connect(language=language) as client, visit_with(width=NARROW, scheme=scheme) as one:
        await one.open(await list_page(client, links, ROWS))
        await judged(one, axe, "a list")
        await one.page.click("main button[type=submit]")
        await judged(one, axe, "nothing typed")
        await one.page.fill("input[name='4/email']", "alguien@example.com")
        await one.page.click("main button[type=submit]")
        assert await one.page.get_by_role("status").count() == 1
        await judged(one, axe, "corrected")
        await one.page.locator("tbody th a").first.click()
        await judged(one, axe, "one class")
        await one.open(await package_page(client, links))
        await judged(one, axe, "a package")


async def test_a_value_is_corrected_by_the_keyboard_alone(
    connect: Connect, links: Links, visit: Visit
) -> None:
    async with connect(language="en") as client:
        await visit.open(await list_page(client, links, ROWS))
        await visit.tab_to("4/email")
        assert await visit.shows_its_focus()
        await visit.page.keyboard.press("Control+A")
        await visit.page.keyboard.type("alguien@example.com")
        await visit.page.keyboard.press("Enter")
        await visit.page.get_by_role("status").wait_for()
        assert await visit.page.locator("input[name='4/email']").count() == 0
        assert await visit.page.get_by_text("alguien@example.com").count() == 1


async def test_the_workbook_is_saved_under_its_name(
    connect: Connect, links: Links, visit: Visit
) -> None:
    async with connect(language="en") as client:
        await visit.open(await list_page(client, links, ROWS))
        async with visit.page.expect_download() as saving:
            await visit.page.click("a[download]")
        saved = await saving.value
        assert saved.suggested_filename.endswith(".xlsx")
        assert (await saved.path()).read_bytes().startswith(b"PK")


async def test_60_hostile_rows_are_shown_as_text_and_do_nothing(
    connect: Connect, links: Links, visit: Visit
) -> None:
    hostile = [{**WRONG, "legal_name": text, "notes": text} for text in PAYLOADS]
    async with connect(language="en") as client:
        await visit.open(await list_page(client, links, [WRONG] * 2))
        harmless = await visit.page.evaluate(ELEMENTS)
        address = await list_page(client, links, hostile)
        for page in (1, 2):
            await visit.open(address if page == 1 else f"{visit.page.url}?page={page}")
            made = set(await visit.page.evaluate(ELEMENTS)) - {*harmless}
            # What a list of more pages has, and long texts to correct.
            assert made <= {"nav", "ul", "li", "textarea"}, made
            assert await visit.page.evaluate(ODD, MARK) == []
            assert await visit.overflow() <= 0
    assert {one.partition(" ")[0] for one in visit.requests} == {"GET"}
    assert len(visit.requests) <= 5
    assert (visit.dialogs, visit.said, visit.failures) == ([], [], [])


async def test_hostile_names_of_customers_do_nothing_on_the_page_of_a_package(
    connect: Connect, sandbox: Starlette, links: Links, visit: Visit
) -> None:
    store = sandbox.state.store
    async with connect(language="en") as client:
        await visit.open(await package_page(client, links))
        harmless = await visit.page.evaluate(ELEMENTS)
        for payload in (PAYLOADS[33], PAYLOADS[34], PAYLOADS[8], PAYLOADS[4]):
            store.execute("UPDATE customers SET legal_name = ?, trade_name = NULL", payload)
            await visit.open(await package_page(client, links))
            assert set(await visit.page.evaluate(ELEMENTS)) <= {*harmless}
    assert len(visit.requests) == 10
    assert (visit.dialogs, visit.said, visit.failures) == ([], [], [])


async def test_they_can_be_printed_whole(
    connect: Connect, links: Links, visit_with: Visiting
) -> None:
    async with connect(language="en") as client, visit_with(scheme="dark") as one:
        for make in (list_page(client, links, ROWS), package_page(client, links)):
            await one.open(await make)
            await one.page.emulate_media(media="print")
            assert await one.page.locator("main form button:visible").count() == 0
            assert await one.page.locator("main input:visible").count() == 0
            ground = "getComputedStyle(document.body).backgroundColor"
            assert await one.page.evaluate(ground) == "rgb(255, 255, 255)"
            assert await one.page.locator("table:visible").count() > 1
            assert (await one.page.pdf(format="A4", landscape=True)).startswith(b"%PDF")
            await one.page.emulate_media(media="screen")


async def test_a_dead_list_says_so_and_how_to_go_on(
    connect: Connect, links: Links, visit: Visit
) -> None:
    async with connect(language="en") as client:
        await call(client, "get_status")
        assert await visit.open(await links.to("batch", "bat_gone")) == 410
        assert await visit.open(await links.to("package", "pkg_gone")) == 410
