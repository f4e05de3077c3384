"""New customers, as a person is asked about them where the operator wants a yes for that, too."""

from collections.abc import Mapping, Sequence
from typing import Any

from beel_mcp.guards.creating import KIND
from beel_mcp.guards.plan import Affected, LeftAlone, Look
from beel_mcp.guards.records import PlannedRow
from beel_mcp.guards.statement import compose
from beel_mcp.language import say
from beel_mcp.settings import Language


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
        opening = say(language, en=f"create {some_en}", es=f"dar de alta {some_es}")
        return compose(place, opening, look, [], language)
