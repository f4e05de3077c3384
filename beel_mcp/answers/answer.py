"""What every answer has: a status, a first sentence, next calls, a text that stands alone."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from beel_mcp.cleaning import without_accounts
from beel_mcp.errors import NextCall

Status = Literal[
    "done",
    "partial",
    "nothing_done",
    "confirmation_required",
    "not_confirmed",
    "unknown",
    "error",
]
T = TypeVar("T")

# Room for the line that says where we are: an answer has 1,500 characters, a list 6,000.
PLACE_ROOM = 150
JOB_TEXT_LIMIT = 1_500 - PLACE_ROOM
LIST_TEXT_LIMIT = 6_000 - PLACE_ROOM
LIST_CAP = 20
NEXT_CAP = 3
# How much of a text is shown, in characters: where it is told alone, and where many stand together.
NAME_LIMIT = 60
ROW_NAME_LIMIT = 50
SHORT_NAME_LIMIT = 40
MESSAGE_LIMIT = 140
ROW_MESSAGE_LIMIT = 160
SHORT_MESSAGE_LIMIT = 100
VALUE_LIMIT = 40
VIEW = "A page for the person: opens once, in 10 minutes."
CUT = "(There is more than has room here.)"


class NextStep(BaseModel):
    """A call that can be made next, complete with its arguments."""

    tool: str
    arguments: Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]
    reason: str


@dataclass(frozen=True)
class Link:
    """A file that the answer speaks of, for apps that can open it."""

    uri: str
    name: str
    mime_type: str
    size_bytes: int


class Answer(BaseModel):
    """The fields that all answers share. `environment` and `company` are stamped on the way out."""

    model_config = ConfigDict(extra="forbid", defer_build=True)
    text_limit: ClassVar[int] = JOB_TEXT_LIMIT

    status: Status
    summary: str | None = Field(None, description="The first sentence of the text.")
    environment: Literal["sandbox", "test", "live", "none"] | None = None
    company: Annotated[str | None, WithJsonSchema({"type": ["string", "null"]})] = None
    next: list[NextStep] | None = None

    def lines(self) -> Sequence[str]:
        """Give what the text says after the summary, most important first."""
        return ()

    def links(self) -> Sequence[Link]:
        """Give the files that stand beside the text; the text names them, too."""
        return ()

    def text(self) -> str:
        """Give the answer in words: summary, lines, next calls; never over the limit."""
        head = [self.summary or "", *self.lines()]
        return fit(head, self.next_lines(), self.text_limit)

    def room(self) -> int:
        """How many characters there are for `lines`: what the summary and the next calls leave."""
        kept = [self.summary or "", *self.next_lines()]
        return self.text_limit - sum(len(line) + 1 for line in kept)

    def next_lines(self) -> Sequence[str]:
        """Give the next calls, complete; they are kept whatever else has to go."""
        return [
            f"Next: {step.tool} {json.dumps(step.arguments, ensure_ascii=False)} - {step.reason}"
            for step in self.next or ()
        ]

    def structure(self) -> dict[str, Any]:
        """Give the answer as JSON values, without the fields that say nothing."""
        facts: dict[str, Any] = without_accounts(self.model_dump(mode="json", exclude_none=True))
        return facts


class PageAnswer(Answer):
    """The fields of an answer that is a page of a list."""

    text_limit: ClassVar[int] = LIST_TEXT_LIMIT

    total: int | None = None
    page: int | None = None
    has_more: bool | None = None


def next_steps(*calls: NextCall | None) -> list[NextStep] | None:
    """Make the list of next calls, or None where there is none to make."""
    steps = [NextStep(**call.as_dict()) for call in calls if call is not None]
    return steps[:NEXT_CAP] or None


def capped(items: Sequence[T], cap: int = LIST_CAP) -> tuple[list[T], int | None]:
    """Give the first `cap` items, and how many more there are (None for none)."""
    return list(items[:cap]), len(items) - cap if len(items) > cap else None


def capped_fields(name: str, items: Sequence[Any], cap: int) -> dict[str, Any]:
    """Give the first items as the field `name`, and how many more there are as `more_name`."""
    shown, more = capped(items, cap)
    return {name: shown or None, f"more_{name}": more}


def fit(head: Sequence[str], tail: Sequence[str], limit: int) -> str:
    """Join lines within `limit` characters; the tail is kept, the head loses its last lines.

    Where lines are lost, the text says so.
    """
    kept = [line for line in head if line]
    room = limit - sum(len(line) + 1 for line in tail)
    if sum(len(line) + 1 for line in kept) > room:
        room -= len(CUT) + 1
        while sum(len(line) + 1 for line in kept) > room:
            kept.pop()
        if kept and kept[-1].endswith(":"):
            kept.pop()  # a heading without its lines
        kept.append(CUT)
    return "\n".join([*kept, *tail])


def count_phrase(counts: Mapping[str, int]) -> str:
    """Say the counts that are not zero: `3 valid, 1 duplicate`."""
    words = [f"{number} {name.replace('_', ' ')}" for name, number in counts.items() if number]
    return ", ".join(words) or "none"


def view_line(view: str | None) -> str:
    """Name the page that shows all of it; it is the person's, and opens once."""
    return f"For the person to look at (opens once, within 10 minutes): {view}" if view else ""


def iso_time(at: float) -> str:
    """Write a moment for programs: `2026-07-31T14:05:00+00:00`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def day_and_time(at: float) -> str:
    """Say when something was: `on 2026-07-31 at 14:05 UTC`."""
    return f"on {datetime.fromtimestamp(at, UTC):%Y-%m-%d at %H:%M} UTC"


def plural(number: int, one: str, many: str | None = None) -> str:
    """Say `1 row` or `2 rows`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
