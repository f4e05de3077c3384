"""New records, as a person is asked about them where the operator wants a yes for that, too."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from beel_mcp.api.models import Customer
from beel_mcp.api.new_draft import NewDraft
from beel_mcp.cleaning import quoted
from beel_mcp.language import localized
from beel_mcp.settings import Language
from beel_mcp.writes.consent.statement import NAME_LIMIT, compose, day_of, money, named
from beel_mcp.writes.journal.plan import Affected, LeftAlone, Look
from beel_mcp.writes.journal.records import PlannedRow
from beel_mcp.writes.kinds import create_draft
from beel_mcp.writes.kinds.create_customers import KIND


class Addition:
    """The rows of a batch that would be created. The same rows are the same request."""

    kind = KIND

    def __init__(self, batch_id: str, payload_digest: str) -> None:
        self.arguments: Mapping[str, Any] = {"batch_id": batch_id}
        self._payload_digest = payload_digest

    @property
    def request(self) -> str:
        """The rows; a list given inline is a new batch every time."""
        return self._payload_digest

    def look(self, rows: Sequence[PlannedRow], left: Sequence[PlannedRow]) -> Look:
        """Show the rows as what would come to be; there is nothing in BeeL to look at yet."""
        return Look(
            tuple(Affected(str(row.number), row.name, row.nif, "") for row in rows),
            tuple(LeftAlone(str(row.number), row.name, "problems") for row in left),
            {"payload": self._payload_digest},
        )

    def say(self, look: Look, place: str, language: Language) -> str:
        """Say who would be created."""
        number = len(look.affected)
        some_en = f"{number} customer{'' if number == 1 else 's'}"
        some_es = f"{number} cliente{'' if number == 1 else 's'}"
        opening = localized(language, en=f"create {some_en}", es=f"dar de alta {some_es}")
        return compose(place, opening, look, [], language)


class DraftAddition:
    """A draft that would be created. The same draft is the same request."""

    kind = create_draft.KIND

    def __init__(self, arguments: Mapping[str, Any], draft: NewDraft) -> None:
        self.arguments = arguments
        self._draft = draft

    @property
    def request(self) -> str:
        """The draft, however its decimals were written."""
        return create_draft.digest(self._draft)

    def look(self, customer: Customer) -> Look:
        """Show whom it is for, and what it comes to."""
        draft = self._draft
        facts = {
            "type": draft.type,
            "lines": str(len(draft.lines)),
            "first": draft.lines[0].description,
            "base": f"{draft.base:.2f}",
            "date": draft.day.isoformat() if draft.day else "",
        }
        one = Affected(customer.id, customer.legal_name, customer.nif or "", "", facts)
        return Look((one,), (), {"draft": self.request})

    def say(self, look: Look, place: str, language: Language) -> str:
        """Say which draft would be created, and that it is not issued."""
        [one] = look.affected
        is_simplified = one.facts["type"] == "SIMPLIFIED"
        opening = localized(
            language,
            en=f"create 1 draft {'simplified ' if is_simplified else ''}invoice",
            es=f"crear 1 borrador de factura{' simplificada' if is_simplified else ''}",
        )
        ending = localized(language, en="It is not issued.", es="No se emite.")
        return compose(place, opening, look, [ending], language, labels=[_label(one, language)])


def _label(one: Affected, language: Language) -> str:
    facts = one.facts
    more = int(facts["lines"]) - 1
    others = localized(
        language,
        en=f" and {more} more line{'' if more == 1 else 's'}",
        es=f" y {more} línea{'' if more == 1 else 's'} más",
    )
    base = money(Decimal(facts["base"]), language)
    parts = [
        named(one),
        quoted(facts["first"], NAME_LIMIT) + (others if more else ""),
        day_of(date.fromisoformat(facts["date"]), language) if facts["date"] else "",
        localized(language, en=f"{base} before taxes", es=f"{base} sin impuestos"),
    ]
    return " · ".join(filter(None, parts))
