"""What people answered on pages, for the calls that wait for it."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

import anyio

from beel_mcp.writes.consent.elicitation import page_key
from beel_mcp.writes.journal.plan import Plan

MOST_KEPT: Final = 200


@dataclass
class _Asked:
    plan: Plan
    answered: anyio.Event = field(default_factory=anyio.Event)
    answer: Any = None


class PageAnswers:
    """The plans that were brought to a person on a page, and what came of each.

    It only wakes those who wait and hands them the answer: whether a plan is spent, and on what,
    the journal says.
    """

    def __init__(self) -> None:
        self._asked: OrderedDict[str, _Asked] = OrderedDict()

    def ask(self, plan: Plan) -> None:
        """Note that a plan lies before the person now."""
        if plan.plan_id not in self._asked or self._asked[plan.plan_id].answered.is_set():
            self._asked[plan.plan_id] = _Asked(plan)
        if len(self._asked) > MOST_KEPT:
            self._asked.popitem(last=False)

    def is_asked(self, plan: Plan) -> bool:
        """Tell whether a plan lies before the person, or did: not before a restart."""
        return plan.plan_id in self._asked

    def find(self, key: str, caller: str) -> Plan | None:
        """Find the plan whose page an app was asked to open, by the key of that question."""
        for asked in self._asked.values():
            if page_key(asked.plan) == key and asked.plan.caller == caller:
                return asked.plan
        return None

    def answer(self, plan: Plan, answer: Any) -> None:
        """Hand what came of a plan to whoever waits for it, now or later."""
        asked = self._asked.setdefault(plan.plan_id, _Asked(plan))
        asked.answer = answer
        asked.answered.set()

    async def wait(self, plan: Plan, seconds: float) -> Any:
        """Wait for the person; None if they have not answered, or nobody asked them."""
        asked = self._asked.get(plan.plan_id)
        if asked is None:
            return None
        with anyio.move_on_after(seconds):
            await asked.answered.wait()
        return asked.answer
