"""One record of an operation, as an answer shows it."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from beel_mcp.cleaning import quoted

NAME_LIMIT = 60
MESSAGE_LIMIT = 140
RETRY_AFTER_S = 15
Records = Mapping[int, Sequence[Mapping[str, Any]]]


class RecordRow(BaseModel):
    """What became of one row."""

    row: int
    name: str
    outcome: str
    customer_id: str | None = None
    invoice_id: str | None = None
    message: str | None = None

    def line(self) -> str:
        """Give the row in one line of text."""
        facts = [self.customer_id, self.invoice_id, self.message]
        words = [self.outcome, *(fact for fact in facts if fact)]
        return f"row {self.row} {quoted(self.name, NAME_LIMIT)}: {' '.join(words)}"
