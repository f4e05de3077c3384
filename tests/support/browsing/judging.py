"""What keeps somebody from reading or using a page."""

from collections.abc import AsyncIterator

from tests.support.browsing.visits import Visit

# Whatever can be pressed or filled in, but for what only the machine fills in.
_CONTROLS = "a[href], button, input:not([type=hidden]), select, textarea"


async def obstacles(visit: Visit, axe: str) -> AsyncIterator[str]:
    """Name what stands in the way of a person who reads narrow, aloud, or without a mouse."""
    for violation in await visit.violations(axe):
        yield violation
    if (too_wide := await visit.overflow()) > 0:
        yield f"the page is {too_wide} px wider than its window"
    controls = await visit.page.locator(_CONTROLS).count()
    await visit.page.evaluate("document.activeElement.blur()")
    reached = set()
    for _ in range(controls + 10):  # regions that scroll take the focus, too
        if not (focused := await visit.tab()):
            break
        reached.add(focused)
        if not await visit.shows_its_focus():
            yield f"nobody sees that {focused} has the focus"
    if not reached:
        yield "the keyboard reaches nothing"
    if visit.said or visit.failures or visit.dialogs:
        yield f"the page says {visit.said} {visit.failures} {visit.dialogs}"


async def judged(visit: Visit, axe: str, state: str) -> None:
    """Fail with everything that stands in the way on the page that is open."""
    found = [f"{state}: {one}" async for one in obstacles(visit, axe)]
    assert not found, "\n".join(found)
