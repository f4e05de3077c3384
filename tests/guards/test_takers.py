"""Many who confirm one plan at once: one carries it out, and the others are told what it became."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.api.company import Account
from beel_mcp.context import Timing
from beel_mcp.settings import Language
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.plan import Affected, Preview, Proposal
from beel_mcp.writes.journal.records import Chunk, RowOutcome, WriteRow, utc_now
from beel_mcp.writes.journal.workers import BackgroundWrites
from beel_mcp.writes.kinds.protocol import AnotherAccountError, Change, StateChangedError
from beel_mcp.writes.run.execution import Agreed, Execution
from tests.guards.conftest import OpenApp
from tests.support.people.evidence import Told, call, check_untouched, effects, ids, sent

pytestmark = pytest.mark.anyio

ACCOUNT = Account("test", "c1", "0123456789abcdef")
LOOK = Preview((Affected("a", "Acme SL", "B1", "as it was"),), (), {"mode": "delete"})


async def test_of_ten_who_confirm_at_two_servers_one_runs_and_nine_are_told(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    told: list[Told] = []

    async def confirm(client: Client, arguments: Mapping[str, Any]) -> None:
        told.append(await call(client, "confirm_plan", **arguments))

    async with open_app() as one, open_app() as other:
        plan = await call(one, "deactivate_customers", customer_ids=ids(10, 11))
        check_untouched(sandbox)
        async with anyio.create_task_group() as group:
            for client in (one, other) * 5:
                group.start_soon(confirm, client, plan["next"][0]["arguments"])
    assert sent(sandbox) == [("DELETE", "bulk")]
    assert effects(sandbox) == [("customer_deleted", one) for one in ids(10, 11)]
    assert [answer.get("replayed") for answer in told].count(None) == 1
    assert len({answer["operation_id"] for answer in told}) == 1
    assert "error" not in {answer["status"] for answer in told}


class Beel:
    """Whose books the key opens now."""

    def __init__(self, account: Account) -> None:
        self._account = account

    async def account(self) -> Account:
        return self._account


class Recorded(Change):
    """A change that writes down what would have been sent."""

    name = "deactivate_customers"

    def __init__(self, beel: Any, journal: Journal, now: Preview = LOOK) -> None:
        context: Any = SimpleNamespace(beel=beel, journal=journal)
        super().__init__(context, {})
        self._now = now
        self.done: list[str] = []

    async def preview(self) -> Preview:
        return self._now

    def statement(self, preview: Preview, environment: str, language: Language) -> str:
        raise AssertionError

    def requests(self, preview: Preview) -> list[Sequence[Affected]]:
        return [preview.affected]

    def row(self, number: int, affected: Affected) -> WriteRow:
        return WriteRow(number, {}, affected.record_id, affected.name, affected.identifier)

    async def back_up(self, preview: Preview) -> None:
        self.done.append("back up")

    async def send(self, chunk: Chunk, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        self.done.append("send")
        return []

    async def find_row(self, row: WriteRow) -> RowOutcome | None:
        raise AssertionError


@pytest.mark.parametrize(
    ("account", "now", "error"),
    [
        (Account("test", "c2", ACCOUNT.key_fingerprint), LOOK, AnotherAccountError),
        (Account("test", "c1", "f" * 16), LOOK, AnotherAccountError),
        (Account("live", "c1", ACCOUNT.key_fingerprint), LOOK, AnotherAccountError),
        (ACCOUNT, Preview(LOOK.affected, (), {"mode": "inactive"}), StateChangedError),
        (ACCOUNT, Preview(()), StateChangedError),
    ],
    ids=["company", "key", "environment", "meaning", "records"],
)
async def test_right_before_sending_account_and_state_are_held_against_the_plan_once_more(
    tmp_path: Path, account: Account, now: Preview, error: type[Exception]
) -> None:
    journal = Journal(tmp_path / "state", utc_now)
    change = Recorded(Beel(account), journal, now)
    plan = await journal.plans.open(
        Proposal(
            *(change.name, "local", "plan", change.request, change.arguments),
            *(LOOK, "delete 1 customer", ACCOUNT),
        )
    )
    async with anyio.create_task_group() as group:
        writes = BackgroundWrites(group, tmp_path / "state")
        execution = Execution(change.context, writes, Timing().sleep)
        operation = await execution.take(Agreed(plan, "statement"), change)
        assert operation
        running = writes.running(operation.operation_id)
        assert running
        assert await running.wait(10)
    assert isinstance(running.error, error)
    assert change.done == []
    assert [chunk.attempts for chunk in (await journal.get(operation.operation_id)).chunks] == [0]
    journal.close()


async def test_a_plan_that_somebody_else_took_starts_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "state", utc_now)
    change = Recorded(Beel(ACCOUNT), journal)
    plan = await journal.plans.open(
        Proposal(
            *(change.name, "local", "plan", change.request, change.arguments),
            *(LOOK, "delete 1 customer", ACCOUNT),
        )
    )
    await journal.plans.drop(plan)
    async with anyio.create_task_group() as group:
        writes = BackgroundWrites(group, tmp_path / "state")
        execution = Execution(change.context, writes, Timing().sleep)
        assert await execution.take(Agreed(plan, "form"), change) is None
    assert change.done == []
    journal.close()
