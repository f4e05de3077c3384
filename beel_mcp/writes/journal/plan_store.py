"""The open plans on disk: each sealed as it was shown, taken by one taker ever, gone when old."""

import hashlib
import hmac
import json
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from beel_mcp.api.company import Account
from beel_mcp.errors import CallerError
from beel_mcp.writes.journal.database import Database, secret_of
from beel_mcp.writes.journal.plan import (
    PLAN_ID,
    PLAN_TTL_S,
    Plan,
    Proposal,
    digest_of,
    is_open_at,
    preview_from,
)
from beel_mcp.writes.journal.records import Clock

MOST_OPEN: Final = 100
MOST_QUESTIONS_A_PLAN: Final = 3
MOST_QUESTIONS: Final = 10
QUESTIONS_WITHIN_S: Final = 600.0
MOST_WRONG: Final = 3
_SEAL_LENGTH: Final = 64
_COLUMNS: Final = (
    "plan_id, kind, caller, shown_as, request, digest, environment, company_id, key_fingerprint,"
    " created_at, asked, wrong, content"
)


class PlanStore:
    """The plans of the state folder, shared by all our processes."""

    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now

    async def open(self, proposal: Proposal) -> Plan:
        """Return the open plan with this digest, or create it.

        It has the arguments of the last call: the batch that an earlier one names may be gone.
        Open plans of the same request with another digest are deleted.

        Raises:
            CallerError: this caller has too many plans open.
        """
        now = self._time()
        return await self._database.write(lambda db: _open(db, proposal, now))

    async def find(self, plan_id: str, caller: str) -> Plan | None:
        """Look up an open plan of a caller.

        Another's does not exist, nor one that expired or is not on disk as it was made.
        """
        if not PLAN_ID.fullmatch(plan_id) or not self._database.exists():
            return None
        plan = await self._database.read(
            lambda db: _opened(
                db,
                "plan_id = :plan_id AND caller = :caller",  # guard: whose plan
                {"plan_id": plan_id, "caller": caller},
            )
        )
        if plan and not is_open_at(plan.created_at, self._time()):  # guard: not expired
            return None
        return plan

    async def count_question(self, plan: Plan) -> None:
        """Count that the person is being asked.

        Raises:
            CallerError: they were asked often enough; nothing is asked.
        """
        now = self._time()
        await self._database.write(lambda db: _count_question(db, plan, now))

    async def count_wrong(self, plan: Plan) -> int | None:
        """Count that a wrong answer came, and end the plan at the last; tries left.

        None: there is no such plan any more.
        """
        return await self._database.write(lambda db: _count_wrong(db, plan.plan_id))

    async def drop(self, plan: Plan) -> bool:
        """Delete a plan: what it showed has changed, or is not wanted; False: it was gone."""
        return await self._database.write(
            lambda db: (
                db.execute("DELETE FROM plans WHERE plan_id = ?", (plan.plan_id,)).rowcount > 0
            )
        )

    def _time(self) -> float:
        return self._now().timestamp()


def take(db: sqlite3.Connection, plan: Plan, now: float) -> bool:
    """Take a plan in a transaction of the caller's: one taker ever, whichever process it is in."""
    taken = db.execute(
        "DELETE FROM plans WHERE plan_id = :plan_id"
        " AND digest = :digest"  # guard: as it was shown
        " AND :now - created_at BETWEEN 0 AND :time_to_live",  # guard: not expired
        {
            "plan_id": plan.plan_id,
            "digest": plan.digest,
            "now": now,
            "time_to_live": PLAN_TTL_S,
        },
    )
    return taken.rowcount == 1


def has_expired(db: sqlite3.Connection, now: float) -> bool:
    """Tell whether a plan can no longer be confirmed."""
    [expired] = db.execute(
        "SELECT EXISTS (SELECT 1 FROM plans WHERE NOT (? - created_at BETWEEN 0 AND ?))",
        (now, PLAN_TTL_S),
    ).fetchone()
    return bool(expired)


def forget_expired(db: sqlite3.Connection, now: float) -> None:
    """Drop what can no longer be confirmed, and questions that no longer count."""
    db.execute("DELETE FROM plans WHERE NOT (? - created_at BETWEEN 0 AND ?)", (now, PLAN_TTL_S))
    db.execute(
        "DELETE FROM questions WHERE NOT (? - at BETWEEN 0 AND ?)", (now, QUESTIONS_WITHIN_S)
    )


_SAME: Final = (
    "kind = ? AND caller = ? AND shown_as = ? AND request = ? AND environment = ?"
    " AND company_id IS ? AND key_fingerprint = ?"
)


