"""Whatever BeeL answers to a bulk deletion, every customer ends in one class, and the right one."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from beel_mcp.answers.changes import DeactivationAnswer, change_answer
from beel_mcp.answers.outcome import Outcome
from beel_mcp.api.bulk import BulkDeletion, read_deletion
from beel_mcp.api.company import Account
from beel_mcp.api.http.responses import ApiResponse
from beel_mcp.api.models import Customer
from beel_mcp.api.routes import DELETE_CUSTOMERS
from beel_mcp.errors import NotFoundError, UnknownOutcomeError
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.plan import Proposal
from beel_mcp.writes.journal.records import Operation
from beel_mcp.writes.journal.workers import BackgroundWrites
from beel_mcp.writes.kinds.deactivate_customers import CustomerDeactivation
from beel_mcp.writes.kinds.protocol import WriteContext
from beel_mcp.writes.run.execution import Agreed, Execution
from beel_mcp.writes.run.reconciliation import Reconciliation
from tests.conftest import FakeTime
from tests.support.deactivations import adds_up, crowd_id

ACCOUNT = Account("test", None, "made up")
# What may become of a customer in one request: changed, refused, or not reached at all.
FATES = st.sampled_from(["gone", "billed", "skipped"])


@dataclass
class Request:
    """What one bulk request really does, and how it is answered; drawn beforehand."""

    fates: list[str]
    mentions: list[int]  # how often each id that had a fate is mentioned
    is_lost: bool
    invented: int
    contradicted: set[int]
    counters: int


REQUEST = st.builds(
    Request,
    fates=st.lists(FATES, min_size=6, max_size=6),
    mentions=st.lists(st.sampled_from([1, 1, 1, 0, 2]), min_size=6, max_size=6),
    is_lost=st.booleans(),
    invented=st.integers(0, 2),
    contradicted=st.sets(st.integers(0, 5), max_size=2),
    counters=st.integers(-1, 9),
)


@dataclass
class Beel:
    """A BeeL that knows some customers and answers as it was told to."""

    generation_seen: str
    requests: list[Request]
    ids: list[str]
    gone: set[str] = field(default_factory=set)
    sent: list[list[str]] = field(default_factory=list)
    read: list[str] = field(default_factory=list)

    @property
    def customers(self) -> "Beel":
        return self

    @property
    def invoices(self) -> "Beel":
        return self

    async def account(self) -> Account:
        return ACCOUNT

    async def count_for(self, _: str) -> int:
        return 0  # issued between the look and the request

    async def get(self, customer_id: str) -> Customer:
        self.read.append(customer_id)
        keeps = self.generation_seen == "legacy"
        if customer_id in self.gone and not keeps:
            raise NotFoundError("BeeL has no such record.", status=404)
        return Customer(
            id=customer_id, legal_name="Uno", nif="1", active=customer_id not in self.gone
        )

    async def delete_bulk(self, customer_ids: Sequence[str]) -> BulkDeletion:
        ids = list(customer_ids)
        request = self.requests[len(self.sent)]
        self.sent.append(ids)
        fates = dict(zip(ids, request.fates, strict=False))
        self.gone |= {one for one, fate in fates.items() if fate == "gone"}
        if request.is_lost:
            raise UnknownOutcomeError("BeeL did not answer.", changed="unknown")
        shape = today if self.generation_seen == "current" else seeds
        data = {**shape(request, ids, fates), "total": request.counters}
        return read_deletion(ApiResponse(DELETE_CUSTOMERS, "flat", 200, data, "r"), ids)


def mentioned(request: Request, ids: list[str], fates: dict[str, str]) -> Iterator[tuple[str, str]]:
    for place, one in enumerate(ids):
        if fates[one] != "skipped" and request.mentions[place]:
            if request.mentions[place] > 1:  # told twice, and wrong at first
                yield one, "billed" if fates[one] == "gone" else "gone"
            yield one, fates[one]
    for number in range(request.invented):
        yield crowd_id(900_000_000 + number), "gone"


def today(request: Request, ids: list[str], fates: dict[str, str]) -> dict[str, Any]:
    rows: list[dict[str, Any]] = [
        {"customer_id": one, "status": "DELETED"}
        if fate == "gone"
        else {
            "customer_id": one,
            "status": "HAS_INVOICES",
            "error": {"code": "CLIENT_HAS_INVOICES"},
        }
        for one, fate in mentioned(request, ids, fates)
    ]
    both = [one for place, one in enumerate(ids) if place in request.contradicted]
    errors = [{"customer_id": one, "error": {"code": "X"}} for one in both if fates[one] == "gone"]
    done = [one for one in both if fates[one] != "gone"]
    return {
        "customers_deletion": rows,
        "errors": errors,
        "deleted_ids": done,
        "statistics": {"deleted": request.counters},
    }


def seeds(request: Request, ids: list[str], fates: dict[str, str]) -> dict[str, Any]:
    told = list(mentioned(request, ids, fates))
    both = [one for place, one in enumerate(ids) if place in request.contradicted]
    errors = [one for one, fate in told if fate != "gone"]
    done = [one for one, fate in told if fate == "gone"]
    return {
        "deactivated_ids": [*done, *(one for one in both if one in errors)],
        "errors": [
            {"customer_id": one, "error": {"code": "CLIENT_HAS_INVOICES"}}
            for one in (*errors, *(one for one in both if one in done))
        ],
        "successful": request.counters,
        "failed": request.counters,
    }


class Room:
    """A journal that all examples share: a new one each time would be most of the time."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.time = FakeTime()
        self.journal = Journal(self.folder, self.time.now)
        self.numbers = count(1)

    def close(self) -> None:
        self.journal.close()
        shutil.rmtree(self.folder)

    def context(self, beel: Any) -> WriteContext:
        nobody: Any = None
        return WriteContext(beel, self.journal, nobody, _keep, nobody, nobody)

    async def carry_out(self, beel: Any) -> Operation:
        """Plan, take and run a deletion of all ids, and wait for its end."""
        change = CustomerDeactivation(self.context(beel), {"customer_ids": beel.ids})
        preview = await change.preview()
        plan = await self.journal.plans.open(
            Proposal(
                *(change.name, "local", "plan", beel.ids, change.arguments),
                *(preview, "…", ACCOUNT),
            )
        )
        async with anyio.create_task_group() as group:
            writes = BackgroundWrites(group, self.folder)
            execution = Execution(change.context, writes, self.time.sleep)
            operation = await execution.take(Agreed(plan, "statement"), change)
            assert operation
        return await self.journal.get(operation.operation_id)

    async def settle(self, beel: Any, operation: Operation) -> Operation:
        """Settle by looking, as check_operation does."""
        change = CustomerDeactivation(self.context(beel), {})
        until = self.journal.time() + 60
        reconciliation = Reconciliation(self.journal, self.time.sleep)
        assert await reconciliation.settle(operation.operation_id, change, until) is None
        return await self.journal.get(operation.operation_id)

    async def classes(self, operation: Operation) -> dict[str, str]:
        """Give the class of each id; each stands in the record once, and the counts agree."""
        outcome = Outcome(operation, await self.journal.personal_data.records(operation))
        rows = outcome.table()
        told = {str(row.customer_id): row.outcome for row in rows}
        assert len(told) == len(rows) == operation.total
        counts = outcome.counts
        assert sum(counts.values()) == operation.total
        assert all(list(told.values()).count(name) == number for name, number in counts.items())
        adds_up(change_answer(DeactivationAnswer, outcome).structure())
        return told


