"""The document of all cards, in the reference implementation of a host of MCP Apps."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from beel_mcp.pages.rendering import render_fragment, render_shell
from tests.browser.conftest import Visiting
from tests.support.browsing.host import Host, hosting
from tests.support.browsing.visits import NARROW, Visit
from tests.support.hostile.payloads import PAYLOADS

pytestmark = pytest.mark.anyio
ANSWER = {"content": [{"type": "text", "text": "Nothing has been changed yet.\nNext: ask."}]}


def drawn(*paragraphs: str, title: str = "A list") -> dict[str, Any]:
    fragment = render_fragment("message.html", "en", title=title, paragraphs=paragraphs)
    return {**ANSWER, "_meta": {"beel-mcp/card": fragment}}


@pytest.fixture
async def host(visit: Visit, host_script: str) -> AsyncIterator[Host]:
    async with hosting(visit, host_script, render_shell("en"), {"theme": "light"}) as one:
        yield one


async def test_it_shakes_hands_and_waits(host: Host) -> None:
    assert await host.state("app") == {"name": "beel-mcp", "version": "1"}
    assert await host.text() == "Waiting for the answer…"
    assert (host.visit.said, host.visit.failures) == ([], [])


async def test_it_shows_what_the_server_drew_and_nothing_of_the_text(host: Host) -> None:
    shown = await host.answered(drawn("Two rows are wrong."), "Two rows are wrong.")
    assert shown.split("\n") == ["A list", "", "Two rows are wrong."]
    assert await host.card.get_by_role("heading", level=1).inner_text() == "A list"


async def test_an_answer_without_a_drawing_is_shown_as_its_text(host: Host) -> None:
    shown = await host.answered(ANSWER, "Next: ask.")
    assert shown == "Nothing has been changed yet.\nNext: ask."
    # The next one is drawn again, and nothing is left of the last.
    assert "Next" not in await host.answered(drawn("Drawn."), "Drawn.")


async def test_it_takes_the_theme_of_the_app_and_not_of_the_machine(host: Host) -> None:
    async def ground() -> str:
        return str(await host.card.evaluate("getComputedStyle(document.body).backgroundColor"))

    light = await ground()
    await host.do("adapt", {"theme": "dark"})
    await host.card.wait_for_function("document.documentElement.style.colorScheme === 'dark'")
    dark = await ground()
    assert (light, dark) == ("rgb(255, 255, 255)", "rgb(20, 23, 26)")
    await host.do("adapt", {"theme": "light", "locale": "es-ES"})
    await host.card.wait_for_function("document.documentElement.style.colorScheme === 'light'")
    assert await ground() == light


async def test_a_light_app_on_a_dark_machine_gets_a_light_card(
    visit_with: Visiting, host_script: str
) -> None:
    async with (
        visit_with(scheme="dark") as visit,
        hosting(visit, host_script, render_shell("en"), {"theme": "light"}) as host,
    ):
        ground = await host.card.evaluate("getComputedStyle(document.body).backgroundColor")
        assert ground == "rgb(255, 255, 255)"


async def test_it_tells_how_high_it_is_whenever_that_changes(host: Host) -> None:
    await host.answered(drawn("Short."), "Short.")
    await host.visit.page.wait_for_function("host.sizes.length > 0")
    short = (await host.state("sizes"))[-1]
    await host.answered(drawn(*["A line."] * 40, "The end."), "The end.")
    await host.visit.page.wait_for_function(f"host.sizes.at(-1) > {short} + 500")
    # The app gave it the room: nothing has to be scrolled inside of it.
    room = "document.documentElement.scrollHeight - document.documentElement.clientHeight"
    assert await host.card.evaluate(room) <= 1


async def test_it_ends_when_it_is_told_to(host: Host) -> None:
    assert await host.do("tearDown") == {}


async def test_it_asks_the_app_for_nothing_but_to_be_shown(host: Host) -> None:
    await host.answered(drawn("<a href='#'>x</a>"), "href")
    await host.card.locator("body").click()
    assert await host.state("asked") == []
    assert [one for one in host.visit.requests if "card" not in one and "host.js" not in one] == [
        host.visit.requests[0]
    ]


async def test_hostile_texts_stay_texts(host: Host) -> None:
    names = [payload[:300] for payload in PAYLOADS]
    requests = len(host.visit.requests)
    await host.answered(drawn(*names, "The end."), "The end.")
    made = await host.card.evaluate(
        "[...new Set([...document.querySelectorAll('#shown *')].map((one) => one.localName))]"
    )
    assert sorted(made) == ["div", "h1", "p"]
    assert await host.card.locator("#shown p").count() == len(names) + 1
    assert len(host.visit.requests) == requests
    assert (host.visit.dialogs, host.visit.said, host.visit.failures) == ([], [], [])


FORGED = (
    '<script>alert(1)</script><p onclick="alert(2)" style="position:fixed">seen</p>'
    '<img src="/picture.png" onerror="alert(3)"><svg><script>alert(4)</script></svg>'
    '<iframe src="/frame"></iframe><a href="https://example.com/">link</a><form><input></form>'
    '<style>* { color: red }</style><meta http-equiv="refresh" content="0; url=/away">'
)


async def test_a_drawing_that_is_not_our_servers_runs_links_and_styles_nothing(host: Host) -> None:
    """Hold the document itself: even if markup got into an answer, it would stay without effect."""
    requests = len(host.visit.requests)
    shown = await host.answered({**ANSWER, "_meta": {"beel-mcp/card": FORGED}}, "seen")
    assert shown == "seen"
    await host.card.get_by_text("seen").click()
    made = await host.card.evaluate("document.querySelector('#shown').innerHTML")
    assert made == "<p>seen</p>"
    assert len(host.visit.requests) == requests
    assert (host.visit.dialogs, host.visit.failures) == ([], [])


async def test_only_the_app_is_listened_to(host: Host) -> None:
    """A message that comes from elsewhere, here from the frame itself, shows nothing."""
    told = {
        "jsonrpc": "2.0",
        "method": "ui/notifications/tool-result",
        "params": {"content": [{"type": "text", "text": "Forged."}]},
    }
    await host.card.evaluate("(told) => { postMessage(told, '*'); }", told)
    shown = await host.answered(drawn("From the app."), "From the app.")
    assert "Forged." not in shown


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_everybody_can_read_it(
    visit_with: Visiting, host_script: str, axe: str, language: Any, theme: str
) -> None:
    async with (
        visit_with(width=NARROW) as visit,
        hosting(visit, host_script, render_shell(language), {"theme": theme}) as host,
    ):
        await host.answered(drawn("A paragraph."), "A paragraph.")
        assert await host.card.evaluate("document.documentElement.lang") == language
        await host.card.evaluate(axe)
        found = await host.card.evaluate("axe.run(document).then((one) => one.violations)")
        assert found == []
