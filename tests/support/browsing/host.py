"""A host of MCP Apps, on the reference implementation of its half, in the browser."""

import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.support.browsing.static import serving
from tests.support.browsing.visits import Visit

if TYPE_CHECKING:
    from playwright.async_api import Frame

PROGRAM: Final = Path(__file__).parents[2] / "browser" / "programs" / "host.mjs"
# What the specification has a host say where a document names no domains.
POLICY: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; media-src 'self' data:; connect-src 'none'; frame-src 'none';"
    " object-src 'none'; base-uri 'self'"
)
_PAGE: Final = """<!DOCTYPE html><html lang="en"><head><title>Host</title></head>
<body><h1>A chat</h1><script src="/host.js"></script></body></html>"""


def bundled(packages: Path, folder: Path) -> str:
    """Make one script of the host and what it imports."""
    (folder / "node_modules").symlink_to(packages / "node_modules")
    shutil.copy(PROGRAM, folder)
    words = ["host.mjs", "--bundle", "--format=iife", "--outfile=host.js", "--log-level=error"]
    esbuild = folder / "node_modules" / ".bin" / "esbuild"
    subprocess.run([str(esbuild), *words], cwd=folder, check=True, timeout=60)
    return (folder / "host.js").read_text(encoding="utf-8")


@dataclass
class Host:
    """A chat that shows one card."""

    visit: Visit

    async def do(self, doing: str, *words: Any) -> Any:
        """Call one of the functions of programs/host.mjs."""
        given = ", ".join(json.dumps(word) for word in words)
        return await self.visit.page.evaluate(f"() => host.{doing}({given})")

    async def state(self, name: str) -> Any:
        """Read what the host noted: `sizes`, `asked`, `app`."""
        return await self.visit.page.evaluate(f"() => host.{name}")

    @property
    def card(self) -> "Frame":
        [card] = self.visit.page.main_frame.child_frames
        return card

    async def text(self) -> str:
        """Read what a person sees of the card."""
        return await self.card.inner_text("body")

    async def answered(self, result: dict[str, Any], shows: str, **arguments: Any) -> str:
        """Hand the card an answer, wait until it shows these words, and read it."""
        await self.do("answer", arguments, result)
        await self.card.get_by_text(shows).first.wait_for()
        return await self.text()


@asynccontextmanager
async def hosting(
    visit: Visit, script: str, document: str, context: dict[str, Any] | None = None
) -> AsyncIterator[Host]:
    """Show a document as a host does: in a frame of another origin, under the host's policy."""
    async with (
        serving({"/": _PAGE, "/host.js": script}) as chat,
        serving({"/card": document}, policy=POLICY) as frames,
    ):
        await visit.open(chat.origin)
        host = Host(visit)
        await host.do("show", f"{frames.origin}/card", context or {})
        yield host
