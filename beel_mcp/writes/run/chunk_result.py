"""What is known of each row of one request; the journal has it at every step."""

from collections.abc import Mapping, Sequence

from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import Chunk, ChunkState, RowOutcome, RowRecord, WriteRow

UNKNOWN = RowOutcome("unknown")


class ChunkResult:
    """The rows of one chunk, and what became of each so far."""

    def __init__(self, journal: Journal, chunk: Chunk) -> None:
        self._journal = journal
        self.chunk = chunk
        self.rows = journal.personal_data.payload(chunk) or []
        self._known: dict[int, RowOutcome] = {
            record.number: record
            for record in journal.personal_data.record(chunk) or ()
            if record.verdict != "unknown"
        }

    def unknown(self) -> list[WriteRow]:
        return [row for row in self.rows if row.number not in self._known]

    def add(self, rows: Sequence[WriteRow], outcomes: Sequence[RowOutcome]) -> None:
        self.add_found({row.number: outcome for row, outcome in zip(rows, outcomes, strict=True)})

    def add_found(self, outcomes: Mapping[int, RowOutcome]) -> None:
        """Take in outcomes by row number; one that is unknown changes nothing."""
        self._known |= {
            number: outcome for number, outcome in outcomes.items() if outcome.verdict != "unknown"
        }

    def settle(
        self,
        *,
        code: str | None = None,
        request_id: str | None = None,
        is_sent: bool = True,
        by_reading: bool = False,
    ) -> None:
        """Record it: READY if it was never sent, UNKNOWN while a row is, else how it ended."""
        known = self._known.values()
        verdicts = [outcome.verdict for outcome in known]
        self._journal.settle(
            self.chunk,
            self._state(is_sent=is_sent or bool(verdicts)),
            record=self._record() if known else None,
            code=code,
            request_id=request_id
            or next((outcome.request_id for outcome in known if outcome.request_id), None),
            by_reading=by_reading,
            done=verdicts.count("done"),
            failed=verdicts.count("failed"),
        )

    def _record(self) -> list[RowRecord]:
        return [RowRecord.of(row, self._known.get(row.number, UNKNOWN)) for row in self.rows]

    def _state(self, *, is_sent: bool) -> ChunkState:
        if not is_sent:
            return "READY"
        if self.unknown():
            return "UNKNOWN"
        all_failed = all(outcome.verdict == "failed" for outcome in self._known.values())
        return "REJECTED" if all_failed else "COMMITTED"
