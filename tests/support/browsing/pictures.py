"""The pictures of README.md and README.es.md: each view in both languages, of made-up people.

python -m tests.support.browsing.pictures [FOLDER]
"""

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
from mcp import Client
from mcp.client import advertise
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp.types import ElicitResult, TextResourceContents

from beel_mcp.language import Language
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import customer_id
from beel_mcp.server import create_server
from beel_mcp.server.apps import CARD
from beel_mcp.settings import Settings
from tests.support.browsing.chromium import started
from tests.support.browsing.host import bundled, hosting
from tests.support.browsing.links import Links, noted
from tests.support.browsing.visits import visiting
from tests.support.clients.npm import installed_for_browser

if TYPE_CHECKING:
    from playwright.async_api import Browser

ROOT: Final = Path(__file__).parents[3]
FOLDER: Final = ROOT / "docs" / "pictures"
LANGUAGES: Final[tuple[Language, ...]] = ("es", "en")
VIEWS: Final = ("plan", "list", "package", "card")
WIDTH: Final = 900
MOST_HEIGHT: Final = 1_000
CUSTOMERS: Final = [customer_id(11), customer_id(12)]
CHANGES: Final = {
    "es": {"email": "facturas@nuevo.example", "notes": "Desde diciembre"},
    "en": {"email": "invoices@new.example", "notes": "From December on"},
}
APPS: Final = advertise(EXTENSION_ID, {"mimeTypes": [APP_MIME_TYPE]})


class Album:
    """Takes the pictures of one language."""

    def __init__(self, browser: "Browser", language: Language, folder: Path) -> None:
        self._browser = browser
        self._language: Language = language
        self._folder = folder

    async def take(self, script: str) -> None:
        """Have a server of its own make what is to be seen, and take a picture of each view."""
        arguments = {"customer_ids": CUSTOMERS, "changes": CHANGES[self._language]}
        with noted() as links, tempfile.TemporaryDirectory() as place:
            async with self._client(place, "page") as client:
                await client.call_tool("update_customers", arguments)
                await self._views(client, links)
            async with self._client(place, "plan") as client:
                result = await client.call_tool("update_customers", arguments)
                answer = result.model_dump(by_alias=True, mode="json", exclude_none=True)
                [content] = (await client.read_resource(CARD)).contents
                assert isinstance(content, TextResourceContents)
                await self._card(script, content.text, answer)

    def _client(self, place: str, confirm: Any) -> Client:
        files = Path(place) / "files"
        files.mkdir(exist_ok=True)
        settings = Settings(
            files_dir=files,
            import_dirs=(ROOT / "examples",),
            state_dir=Path(place) / "state",
            sandbox=True,
            language=self._language,
            confirm=confirm,
        )
        server = create_server(settings, sandbox_app=create_app(SandboxOptions()))
        return Client(server, elicitation_callback=self._look, extensions=[APPS])

    async def _look(self, _: Any, params: Any) -> ElicitResult:
        """Open the page of a plan, as the person does, and leave it at that."""
        await self._shoot("plan", params.url)
        return ElicitResult(action="decline")

    async def _views(self, client: Client, links: Links) -> None:
        told = await client.call_tool("validate_customers", {"source_path": "customers.csv"})
        assert told.structured_content is not None
        await self._shoot("list", await links.to("batch", told.structured_content["batch_id"]))
        told = await client.call_tool("download_invoices_zip", {"date_from": "2026-01-01"})
        assert told.structured_content is not None
        package = links.package(told.structured_content["path"])
        await self._shoot("package", await links.to("package", package))

    async def _shoot(self, view: str, url: str) -> None:
        async with visiting(self._browser, width=WIDTH) as visit:
            assert await visit.open(url) == 200
            if view == "list":  # what is wrong stands in these rows
                await visit.open(f"{visit.page.url}?kind=error")
            height = await visit.page.evaluate("document.documentElement.scrollHeight")
            size = {"x": 0, "y": 0, "width": WIDTH, "height": min(height, MOST_HEIGHT)}
            await visit.page.screenshot(path=self._path(view), full_page=True, clip=size)

    async def _card(self, script: str, document: str, answer: dict[str, Any]) -> None:
        async with (
            visiting(self._browser, width=WIDTH) as visit,
            hosting(visit, script, document, {"theme": "light"}) as host,
        ):
            await host.answered(answer, CHANGES[self._language]["email"])
            await visit.page.wait_for_function("host.sizes.at(-1) > 200")
            await visit.page.locator("iframe").screenshot(path=self._path("card"))

    def _path(self, view: str) -> Path:
        return self._folder / f"{view}.{self._language}.png"


async def take_all(folder: Path) -> None:
    """Take each view in both languages."""
    with tempfile.TemporaryDirectory() as place:
        script = bundled(installed_for_browser(), Path(place))
    async with started() as browser:
        for language in LANGUAGES:
            await Album(browser, language, folder).take(script)


def main() -> None:
    """Take the pictures, and say how large they are."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else FOLDER
    anyio.run(take_all, folder)
    for picture in sorted(folder.glob("*.png")):
        print(f"{picture.name}: {picture.stat().st_size} bytes")


if __name__ == "__main__":
    main()
