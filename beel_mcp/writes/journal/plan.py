"""A plan: the records that a write affects, a digest of their state, its statement; open plans."""

import hashlib
import json
import re
import secrets
import sqlite3
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from beel_mcp.api.company import Account
from beel_mcp.errors import CallerError
from beel_mcp.writes.journal.database import Database
from beel_mcp.writes.journal.records import Clock
from beel_mcp.writes.journal.remarks import Remark

PLAN_TTL_S: Final = 600.0
UNCHANGED: Final = "unchanged"  # the code of a record that is already as wanted
PLAN_ID: Final = re.compile(r"plan_[A-Za-z0-9_-]{22}")

# Why a record is left out of a plan; data/plan_words.toml has the words of each.
LeftOutCode = Literal[
    "not_found",
    "unchanged",
    "changed_since",  # the values that an undoing would put back the old ones for
    "identifier_fixed",
    "never_empty",
    "has_invoices",
    "already_inactive",
    "issued",
    "scheduled",
    "voided",
    "rectified",
    "proforma",
    "problems",
    "refused",  # by BeeL, for a reason of its own
]
# How a record is not as a plan showed it any more.
Difference = Literal["gone", "edited", "joined", "remarked"] | LeftOutCode
ShownAs = Literal["form", "plan"]
ConfirmedBy = Literal["form", "statement"]

MOST_OPEN: Final = 100
MOST_QUESTIONS_A_PLAN: Final = 3
MOST_QUESTIONS: Final = 10
QUESTIONS_WITHIN_S: Final = 600.0
MOST_WRONG: Final = 3


@dataclass(frozen=True)
class Affected:
    """A record that the write will change or create, with a digest of its state in BeeL."""

    record_id: str
    name: str
    identifier: str
    state: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LeftOut:
    """A record that was asked for and stays as it is; `code` says why."""

    record_id: str
    name: str
    code: LeftOutCode
    message: str = ""
    identifier: str = ""


@dataclass(frozen=True)
class Preview:
    """What a write would do now: the records affected, and those left out.

    `terms` decide the statement beside the records, such as what a deletion does in this BeeL;
    `remarks` say what is doubtful about it.
    """

    affected: tuple[Affected, ...]
    left_out: tuple[LeftOut, ...] = ()
    terms: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()

    @property
    def requested(self) -> int:
        return len(self.affected) + len(self.left_out)

    @property
    def digest(self) -> str:
        """The SHA-256 of all that could matter to a person who agrees to it."""
        affected = [[record.record_id, record.state, record.facts] for record in self.affected]
        left_out = [[record.record_id, record.code] for record in self.left_out]
        remarks = [[one.code, one.field, one.en, one.names] for one in self.remarks]
        return digest_of([affected, left_out, self.terms, remarks])


@dataclass(frozen=True)
class Plan:
    """A write that was shown to a person and waits for a yes; it runs once or never."""

    plan_id: str
    kind: str
    caller: str
    shown_as: ShownAs
    arguments: Mapping[str, Any]
    preview: Preview
    digest: str
    statement: str
    account: Account
    created_at: float
    asked: int = 0
    wrong: int = 0

    @property
    def count(self) -> int:
        return len(self.preview.affected)

    @property
    def expires_at(self) -> datetime:
        return datetime.fromtimestamp(self.created_at + PLAN_TTL_S, UTC)

    @property
    def reference(self) -> str:
        """Name this plan in this state, for the person; no way leads from it to the plan's id."""
        return hashlib.sha256(f"{self.plan_id}:{self.digest}".encode()).hexdigest()[:8]

    def matches(self, statement: str) -> bool:
        """Tell whether this is the statement, white space and Unicode form (NFC) aside."""
        return _folded(statement) == _folded(self.statement)

    def content(self) -> str:
        """Give what names people, as it is kept while the plan is open."""
        return json.dumps(
            {
                "arguments": dict(self.arguments),
                "statement": self.statement,
                "affected": [asdict(record) for record in self.preview.affected],
                "left_out": [asdict(record) for record in self.preview.left_out],
                "terms": dict(self.preview.terms),
                "remarks": [asdict(one) for one in self.preview.remarks],
            },
            ensure_ascii=False,
        )


def is_open_at(created_at: float, now: float) -> bool:
    """Tell whether a plan can still be confirmed; a clock that went back ends it, too."""
    return 0.0 <= now - created_at <= PLAN_TTL_S


def preview_from(content: Mapping[str, Any]) -> Preview:
    """Read a preview back."""
    return Preview(
        tuple(Affected(**record) for record in content["affected"]),
        tuple(LeftOut(**record) for record in content["left_out"]),
        content["terms"],
        tuple(Remark(**{**one, "names": tuple(one["names"])}) for one in content["remarks"]),
    )


