"""What send_invoices answers: which invoices the mail carried, and which stayed behind.

The lists and counts are those of every guarded tool; a mail has an address and a moment besides.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from beel_mcp.answers.changes import ChangeAnswer
from beel_mcp.answers.outcome import Outcome
from beel_mcp.cleaning import one_word
from beel_mcp.writes.consent.statement import moment_of


class MailAnswer(ChangeAnswer):
    """What became of a mail."""

    stayed: ClassVar[str] = "Not mailed"

    sent: list[str] | None = None
    more_sent: int | None = None
    sent_to: list[str] | None = Field(None, description="Copies among them.")
    sent_at: str | None = None
    email_id: str | None = None

    def lines(self) -> Sequence[str]:
        sent_at = datetime.fromisoformat(self.sent_at).timestamp() if self.sent_at else None
        when = f" on {moment_of(sent_at, 'en')} (Madrid)" if sent_at else ""
        to = ", ".join(map(one_word, self.sent_to or ()))
        return [*super().lines(), f"Mailed{when} to {to}." if to else ""]

    @classmethod
    def own_fields(cls, outcome: Outcome) -> dict[str, Any]:
        """Give to whom and when the mail went, and its id in BeeL."""
        done = outcome.of_class(outcome.words.done)
        facts = done[0].facts if done else {}
        return {
            "sent_to": facts["to"].split(", ") if facts.get("to") else None,
            "sent_at": facts.get("sent_at"),
            "email_id": facts.get("email_id"),
        }
