"""delete_draft_invoice, through the client, on the sandbox: drafts go after a yes, nothing else."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from mcp import Client
from mcp.client.session import ElicitationFnT
from mcp.types import ElicitResult
from starlette.applications import Starlette

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import invoice_id
from tests.conftest import Connect
from tests.support.invoices import add_invoices

pytestmark = pytest.mark.anyio

TOOL = "delete_draft_invoice"
DRAFT, FROM_PROFORMA, TAXED = invoice_id(16), invoice_id(17), invoice_id(30)
PROFORMA = invoice_id(19)
UNKNOWN = "deadbeef-0000-4000-8000-000000000001"


@pytest.fixture(params=["current", "legacy"])
def beel(request: pytest.FixtureRequest) -> Starlette:
    return create_app(SandboxOptions(generation=request.param))


@pytest.fixture
async def planning(connect: Connect, beel: Starlette) -> AsyncIterator[Client]:
    """A client without forms."""
    async with connect(beel) as opened:
        yield opened


async def call(client: Client, tool: str = TOOL, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    structure = result.structured_content or {}
    if "counts" in structure:
        assert sum(structure["counts"].values()) == structure["requested"]
    return structure


async def confirm(client: Client, plan: dict[str, Any]) -> dict[str, Any]:
    [step] = plan["next"]
    return await call(client, step["tool"], **step["arguments"])


def status_of(app: Starlette, invoice: str) -> str | None:
    [row] = app.state.store.rows("SELECT * FROM invoices WHERE id = ?", invoice)
    return None if row["deleted_at"] else row["status"]


def deleted(app: Starlette) -> list[str]:
    ledger = app.state.store.ledger()
    return [one["invoice_id"] for one in ledger if one["kind"] == "invoice_deleted"]


def person(asked: list[str], *, says_yes: bool) -> ElicitationFnT:
    async def answer(_: object, params: Any) -> ElicitResult:
        asked.append(params.message)
        if not says_yes:
            return ElicitResult(action="decline")
        return ElicitResult(action="accept", content={"confirm": "yes"})

    return answer  # type: ignore[return-value]


async def test_a_plan_names_each_draft_and_deletes_nothing(
    planning: Client, beel: Starlette
) -> None:
    plan = await call(planning, invoice_ids=[DRAFT, TAXED])
    assert plan["status"] == "confirmation_required"
    assert plan["count"] == 2
    statement = plan["statement"]
    assert 'no number · "Ferretería La Llave SL" · 2026-03-02 · €176.66' in statement
    assert "€1,057.80" in statement
    assert "This cannot be undone." in statement
    assert deleted(beel) == []


async def test_a_confirmed_plan_deletes_each_draft_once_and_leaves_the_rest(
    planning: Client, beel: Starlette
) -> None:
    plan = await call(planning, invoice_ids=[DRAFT, TAXED, DRAFT.upper()])
    answer = await confirm(planning, plan)
    assert answer["status"] == "done"
    assert answer["tool"] == TOOL
    assert answer["counts"] == {"deleted": 2, "failed": 0, "unknown": 0, "not_attempted": 0}
    assert sorted(one.lower() for one in answer["deleted"]) == [DRAFT, TAXED]
    again = await confirm(planning, plan)
    assert again["replayed"] is True
    assert sorted(deleted(beel)) == [DRAFT, TAXED]
    assert status_of(beel, FROM_PROFORMA) == "DRAFT"


@pytest.mark.parametrize("says_yes", [True, False])
async def test_in_an_app_with_forms_the_person_is_asked_and_has_the_last_word(
    connect: Connect, beel: Starlette, says_yes: bool
) -> None:
    asked: list[str] = []
    async with connect(beel, answers=person(asked, says_yes=says_yes)) as client:
        answer = await call(client, invoice_ids=[DRAFT])
    assert len(asked) == 1
    assert "Ferretería La Llave SL" in asked[0]
    assert answer["status"] == ("done" if says_yes else "not_confirmed")
    assert deleted(beel) == ([DRAFT] if says_yes else [])


async def test_the_statement_is_in_the_persons_language(connect: Connect) -> None:
    async with connect(language="es") as client:
        plan = await call(client, invoice_ids=[TAXED])
    assert "eliminar definitivamente 1 borrador de factura" in plan["statement"]
    assert "sin número" in plan["statement"]
    assert "20/08/2026 · 1.057,80 €" in plan["statement"]


@pytest.mark.parametrize(
    ("number", "code", "remedy"),
    [
        (1, "issued", "corrective"),
        (10, "issued", "voids it in BeeL"),
        (7, "voided", "stays in the records"),
        (4, "rectified", "corrective invoice has replaced it"),
        (15, "scheduled", "issues itself"),
    ],
)
async def test_what_is_no_draft_is_refused_with_the_right_way(
    planning: Client, beel: Starlette, number: int, code: str, remedy: str
) -> None:
    answer = await call(planning, invoice_ids=[invoice_id(number)])
    assert answer["status"] == "nothing_done"
    [left] = answer["failed"]
    assert left["code"] == code
    assert remedy in left["remedy"]
    assert deleted(beel) == []


async def test_a_proforma_is_no_draft_invoice(connect: Connect, sandbox: Starlette) -> None:
    async with connect() as client:
        answer = await call(client, invoice_ids=[invoice_id(20)])
    assert [one["code"] for one in answer["failed"]] == ["proforma"]
    assert deleted(sandbox) == []


async def test_good_and_bad_ids_together_are_each_accounted_for(
    planning: Client, beel: Starlette
) -> None:
    plan = await call(planning, invoice_ids=[DRAFT, invoice_id(1), UNKNOWN, "not-an-id"])
    assert (plan["count"], plan["requested"]) == (1, 4)
    codes = {one["invoice_id"]: one["code"] for one in plan["failed"]}
    assert codes == {invoice_id(1): "issued", UNKNOWN: "not_found", "not-an-id": "not_found"}
    await confirm(planning, plan)
    assert deleted(beel) == [DRAFT]


async def test_a_draft_that_was_issued_meanwhile_stays_and_the_person_is_asked_again(
    planning: Client, beel: Starlette
) -> None:
    plan = await call(planning, invoice_ids=[DRAFT])
    beel.state.store.execute(
        "UPDATE invoices SET status = 'ISSUED', invoice_number = 'F26-0099' WHERE id = ?", DRAFT
    )
    answer = await confirm(planning, plan)
    assert answer["status"] != "done"
    assert status_of(beel, DRAFT) == "ISSUED"
    assert deleted(beel) == []


async def test_a_draft_that_was_edited_meanwhile_is_not_the_one_that_was_agreed_to(
    planning: Client, beel: Starlette
) -> None:
    plan = await call(planning, invoice_ids=[DRAFT, TAXED])
    beel.state.store.execute("UPDATE invoices SET total = '9999.00' WHERE id = ?", TAXED)
    answer = await confirm(planning, plan)
    assert answer["status"] != "done"
    assert deleted(beel) == []


async def test_a_draft_that_is_issued_in_the_last_moment_is_refused_by_beel_and_told_so(
    connect: Connect,
) -> None:
    app: list[Starlette] = []

    async def pause(operation: str, phase: str) -> None:
        if "delete" in operation.lower() and phase == "before":
            app[0].state.store.execute("UPDATE invoices SET status = 'ISSUED' WHERE id = ?", DRAFT)

    app.append(create_app(SandboxOptions(pause=pause)))
    async with connect(app[0]) as client:
        plan = await call(client, invoice_ids=[DRAFT])
        answer = await confirm(client, plan)
    assert answer["counts"] == {"deleted": 0, "failed": 1, "unknown": 0, "not_attempted": 0}
    assert answer["failed"][0]["invoice_id"] == DRAFT
    assert status_of(app[0], DRAFT) == "ISSUED"


async def test_the_proforma_that_a_draft_came_from_is_told_and_active_again(
    connect: Connect, sandbox: Starlette
) -> None:
    async with connect() as client:
        plan = await call(client, invoice_ids=[FROM_PROFORMA])
        assert "came from a proforma, which becomes active again" in plan["statement"]
        assert (await confirm(client, plan))["status"] == "done"
    assert status_of(sandbox, FROM_PROFORMA) is None
    assert status_of(sandbox, PROFORMA) == "ACTIVE"


@pytest.mark.slow
async def test_fifty_drafts_go_with_one_yes_and_the_answer_stays_short(
    connect: Connect, sandbox: Starlette
) -> None:
    ids = add_invoices(sandbox, 50)
    sandbox.state.store.execute(
        "UPDATE invoices SET status = 'DRAFT', invoice_number = NULL WHERE series = 'L26'"
    )
    async with connect() as client:
        plan = await call(client, invoice_ids=ids)
        assert plan["count"] == 50
        result = await client.call_tool("confirm_plan", plan["next"][0]["arguments"])
    text = result.content[0].text  # type: ignore[union-attr]
    structure = result.structured_content or {}
    assert structure["counts"]["deleted"] == 50
    assert len(structure["deleted"]) + structure["more_deleted"] == 50
    assert len(text) <= 1_500
    assert sorted(deleted(sandbox)) == sorted(ids)


@pytest.mark.parametrize("ids", [[], [f"id-{n}" for n in range(51)], ["a/b"]])
async def test_ids_that_cannot_be_meant_are_refused_by_name(client: Client, ids: list[str]) -> None:
    answer = await call(client, invoice_ids=ids)
    assert answer["code"] == "invalid_arguments"
    assert answer["field_errors"][0]["field"].startswith("invoice_ids")


async def test_a_read_only_server_deletes_nothing(connect: Connect, sandbox: Starlette) -> None:
    async with connect(read_only=True) as client:
        answer = await call(client, invoice_ids=[DRAFT])
    assert answer["code"] == "read_only"
    assert deleted(sandbox) == []
