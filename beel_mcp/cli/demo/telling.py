"""How the demo speaks: steps, lines, and the promises it holds every answer to."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp import Client

from beel_mcp.language import localized
from beel_mcp.settings import Language

WIDTH = 88


@dataclass
class Demo:
    """One run: what was said, and which promises failed."""

    client: Client
    language: Language
    failures: list[str] = field(default_factory=list)
    step: int = 0

    def say(self, *, en: str, es: str) -> None:
        """Print a line of a step."""
        print(f"   {localized(self.language, en=en, es=es)}")

    def title(self, *, en: str, es: str) -> None:
        """Print the title of the next step."""
        self.step += 1
        print(f"\n{self.step}. {localized(self.language, en=en, es=es)}")

    def show(self, text: str) -> None:
        """Print what an app shows to the person, set apart."""
        for line in filter(None, text.splitlines()):
            for part in textwrap.wrap(line, WIDTH):
                print(f"     | {part}")

    def promise(self, what: str, found: object, wanted: object) -> None:
        """Hold what was found against what was promised."""
        if found != wanted:
            self.failures.append(f"{what}: {found!r}, promised {wanted!r}")
            print(f"   !! {self.failures[-1]}")

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Call a tool and give its structure; an error is a broken promise."""
        result = await self.client.call_tool(tool, dict(arguments))
        structure: dict[str, Any] = result.structured_content or {}
        if result.is_error:
            self.promise(tool, structure.get("message"), "an answer without an error")
        return structure
