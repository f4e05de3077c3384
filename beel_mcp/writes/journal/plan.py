"""What would change: the records, the state they are in, and the sentence that tells a person."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from beel_mcp.api.company import Account

TIME_TO_LIVE_S: Final = 600.0
UNCHANGED: Final = "unchanged"  # the code of a record that is already as wanted
PLAN_ID: Final = re.compile(r"plan_[A-Za-z0-9_-]{22}")

ShownAs = Literal["form", "plan"]
ConfirmedBy = Literal["form", "statement"]


@dataclass(frozen=True)
class Affected:
    """A record that will change: whom a person sees, and a digest of all that BeeL has of it."""

    record_id: str
    name: str
    identifier: str
    state: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LeftAlone:
    """A record that was asked for and will stay as it is, and why."""

    record_id: str
    name: str
    code: str
    message: str = ""
    identifier: str = ""


@dataclass(frozen=True)
class Look:
    """What a look at BeeL showed of everything that was asked for.

    `meaning` is what decides the sentence beside the records, such as what a deletion does.
    """

    affected: tuple[Affected, ...]
    left: tuple[LeftAlone, ...] = ()
    meaning: Mapping[str, str] = field(default_factory=dict)

    @property
    def requested(self) -> int:
        """How many records were asked for."""
        return len(self.affected) + len(self.left)

    @property
    def digest(self) -> str:
        """Stand for the state: any difference that could matter to a person changes it."""
        records = [[one.record_id, one.state, one.facts] for one in self.affected]
        others = [[one.record_id, one.code] for one in self.left]
        return digest_of([records, others, self.meaning])


@dataclass(frozen=True)
class Plan:
    """A change that was shown to somebody and waits for a yes; it runs once or never."""

    plan_id: str
    kind: str
    caller: str
    shown_as: ShownAs
    arguments: Mapping[str, Any]
    look: Look
    digest: str
    statement: str
    account: Account
    created_at: float
    asked: int = 0
    wrong: int = 0

    @property
    def count(self) -> int:
        """How many records will change; not how many were asked for."""
        return len(self.look.affected)

    @property
    def expires_at(self) -> datetime:
        """When it can no longer be confirmed."""
        return datetime.fromtimestamp(self.created_at + TIME_TO_LIVE_S, UTC)

    @property
    def reference(self) -> str:
        """Name this plan in this state, for the person; no way leads from it to the plan's id."""
        return hashlib.sha256(f"{self.plan_id}:{self.digest}".encode()).hexdigest()[:8]

    def is_said_by(self, statement: str) -> bool:
        """Tell whether these are the words that were shown, white space and Unicode form aside."""
        return _folded(statement) == _folded(self.statement)

    def content(self) -> str:
        """Give what names people, as it is kept while the plan is open."""
        return json.dumps(
            {
                "arguments": dict(self.arguments),
                "statement": self.statement,
                "affected": [asdict(one) for one in self.look.affected],
                "left": [asdict(one) for one in self.look.left],
                "meaning": dict(self.look.meaning),
            },
            ensure_ascii=False,
        )


def is_open_at(created_at: float, now: float) -> bool:
    """Tell whether a plan can still be confirmed; a clock that went back ends it, too."""
    return 0.0 <= now - created_at <= TIME_TO_LIVE_S


def look_from(content: Mapping[str, Any]) -> Look:
    """Read back what was looked at."""
    return Look(
        tuple(Affected(**one) for one in content["affected"]),
        tuple(LeftAlone(**one) for one in content["left"]),
        content["meaning"],
    )


def digest_of(value: Any) -> str:
    """Give the SHA-256 of a JSON value in canonical form."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def differences(before: Look, after: Look) -> list[tuple[str, str]]:
    """Name each record that is not as it was, and how: gone, new facts, or edited."""
    found = []
    now = {one.record_id: one for one in after.affected}
    left = {one.record_id: one for one in after.left}
    for one in before.affected:
        same = now.get(one.record_id)
        if same is None:
            found.append((one.name, left[one.record_id].code if one.record_id in left else "gone"))
        elif same.state != one.state or same.facts != one.facts:
            found.append((one.name, "edited"))
    known = {one.record_id for one in before.affected}
    found += [(one.name, "joined") for one in after.affected if one.record_id not in known]
    return found


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
