"""A server killed while it creates a draft: who comes after finds out, and there is one draft."""

from pathlib import Path
from typing import Any

import anyio
import pytest

from beel_mcp.sandbox.seed import customer_id
from tests.conftest import Connect, FakeTime
from tests.faults.test_lost_drafts import TOOL, call, drafts
from tests.support.servers.fault_server import FaultServer
from tests.support.servers.raw_server import KILLED_AT, started

pytestmark = [pytest.mark.anyio, pytest.mark.proof]

LINE = {"description": "Horas", "quantity": "2.5", "unit_price": "39.90", "tax_rate": "21"}
WANTED = {"customer_id": customer_id(2), "lines": [LINE]}


@pytest.fixture
def era() -> Any:
    """What happens to processes has nothing to do with the protocol's era."""
    return "auto"


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", ["pending", "settle"])
async def test_killed_at_either_end_of_the_request_another_process_makes_one_draft_of_it(
    connect_to: Connect,
    beel: FaultServer,
    fake_time: FakeTime,
    tmp_path: Path,
    step: str,
    moment: str,
) -> None:
    state = tmp_path / "state"
    async with started(beel.url, state, KILLED_AT, step, moment, "1") as one:
        await one.send("tools/call", {"name": TOOL, "arguments": WANTED})
        with anyio.fail_after(60):  # a kill that never comes is a failure, too
            await one.process.wait()
    assert len(drafts(beel)) == (step == "settle")
    await fake_time.sleep(60)
    async with connect_to(state_dir=state) as client:
        answer = await call(client, **WANTED)
        assert answer["status"] == "done"
        assert drafts(beel) == [answer["invoice_id"]]
        assert len(set(beel.keys)) == 1, "the decision of the dead process goes on"
        assert (await call(client, "check_operation"))["operations"] == []
