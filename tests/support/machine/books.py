"""Holds three books against each other: BeeL's ledger, our journal, and what was said."""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Final

from beel_mcp.sandbox.responses import instant
from beel_mcp.writes.journal.plan import PLAN_TTL_S
from tests.support.machine.beel import Beel, Mark
from tests.support.machine.deeds import (
    CHUNKS,
    CREATING,
    OPERATIONS,
    UNSENT,
    Asked,
    Deed,
    Plan,
    Request,
)
from tests.support.machine.outsiders import Outsiders
from tests.support.matrix.oracle import (
    DoubledError,
    LostError,
    MisreportedError,
    check_once,
    check_said,
)

READING: Final = ("validate_customers", "check_operation")
DAY_S: Final = 86_400.0
CHANGING: Final = ("update_customers", "deactivate_customers", "delete_draft_invoice")
NOBODY: Final = Asked("", {}, ())
TWINS: Final = (
    "SELECT legal_name, count(*) AS number FROM customers WHERE deleted_at IS NULL"
    " AND created_at > ? AND id IN (SELECT customer_id FROM ledger WHERE kind = 'customer_created')"
    " GROUP BY legal_name HAVING number > 1"
)

# What the creation of a record was about: a customer's name, and whose an invoice is.
ALSO: Final = (
    "SELECT legal_name AS name FROM customers WHERE id = ?"
    " UNION SELECT customer_id FROM invoices WHERE id = ?"
)


@dataclass(frozen=True)
class Step:
    """What a call did that is about no operation, as the oracle of the fault matrix takes it."""

    beel: Beel
    done: ClassVar = ""
    creates: ClassVar = False

    def effects(self) -> Counter[str]:
        return self.beel.by_this_step

    achieved = effects


