"""Which generation of BeeL answers, told by its answers: it decides what a deletion is."""

from collections.abc import Mapping
from typing import Any, Literal

from beel_mcp.api.envelope import Answer

Generation = Literal["current", "seeds"]


class GenerationSigns:
    """Watches the successful answers of one process.

    `current` has company routes, tells who a key is, announces the end of its flat routes in
    every answer of theirs, and says `website` and `customers_deletion`. One such sign settles it
    for good. A flat answer without any is from `seeds`, until a sign turns up: a proxy may strip
    headers, but none adds them.
    """

    def __init__(self) -> None:
        self.seen: Generation | None = None

    def collect(self, answer: Answer, headers: Mapping[str, str]) -> None:
        """Take in an answer that was not an error, with its headers (names in lower case)."""
        is_current = (
            answer.family == "company"
            or not answer.operation.needs_company
            or not headers.keys().isdisjoint(("deprecation", "sunset"))
            or _has_current_words(answer.data)
        )
        if is_current:
            self.seen = "current"
        elif self.seen is None:
            self.seen = "seeds"


def _has_current_words(data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    customers = data.get("customers")
    holders = [data, *(customers if isinstance(customers, list) else ())]
    return "customers_deletion" in data or any(
        isinstance(holder, dict) and "website" in holder for holder in holders
    )
