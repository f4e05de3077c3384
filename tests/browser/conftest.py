"""A browser for all tests of a worker, and a tab of its own for each."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import Era
from tests.support.browsing.chromium import program, started
from tests.support.browsing.host import bundled
from tests.support.browsing.links import Links, noted
from tests.support.browsing.visits import Visit, visiting
from tests.support.clients.installs import UnavailableError
from tests.support.clients.npm import installed_for_browser

if TYPE_CHECKING:
    from playwright.async_api import Browser

Visiting = Callable[..., AbstractAsyncContextManager[Visit]]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """One loop for all: starting a browser costs seconds."""
    return "asyncio"


@pytest.fixture
def era() -> Era:
    """What a browser is shown is the same in both."""
    return "auto"


@pytest.fixture(scope="session")
async def browser(anyio_backend: str) -> AsyncIterator["Browser"]:
    try:
        program()
    except UnavailableError as error:
        pytest.skip(f"NO BROWSER WAS TRIED: {error}")
    async with started() as browser:
        yield browser


@pytest.fixture(scope="session")
def packages() -> Path:
    """What comes from npm: axe-core, and the reference implementation of a host of MCP Apps."""
    try:
        return installed_for_browser()
    except UnavailableError as error:
        pytest.skip(f"NOT TRIED IN A BROWSER: {error}")


@pytest.fixture(scope="session")
def axe(packages: Path) -> str:
    """Give the source of axe-core, which judges how a page can be read by everybody."""
    script = packages / "node_modules" / "axe-core" / "axe.min.js"
    return script.read_text(encoding="utf-8")


@pytest.fixture
def visit_with(browser: "Browser") -> Visiting:
    """Open a tab: `async with visit_with(width=320, scheme="dark") as visit`."""
    return partial(visiting, browser)


@pytest.fixture
async def visit(visit_with: Visiting) -> AsyncIterator[Visit]:
    async with visit_with() as one:
        yield one


@pytest.fixture(scope="session")
def host_script(packages: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return bundled(packages, tmp_path_factory.mktemp("host"))


@pytest.fixture
def links() -> Iterator[Links]:
    with noted() as links:
        yield links
