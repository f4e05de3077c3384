"""Any order of checks, creations, losses, restarts, waits and strangers: said is what happened."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from mcp import Client
from pydantic import SecretStr

from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.server import create_server
from beel_mcp.settings import Settings
from tests.conftest import TEST_KEY, FakeTime
from tests.support.customers import customer
from tests.support.servers.fault_server import FaultServer, http, serving

PEOPLE = [customer(number) for number in range(6)]
BAD_GATEWAY = http("502 Bad Gateway", b"<html/>", content_type="text/html")
LOSSES: dict[str, dict[str, Any]] = {
    "none": {},
    "reset before": {"action": "reset"},
    "reset after": {"action": "reset", "committed": True},
    "502 after": {"action": "answer", "committed": True, "raw": BAD_GATEWAY},
    "truncated": {"action": "truncate", "committed": True},
    "late": {"action": "late"},
}


@dataclass(frozen=True)
class Checked:
    """A batch that one process checked: its handle, and whom it would create."""

    process: int
    batch_id: str
    nifs: tuple[str, ...]


class Bookkeeping(RuleBasedStateMachine):
    """Two processes on one state folder, one BeeL that loses answers, and a stranger."""

    checked: Bundle[Checked] = Bundle("checked")

    @initialize(
        idempotency=st.sampled_from(["honoured", "ignored", "refused"]),
    )
    def begin(self, idempotency: Any) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="beel-mcp-"))
        self.time = FakeTime()
        self.operations: dict[str, tuple[str, ...]] = {}
        self.strangers: set[str] = set()
        self.portal_manager = start_blocking_portal()
        self.portal = self.portal_manager.__enter__()
        self.app = create_app(SandboxOptions(idempotency=idempotency))
        self.server_manager = self.portal.wrap_async_context_manager(serving(self.app))
        self.beel: FaultServer = self.server_manager.__enter__()
        self.processes: list[Any] = [None, None]
        self.clients: list[Client] = [self._start(0), self._start(1)]

    def _start(self, number: int) -> Client:
        server = create_server(
            Settings(
                files_dir=self.folder,
                import_dirs=(self.folder,),
                state_dir=self.folder / "state",
                api_key=SecretStr(TEST_KEY),
                base_url=self.beel.url,
            ),
            timing=Timing(now=self.time.now, sleep=self.time.sleep),
        )
        process = self.portal.wrap_async_context_manager(Client(server))
        self.processes[number] = process
        client: Client = process.__enter__()
        return client

    def teardown(self) -> None:
        if hasattr(self, "portal"):
            for process in self.processes:
                process.__exit__(None, None, None)
            self.server_manager.__exit__(None, None, None)
            self.portal_manager.__exit__(None, None, None)
            shutil.rmtree(self.folder)

    def call(self, process: int, tool: str, **arguments: Any) -> dict[str, Any]:
        result = self.portal.call(self.clients[process].call_tool, tool, arguments)
        structure: dict[str, Any] = result.structured_content or {}
        assert structure.get("code") != "internal_error", structure
        counts = structure.get("counts")
        if counts and "total" in structure:
            assert sum(counts.values()) == structure["total"]
        return structure

    def ours(self) -> set[str]:
        """The NIFs that requests of ours created."""
        return {entry["nif"] for entry in self.app.state.store.ledger()} - self.strangers

    @rule(target=checked, process=st.integers(0, 1), who=st.sets(st.sampled_from(range(6))))
    def check_a_list(self, process: int, who: set[int]) -> Any:
        rows = [PEOPLE[number] for number in sorted(who)]
        if not rows:
            return multiple()
        answer = self.call(process, "validate_customers", customers=rows)
        assert answer["status"] == "done"
        there = {entry["nif"] for entry in self.app.state.store.ledger()}
        free = tuple(row["nif"] for row in rows if row["nif"] not in there)
        assert answer["importable"] == len(free)
        return Checked(process, answer["batch_id"], free) if free else multiple()

    @rule(batch=checked, loss=st.sampled_from(sorted(LOSSES)))
    def create(self, batch: Checked, loss: str) -> None:
        if LOSSES[loss]:
            self.beel.fault(**LOSSES[loss], method="POST", path="bulk", dry_run=False)
        answer = self.call(
            batch.process,
            "create_customers",
            batch_id=batch.batch_id,
            expected_count=len(batch.nifs),
            skip_problems=True,
        )
        self.beel.faults.clear()
        if operation_id := answer.get("operation_id"):
            self.operations[operation_id] = batch.nifs
        self.hold_against_the_ledger(answer, batch.nifs)

    @precondition(lambda self: getattr(self, "operations", None))
    @rule(process=st.integers(0, 1), data=st.data())
    def look(self, process: int, data: st.DataObject) -> None:
        operation_id = data.draw(st.sampled_from(sorted(self.operations)))
        answer = self.call(process, "check_operation", operation_id=operation_id)
        self.hold_against_the_ledger(answer, self.operations[operation_id])

    def hold_against_the_ledger(self, answer: dict[str, Any], nifs: tuple[str, ...]) -> None:
        """What is said to be created is; what is said not to be is not, by us."""
        counts = answer.get("counts")
        if not counts or counts["unknown"]:
            return
        there = {entry["nif"] for entry in self.app.state.store.ledger()}
        if counts["created"]:
            assert counts["created"] == len(nifs)
            assert set(nifs) <= there
        elif answer.get("operation_id"):
            mine = self.ours()
            # Another operation of ours may have created some of the same people since.
            others = [
                set(theirs)
                for operation_id, theirs in self.operations.items()
                if operation_id != answer["operation_id"]
            ]
            assert not (set(nifs) & mine) - set().union(*others)

    @rule(who=st.sampled_from(range(6)))
    def a_stranger_creates(self, who: int) -> None:
        async def create() -> None:
            headers = {"Authorization": f"Bearer {TEST_KEY}"}
            async with httpx.AsyncClient(base_url=self.beel.url, headers=headers) as client:
                answer = await client.post("/v1/customers", json=PEOPLE[who])
                if answer.status_code == httpx.codes.CREATED:
                    self.strangers.add(PEOPLE[who]["nif"])

        self.portal.call(create)

    @rule()
    def what_was_late_arrives(self) -> None:
        self.portal.call(self.beel.commit_late)

    @rule(process=st.integers(0, 1))
    def a_process_restarts(self, process: int) -> None:
        self.processes[process].__exit__(None, None, None)
        self.clients[process] = self._start(process)

    @rule(seconds=st.sampled_from([1, 12, 61, 960, 90_000]))
    def time_passes(self, seconds: int) -> None:
        self.portal.call(self.time.sleep, seconds)

    @invariant()
    def nobody_is_created_twice(self) -> None:
        if hasattr(self, "app"):
            created = [entry["nif"] for entry in self.app.state.store.ledger()]
            assert len(created) == len(set(created))


def run_with(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Bookkeeping,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
        ),
    )


@pytest.mark.proof
def test_what_is_said_is_what_happened_whatever_happens() -> None:
    run_with(examples=40, steps=15)


@pytest.mark.nightly
def test_what_is_said_is_what_happened_over_a_million_steps() -> None:
    run_with(examples=20_000, steps=50)
