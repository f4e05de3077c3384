"""create_draft_invoice, through the client, on the sandbox: a draft as BeeL computes it, once."""

from collections.abc import AsyncIterator
from typing import Any

import anyio
import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import customer_id, invoice_id
from tests.conftest import Connect

pytestmark = pytest.mark.anyio

TOOL = "create_draft_invoice"
NOBODY = "deadbeef-0000-4000-8000-000000000001"
LINE = {"description": "Horas", "quantity": "2.5", "unit_price": "39.90", "tax_rate": "21"}
WANTED = {"customer_id": customer_id(2), "lines": [LINE]}
WORLDS = [("current", "company"), ("current", "flat"), ("legacy", "flat")]


@pytest.fixture(params=WORLDS, ids="-".join)
def world(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def beel(world: Any) -> Starlette:
    return create_app(SandboxOptions(generation=world[0]))


@pytest.fixture
async def user(connect: Connect, beel: Starlette, world: Any) -> AsyncIterator[Client]:
    async with connect(beel, routes=world[1]) as opened:
        yield opened


async def call(client: Client, tool: str = TOOL, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    structure = result.structured_content or {}
    assert bool(result.is_error) == (structure["status"] == "error")
    assert structure["summary"] in result.content[0].text
    return structure


def created(app: Starlette) -> list[str]:
    ledger = app.state.store.ledger()
    assert {one["kind"] for one in ledger} <= {"invoice_created", "invoice_deleted"}
    return [one["invoice_id"] for one in ledger if one["kind"] == "invoice_created"]


def keys(app: Starlette) -> list[str | None]:
    posts = [one for one in app.state.store.requests() if one["method"] == "POST"]
    return [one["idempotency_key"] for one in posts]


def stored(app: Starlette, invoice: str) -> dict[str, Any]:
    [row] = app.state.store.rows("SELECT * FROM invoices WHERE id = ?", invoice)
    return dict(row)


async def test_a_draft_is_created_and_told_as_beel_has_it(user: Client, beel: Starlette) -> None:
    answer = await call(user, **WANTED, date="2026-11-03", notes="Noviembre")
    [made] = created(beel)
    assert answer["status"] == "done"
    assert (answer["invoice_id"], answer["invoice_status"]) == (made, "DRAFT")
    assert answer["amount"] == "120.70"  # 99.75 and 21 %
    row = stored(beel, made)
    assert (row["status"], row["invoice_number"], row["notes"]) == ("DRAFT", None, "Noviembre")
    assert row["operation_date"] == "2026-11-03"
    operation = answer["operation_id"]
    assert keys(beel) == [f"bmcp1-{TOOL}-{operation}-0"]
    settled = await call(user, "check_operation", operation_id=operation)
    assert settled["counts"] == {"created": 1, "refused": 0, "unknown": 0, "not_attempted": 0}
    assert settled["rows"][0]["invoice_id"] == made


@pytest.mark.parametrize(
    ("line", "amount"),
    [
        ({"tax_type": "IVA", "tax_rate": "10"}, "109.73"),
        ({"tax_type": "IGIC", "tax_rate": "7"}, "106.73"),
        ({"tax_type": "IPSI", "tax_rate": "0.5"}, "100.25"),
        ({"tax_type": "OTHER", "tax_rate": "0"}, "99.75"),
        ({"discount_percentage": "12.5"}, "105.61"),
        ({"withholding_rate": "15"}, "105.74"),
        ({"withholding_rate": "0"}, "120.70"),
        ({"quantity": "-1"}, "-48.28"),
        ({"unit_price": "0.0001", "quantity": "250000"}, "30.25"),
    ],
)
async def test_every_tax_discount_and_withholding_reaches_beel(
    user: Client, beel: Starlette, line: dict[str, str], amount: str
) -> None:
    answer = await call(user, customer_id=customer_id(2), lines=[LINE | line])
    assert (answer["status"], answer["amount"]) == ("done", amount)
    assert created(beel) == [answer["invoice_id"]]


async def test_a_simplified_invoice_is_a_draft_too(user: Client, beel: Starlette) -> None:
    answer = await call(user, **WANTED, type="SIMPLIFIED")
    row = stored(beel, answer["invoice_id"])
    assert (row["type"], row["status"]) == ("SIMPLIFIED", "DRAFT")


async def test_what_beel_refuses_is_told_in_its_words_and_nothing_is_created(
    user: Client, beel: Starlette
) -> None:
    withheld = [LINE | {"withholding_rate": "15"}]
    answer = await call(user, customer_id=customer_id(2), lines=withheld, type="SIMPLIFIED")
    assert (answer["code"], answer["changed"]) == ("SIMPLIFICADA_FORBIDS_IRPF", "nothing")
    unknown = await call(user, customer_id=NOBODY, lines=[LINE])
    assert (unknown["status"], unknown["changed"]) == ("error", "nothing")
    assert created(beel) == []
    assert (await call(user, "check_operation"))["operations"] == []


async def test_a_rate_of_the_other_generation_is_for_beel_to_refuse(
    user: Client, beel: Starlette, world: Any
) -> None:
    for rate, generation in (("1", "current"), ("21", "legacy")):
        lines = [LINE | {"withholding_rate": rate}]
        answer = await call(user, customer_id=customer_id(2), lines=lines)
        assert (answer["status"] == "done") == (world[0] == generation), rate


@pytest.mark.parametrize(
    ("arguments", "field", "words"),
    [
        (WANTED | {"lines": [LINE | {"unit_price": 39.9}]}, "lines.0.unit_price", '"39.9"'),
        (WANTED | {"lines": [LINE | {"tax_rate": "21 %"}]}, "lines.0.tax_rate", 'send "21"'),
        (WANTED | {"lines": [LINE | {"unitprice": "1"}]}, "lines.0.unitprice", "unit_price"),
        (WANTED | {"lines": []}, "lines", "1 to 100"),
        (WANTED | {"linea": []}, "linea", "lines"),
        (WANTED | {"date": "3/11/26"}, "date", "2026-11-03 or 2003-11-26"),
        (WANTED | {"issue": True}, "issue", "is not an argument"),
    ],
)
async def test_wrong_arguments_are_named_with_the_remedy_and_beel_hears_nothing(
    client: Client, sandbox: Starlette, arguments: dict[str, Any], field: str, words: str
) -> None:
    answer = await call(client, **arguments)
    [fault] = answer["field_errors"]
    assert (answer["status"], fault["field"]) == ("error", field)
    assert words in fault["message"]
    assert "POST" not in {one["method"] for one in sandbox.state.store.requests()}


async def test_the_very_same_call_finds_its_draft_and_another_note_makes_another(
    user: Client, beel: Starlette
) -> None:
    first = await call(user, **WANTED)
    as_well = WANTED | {"lines": [LINE | {"quantity": "2.50", "tax_type": "IVA"}]}
    again = await call(user, **as_well)
    assert (again["replayed"], again["invoice_id"]) == (True, first["invoice_id"])
    assert (again["invoice_status"], again["amount"]) == ("DRAFT", "120.70")
    other = await call(user, **WANTED, notes="Otra")
    assert "replayed" not in other
    assert created(beel) == [first["invoice_id"], other["invoice_id"]]


@pytest.mark.parametrize("fate", ["deleted_at = updated_at", "status = 'ISSUED'"])
async def test_a_draft_that_is_none_any_more_does_not_stand_in_the_way_of_another(
    user: Client, beel: Starlette, fate: str
) -> None:
    first = await call(user, **WANTED)
    beel.state.store.execute(f"UPDATE invoices SET {fate} WHERE id = ?", first["invoice_id"])
    second = await call(user, **WANTED)
    assert created(beel) == [first["invoice_id"], second["invoice_id"]]
    assert len(set(keys(beel))) == 2


@pytest.mark.slow
async def test_five_calls_at_once_make_one_draft(client: Client, sandbox: Starlette) -> None:
    answers: list[dict[str, Any]] = []

    async def create() -> None:
        answers.append(await call(client, **WANTED))

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(create)
    assert {answer["invoice_id"] for answer in answers} == set(created(sandbox))
    assert len(created(sandbox)) == 1


async def test_what_beel_issued_all_the_same_is_said_first(
    client: Client, sandbox: Starlette
) -> None:
    store = sandbox.state.store
    store.execute(
        "CREATE TRIGGER hasty AFTER INSERT ON invoices BEGIN"
        " UPDATE invoices SET status = 'ISSUED' WHERE id = NEW.id; END"
    )
    answer = await call(client, **WANTED)
    assert (answer["status"], answer["invoice_status"]) == ("done", "ISSUED")
    assert "not as a draft: tell the person" in answer["summary"]


async def test_a_read_only_server_makes_no_drafts(connect: Connect, sandbox: Starlette) -> None:
    async with connect(read_only=True) as client:
        assert TOOL not in {tool.name for tool in (await client.list_tools()).tools}
        assert (await call_quietly(client))["code"] == "read_only"
    assert created(sandbox) == []


async def call_quietly(client: Client) -> dict[str, Any]:
    return (await client.call_tool(TOOL, WANTED)).structured_content or {}


async def test_the_draft_can_be_found_and_deleted_again(user: Client, beel: Starlette) -> None:
    made = (await call(user, **WANTED))["invoice_id"]
    found = await call(user, "find_invoices", status=["DRAFT"], customer_id=customer_id(2))
    assert [one["invoice_id"] for one in found["invoices"]] == [made, invoice_id(16)]
    plan = await call(user, "delete_draft_invoice", invoice_ids=[made])
    gone = await call(user, "confirm_plan", **plan["next"][0]["arguments"])
    assert gone["counts"]["deleted"] == 1
