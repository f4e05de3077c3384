"""What a tools/call does besides its tool: it looks for writes that died, and little else."""

from collections.abc import Callable
from typing import Any

import pytest

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

    async def noting(journal: Journal, is_running: Callable[[str], object]) -> None:
        noted.append("recovered")
        await recover(journal, is_running)

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
