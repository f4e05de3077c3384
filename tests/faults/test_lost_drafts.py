"""A draft whose answer is lost: settled by reading, sent again at most once, never made twice."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.api.invoices import InvoicesApi
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import customer_id
from tests.conftest import Connect
from tests.support.servers.fault_server import FaultServer, http
from tests.support.servers.losses import LOSSES, lose

pytestmark = pytest.mark.anyio

TOOL = "create_draft_invoice"
CUSTOMER = customer_id(2)
LINE = {"description": "Horas", "quantity": "2.5", "unit_price": "39.9001", "tax_rate": "21"}
WANTED = {"customer_id": CUSTOMER, "lines": [LINE]}
TODAY = ("current", "company", "honoured")
FORGETFUL = ("current", "company", "ignored")
WORLDS = [TODAY, ("current", "flat", "refused"), ("legacy", "flat", "ignored")]
IN_EVERY_WORLD = pytest.mark.parametrize("world", WORLDS, ids="-".join, indirect=True)
FORGETTING_KEYS = pytest.mark.parametrize("world", [FORGETFUL], ids="-".join, indirect=True)


@pytest.fixture(params=[TODAY], ids="-".join)
def world(request: pytest.FixtureRequest) -> Any:
    """The generation, the routes, and what becomes of idempotency keys."""
    return request.param


@pytest.fixture
def sandbox(world: Any) -> Starlette:
    return create_app(SandboxOptions(idempotency=world[2], generation=world[0]))


@pytest.fixture
async def client(connect_to: Connect, world: Any) -> AsyncIterator[Client]:
    async with connect_to(routes=world[1]) as opened:
        yield opened


async def call(client: Client, tool: str = TOOL, **arguments: Any) -> dict[str, Any]:
    return (await client.call_tool(tool, arguments)).structured_content or {}


def drafts(beel: FaultServer) -> list[str]:
    ledger = beel.app.state.store.ledger()
    return [one["invoice_id"] for one in ledger if one["kind"] == "invoice_created"]


def refusal(code: str) -> bytes:
    body = f'{{"success": false, "error": {{"code": "{code}", "message": "No."}}}}'
    return http("409 Conflict", body.encode())


@IN_EVERY_WORLD
@pytest.mark.parametrize("loss", LOSSES)
async def test_a_lost_draft_is_unknown_then_settled_by_reading_then_there_once(
    client: Client, beel: FaultServer, loss: str
) -> None:
    committed = lose(beel, "POST", loss, "invoices").committed
    lost = await call(client, **WANTED)
    assert lost["status"] == "unknown"
    assert "may or may not exist" in lost["summary"]
    assert len(drafts(beel)) == committed

    [step] = lost["next"]
    settled = await call(client, step["tool"], **step["arguments"])
    assert len(beel.keys) == 1, "settling only reads"
    assert settled["counts"]["created" if committed else "not_attempted"] == 1
    assert settled["status"] == ("done" if committed else "nothing_done")
    if committed:
        assert [row["invoice_id"] for row in settled["rows"]] == drafts(beel)
    else:
        assert "sends it once more" in settled["detail"]

    again = await call(client, **WANTED)
    assert (again["status"], again["invoice_status"]) == ("done", "DRAFT")
    assert drafts(beel) == [again["invoice_id"]]
    assert len(set(beel.keys)) == 1, "the same decision has one key"
    assert (await call(client, "check_operation"))["operations"] == []


@IN_EVERY_WORLD
@pytest.mark.parametrize("loss", ["reset before the commit", "reset after the commit"])
async def test_repeating_the_call_instead_of_checking_settles_first_and_creates_once(
    client: Client, beel: FaultServer, loss: str
) -> None:
    lose(beel, "POST", loss, "invoices")
    await call(client, **WANTED)
    again = await call(client, **WANTED)
    assert again["status"] == "done"
    assert drafts(beel) == [again["invoice_id"]]


async def test_it_is_sent_once_for_each_call_after_a_look_and_under_its_own_key(
    client: Client, beel: FaultServer
) -> None:
    beel.fault("reset", method="POST", path="invoices", times=3)
    for sendings in (1, 2, 3):
        lost = await call(client, **WANTED)
        assert (lost["status"], len(beel.keys)) == ("unknown", sendings)
        looked = await call(client, "check_operation", operation_id=lost["operation_id"])
        assert "sends it once more" in looked["detail"]
    done = await call(client, **WANTED)
    assert done["operation_id"] == lost["operation_id"]
    assert drafts(beel) == [done["invoice_id"]]
    assert len(set(beel.keys)) == 1


@pytest.mark.parametrize(
    ("code", "committed"),
    [
        ("IDEMPOTENCY_KEY_ALREADY_PROCESSED", True),
        ("IDEMPOTENCY_KEY_ALREADY_PROCESSED", False),
        ("IDEMPOTENCY_KEY_MISMATCH", False),
        ("IDEMPOTENCY_KEY_PROCESSING", True),
    ],
)
async def test_what_is_said_of_the_key_proves_nothing_so_it_is_looked_for(
    client: Client, beel: FaultServer, code: str, committed: bool
) -> None:
    beel.fault(
        "answer",
        raw=refusal(code),
        committed=committed,
        method="POST",
        path="invoices",
        times=3,
    )
    told = await call(client, **WANTED)
    # A key that is spent is looked into at once, and what is found is told.
    is_found = committed and code == "IDEMPOTENCY_KEY_ALREADY_PROCESSED"
    assert told["status"] == ("done" if is_found else "unknown")
    settled = await call(client, "check_operation", operation_id=told["operation_id"])
    assert settled["counts"]["created" if committed else "not_attempted"] == 1
    assert len(drafts(beel)) == committed


async def test_a_conflict_that_is_not_about_the_key_is_a_definite_no(
    client: Client, beel: FaultServer
) -> None:
    code = "INVOICE_DUPLICATE_EXTERNAL_REFERENCE"
    beel.fault("answer", raw=refusal(code), method="POST", path="invoices")
    refused = await call(client, **WANTED)
    assert (refused["status"], refused["code"], refused["changed"]) == ("error", code, "nothing")
    assert (await call(client, "check_operation"))["operations"] == []
    assert (await call(client, **WANTED))["status"] == "done"
    assert len(set(beel.keys)) == 2, "a refusal ends the decision"


@FORGETTING_KEYS
async def test_other_drafts_of_the_customer_are_not_taken_for_the_lost_one(
    client: Client, beel: FaultServer
) -> None:
    other = WANTED | {"lines": [LINE | {"description": "Material"}]}
    before = await call(client, **other)
    lose(beel, "POST", "reset before the commit", "invoices")
    lost = await call(client, **WANTED)
    await call(client, **other, notes="y otra")
    settled = await call(client, "check_operation", operation_id=lost["operation_id"])
    assert settled["counts"]["not_attempted"] == 1
    assert len(drafts(beel)) == 2
    assert before["invoice_id"] in drafts(beel)


@FORGETTING_KEYS
async def test_two_new_drafts_alike_leave_it_unknown_and_nothing_is_sent(
    client: Client, beel: FaultServer
) -> None:
    lose(beel, "POST", "reset after the commit", "invoices")
    lost = await call(client, **WANTED)
    [made] = drafts(beel)
    store = beel.app.state.store
    [row] = store.rows("SELECT * FROM invoices WHERE id = ?", made)
    twin = row | {"id": made[:-1] + ("0" if made[-1] != "0" else "1")}
    marks = ", ".join("?" * len(twin))
    store.execute(f"INSERT INTO invoices ({', '.join(twin)}) VALUES ({marks})", *twin.values())
    settled = await call(client, "check_operation", operation_id=lost["operation_id"])
    assert settled["status"] == "unknown"
    assert (await call(client, **WANTED))["status"] == "unknown"
    assert len(beel.keys) == 1


async def test_a_draft_that_cannot_be_read_back_is_told_as_its_creation_was_answered(
    client: Client, beel: FaultServer
) -> None:
    beel.fault("reset", method="GET", path="invoices/", times=9)
    answer = await call(client, **WANTED)
    assert (answer["status"], answer["invoice_status"]) == ("done", "DRAFT")
    assert drafts(beel) == [answer["invoice_id"]]


async def test_a_defect_of_our_own_after_sending_leaves_it_unknown_and_recorded(
    client: Client, beel: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sends = InvoicesApi.create_draft

    async def broken(self: InvoicesApi, draft: Any, *, idempotency_key: str) -> Any:
        await sends(self, draft, idempotency_key=idempotency_key)
        raise ZeroDivisionError("a secret of the inside")

    monkeypatch.setattr(InvoicesApi, "create_draft", broken)
    answer = await client.call_tool(TOOL, WANTED)
    structure = answer.structured_content or {}
    assert structure["status"] == "unknown"
    assert "secret" not in answer.content[0].text
    settled = await call(client, "check_operation", operation_id=structure["operation_id"])
    assert settled["counts"]["created"] == 1
