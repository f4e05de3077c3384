"""A refusal, and a reading, that come after an answer was lost: they prove no more than they do."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from beel_mcp.errors import ConflictError, UnknownOutcomeError
from beel_mcp.settings import Language
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.plan import Preview, Proposal
from beel_mcp.writes.journal.records import (
    Chunk,
    Decision,
    Operation,
    PlannedChunk,
    RowOutcome,
    WriteRow,
)
from beel_mcp.writes.journal.workers import BackgroundWrites
from beel_mcp.writes.kinds.protocol import Found, Write
from beel_mcp.writes.run.execution import Agreed, Execution
from beel_mcp.writes.run.reconciliation import Reconciliation
from tests.conftest import FakeTime
from tests.guards.test_takers import ACCOUNT, LOOK, Beel, Recorded

pytestmark = pytest.mark.anyio
LOST = UnknownOutcomeError("BeeL did not answer.", changed="unknown")
NO = ConflictError("Not now.", code="CONFLICT", status=409)


class Answered(Recorded):
    """A deletion that is answered as it is told, and whose records are seen unchanged."""

    answers: Sequence[Exception]

    async def send(self, chunk: Chunk, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        self.done.append("send")
        raise self.answers[self.done.count("send") - 1]

    async def find_row(self, row: WriteRow) -> RowOutcome | None:
        return None


@pytest.fixture
def journal(tmp_path: Path, fake_time: FakeTime) -> Iterator[Journal]:
    opened = Journal(tmp_path / "state", fake_time.now)
    yield opened
    opened.close()


async def carried_out(
    journal: Journal, folder: Path, time: FakeTime, *answers: Exception
) -> Operation:
    change = Answered(Beel(ACCOUNT), journal)
    change.answers = answers
    plan = await journal.plans.open(
        Proposal(
            *(change.name, "local", "plan", change.request, change.arguments),
            *(LOOK, "delete 1 customer", ACCOUNT),
        )
    )
    async with anyio.create_task_group() as group:
        writes = BackgroundWrites(group, folder / "state")
        execution = Execution(change.context, writes, time.sleep)
        operation = await execution.take(Agreed(plan, "statement"), change)
        assert operation
    assert change.done.count("send") == len(answers)
    return await journal.get(operation.operation_id)


async def test_a_second_sending_that_is_refused_says_nothing_of_the_one_that_was_lost(
    journal: Journal, tmp_path: Path, fake_time: FakeTime
) -> None:
    operation = await carried_out(journal, tmp_path, fake_time, LOST, NO)
    [chunk] = operation.chunks
    assert chunk.state == "UNKNOWN"
    assert await journal.personal_data.payload(chunk), "check_operation can still look for it"


async def test_a_first_sending_that_is_refused_as_a_whole_was_not_attempted(
    journal: Journal, tmp_path: Path, fake_time: FakeTime
) -> None:
    operation = await carried_out(journal, tmp_path, fake_time, NO)
    assert [(chunk.state, chunk.attempts) for chunk in operation.chunks] == [("READY", 0)]


class Creation(Write):
    """Two rows, of which one reading found the first; later ones say less."""

    name = "create_customers"
    all_or_none = True
    findings: Sequence[Found]

    async def preview(self) -> Preview:
        raise AssertionError

    def statement(self, preview: Preview, environment: str, language: Language) -> str:
        raise AssertionError

    def chunks(self, preview: Preview) -> list[PlannedChunk]:
        return [PlannedChunk([WriteRow(number, {}, name="Acme SL") for number in (1, 2)])]

    async def send(self, chunk: Chunk, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        raise AssertionError

    async def find(self, chunk: Chunk, rows: Sequence[WriteRow]) -> Found:
        found, *self.findings = self.findings
        return found


async def test_what_a_mixed_reading_found_is_not_forgotten_by_one_that_says_less(
    journal: Journal, fake_time: FakeTime
) -> None:
    context: Any = SimpleNamespace(beel=None, journal=journal)
    creation = Creation(context, {})
    seen = {number: RowOutcome("unknown", is_found=number == 1) for number in (1, 2)}
    creation.findings = [Found("mixed", seen), Found("unclear")]
    decision = Decision("create_customers", "local", "bat_1", "0", ACCOUNT, 2, journal.time())
    operation = await journal.begin(decision, creation.chunks(LOOK))
    assert operation
    [chunk] = operation.chunks
    await journal.pending(chunk)
    [chunk] = (await journal.get(operation.operation_id)).chunks
    await journal.settle(chunk, "UNKNOWN")
    for _ in range(2):
        reconciliation = Reconciliation(journal, fake_time.sleep)
        until = journal.time() + 60
        assert await reconciliation.settle(operation.operation_id, creation, until) is None
    [records] = (await journal.personal_data.records(operation)).values()
    assert [record.is_found for record in records] == [True, False]