def _open(db: sqlite3.Connection, proposal: Proposal, now: float) -> Plan:
    forget_expired(db, now)
    account = proposal.account
    request = digest_of([proposal.kind, proposal.request])
    same = (
        *(proposal.kind, proposal.caller, proposal.shown_as, request),
        *(account.environment, account.company_id, account.key_fingerprint),
    )
    db.execute(f"DELETE FROM plans WHERE {_SAME} AND digest != ?", (*same, proposal.preview.digest))
    found = _opened(db, _SAME, same)
    if found and found.statement == proposal.statement:
        plan = replace(found, arguments=proposal.arguments)
    else:
        db.execute(f"DELETE FROM plans WHERE {_SAME}", same)
        _check_number(db, proposal.caller)
        plan = _new(proposal, now)
    facts = (plan.plan_id, *same[:4], plan.digest, *same[4:], plan.created_at)
    content = plan.content()
    db.execute(
        f"INSERT INTO plans ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?)"
        " ON CONFLICT DO UPDATE SET content = excluded.content",
        (*facts, _seal(db, facts, content) + content),
    )
    return plan


def _count_question(db: sqlite3.Connection, plan: Plan, now: float) -> None:
    [asked] = db.execute(
        "SELECT count(*) FROM questions WHERE caller = ? AND at BETWEEN ? AND ?",
        (plan.caller, now - QUESTIONS_WITHIN_S, now),
    ).fetchone()
    # Not what the caller has read of it: another call may have asked since.
    of_it = db.execute("SELECT asked FROM plans WHERE plan_id = ?", (plan.plan_id,)).fetchone()
    if (of_it and of_it[0] >= MOST_QUESTIONS_A_PLAN) or asked >= MOST_QUESTIONS:
        raise CallerError(
            "The person was asked several times already, and was not asked again.",
            code="too_many_questions",
            retryable=True,
            retry_after_s=int(QUESTIONS_WITHIN_S),
            remedy="Ask them what they want before you call this again.",
        )
    db.execute("UPDATE plans SET asked = asked + 1 WHERE plan_id = ?", (plan.plan_id,))
    db.execute("INSERT INTO questions VALUES (?, ?)", (plan.caller, now))


def _count_wrong(db: sqlite3.Connection, plan_id: str) -> int | None:
    counted = db.execute("UPDATE plans SET wrong = wrong + 1 WHERE plan_id = ?", (plan_id,))
    if counted.rowcount == 0:
        return None
    db.execute("DELETE FROM plans WHERE plan_id = ? AND wrong >= ?", (plan_id, MOST_WRONG))
    left = db.execute("SELECT wrong FROM plans WHERE plan_id = ?", (plan_id,)).fetchone()
    return MOST_WRONG - left[0] if left else 0


def _check_number(db: sqlite3.Connection, caller: str) -> None:
    [number] = db.execute("SELECT count(*) FROM plans WHERE caller = ?", (caller,)).fetchone()
    if number >= MOST_OPEN:
        raise CallerError(
            f"{MOST_OPEN} plans are waiting for a yes already; nothing was planned.",
            code="too_many_plans",
            retryable=True,
            retry_after_s=int(PLAN_TTL_S),
            remedy="Confirm one of them, or wait: a plan ends after 10 minutes.",
        )


def _new(proposal: Proposal, now: float) -> Plan:
    return Plan(
        plan_id=f"plan_{secrets.token_urlsafe(16)}",
        kind=proposal.kind,
        caller=proposal.caller,
        shown_as=proposal.shown_as,
        arguments=proposal.arguments,
        preview=proposal.preview,
        digest=proposal.preview.digest,
        statement=proposal.statement,
        account=proposal.account,
        created_at=now,
    )


def _opened(db: sqlite3.Connection, where: str, values: Any) -> Plan | None:
    """Read a plan, if its row is as it was written: what runs is what the person was shown."""
    # As bytes: a spoiled row may be no text at all.
    columns = _COLUMNS.replace("content", "CAST(content AS BLOB)")
    row = db.execute(f"SELECT {columns} FROM plans WHERE {where}", values).fetchone()
    if row is None:
        return None
    *facts, asked, wrong, sealed = row
    seal, content = sealed[:_SEAL_LENGTH], sealed[_SEAL_LENGTH:].decode(errors="replace")
    if not hmac.compare_digest(seal, _seal(db, facts, content).encode()):  # guard: as written
        return None
    return _plan(facts, json.loads(content), asked, wrong)


def _seal(db: sqlite3.Connection, facts: Sequence[Any], content: str) -> str:
    """Give a keyed digest of all that a plan is, the counts of what was asked aside."""
    sealed = digest_of([facts, content]).encode()
    return hmac.new(secret_of(db), sealed, hashlib.sha256).hexdigest()


def _plan(facts: Sequence[Any], kept: Any, asked: int, wrong: int) -> Plan:
    plan_id, kind, caller, shown_as, _, digest, environment, company_id, key, created_at = facts
    return Plan(
        plan_id=plan_id,
        kind=kind,
        caller=caller,
        shown_as=shown_as,
        arguments=kept["arguments"],
        preview=preview_from(kept),
        digest=digest,
        statement=kept["statement"],
        account=Account(environment, company_id, key),
        created_at=created_at,
        asked=asked,
        wrong=wrong,
    )
