"""What a tools/call does besides its tool: it looks for writes that died, and little else."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import beel_mcp
from beel_mcp.server.tool_calls import _WITHOUT_JOURNAL
from beel_mcp.tools import TOOLS
from beel_mcp.writes.journal.journal import Journal
from tests.conftest import Connect

pytestmark = pytest.mark.anyio


@pytest.fixture
def recoveries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note each recovery of the journal."""
    noted: list[str] = []
    recover = Journal.recover

    def noting(journal: Journal, is_running: Callable[[str], object]) -> None:
        noted.append("recovered")
        recover(journal, is_running)

    monkeypatch.setattr(Journal, "recover", noting)
    return noted


async def count(connect: Connect, recoveries: list[str], *calls: tuple[str, Any]) -> list[int]:
    counts = []
    async with connect() as client:
        for tool, arguments in calls:
            await client.call_tool(tool, arguments)
            counts.append(len(recoveries))
    return counts


async def test_the_first_call_recovers_the_journal_and_a_plain_read_after_it_does_not(
    connect: Connect, recoveries: list[str]
) -> None:
    calls = [("find_customers", {}), ("find_invoices", {}), ("find_customers", {})]
    assert await count(connect, recoveries, *calls) == [1, 1, 1]


async def test_what_looks_into_the_journal_recovers_it_at_every_call(
    connect: Connect, recoveries: list[str]
) -> None:
    calls = [
        ("find_customers", {}),
        ("get_status", {}),
        ("check_operation", {}),
        ("validate_customers", {"customers": [{"legal_name": "Cliente Uno"}]}),
        ("deactivate_customers", {"customer_ids": ["7f0c5c9e-3b1e-4d0a-9d5e-0d8f0a6b1c2d"]}),
    ]
    assert await count(connect, recoveries, *calls) == [1, 2, 3, 4, 5]


async def test_plain_reads_recover_it_once_a_minute_so_that_old_records_go(
    connect: Connect, recoveries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beel_mcp.server.tool_calls.RECOVERY_INTERVAL_S", 0.0)
    calls = [("find_customers", {}), ("find_customers", {})]
    assert await count(connect, recoveries, *calls) == [1, 2]


def test_only_reads_do_without_the_journal() -> None:
    reads = {tool.name for tool in TOOLS if tool.kind == "read"}
    assert reads > _WITHOUT_JOURNAL


@contextmanager
def traced() -> Iterator[set[str]]:
    """Collect the files of the package whose functions are called, in any thread."""
    package = str(Path(beel_mcp.__file__).parent) + "/"
    files: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        path = frame.f_code.co_filename
        if event == "call" and path.startswith(package) and frame.f_code.co_name != "<module>":
            files.add(path.removeprefix(package))

    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield files
    finally:
        sys.setprofile(before)
        threading.setprofile(None)  # type: ignore[arg-type]


async def test_a_plain_read_walks_through_22_files_at_most(connect: Connect) -> None:
    async with connect() as client:
        for _ in range(2):  # the first call recovers the journal, too
            with traced() as files:
                await client.call_tool("find_customers", {"search": "Ferretería"})
            walked = {file for file in files if not file.startswith("sandbox/")}
            assert {"tools/customers.py", "api/customers.py"} <= walked
            assert len(walked) <= 22, sorted(walked)
