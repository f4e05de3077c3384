"""A page that a person has open, and everything it did that a page of data should not do."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from playwright.async_api import Browser, ConsoleMessage, Dialog, Page

Scheme = Literal["light", "dark"]
WIDE: Final = 1100
NARROW: Final = 320
TIMEOUT_MS: Final = 15_000

_OVERFLOW: Final = """() => {
  const root = document.documentElement;
  return root.scrollWidth - root.clientWidth;
}"""
# What has the focus, by what a person would call it.
_FOCUSED: Final = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return "";
  const label = one.labels && one.labels[0];
  return [one.tagName.toLowerCase(), one.name || "", one.value || "",
          ((label || one).textContent || "").trim()].join("|");
}"""
_OUTLINE: Final = """() => {
  const style = getComputedStyle(document.activeElement);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0
    || style.boxShadow !== "none";
}"""


@dataclass
class Visit:
    """One tab. What is recorded is told from its first request on."""

    page: "Page"
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def listen(self) -> None:
        """Record what the page does."""

        async def dismiss(dialog: "Dialog") -> None:
            self.dialogs.append(dialog.message)
            await dialog.dismiss()

        self.page.on("request", lambda one: self.requests.append(f"{one.method} {one.url}"))
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda one: self.failures.append(str(one)))
        self.page.on("dialog", dismiss)

    def _hear(self, message: "ConsoleMessage") -> None:
        # A browser remarks on the status of each page that is not 200; it is asserted elsewhere.
        is_remark = message.text.startswith("Failed to load resource: the server responded")
        if is_remark and message.location["url"] == self.page.url:
            return
        if message.type != "debug":  # which the reference host of MCP Apps says much of
            self.said.append(f"{message.type}: {message.text}")

    async def open(self, url: str) -> int:
        """Follow a link as a person does; the status of what was shown in the end."""
        answer = await self.page.goto(url)
        assert answer is not None
        return answer.status

    async def text(self) -> str:
        """Read what a person sees."""
        return await self.page.inner_text("body")

    async def overflow(self) -> int:
        """How many pixels of the page lie to the right of the window."""
        return int(await self.page.evaluate(_OVERFLOW))

    async def tab(self) -> str:
        """Press the tab key: what has the focus then, `tag|name|value|words`."""
        await self.page.keyboard.press("Tab")
        return str(await self.page.evaluate(_FOCUSED))

    async def tab_to(self, words: str, most: int = 60) -> list[str]:
        """Press the tab key until what has the focus holds these words; all that had it."""
        passed: list[str] = []
        while len(passed) < most:
            passed.append(await self.tab())
            if words in passed[-1]:
                return passed
        raise AssertionError(f"{words!r} is not reached by the keyboard: {passed}")

    async def shows_its_focus(self) -> bool:
        """Whether a person sees what has the focus."""
        return bool(await self.page.evaluate(_OUTLINE))

    async def violations(self, axe: str) -> list[str]:
        """Run axe-core, given as its source, in the page: each rule that is broken, and where."""
        # The page forbids all scripts; what a debugger evaluates is none of the page's.
        await self.page.evaluate(axe)
        result: dict[str, Any] = json.loads(
            await self.page.evaluate("async () => JSON.stringify(await axe.run(document))")
        )
        assert result["passes"], "axe looked at nothing"
        return [
            f"{one['id']} ({one['impact']}): {node['html'][:200]} {node['failureSummary']}"
            for one in result["violations"]
            for node in one["nodes"]
        ]


@asynccontextmanager
async def visiting(
    browser: "Browser", *, width: int = WIDE, scheme: Scheme = "light", **more: Any
) -> AsyncIterator[Visit]:
    """Open a tab in a profile of its own."""
    context = await browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, **more
    )
    try:
        context.set_default_timeout(TIMEOUT_MS)
        visit = Visit(await context.new_page())
        visit.listen()
        yield visit
    finally:
        await context.close()