def digest_of(value: Any) -> str:
    """Give the SHA-256 of a JSON value in canonical form."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(before: Preview, after: Preview) -> list[tuple[str, Difference]]:
    """List each record that is not as it was: its name, and a `Difference` or its code now."""
    found: list[tuple[str, Difference]] = []
    now = {record.record_id: record for record in after.affected}
    left_out = {record.record_id: record.code for record in after.left_out}
    for record in before.affected:
        same = now.get(record.record_id)
        if same is None:
            found.append((record.name, left_out.get(record.record_id, "gone")))
        elif same.state != record.state or same.facts != record.facts:
            found.append((record.name, "edited"))
    known = {record.record_id for record in before.affected}
    found += [(record.name, "joined") for record in after.affected if record.record_id not in known]
    if after.affected and not found and after.remarks != before.remarks:
        found.append((after.affected[0].name, "remarked"))
    return found


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


@dataclass(frozen=True)
class Proposal:
    """What somebody asked for, and the sentence that would be shown for it."""

    kind: str
    caller: str
    shown_as: ShownAs
    request: Any  # tells the same request again
    arguments: Mapping[str, Any]
    preview: Preview
    statement: str
    account: Account


class PlanStore:
    """The plans of the state folder, shared by all our processes."""

    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now

    def open(self, proposal: Proposal) -> Plan:
        """Return the open plan with this digest, or create it.

        Open plans of the same request with another digest are deleted.

        Raises:
            CallerError: this caller has too many plans open.
        """
        now, account = self._time(), proposal.account
        request = digest_of([proposal.kind, proposal.request])
        with self._database.writing() as db:
            forget_expired(db, now)
            same = (
                *(proposal.kind, proposal.caller, proposal.shown_as, request),
                *(account.environment, account.company_id, account.key_fingerprint),
            )
            db.execute(
                f"DELETE FROM plans WHERE {_SAME} AND digest != ?", (*same, proposal.preview.digest)
            )
            found = db.execute(f"SELECT * FROM plans WHERE {_SAME}", same).fetchone()
            if found and _plan(found).statement == proposal.statement:
                return _plan(found)
            db.execute(f"DELETE FROM plans WHERE {_SAME}", same)
            _check_number(db, proposal.caller)
            plan = _new(proposal, now)
            db.execute(
                "INSERT INTO plans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, ?)",
                (
                    *(plan.plan_id, *same[:4], plan.digest, *same[4:]),
                    *(plan.created_at, plan.content()),
                ),
            )
        return plan

    def find(self, plan_id: str, caller: str) -> Plan | None:
        """Look up an open plan of a caller; another's, or one that expired, does not exist."""
        if not PLAN_ID.fullmatch(plan_id) or not self._database.exists():
            return None
        with self._database.reading() as db:
            found = db.execute(
                "SELECT * FROM plans WHERE plan_id = :plan_id"
                " AND caller = :caller",  # guard: whose plan
                {"plan_id": plan_id, "caller": caller},
            ).fetchone()
        plan = _plan(found) if found else None
        if plan and not is_open_at(plan.created_at, self._time()):  # guard: not expired
            return None
        return plan

    def count_question(self, plan: Plan) -> None:
        """Count that the person is being asked.

        Raises:
            CallerError: they were asked often enough; nothing is asked.
        """
        now = self._time()
        with self._database.writing() as db:
            [asked] = db.execute(
                "SELECT count(*) FROM questions WHERE caller = ? AND at BETWEEN ? AND ?",
                (plan.caller, now - QUESTIONS_WITHIN_S, now),
            ).fetchone()
            if plan.asked >= MOST_QUESTIONS_A_PLAN or asked >= MOST_QUESTIONS:
                raise CallerError(
                    "The person was asked several times already, and was not asked again.",
                    code="too_many_questions",
                    retryable=True,
                    retry_after_s=int(QUESTIONS_WITHIN_S),
                    remedy="Ask them what they want before you call this again.",
                )
            db.execute("UPDATE plans SET asked = asked + 1 WHERE plan_id = ?", (plan.plan_id,))
            db.execute("INSERT INTO questions VALUES (?, ?)", (plan.caller, now))

    def count_wrong(self, plan: Plan) -> int:
        """Count that another sentence came back, and end the plan at the last; tries left."""
        with self._database.writing() as db:
            db.execute("UPDATE plans SET wrong = wrong + 1 WHERE plan_id = ?", (plan.plan_id,))
            db.execute(
                "DELETE FROM plans WHERE plan_id = ? AND wrong >= ?", (plan.plan_id, MOST_WRONG)
            )
        return max(MOST_WRONG - plan.wrong - 1, 0)

    def drop(self, plan: Plan) -> None:
        """Delete a plan: what it showed has changed."""
        with self._database.writing() as db:
            db.execute("DELETE FROM plans WHERE plan_id = ?", (plan.plan_id,))

    def purge(self) -> None:
        with self._database.writing() as db:
            db.execute("DELETE FROM plans")

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


def _plan(row: tuple[Any, ...]) -> Plan:
    plan_id, kind, caller, shown_as, _, digest, environment, company_id, key = row[:9]
    created_at, asked, wrong, content = row[9:]
    kept = json.loads(content)
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
