"""A plan: the records that a write affects, a digest of their state, its statement."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from beel_mcp.api.company import Account
from beel_mcp.writes.journal.remarks import Remark

PLAN_TTL_S: Final = 600.0
UNCHANGED: Final = "unchanged"  # the code of a record that is already as wanted
PLAN_ID: Final = re.compile(r"plan_[A-Za-z0-9_-]{22}")

# Why a record is left out of a plan; data/plan_words.toml has the words of each.
LeftOutCode = Literal[
    "not_found",
    "draft",
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
ShownAs = Literal["form", "page", "plan"]
ConfirmedBy = Literal["form", "page", "statement"]


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
