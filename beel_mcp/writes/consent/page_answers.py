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
    request: str
    answered: anyio.Event = field(default_factory=anyio.Event)
    answer: Any = None
    is_told: bool = False


class PageAnswers:
    """The plans that were brought to a person on a page, and what came of each.

    It only wakes those who wait and hands them the answer: whether a plan is spent, and on what,
    the journal says.
    """

    def __init__(self) -> None:
        self._asked: OrderedDict[str, _Asked] = OrderedDict()

    def ask(self, plan: Plan, request: str = "") -> None:
        """Note that a plan lies before the person now; `request` is the call that asks them."""
        if not self.is_waiting(plan):
            self._asked[plan.plan_id] = _Asked(plan, request)
        if len(self._asked) > MOST_KEPT:
            self._asked.popitem(last=False)

    def is_waiting(self, plan: Plan) -> bool:
        """Tell whether a plan lies before the person, unanswered: not before a restart."""
        asked = self._asked.get(plan.plan_id)
        return asked is not None and not asked.answered.is_set()

    def is_told(self, plan: Plan) -> bool:
        """Tell whether a call was told before what came of a plan."""
        asked = self._asked.get(plan.plan_id)
        return asked is not None and asked.is_told

    def find(self, key: str, caller: str, request: str) -> Plan | None:
        """Find the plan whose page an app was asked to open for this very call of this caller."""
        for asked in self._asked.values():
            if page_key(asked.plan) == key and asked.plan.caller == caller:
                return asked.plan if asked.request == request else None
        return None

    def answer(self, plan: Plan, answer: Any) -> None:
        """Hand what came of a plan to whoever waits for it, now or later; the first counts."""
        asked = self._asked.setdefault(plan.plan_id, _Asked(plan, ""))
        if not asked.answered.is_set():
            asked.answer = answer
            asked.answered.set()

    async def wait(self, plan: Plan, seconds: float) -> None:
        """Wait for the person to answer, if anybody asked them."""
        asked = self._asked.get(plan.plan_id)
        if asked is not None:
            with anyio.move_on_after(seconds):
                await asked.answered.wait()

    def take(self, plan: Plan) -> Any:
        """Give what came of a plan, once: from then on the journal alone says it."""
        asked = self._asked.get(plan.plan_id)
        if asked is None or not asked.answered.is_set():
            return None
        answer, asked.answer, asked.is_told = asked.answer, None, True
        return answer
