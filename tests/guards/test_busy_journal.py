"""A journal that somebody else keeps: reads answer all the same, writes wait, and then say so."""

from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from typing import Any

import anyio
import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.api.client import BeelClient
from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import customer_id, invoice_id
from beel_mcp.settings import Settings
from beel_mcp.writes.journal.database import JournalBusyError
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.plan_store import PlanStore
from beel_mcp.writes.journal.records import Decision, PlannedChunk, WriteRow, utc_now
from tests.conftest import Connect, FakeTime
from tests.support.customers import customer
from tests.support.kept_journal import Waiting, kept
from tests.support.people.evidence import Told, call, effects
from tests.support.people.forms import ONE, agreeing, guarded_requests

pytestmark = pytest.mark.anyio

ROWS = [customer(number) for number in range(3)]
NIFS = [row["nif"] for row in ROWS]
LINE = {"description": "Horas", "quantity": "1", "unit_price": "40", "tax_rate": "21"}
DRAFT = {"customer_id": customer_id(2), "lines": [LINE]}
PATIENT = Timing(busy_s=30.0)
IMPATIENT = Timing(busy_s=0.05)


@pytest.fixture
def waiting(monkeypatch: pytest.MonkeyPatch) -> Waiting:
    return Waiting(monkeypatch)


async def began(client: Client) -> dict[str, Any]:
    """Make the journal, with an operation in it."""
    return await call(client, "create_customers", customers=[customer(9)])


def created(sandbox: Starlette) -> list[str]:
    kinds = ("customer_created", "invoice_created")
    ledger = sandbox.state.store.ledger()
    return [one["nif"] or one["invoice_id"] for one in ledger if one["kind"] in kinds][1:]


async def test_reads_answer_while_a_write_waits_and_it_goes_through_once_then(
    connect: Connect, settings: Settings, sandbox: Starlette, waiting: Waiting
) -> None:
    order: list[str] = []

    async def create() -> None:
        told = await call(client, "create_customers", customers=ROWS)
        order.append(told["status"])

    async with connect(timing=PATIENT) as client:
        earlier = await began(client)
        waiting.asked = 0
        async with anyio.create_task_group() as group:
            with kept(settings.state_dir):
                group.start_soon(create)
                await waiting.until(1)
                for tool, arguments in (
                    ("find_customers", {}),
                    ("get_status", {}),
                    ("check_operation", {}),
                    ("check_operation", {"operation_id": earlier["operation_id"]}),
                    ("validate_customers", {"customers": [customer(5)]}),
                ):
                    told = await call(client, tool, **arguments)
                    assert told["status"] == "done", told
                    order.append(tool)
                assert created(sandbox) == []
    assert order[-1] == "done"
    assert len(order) == 6
    assert created(sandbox) == NIFS


async def test_a_process_that_comes_meanwhile_reads_as_well(
    connect: Connect, settings: Settings
) -> None:
    async with connect() as client:
        earlier = await began(client)
    with kept(settings.state_dir):
        async with connect(timing=IMPATIENT) as client:
            assert (await call(client, "get_status"))["status"] == "done"
            told = await call(client, "check_operation", operation_id=earlier["operation_id"])
            assert told["counts"]["created"] == 1


async def planned(client: Client) -> Callable[[], Awaitable[Told]]:
    plan = await call(client, "deactivate_customers", customer_ids=[ONE], mode="inactive")
    return partial(call, client, "confirm_plan", **plan["next"][0]["arguments"])


async def listed(client: Client) -> Callable[[], Awaitable[Told]]:
    batch = await call(client, "validate_customers", customers=ROWS)
    return partial(call, client, "create_customers", **batch["next"][0]["arguments"])


async def given(client: Client, tool: str, **arguments: Any) -> Callable[[], Awaitable[Told]]:
    return partial(call, client, tool, **arguments)


WRITES: dict[str, Callable[[Client], Awaitable[Callable[[], Awaitable[Told]]]]] = {
    "inline rows": partial(given, tool="create_customers", customers=ROWS),
    "a batch": listed,
    "a draft": partial(given, tool="create_draft_invoice", **DRAFT),
    "a plan": partial(given, tool="deactivate_customers", customer_ids=[ONE], mode="inactive"),
    "a yes": planned,
    "a mail": partial(
        given, tool="send_invoices", invoice_ids=[invoice_id(1)], recipients=["a@example.com"]
    ),
}


