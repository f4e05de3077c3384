"""One list, given twice at once: in every order created once, and by one of the two calls.

`tests/faults/test_processes.py` lets two real processes race; here each order is made to happen.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client

from beel_mcp.sandbox.seed import customer_id
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.kinds.create_draft import DraftCreation
from beel_mcp.writes.run.execution import Execution
from tests.conftest import Connect
from tests.support.customers import customer
from tests.support.servers.fault_server import FaultServer

pytestmark = pytest.mark.anyio

ROWS = [customer(n) for n in range(3)]
NIFS = [row["nif"] for row in ROWS]
LINE = {"description": "Horas", "quantity": "2", "unit_price": "40", "tax_rate": "21"}
DRAFT = {"customer_id": customer_id(2), "lines": [LINE]}
Told = dict[str, Any]
Call = Callable[[], Awaitable[Told]]


@pytest.fixture
def era() -> Any:
    """What two processes do at once has nothing to do with the protocol's era."""
    return "auto"


class Held:
    """Holds the first call that comes to a step, until it is let go."""

    def __init__(self, patch: pytest.MonkeyPatch, owner: type, step: str) -> None:
        self.arrived, self.let_go = anyio.Event(), anyio.Event()
        original = getattr(owner, step)

        async def held(*args: Any, **kwargs: Any) -> Any:
            if not self.arrived.is_set():
                self.arrived.set()
                await self.let_go.wait()
            return await original(*args, **kwargs)

        patch.setattr(owner, step, held)


@pytest.fixture(params=[False, True], ids=["two processes", "one process"])
def is_one(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
async def both(connect_to: Connect, tmp_path: Path, is_one: Any) -> AsyncIterator[list[Call]]:
    """Give two calls that create the same list, each of which it was checked for by itself."""
    state = tmp_path / "state"
    async with connect_to(state_dir=state) as one, connect_to(state_dir=state) as other:
        yield [await checked(client) for client in (one, one if is_one else other)]


async def checked(client: Client) -> Call:
    result = await client.call_tool("validate_customers", {"customers": ROWS})
    batch_id = (result.structured_content or {})["batch_id"]

    arguments = {"batch_id": batch_id, "expected_count": len(ROWS)}
    return calling(client, "create_customers", arguments)


def calling(client: Client, tool: str, arguments: Mapping[str, Any]) -> Call:
    async def call() -> Told:
        return (await client.call_tool(tool, dict(arguments))).structured_content or {}

    return call


class Going:
    """A call that is under way beside a test."""

    def __init__(self, create: Call) -> None:
        self._create = create
        self._told: Told = {}
        self._ended = anyio.Event()

    async def go(self) -> None:
        self._told = await self._create()
        self._ended.set()

    async def told(self) -> Told:
        await self._ended.wait()
        return self._told


@asynccontextmanager
async def going(create: Call) -> AsyncIterator[Going]:
    call = Going(create)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(call.go)
            yield call


def check_created(told: Told) -> None:
    assert (told["status"], told["counts"]["created"]) == ("done", len(ROWS))
    assert "replayed" not in told
    assert told["summary"].startswith("Created 3 customers")


def check_told_of(told: Told, other: Told) -> None:
    """Whoever sent nothing says so, and names the operation of the one who did."""
    assert (told["status"], told["counts"]["created"]) == ("done", len(ROWS))
    assert (told["replayed"], told["operation_id"]) == (True, other["operation_id"])
    assert "carried out by an earlier call" in told["summary"]
    assert "nothing was sent now" in told["summary"]


def check_refused(told: Told, code: str) -> None:
    assert (told["status"], told["code"], told["changed"]) == ("error", code, "nothing")


async def test_who_looked_before_the_other_began_and_is_late_is_told_who_was_created(
    both: list[Call], beel: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = both
    deciding = Held(monkeypatch, Journal, "begin")
    async with going(first) as late:
        await deciding.arrived.wait()
        check_created(await second())
        deciding.let_go.set()
        check_refused(await late.told(), "created_meanwhile")
    assert beel.created == NIFS


async def test_who_looked_before_the_other_sent_is_told_to_settle_that_first(
    both: list[Call], beel: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = both
    beel.fault("delay", committed=True, method="POST", path="bulk", dry_run=False)
    deciding = Held(monkeypatch, Journal, "begin")
    async with going(first) as late:
        await deciding.arrived.wait()
        async with going(second) as sending:
            await beel.arrived.wait()
            deciding.let_go.set()
            check_refused(await late.told(), "operation_unsettled")
            beel.released.set()
            check_created(await sending.told())
    assert beel.created == NIFS


async def test_who_goes_on_with_what_the_other_began_and_has_sent_meanwhile_says_so(
    both: list[Call], beel: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = both
    sending, going_on = Held(monkeypatch, Execution, "_run"), Held(monkeypatch, Execution, "go_on")
    async with going(first) as early:
        await sending.arrived.wait()
        async with going(second) as late:
            await going_on.arrived.wait()
            sending.let_go.set()
            done = await early.told()
            going_on.let_go.set()
            check_created(done)
            check_told_of(await late.told(), done)
    assert beel.created == NIFS


@pytest.mark.parametrize("is_one", [False], ids=["two processes"])
async def test_who_began_and_is_overtaken_by_one_who_goes_on_with_it_says_so(
    both: list[Call], beel: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = both
    sending = Held(monkeypatch, Execution, "_run")
    async with going(first) as late:
        await sending.arrived.wait()
        done = await second()
        sending.let_go.set()
        check_created(done)
        check_told_of(await late.told(), done)
    assert beel.created == NIFS


async def test_who_goes_on_with_a_draft_that_the_other_began_and_has_sent_says_so(
    connect_to: Connect, beel: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking = Held(monkeypatch, DraftCreation, "list_known")
    sending, going_on = Held(monkeypatch, Execution, "_run"), Held(monkeypatch, Execution, "go_on")
    state = tmp_path / "state"
    async with (
        connect_to(state_dir=state) as one,
        connect_to(state_dir=state) as other,
        going(calling(other, "create_draft_invoice", DRAFT)) as late,
    ):
        await looking.arrived.wait()
        async with going(calling(one, "create_draft_invoice", DRAFT)) as early:
            await sending.arrived.wait()
            looking.let_go.set()
            await going_on.arrived.wait()
            sending.let_go.set()
            done = await early.told()
            going_on.let_go.set()
            told = await late.told()
    assert (done["status"], told["status"], told["replayed"]) == ("done", "done", True)
    assert "replayed" not in done
    assert told["invoice_id"] == done["invoice_id"]
    assert "carried out by an earlier call" in told["summary"]
    made = [one for one in beel.app.state.store.ledger() if one["kind"] == "invoice_created"]
    assert [one["invoice_id"] for one in made] == [done["invoice_id"]]