class Books:
    """What was agreed to, what was done and what was said, over all steps so far."""

    def __init__(self, beel: Beel, outsiders: Outsiders, *, confirm_creates: bool) -> None:
        self._beel = beel
        self._outsiders = outsiders
        self._confirm_creates = confirm_creates
        self.plans: dict[str, Plan] = {}
        self.deeds: dict[str, Deed] = {}
        self.requests: dict[Mark, Request] = {}
        self._last_row = 0
        self.begin(NOBODY, None)

    def begin(self, asked: Asked, said: Plan | None) -> None:
        """Begin a step: what is asked for, and the plan whose own sentence is said, if one is."""
        self.asked, self.said = asked, said
        self.form_said_yes = False
        self.has_died = False
        self._changes = self._outsiders.changes
        self._began_at = self._now
        self._muddled: set[str] = set()
        self._beel.latest.clear()
        self._beel.came_late.clear()
        self._beel.gone.clear()

    @property
    def _now(self) -> float:
        return self._beel.clocks.now().timestamp()

    def open_deeds(self) -> list[Deed]:
        """List the operations of which something is unsettled."""
        marks = {mark for mark, request in self.requests.items() if request.is_open}
        return [deed for deed in self.deeds.values() if marks & set(deed.marks)]

    def muddle(self, record: str) -> None:
        """Note that others changed a record: who wrote what of it can no longer be told apart."""
        names = {record, *(row["name"] for row in self._beel.store.rows(ALSO, record, record))}
        self._muddled |= names
        for deed in self.open_deeds():
            deed.is_muddled = deed.is_muddled or bool(names & set(deed.asked.records))

    def _muddle_creations(self, record: str) -> None:
        """Note that ours was deleted by an operation of ours: no reading finds its creation."""
        names = {row["name"] for row in self._beel.store.rows(ALSO, record, record)}
        for deed in self.open_deeds():
            is_creation = deed.asked.tool in CREATING and names & set(deed.asked.records)
            deed.is_muddled = deed.is_muddled or bool(is_creation)

    def check(self, asked: Asked, told: list[dict[str, Any]]) -> None:
        """Hold everything against everything after a step.

        Raises:
            AssertionError: it does not agree.
        """
        assert not self._beel.broken, self._beel.broken
        for record in self._beel.gone:
            self._muddle_creations(record)
        self._note_operations()
        for one in told:
            self._note_plan(one, asked)
        self._check_journal()
        self._check_records()
        for one in told:
            self._check_told(one, is_alone=len(told) == 1)
        self._check_twins()

    def _note_operations(self) -> None:
        """Take in what was begun: nothing begins without a yes for exactly it."""
        for row, operation_id, kind, plan_id, confirmed_by in self._beel.journal(
            OPERATIONS, self._last_row
        ):
            self._last_row = row
            asked = self.said.asked if self.said else self.asked
            if asked.tool != kind:
                raise MisreportedError(f"{kind} was begun, but {asked.tool} was asked for")
            deed = Deed(asked, operation_id, self._beel)
            deed.is_muddled = bool(self._muddled & set(asked.records))
            for other in self.open_deeds() if kind == "send_invoices" else ():
                if other.asked == asked:  # two of the very same mail: one is as good as the other
                    deed.is_muddled = other.is_muddled = True
            self.deeds[operation_id] = deed
            if kind not in CREATING or self._confirm_creates:
                self._check_yes(plan_id, confirmed_by)

    def _check_yes(self, plan_id: str, confirmed_by: str) -> None:
        if confirmed_by == "form":
            if not self.form_said_yes:
                raise MisreportedError("begun by a form that nobody said yes in")
            self.form_said_yes = False
            return
        plan = self.said
        if plan is None or plan.plan_id != plan_id or plan.is_spent:
            raise MisreportedError(f"begun without a yes: {plan_id}")
        plan.is_spent = True
        if not 0 <= self._began_at - plan.made_at <= PLAN_TTL_S:
            raise MisreportedError(f"a plan of {plan.made_at} was taken at {self._began_at}")
        stale = [
            one
            for one in plan.asked.records
            if plan.seen < self._outsiders.touched.get(one, 0) <= self._changes
        ]
        if stale and self._beel.latest and plan.asked.tool in CHANGING:
            raise MisreportedError(f"carried out, although others changed {stale}")

    def _note_plan(self, told: dict[str, Any], asked: Asked) -> None:
        if told["status"] == "confirmation_required":
            asked = self.said.asked if self.said else asked
            plan_id = told["plan_id"]
            if plan_id not in self.plans:
                self.plans[plan_id] = Plan(
                    plan_id, told["statement"], asked, self._now, self._outsiders.changes
                )

    def _check_journal(self) -> None:
        """Hold each request of the journal against what it did in BeeL."""
        for row in self._beel.journal(CHUNKS):
            request = Request.of(row)
            mark = request.mark
            deed, before = self.deeds[mark.operation_id], self.requests.get(mark)
            if before is None:
                deed.marks.append(mark)
            is_over = before is not None and before.state in ("COMMITTED", "REJECTED")
            if is_over and request != before:
                raise MisreportedError(f"{before} became {request}")
            if request.state == "PENDING" and not self.has_died and request != before:
                raise MisreportedError(f"nobody is at it any more: {request}")
            self._check_request(request, deed, is_new=request != before)
            self.requests[mark] = request

    def _check_request(self, request: Request, deed: Deed, *, is_new: bool) -> None:
        sent = self._beel.sent[request.mark]
        number = len(sent.effects)
        if self.has_died and request.is_open and is_new:
            sent.is_doubtful = True
        if request.is_open:
            if not sent.is_doubtful:
                raise MisreportedError(f"unknown, but every answer came: {request}")
            return
        if deed.is_muddled:
            return
        if request.state in UNSENT and number:
            raise MisreportedError(f"{request}, but the ledger has {dict(sent.effects)}")
        if request.state not in UNSENT and number > request.done:
            raise MisreportedError(f"{request}, but the ledger has {dict(sent.effects)}")
        if is_new and request.done > number:
            achieved = len(deed.achieved()) if len(deed.marks) == 1 else request.done
            if request.done > achieved:
                raise LostError(f"{request}, but the ledger has {dict(sent.effects)}")

    def _check_records(self) -> None:
        """Hold what was written against what was agreed to: these records, these fields, once."""
        if not self._beel.latest:
            return
        for deed in self.deeds.values():
            effects = deed.effects()
            check_once(deed, effects)
            others = effects.keys() - set(deed.asked.records)
            if others:
                raise MisreportedError(f"{deed.asked}: nobody agreed to {others}")
            columns = deed.asked.columns
            written = set().union(*(self._beel.sent[mark].columns for mark in deed.marks))
            if columns is not None and not written <= columns:
                raise MisreportedError(f"{deed.asked}: wrote {written}")

    def _check_told(self, told: dict[str, Any], *, is_alone: bool) -> None:
        deed: Any = self.deeds.get(told.get("operation_id") or "")
        if deed is not None and told["status"] == "partial" and "retry_after_s" in told:
            # It was still running then: by now more of it may be done.
            assert told.get("changed") != "nothing", told
            return
        if deed is None and self.asked.tool in READING and told["status"] != "error":
            wrote = self._beel.by_this_step
            assert not wrote, f"{self.asked.tool} wrote {wrote}"
        elif deed is None and (is_alone or not self._beel.by_this_step):
            check_said(Step(self._beel), told)
        elif deed is not None and not deed.is_muddled:
            check_said(deed, told)

    def check_listed(self, told: dict[str, Any]) -> None:
        """Hold the list of what is open against the journal."""
        if told.get("status") != "done":
            return
        listed = {one["operation_id"] for one in told["operations"] if one["state"] == "unsettled"}
        wanted = {deed.operation_id for deed in self.open_deeds()}
        if told.get("more_operations") is None and listed != wanted:
            raise MisreportedError(f"listed as unsettled: {listed}; in the journal: {wanted}")

    def check_end(self) -> None:
        """Let nothing stay unknown that could be found out by looking.

        What looks like an earlier one of its kind, or whose time cannot be trusted, may.
        """
        clocks = self._beel.clocks
        if clocks.has_jumped or clocks.passed_s > DAY_S:
            return
        for deed in self.open_deeds():
            if not deed.is_muddled:
                raise MisreportedError(f"stays unknown: {deed.asked}")

    def _check_twins(self) -> None:
        """Nobody is created twice by us within a day, whatever BeeL takes.

        Where our clock was put back, `tests/faults/test_wrong_clocks.py` looks instead.
        """
        if self._beel.latest and not self._beel.clocks.has_gone_back:
            since = instant(self._beel.clocks.beel() - timedelta(days=1))
            if twins := self._beel.store.rows(TWINS, since):
                raise DoubledError(f"created twice: {twins}")