@pytest.mark.parametrize("write", WRITES)
async def test_a_write_that_waited_in_vain_is_refused_and_the_same_call_goes_through_later(
    connect: Connect, settings: Settings, sandbox: Starlette, write: str
) -> None:
    async with connect(timing=IMPATIENT) as client:
        await began(client)
        attempt = await WRITES[write](client)
        before = effects(sandbox)
        with kept(settings.state_dir):
            refused = await attempt()
            assert (refused["code"], refused["changed"]) == ("busy", "nothing")
            assert refused["retryable"]
            assert refused["retry_after_s"] > 0
            assert "nothing was sent" in refused.text
            [step] = refused["next"]
            assert step["tool"] == "check_operation"
            assert (await call(client, step["tool"], **step["arguments"]))["status"] == "done"
        assert effects(sandbox) == before
        told = await attempt()
    assert told["status"] in ("done", "confirmation_required")
    assert len(effects(sandbox)) - len(before) <= len(ROWS)


async def test_twenty_calls_about_one_list_create_it_once(
    connect: Connect, settings: Settings, sandbox: Starlette, waiting: Waiting
) -> None:
    answers: list[Told] = []

    async def go(attempt: Callable[[], Awaitable[Told]]) -> None:
        answers.append(await attempt())

    async with connect(timing=PATIENT) as client:
        await began(client)
        attempt = await listed(client)
        waiting.asked = 0
        async with anyio.create_task_group() as group:
            with kept(settings.state_dir):
                for _ in range(20):
                    group.start_soon(go, attempt)
                await waiting.until(20)
    assert len({told["operation_id"] for told in answers}) == 1
    assert {told["counts"]["created"] for told in answers} == {3}
    assert created(sandbox) == NIFS


@pytest.mark.parametrize("write", ["inline rows", "a draft"])
async def test_twenty_calls_about_the_very_same_are_one_decision(
    connect: Connect, settings: Settings, sandbox: Starlette, waiting: Waiting, write: str
) -> None:
    answers: list[Told] = []

    async def go(attempt: Callable[[], Awaitable[Told]]) -> None:
        answers.append(await attempt())

    async with connect(timing=PATIENT) as client:
        await began(client)
        waiting.asked = 0
        async with anyio.create_task_group() as group:
            with kept(settings.state_dir):
                for _ in range(20):
                    group.start_soon(go, await WRITES[write](client))
                await waiting.until(20)
        operations = await call(client, "check_operation")
    assert len(operations["ended"]) == 2  # with the one before
    told = [one for one in answers if one["status"] == "done"]
    assert told
    # Whoever comes while it is under way is told of it, or waits for it.
    others = [one["code"] for one in answers if one["status"] == "error"]
    assert set(others) <= {"operation_unsettled", "created_meanwhile"}
    assert len(created(sandbox)) == (1 if write == "a draft" else 3)


async def test_twenty_calls_that_wait_in_vain_are_refused_each(
    connect: Connect, settings: Settings, sandbox: Starlette
) -> None:
    answers: list[Told] = []

    async def go(client: Client, number: int) -> None:
        rows = [customer(number)]
        answers.append(await call(client, "create_customers", customers=rows))

    async with connect(timing=IMPATIENT) as client:
        await began(client)
        with kept(settings.state_dir):
            async with anyio.create_task_group() as group:
                for number in range(20, 40):
                    group.start_soon(go, client, number)
    assert [told["code"] for told in answers] == ["busy"] * 20
    assert created(sandbox) == []


async def test_a_cancelled_call_whose_yes_waits_to_be_taken_is_carried_out_and_recorded(
    connect: Connect, settings: Settings, sandbox: Starlette, waiting: Waiting
) -> None:
    scope = anyio.CancelScope()

    async def confirm(attempt: Callable[[], Awaitable[Told]]) -> None:
        with scope:
            await attempt()

    async with connect(timing=PATIENT) as client:
        attempt = await planned(client)
        waiting.asked = 0
        async with anyio.create_task_group() as group:
            with kept(settings.state_dir):
                group.start_soon(confirm, attempt)
                await waiting.until(1)
                scope.cancel()
                assert "ended" not in await call(client, "check_operation")
        again = await attempt()
        told = await call(client, "check_operation", operation_id=again["operation_id"])
    assert (again["replayed"], told["counts"]["deactivated"]) == (True, 1)
    assert len(guarded_requests(sandbox)) == 1


async def test_an_answer_that_could_not_be_recorded_is_found_by_reading(
    connect: Connect, settings: Settings, fake_time: FakeTime
) -> None:
    keeping = ExitStack()

    async def keep(operation: str, phase: str) -> None:
        if (operation, phase) == ("createCompanyCustomersBulk", "after"):
            sent.append(operation)
            if len(sent) == 4:  # a check and a creation before, and the check of this one
                keeping.enter_context(kept(settings.state_dir))

    app, sent = create_app(SandboxOptions(pause=keep)), list[str]()
    timing = Timing(now=fake_time.now, sleep=fake_time.sleep, busy_s=0.05)
    async with connect(app, timing=timing) as client:
        await began(client)
        with keeping:
            told = await call(client, "create_customers", customers=ROWS)
        assert told["status"] == "unknown"
        assert "nothing was sent" not in told.text
        found = await call(client, "check_operation", operation_id=told["operation_id"])
    assert found["counts"]["created"] == 3
    assert created(app) == NIFS


