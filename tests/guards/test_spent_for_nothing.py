"""A plan that was taken and could not be carried out: nothing was sent, and it is used up."""

import pytest
from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.options import Phase
from beel_mcp.sandbox.seed import customer_id
from tests.conftest import Connect, FakeTime


class BrokenBeel:
    """A sandbox whose customers cannot be read from some moment on."""

    def __init__(self) -> None:
        self.is_broken = False
        self.app: Starlette = create_app(SandboxOptions(pause=self.pause))

    async def pause(self, operation: str, phase: Phase) -> None:
        if self.is_broken and operation == "getCompanyCustomer" and phase == "before":
            raise RuntimeError


@pytest.mark.anyio
async def test_a_yes_that_came_to_nothing_names_the_call_for_a_new_plan(
    connect: Connect, fake_time: FakeTime
) -> None:
    beel = BrokenBeel()
    timing = Timing(fake_time.now, fake_time.sleep)
    async with connect(beel.app, timing=timing) as client:
        wanted = {"customer_ids": [customer_id(10)]}
        plan = (await client.call_tool("deactivate_customers", wanted)).structured_content or {}
        beel.is_broken = True
        confirm = {"plan_id": plan["plan_id"], "statement": plan["statement"]}
        failed = await client.call_tool("confirm_plan", confirm)
        beel.is_broken = False
        still = await client.call_tool("find_customers", {"nif": "33471259A"})
    assert failed.is_error
    told = failed.structured_content or {}
    assert told["changed"] == "nothing"
    assert "call deactivate_customers again" in told["message"]
    assert (still.structured_content or {})["total"] == 1
