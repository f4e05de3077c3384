"""Whoever sits at the app: people who answer a form, each in one way, and what they were shown."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mcp.types import ElicitRequestFormParams, ElicitResult

Shown = ElicitRequestFormParams
Reply = Callable[[Shown], ElicitResult]


def agrees(shown: Shown) -> ElicitResult:
    """Answer as somebody who has read the question and wants it."""
    if "confirm" in shown.requested_schema["properties"]:
        return accepts(confirm="yes")
    numbers = re.findall(r": [^:\d]*(\d+) (?:customers|clientes)", shown.message)
    return accepts(count=int(numbers[0]))


def accepts(**content: Any) -> ElicitResult:
    return ElicitResult(action="accept", content=content)


def declines(_: Shown) -> ElicitResult:
    return ElicitResult(action="decline")


def cancels(_: Shown) -> ElicitResult:
    return ElicitResult(action="cancel")


def presses_accept_on_an_empty_form(_: Shown) -> ElicitResult:
    return ElicitResult(action="accept")


def fills_in(**content: Any) -> Reply:
    """Answer every form with the same content."""

    def reply(_: Shown) -> ElicitResult:
        return accepts(**content)

    return reply


@dataclass
class Person:
    """Is the elicitation callback of a client: passing it is what declares that forms are shown.

    `before` happens between the question and the answer, as whatever others do meanwhile.
    """

    reply: Reply = agrees
    before: Callable[[], None] = lambda: None
    shown: list[Shown] = field(default_factory=list)

    async def __call__(self, _: Any, params: Any) -> ElicitResult:
        self.shown.append(params)
        self.before()
        return self.reply(params)

    @property
    def questions(self) -> list[str]:
        return [one.message for one in self.shown]