async def test_what_was_created_is_not_said_to_be_unsent_because_its_end_could_not_be_noted(
    connect: Connect, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object) -> None:
        raise JournalBusyError("Somebody else is writing in the journal")

    async with connect() as client:
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "end", busy)
            told = await call(client, "create_customers", customers=ROWS)
            assert (told["status"], told["counts"]["created"]) == ("done", 3)
            assert "nothing was sent" not in told.text
        await call(client, "check_operation", operation_id=told["operation_id"])
        [ended] = (await call(client, "check_operation"))["ended"]
        assert ended["operation_id"] == told["operation_id"]


async def test_whoever_confirms_between_two_looks_of_another_is_told_by_both(
    connect: Connect, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    others: list[Told] = []
    attempts: list[Callable[[], Awaitable[Told]]] = []

    def interrupted(look: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def looking(*arguments: Any) -> Any:
            seen = await look(*arguments)
            if attempts:
                others.append(await attempts.pop()())
            return seen

        return looking

    async with connect() as client:
        attempt = await planned(client)
        attempts.append(attempt)
        monkeypatch.setattr(PlanStore, "find", interrupted(PlanStore.find))
        monkeypatch.setattr(Journal, "find_confirmed", interrupted(Journal.find_confirmed))
        told = await attempt()
    assert (told["replayed"], others[0]["status"]) == (True, "done")
    assert len(guarded_requests(sandbox)) == 1


async def test_a_question_is_not_shown_before_its_plan_is_on_disk(
    connect: Connect, settings: Settings, sandbox: Starlette
) -> None:
    seen: list[Any] = []
    async with connect(timing=IMPATIENT, answers=agreeing(seen)) as client:
        await began(client)
        with kept(settings.state_dir):
            told = await call(client, "deactivate_customers", customer_ids=[ONE], mode="inactive")
    assert (told["code"], seen) == ("busy", [])
    assert guarded_requests(sandbox) == []


async def test_what_a_dead_process_sent_bars_a_second_copy_before_it_is_marked_as_lost(
    connect: Connect, settings: Settings, sandbox: Starlette
) -> None:
    operation_id = await sent_by_who_died(settings, sandbox)
    async with connect(timing=IMPATIENT) as client:
        with kept(settings.state_dir):
            [found] = (await call(client, "get_status"))["unsettled"]
            assert found["operation_id"] == operation_id
            told = await call(client, "create_customers", customers=ROWS)
            assert told["code"] == "operation_unsettled"
        told = await call(client, "get_status")
        assert [one["operation_id"] for one in told["unsettled"]] == [operation_id]
    assert created(sandbox) == []


async def test_what_is_too_old_to_be_shown_is_not_although_it_cannot_be_deleted_yet(
    connect: Connect, settings: Settings, fake_time: FakeTime
) -> None:
    timing = Timing(now=fake_time.now, sleep=fake_time.sleep, busy_s=0.05)
    async with connect(timing=timing) as client:
        told = await call(client, "create_customers", customers=ROWS)
        fake_time.slept += timedelta(hours=25)
        with kept(settings.state_dir):
            kept_still = await call(client, "check_operation", operation_id=told["operation_id"])
        journal = Journal(settings.state_dir, fake_time.now)
        assert await rows_on_disk(journal) > 0
        gone = await call(client, "check_operation", operation_id=told["operation_id"])
        assert await rows_on_disk(journal) == 0
        journal.close()
    assert ROWS[0]["legal_name"] not in kept_still.text
    assert kept_still == gone


async def sent_by_who_died(settings: Settings, sandbox: Starlette) -> str:
    """Leave a creation of ROWS under way in the journal, whose process is gone."""
    beel = BeelClient(settings, sandbox_app=sandbox)
    account = await beel.account()
    await beel.aclose()
    journal = Journal(settings.state_dir, utc_now)
    rows = [WriteRow(number, row, name=row["legal_name"]) for number, row in enumerate(ROWS, 1)]
    decision = Decision(
        *("create_customers", "local", "bat_lost", "digest", account), 3, journal.time()
    )
    operation = await journal.begin(decision, [PlannedChunk(rows)])
    await journal.pending(operation.chunks[0])
    journal.close()
    return operation.operation_id


async def rows_on_disk(journal: Journal) -> int:
    [number] = await journal._database.read(
        lambda db: db.execute("SELECT count(*) FROM private").fetchone()
    )
    return int(number)
