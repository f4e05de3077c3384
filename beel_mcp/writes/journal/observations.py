"""What reading BeeL showed of requests whose answer was lost, kept for whoever reads next."""

from collections.abc import Sequence

from beel_mcp.writes.journal.database import Database
from beel_mcp.writes.journal.personal_data import keep_record
from beel_mcp.writes.journal.records import Chunk, Clock, Finding, Observation, RowRecord


class Observations:
    """The readings of each chunk, by the sending whose effect was looked for."""

    def __init__(self, database: Database, now: Clock) -> None:
        self._database = database
        self._now = now

    async def of(self, chunk: Chunk) -> list[Observation]:
        """List what reading showed of a chunk since it was last sent, oldest first."""
        rows = await self._database.read(
            lambda db: db.execute(
                "SELECT at, finding FROM observations WHERE operation_id = ? AND chunk = ?"
                " AND attempt = ? ORDER BY rowid",
                (*chunk.chunk_key, chunk.attempts),
            ).fetchall()
        )
        return [Observation(at, finding) for at, finding in rows]

    async def add(self, chunk: Chunk, finding: Finding) -> None:
        """Keep what reading BeeL showed, so that the next call goes on from there.

        Raises:
            JournalError: it could not be written.
        """
        now = self._now().timestamp()
        facts = (*chunk.chunk_key, chunk.attempts, now, finding)
        await self._database.write(
            lambda db: db.execute("INSERT INTO observations VALUES (?, ?, ?, ?, ?)", facts)
        )

    async def keep_rows(self, chunk: Chunk, record: Sequence[RowRecord]) -> None:
        """Keep for a day which rows of a chunk that stays unknown were found in BeeL.

        Raises:
            JournalError: it could not be written.
        """
        now = self._now().timestamp()
        await self._database.write(lambda db: keep_record(db, chunk.chunk_key, record, now))
