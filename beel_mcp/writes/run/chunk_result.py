"""What is known of each row of a request that changes records; the journal has it at every step."""

from collections.abc import Sequence
from typing import Any

from beel_mcp.errors import BeelMcpError
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import Chunk, ChunkState, Operation, PlannedRow
from beel_mcp.writes.kinds.protocol import Change, Outcome
from beel_mcp.writes.run.concurrency import at_once

UNKNOWN = Outcome("unknown")


class Report:
    """The rows of one chunk, and what became of each so far."""

    def __init__(self, journal: Journal, chunk: Chunk) -> None:
        self._journal = journal
        self.chunk = chunk
        self.rows = journal.private.payload(chunk) or []
        self._known = {
            row["row"]: Outcome(row["verdict"], row["code"], row["message"])
            for row in journal.private.record(chunk) or ()
            if row["verdict"] != "unknown"
        }

    def unknown(self) -> list[PlannedRow]:
        """List the rows whose outcome is not known."""
        return [row for row in self.rows if row.number not in self._known]

    def add(self, rows: Sequence[PlannedRow], outcomes: Sequence[Outcome]) -> None:
        """Take in what an answer says of some rows."""
        for row, outcome in zip(rows, outcomes, strict=True):
            if outcome.verdict != "unknown":
                self._known[row.number] = outcome

    async def look(self, change: Change, rows: Sequence[PlannedRow]) -> list[PlannedRow]:
        """Look for some rows in BeeL; list those that were seen to be as they were before.

        One that cannot be read stays unknown, and is not in that list.

        Raises:
            BeelMcpError: none of them can be read.
        """
        same: list[PlannedRow] = []
        errors: list[BeelMcpError] = []

        async def look(row: PlannedRow) -> None:
            try:
                outcome = await change.check(row)
            except BeelMcpError as error:
                errors.append(error)
                return
            if outcome is None:
                same.append(row)
            else:
                self._known[row.number] = outcome

        await at_once(look, rows)
        if errors and len(errors) == len(rows):
            raise errors[0]
        return sorted(same, key=lambda row: row.number)

    def settle(
        self,
        *,
        code: str | None = None,
        request_id: str | None = None,
        is_sent: bool = True,
        by_looking: bool = False,
    ) -> None:
        """Put it on the journal; what was never sent may be planned anew, all else stands."""
        verdicts = [outcome.verdict for outcome in self._known.values()]
        outcomes = [(row, self._known.get(row.number, UNKNOWN)) for row in self.rows]
        self._journal.settle(
            self.chunk,
            _state(is_sent=is_sent or bool(verdicts), is_known=not self.unknown()),
            record=[recorded(row, outcome) for row, outcome in outcomes],
            code=code,
            request_id=request_id
            or next((one.request_id for one in self._known.values() if one.request_id), None),
            by_looking=by_looking,
            done=verdicts.count("done"),
            failed=verdicts.count("failed"),
        )


def known_rows(journal: Journal, operation: Operation) -> dict[int, list[dict[str, Any]]]:
    """Give what came of each row of an operation by chunk, also of what was not sent."""
    records = journal.private.records(operation)
    return {
        chunk.chunk: records[chunk.chunk]
        or [_not_recorded(row) for row in journal.private.payload(chunk) or ()]
        for chunk in operation.chunks
    }


def _not_recorded(row: PlannedRow) -> dict[str, Any]:
    if "record_id" in row.values:
        return recorded(row, UNKNOWN)
    return {"row": row.number, "name": row.name}  # one that was to be created


def recorded(row: PlannedRow, outcome: Outcome) -> dict[str, Any]:
    """Give a row as the record of an operation has it."""
    return {
        "row": row.number,
        "name": row.name,
        "record_id": row.values["record_id"],
        "identifier": row.values["identifier"],
        "verdict": outcome.verdict,
        "code": outcome.code,
        "message": outcome.message,
        **{name: row.values[name] for name in ("previous",) if name in row.values},
    }


def _state(*, is_sent: bool, is_known: bool) -> ChunkState:
    if not is_sent:
        return "READY"
    return "COMMITTED" if is_known else "UNKNOWN"