async def _keep(customers: Sequence[Customer]) -> str:
    return ""


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    opened = Room()
    yield opened
    opened.close()


async def _example(room: Room, generation: str, number: int, requests: list[Request]) -> None:
    start = next(room.numbers) * 10
    beel = Beel(generation, requests, [crowd_id(start + place) for place in range(number)])
    operation = await room.carry_out(beel)
    told = await room.classes(operation)
    assert set(told) == set(beel.ids)
    assert set(told.values()) <= {"deleted", "failed", "unknown"}
    assert {one for one, name in told.items() if name == "deleted"} <= beel.gone
    assert not beel.gone & {one for one, name in told.items() if name == "failed"}
    # Sent again is only what an answer left open, and a look found as it was.
    assert len(beel.sent) <= 2
    looked_at = beel.read[2 * number :]  # after the look of the plan, and the one before sending
    if len(beel.sent) == 2:
        assert set(beel.sent[1]) <= set(looked_at)
        assert len(set(beel.sent[1])) == len(beel.sent[1])
    assert {one for one, name in told.items() if name == "unknown"} <= set(looked_at)

    sent = list(beel.sent)
    told = await room.classes(await room.settle(beel, operation))
    assert beel.sent == sent, "settling only reads"
    assert {one for one, name in told.items() if name == "deleted"} == beel.gone
    assert {one for one, name in told.items() if name == "failed"} == set(beel.ids) - beel.gone
    assert await room.journal.open_operations(ACCOUNT) == []


def _run_with(examples: int, room: Room) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        # Each example writes to a disk; to shrink one would take minutes, and they are small.
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        st.sampled_from(["current", "legacy"]),
        st.integers(2, 6),
        st.lists(REQUEST, min_size=2, max_size=2),
    )
    def run(generation: str, number: int, requests: list[Request]) -> None:
        anyio.run(_example, room, generation, number, requests)

    run()


def test_every_customer_is_in_one_class_and_it_is_the_right_one(room: Room) -> None:
    _run_with(250, room)


@pytest.mark.nightly
def test_every_customer_is_in_the_right_class_ten_thousand_times(room: Room) -> None:
    _run_with(10_000, room)
