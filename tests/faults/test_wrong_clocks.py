"""A clock of this machine that is ahead of BeeL's: what may be ours is not said not to be there."""

from datetime import timedelta
from typing import Any

import pytest
from mcp import Client

from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import invoice_id
from tests.conftest import Connect, FakeTime
from tests.support.customers import customer, foreigner
from tests.support.servers.fault_server import FaultServer

pytestmark = pytest.mark.anyio

AHEAD = [timedelta(minutes=10), timedelta(hours=25)]


@pytest.fixture
def era() -> Any:
    """What a clock says has nothing to do with the protocol's era."""
    return "auto"


@pytest.fixture(params=AHEAD, ids=str)
def wrong(request: pytest.FixtureRequest, fake_time: FakeTime) -> Timing:
    return Timing(now=lambda: fake_time.now() + request.param, sleep=fake_time.sleep)


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    return (await client.call_tool(tool, arguments)).structured_content or {}


async def looked_at(client: Client, lost: dict[str, Any], time: FakeTime) -> dict[str, Any]:
    """Look as often as it takes for two readings to lie far apart."""
    assert lost["status"] == "unknown"
    for _ in range(3):
        await time.sleep(30)
        lost = await call(client, "check_operation", operation_id=lost["operation_id"])
    return lost


async def test_a_customer_without_a_nif_is_not_created_again(
    connect_to: Connect, beel: FaultServer, wrong: Timing, fake_time: FakeTime
) -> None:
    async with connect_to(timing=wrong) as client:
        checked = await call(client, "validate_customers", customers=[foreigner(1)])
        [step] = [one for one in checked["next"] if one["tool"] == "create_customers"]
        beel.fault("reset", committed=True, method="POST", path="bulk", dry_run=False)
        lost = await call(client, step["tool"], **step["arguments"])
        told = await looked_at(client, lost, fake_time)
        assert (told["status"], told["counts"]["unknown"]) == ("unknown", 1)
        await call(client, step["tool"], **step["arguments"])
    assert len(beel.created) == 1


async def test_a_mail_that_went_out_is_not_said_to_have_stayed(
    connect_to: Connect, beel: FaultServer, wrong: Timing, fake_time: FakeTime
) -> None:
    mail = {"invoice_ids": [invoice_id(13)], "recipients": ["gestoria@example.com"]}
    async with connect_to(timing=wrong) as client:
        plan = await call(client, "send_invoices", **mail)
        beel.fault("reset", committed=True, method="POST", path="deliveries")
        lost = await call(client, "confirm_plan", **plan["next"][0]["arguments"])
        told = await looked_at(client, lost, fake_time)
    assert (told["status"], told["counts"]["unknown"]) == ("unknown", 1)
    assert len(beel.app.state.store.mails()) == 2  # with the one of the seed


@pytest.mark.parametrize("unique", [False, True], ids=["NIFs not unique", "NIFs unique"])
async def test_who_was_created_after_our_clock_was_put_back_is_not_created_again(
    connect: Connect, fake_time: FakeTime, unique: bool
) -> None:
    ahead = [timedelta(hours=1)]
    timing = Timing(now=lambda: fake_time.now() + ahead[0], sleep=fake_time.sleep)
    app = create_app(SandboxOptions(nif_unique=unique, idempotency="ignored"))
    async with connect(app, timing=timing) as client:
        checked = await call(client, "validate_customers", customers=[customer(1)])
        ahead[0] = timedelta()
        other = await call(client, "create_customers", customers=[customer(1)])
        assert other["counts"]["created"] == 1
        [step] = [one for one in checked["next"] if one["tool"] == "create_customers"]
        refused = await call(client, step["tool"], **step["arguments"])
        assert (refused["code"], refused["changed"]) == ("created_meanwhile", "nothing")
        [again] = refused["next"]
        told = await call(client, again["tool"], **again["arguments"])
        assert (told["counts"]["duplicate"], told["importable"]) == (1, 0)
    made = [one for one in app.state.store.ledger() if one["kind"] == "customer_created"]
    assert len(made) == 1
