"""Any order of calls, faults, kills, clocks and changes of others: the state machine."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from mcp import ClientSession

from tests.support.customers import customer, foreigner
from tests.support.machine import outsiders
from tests.support.machine.bookkeeping import APPS, STATS, Bookkeeping
from tests.support.machine.deeds import Asked, Plan
from tests.support.machine.process import processes
from tests.support.machine.wrongs import WRONGS
from tests.support.matrix.trial import World

PEOPLE: Final = [*map(customer, range(5)), foreigner(5)]
WORLDS: Final = (
    World("current", "company"),
    World("current", "company"),
    World("current", "flat"),
    World("legacy", "flat"),
    World("current", "company", "ignored"),
    World("current", "company", "refused"),
    *[World("current", "company", "ignored", nif_unique=False)] * 2,
)
CHANGES: Final[tuple[dict[str, Any], ...]] = (
    {"email": "nueva@taller.example"},
    {"notes": "Paga tarde", "email": "otra@taller.example"},
    {"website": "https://taller.example"},
    {"active": False},
    {"active": True},
    {"address": {"floor": "7"}},
)
LINES: Final = tuple(
    {"description": f"Horas {number}", "quantity": "2", "unit_price": "40", "tax_rate": "21"}
    for number in range(2)
)
ADDRESSES: Final = (["gestoria@example.com"], ["jefe@taller.example", "otra@gestoria.example"])
INDEX: Final = st.integers(0, 9)
FEW: Final = st.sets(st.integers(0, 9), min_size=1, max_size=3)
NUMBER: Final = st.integers(0, 1)
AFTER: Final = st.integers(0, 5)
WRONG: Final = st.sampled_from(WRONGS)
MOODS: Final = st.sampled_from(["yes"] * 5 + ["wrong", "decline", "cancel"])
SAID: Final = st.sampled_from(["right"] * 6 + ["cut", "upper", "another's"])
CHANGE: Final = st.sampled_from(["update", "deactivate", "delete", "drafts", "mail", "undo"])


class Machine(RuleBasedStateMachine):
    """The rules. A call is drawn with what goes wrong with it and when."""

    loop: ClassVar[asyncio.AbstractEventLoop]

    @initialize(
        world=st.sampled_from(WORLDS),
        apps=st.tuples(st.sampled_from(APPS), st.sampled_from(APPS)),
        confirm_creates=st.sampled_from([False, False, True]),
    )
    def begin(self, world: World, apps: Any, confirm_creates: bool) -> None:
        STATS["examples"] += 1
        self.keeping = Bookkeeping(self.loop, world, apps, confirm_creates=confirm_creates)
        self.batches: list[Asked] = []
        self.plans: list[Plan] = []

    @invariant()
    def every_step_counts(self) -> None:
        STATS["steps"] += 1

    def teardown(self) -> None:
        if hasattr(self, "keeping"):
            try:
                if self.keeping.is_sound:
                    self.keeping.settle_all()
            finally:
                STATS["requests"] += self.keeping.beel.requests
                STATS["operations"] += len(self.keeping.books.deeds)
                self.keeping.close()

    def _call(self, number: int, asked: Asked, **details: Any) -> dict[str, Any]:
        told = self.keeping.step(number, asked, **details) or {}
        if told.get("status") == "confirmation_required":
            plan = self.keeping.books.plans[told["plan_id"]]
            if plan not in self.plans:
                self.plans.append(plan)
        return told

    @rule(number=NUMBER, who=FEW, wrong=WRONG, after=AFTER)
    def check_a_list(self, number: int, who: set[int], wrong: str, after: int) -> None:
        rows = [PEOPLE[one % len(PEOPLE)] for one in sorted({one % len(PEOPLE) for one in who})]
        asked = Asked("validate_customers", {"customers": rows}, ())
        told = self._call(number, asked, wrong=wrong, after=after)
        calls = [one for one in told.get("next") or () if one["tool"] == "create_customers"]
        if calls:
            assert told["importable"] <= len(outsiders.free_rows(self.keeping.beel, rows))
            names = tuple(row["legal_name"] for row in rows)
            self.batches.append(Asked("create_customers", calls[0]["arguments"], names))

    @rule(number=NUMBER, which=INDEX, wrong=WRONG, after=AFTER, mood=MOODS)
    def create(self, number: int, which: int, wrong: str, after: int, mood: str) -> None:
        if asked := _last(self.batches, which):
            self._call(number, asked, wrong=wrong, after=after, mood=mood)

    @rule(number=NUMBER, who=FEW, wrong=WRONG, after=AFTER, mood=MOODS)
    def create_inline(self, number: int, who: set[int], wrong: str, after: int, mood: str) -> None:
        rows = [PEOPLE[one] for one in sorted({one % len(PEOPLE) for one in who})]
        names = tuple(row["legal_name"] for row in rows)
        asked = Asked("create_customers", {"customers": rows}, names)
        self._call(number, asked, wrong=wrong, after=after, mood=mood)

    @rule(number=NUMBER, who=INDEX, line=NUMBER, wrong=WRONG, after=AFTER, mood=MOODS)
    def draft(self, number: int, who: int, line: int, wrong: str, after: int, mood: str) -> None:
        pool = outsiders.people(self.keeping.beel)
        customer_id = pool[who % len(pool)]
        arguments = {"customer_id": customer_id, "lines": [LINES[line]]}
        asked = Asked("create_draft_invoice", arguments, (customer_id,))
        self._call(number, asked, wrong=wrong, after=after, mood=mood)

    @rule(number=NUMBER, change=CHANGE, which=FEW, how=INDEX, wrong=WRONG, after=AFTER, mood=MOODS)
    def ask_for(
        self,
        number: int,
        change: str,
        which: set[int],
        how: int,
        wrong: str,
        after: int,
        mood: str,
    ) -> None:
        """Ask for a change; an app with forms has it carried out in the same call."""
        if asked := self._change(change, which, how):
            self._call(number, asked, wrong=wrong, after=after, mood=mood)

    @rule(number=NUMBER, change=CHANGE, which=FEW, how=INDEX, said=SAID, wrong=WRONG, after=AFTER)
    def carry_out(
        self,
        number: int,
        change: str,
        which: set[int],
        how: int,
        said: str,
        wrong: str,
        after: int,
    ) -> None:
        """Plan a change, and confirm it at once: most are done so."""
        asked = self._change(change, which, how)
        if asked is None:
            return
        told = self._call(number, asked, mood="yes")
        if told.get("status") == "confirmation_required":
            plan = self.keeping.books.plans[told["plan_id"]]
            self._confirm(number, plan, said, wrong, after, "yes")

    @rule(number=NUMBER, which=INDEX, said=SAID, wrong=WRONG, after=AFTER, mood=MOODS)
    def confirm(
        self, number: int, which: int, said: str, wrong: str, after: int, mood: str
    ) -> None:
        """Confirm a plan, whether it is open, spent or expired, by its sentence or another one."""
        if plan := _last(self.plans, which):
            self._confirm(number, plan, said, wrong, after, mood)

    def _confirm(
        self, number: int, plan: Plan, said: str, wrong: str, after: int, mood: str
    ) -> None:
        statements = {
            "right": plan.statement,
            "cut": plan.statement[:-4],
            "upper": plan.statement.upper(),
            "another's": self.plans[0].statement,
        }
        statement = statements[said]
        arguments = {"plan_id": plan.plan_id, "statement": statement}
        asked = Asked("confirm_plan", arguments, plan.asked.records)
        agreed = plan if statement == plan.statement else None
        self._call(number, asked, wrong=wrong, after=after, mood=mood, said=agreed)

    def _change(self, change: str, which: set[int], how: int) -> Asked | None:
        beel = self.keeping.beel
        if change == "undo":
            deed = _last([*self.keeping.books.deeds.values()], how)
            arguments = {"undo": deed.operation_id} if deed else {}
            return Asked("update_customers", arguments, deed.asked.records) if deed else None
        if change == "mail":
            ids = _some(outsiders.BILLS, which)
            mail = {"invoice_ids": ids, "recipients": ADDRESSES[how % 2]}
            return Asked("send_invoices", mail, tuple(ids))
        if change == "drafts":
            ids = _some(outsiders.drafts(beel), which)
            return Asked("delete_draft_invoice", {"invoice_ids": ids}, tuple(ids))
        ids = _some(outsiders.people(beel), which)
        if change == "update":
            changes = CHANGES[how % len(CHANGES)]
            arguments = {"customer_ids": ids, "changes": changes}
            return Asked("update_customers", arguments, tuple(ids))
        mode = "delete" if change == "delete" else "inactive"
        arguments = {"customer_ids": ids, "mode": mode}
        return Asked("deactivate_customers", arguments, tuple(ids))

    @rule(number=NUMBER, which=INDEX, wrong=WRONG, after=AFTER)
    def look(self, number: int, which: int, wrong: str, after: int) -> None:
        """Have an operation settled, an open one first, by either process."""
        books = self.keeping.books
        if deed := _last(books.open_deeds() or [*books.deeds.values()], which):
            arguments = {"operation_id": deed.operation_id}
            asked = Asked("check_operation", arguments, deed.asked.records)
            self._call(number, asked, wrong=wrong, after=after)

    @rule(number=NUMBER)
    def look_at_all(self, number: int) -> None:
        told = self._call(number, Asked("check_operation", {}, ()))
        self.keeping.books.check_listed(told)

    @rule(number=NUMBER, which=INDEX, after=AFTER, what=st.sampled_from(["plan", "batch", "draft"]))
    def cancel_in_flight(self, number: int, which: int, after: int, what: str) -> None:
        if asked := self._repeatable(what, which):
            self.keeping.cancelled(number, *asked, after)

    @rule(which=INDEX, what=st.sampled_from(["plan", "batch", "draft"]))
    def call_both_at_once(self, which: int, what: str) -> None:
        if asked := self._repeatable(what, which):
            self.keeping.at_once(*asked)

    def _repeatable(self, what: str, which: int) -> tuple[Asked, Plan | None] | None:
        """Give a call that an app may make again and again."""
        if what == "plan" and (plan := _last(self.plans, which)):
            arguments = {"plan_id": plan.plan_id, "statement": plan.statement}
            return Asked("confirm_plan", arguments, plan.asked.records), plan
        if what == "batch" and (batch := _last(self.batches, which)):
            return batch, None
        customer_id = outsiders.FREE[which % 3]
        arguments = {"customer_id": customer_id, "lines": [LINES[which % 2]]}
        return Asked("create_draft_invoice", arguments, (customer_id,)), None

    @rule(number=NUMBER, is_killed=st.booleans())
    def end_a_process(self, number: int, is_killed: bool) -> None:
        self.keeping.end(number, is_killed=is_killed)

    @rule(seconds=st.sampled_from([1, 12, 61, 400, 601, 960, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.keeping.pass_time(seconds)

    @rule(seconds=st.sampled_from([-90_000, -700, -30, 30, 700, 90_000]))
    def our_clock_jumps(self, seconds: int) -> None:
        """Let our clock alone jump; what is late at BeeL comes a moment later all the same."""
        self.keeping.pass_time(0)
        self.keeping.clocks.jump(seconds)
        STATS["jumps of the clock"] += 1

    @rule(deed=st.sampled_from(sorted(outsiders.DEEDS)), which=INDEX)
    def others_act(self, deed: str, which: int) -> None:
        self.keeping.others_act(deed, which)


def _last(found: list[Any], which: int) -> Any:
    """Give one of the last; None if there is none."""
    return found[-1 - which % len(found)] if found else None


def _some(pool: list[str], which: set[int]) -> list[str]:
    return [pool[number] for number in sorted({one % len(pool) for one in which})]


@contextmanager
def _cheap_server() -> Iterator[None]:
    """Leave out what the SDK's client checks of every answer; the fault matrix does so once."""

    async def nothing(*_: object) -> None: ...

    with pytest.MonkeyPatch.context() as patch, processes():
        patch.setattr(ClientSession, "validate_tool_result", nothing)
        yield


def play(examples: int, steps: int, number: int | None) -> None:
    """Play so many examples: the same ones every time for a number, others for None."""
    Machine.loop = asyncio.new_event_loop()
    try:
        with _cheap_server():
            run_state_machine_as_test(
                Machine if number is None else hypothesis.seed(number)(Machine),
                settings=hypothesis.settings(
                    max_examples=examples,
                    stateful_step_count=steps,
                    deadline=None,
                    database=None,
                    print_blob=True,
                    # CI says what failed, and how to play it again; a night makes it short, too.
                    phases=tuple(Phase)[: 3 if number is not None else None],
                    suppress_health_check=list(HealthCheck),
                ),
            )
    finally:
        Machine.loop.close()
