"""What watches our pages sees what it is there for: tried on a page that does all of it."""

import pytest

from tests.browser.conftest import Visiting
from tests.support.browsing.static import serving
from tests.support.browsing.visits import NARROW, Visit

pytestmark = pytest.mark.anyio

GOOD = """<!DOCTYPE html><html lang="en"><head><title>Good</title>
<style>:root { color-scheme: light dark } a:focus { outline: 2px solid }</style></head>
<body><main><h1>Good</h1><p>A paragraph. <a href="/other">Another page</a></p>
<form><label>Number <input name="count"></label> <button>Yes</button></form></main></body></html>"""
BAD = """<!DOCTYPE html><html><head>
<style>* { outline: none !important; color: #ccc }</style></head>
<body><p style="width: 900px">Wide</p><form><input name="count"></form>
<img src="/picture.png" onerror="alert('ran')"><script>console.log("said"); undefined.x</script>
</body></html>"""


async def test_a_good_page_gives_no_cause_for_complaint(visit: Visit, axe: str) -> None:
    async with serving({"/": GOOD}) as site:
        assert await visit.open(site.origin) == 200
        assert await visit.violations(axe) == []
        assert await visit.overflow() == 0
        assert [one.partition("|")[0] for one in await visit.tab_to("Yes")] == [
            *("a", "input", "button")
        ]
        assert await visit.shows_its_focus()
        assert visit.requests == [f"GET {site.origin}/"]
        assert (visit.dialogs, visit.said, visit.failures) == ([], [], [])


async def test_a_bad_page_is_found_out(visit_with: Visiting, axe: str) -> None:
    async with serving({"/": BAD}) as site, visit_with(width=NARROW) as visit:
        await visit.open(site.origin)
        found = " ".join(await visit.violations(axe))
        for rule in ("html-has-lang", "document-title", "label", "image-alt", "color-contrast"):
            assert rule in found, rule
        assert await visit.overflow() > 500
        await visit.tab()
        assert not await visit.shows_its_focus()
        assert visit.dialogs == ["ran"]
        assert any("said" in line for line in visit.said)
        assert visit.failures
        assert f"GET {site.origin}/picture.png" in visit.requests


async def test_each_visit_begins_anew_and_leaves_this_machine_by_no_way(
    visit_with: Visiting,
) -> None:
    setting = GOOD.replace("<main>", "<script>document.cookie = 'a=1'</script><main>")
    async with serving({"/": setting, "/before": GOOD}) as site:
        for _ in range(2):
            async with visit_with() as visit:
                await visit.open(f"{site.origin}/before")
                assert await visit.page.evaluate("document.cookie") == ""
                await visit.open(site.origin)
        async with visit_with() as visit:
            with pytest.raises(Exception, match="ERR_NAME_NOT_RESOLVED"):
                await visit.open("http://example.com/")
            with pytest.raises(Exception, match="ERR_NAME_NOT_RESOLVED"):
                await visit.open("http://127.0.0.2/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_colours_of_a_scheme_are_seen(visit_with: Visiting, scheme: str) -> None:
    async with serving({"/": GOOD}) as site, visit_with(scheme=scheme) as visit:
        await visit.open(site.origin)
        asked = f"matchMedia('(prefers-color-scheme: {scheme})').matches"
        assert await visit.page.evaluate(asked)
