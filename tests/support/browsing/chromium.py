"""The machine's own Chromium, started without a network and without yesterday's profile."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

from tests.support.clients.installs import UnavailableError

if TYPE_CHECKING:
    from playwright.async_api import Browser

# A profile of its own for each start is Playwright's default.
FLAGS: Final = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # Nothing but this machine can be reached, by name or by number.
    *("--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
)


def program() -> str:
    """Find the browser.

    Raises:
        UnavailableError: it, or what drives it, is not installed here.

    """
    found = shutil.which("chromium")
    if found is None:
        raise UnavailableError("chromium: command not found (Debian's package chromium)")
    if find_spec("playwright") is None:
        raise UnavailableError("playwright is not installed (the extra `browser`)")
    return found


@asynccontextmanager
async def started() -> AsyncIterator["Browser"]:
    """Start a browser; each context in it begins without cookies, cache or history."""
    from playwright.async_api import async_playwright

    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=program(), args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()
