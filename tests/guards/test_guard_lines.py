"""One test for each line that is marked as a guard: without the line, the test fails.

`.ci/guard_lines.py` takes the lines away one by one and runs this file alone.
"""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from mcp.client.session import ClientSession
from mcp.server.elicitation import DeclinedElicitation
from mcp.server.mcpserver import AcceptedElicitation
from mcp.types import ClientCapabilities, ElicitationCapability, UrlElicitationCapability
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse

from beel_mcp.api import client as api_client
from beel_mcp.api.company import Account
from beel_mcp.context import Timing
from beel_mcp.door.door import Door
from beel_mcp.door.links import Links, Target
from beel_mcp.door.security import Guarded
from beel_mcp.errors import CallerError
from beel_mcp.memory.selections import SelectionStore
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import (
    DEMO_COMPANY_ID,
    SECOND_COMPANY_ID,
    customer_id,
    invoice_id,
)
from beel_mcp.writes.consent.elicitation import agreed, form_for
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.plan import Plan
from beel_mcp.writes.journal.records import Decision, utc_now
from beel_mcp.writes.kinds.deactivate_customers import CustomerDeactivation
from beel_mcp.writes.kinds.protocol import AnotherAccountError
from beel_mcp.writes.run.execution import Agreed, Execution
from tests.conftest import Connect
from tests.guards.test_fifty_takers import look, proposal, taken
from tests.support.customers import customer
from tests.support.people.forms import (
    ONE,
    OTHER,
    agreeing,
    answering,
    call,
    edit,
    effects,
    guarded_requests,
    planned,
)
from tests.support.people.visitor import Reader, Visitor

pytestmark = pytest.mark.anyio


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal", utc_now)
    yield made
    made.close()


@pytest.fixture
async def one(journal: Journal) -> Plan:
    return await journal.plans.open(proposal(shown=look("a")))


@pytest.fixture
async def several(journal: Journal) -> Plan:
    return await journal.plans.open(proposal(1))


def filled_in(plan: Plan, **fields: Any) -> Any:
    data = form_for(plan, "en").model_validate(fields)
    return AcceptedElicitation[Any].model_construct(data=data)


async def test_a_yes_to_another_plan_is_none(one: Plan, several: Plan) -> None:
    assert agreed(filled_in(one, confirm="yes"), one)
    assert not agreed(filled_in(one, confirm="yes"), replace(one, plan_id="plan_other"))
    assert agreed(filled_in(several, count=2), several)
    assert not agreed(filled_in(several, count=2), replace(several, plan_id="plan_other"))


async def test_a_no_and_another_number_are_no_yes(one: Plan, several: Plan) -> None:
    assert not agreed(filled_in(one, confirm="no"), one)
    assert not agreed(filled_in(several, count=3), several)


async def test_what_was_declined_is_no_yes(one: Plan) -> None:
    assert not agreed(DeclinedElicitation(), one)


async def test_what_a_resolver_returns_by_itself_is_no_yes_although_the_sdk_calls_it_accepted(
    one: Plan,
) -> None:
    for data in (SimpleNamespace(agrees_to=lambda _: True), True, "yes", one):
        assert not agreed(AcceptedElicitation[Any].model_construct(data=data), one)


async def test_the_callers_plans_are_the_callers(journal: Journal, one: Plan) -> None:
    assert await journal.plans.find(one.plan_id, "token:somebody") is None


async def test_an_expired_plan_is_neither_found_nor_taken(tmp_path: Path) -> None:
    moment = [datetime(2026, 11, 21, tzinfo=UTC)]
    journal = Journal(tmp_path, lambda: moment[0])
    plan = await journal.plans.open(proposal())
    moment[0] += timedelta(seconds=601)
    assert await journal.plans.find(plan.plan_id, "local") is None
    assert not await taken(journal, plan)
    journal.close()


async def test_a_plan_is_taken_once_and_only_as_it_was_shown(journal: Journal, one: Plan) -> None:
    assert not await taken(journal, replace(one, digest="another"))
    assert await taken(journal, one)
    assert not await taken(journal, one)


async def test_nothing_starts_without_a_plan_that_was_taken(journal: Journal, one: Plan) -> None:
    started: list[str] = []
    writes: Any = SimpleNamespace(start=lambda operation_id, _: started.append(operation_id))
    change: Any = SimpleNamespace(chunks=lambda _: [])
    context: Any = SimpleNamespace(beel=None, journal=journal)
    nobody: Any = None
    execution = Execution(context, writes, nobody)
    assert await execution.take(Agreed(one, "form"), change) is not None
    assert await execution.take(Agreed(one, "form"), change) is None
    assert len(started) == 1


async def test_nothing_is_sent_with_another_key_than_the_plans(journal: Journal, one: Plan) -> None:
    async def account() -> Account:
        return replace(one.account, key_fingerprint="another")

    context: Any = SimpleNamespace(beel=SimpleNamespace(account=account), journal=journal)
    decision = Decision(
        *(one.kind, one.caller, one.plan_id, one.digest, one.account),
        total=1,
        checked_at=one.created_at,
        plan_id=one.plan_id,
    )
    operation = await journal.take(one, decision, [])
    assert operation
    with pytest.raises(AnotherAccountError):
        await CustomerDeactivation(context, {}).prepare(operation)


async def test_a_no_deletes_nobody(connect: Connect, sandbox: Starlette) -> None:
    async with connect(answers=answering("accept", {"confirm": "no"})) as client:
        await call(client, "deactivate_customers", customer_ids=[ONE])
    assert guarded_requests(sandbox) == []


async def test_another_sentence_deletes_nobody(connect: Connect, sandbox: Starlette) -> None:
    async with connect() as client:
        plan = await planned(client)
        await call(client, "confirm_plan", **{**plan, "statement": "Delete them."})
    assert guarded_requests(sandbox) == []


async def test_a_changed_record_is_not_deleted(connect: Connect, sandbox: Starlette) -> None:
    async with connect() as client:
        plan = await planned(client, ONE, OTHER)
        edit(sandbox, "email", "otro@example.com")
        await call(client, "confirm_plan", **plan)
    assert guarded_requests(sandbox) == []


async def test_a_field_that_changed_at_the_last_moment_is_not_overwritten(connect: Connect) -> None:
    reads: list[str] = []

    async def pause(operation: str, phase: str) -> None:
        if operation == "getCompanyCustomer" and phase == "before":
            reads.append(operation)
            if len(reads) == 3:  # for the plan, after the yes, and before sending
                edit(app, "notes", "De otra persona")

    app = create_app(SandboxOptions(pause=pause))
    async with connect(app) as client:
        plan = await call(client, "update_customers", customer_ids=[ONE], changes={"notes": "x"})
        await call(client, "confirm_plan", **plan["next"][0]["arguments"])
    assert (len(reads), guarded_requests(app)) == (3, [])


async def test_an_undoing_leaves_what_somebody_changed_since(
    connect: Connect, sandbox: Starlette
) -> None:
    async with connect() as client:
        plan = await call(client, "update_customers", customer_ids=[ONE], changes={"notes": "x"})
        done = await call(client, "confirm_plan", **plan["next"][0]["arguments"])
        edit(sandbox, "notes", "De otra persona")
        before = len(guarded_requests(sandbox))
        answer = await call(client, "update_customers", undo=done["operation_id"])
    assert [left["code"] for left in answer["failed"]] == ["changed_since"]
    assert len(guarded_requests(sandbox)) == before


async def test_an_operation_is_undone_in_its_own_company_alone(connect: Connect) -> None:
    two = create_app(SandboxOptions(companies=2))
    async with connect(two, company_id=DEMO_COMPANY_ID) as client:
        done = await call(client, "confirm_plan", **await planned(client, mode="inactive"))
    before = len(guarded_requests(two))
    async with connect(two, company_id=SECOND_COMPANY_ID) as client:
        answer = await call(client, "update_customers", undo=done["operation_id"])
    assert answer["code"] == "another_company"
    assert len(guarded_requests(two)) == before


async def test_another_key_cannot_confirm_and_does_not_spend_the_plan(
    connect: Connect, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect() as client:
        plan = await planned(client)
    with monkeypatch.context() as patch:
        patch.setattr(api_client, "SANDBOX_KEY", SecretStr("beel_sk_test_another00key"))
        async with connect() as client:
            answer = await call(client, "confirm_plan", **plan)
    assert answer["code"] == "another_company"
    assert guarded_requests(sandbox) == []
    async with connect() as client:
        assert (await call(client, "confirm_plan", **plan))["status"] == "done"


async def test_a_plan_that_was_edited_on_disk_is_not_carried_out(
    connect: Connect, sandbox: Starlette, tmp_path: Path
) -> None:
    async with connect() as client:
        plan = await planned(client)
    db = sqlite3.connect(tmp_path / "state" / "journal.sqlite3")
    db.execute("UPDATE plans SET content = replace(content, ?, ?)", (ONE, OTHER))
    db.commit()
    db.close()
    async with connect() as client:
        answer = await call(client, "confirm_plan", **plan)
    assert (answer["code"], answer["changed"]) == ("plan_expired", "nothing")
    assert guarded_requests(sandbox) == []


async def test_another_beel_with_the_same_key_does_not_confirm(
    connect: Connect, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect() as client:
        plan = await planned(client)
    with monkeypatch.context() as patch:
        patch.setattr(api_client, "SANDBOX_URL", "http://another-sandbox")
        async with connect() as client:
            answer = await call(client, "confirm_plan", **plan)
    assert answer["code"] == "another_company"
    assert guarded_requests(sandbox) == []


async def test_a_forms_plan_is_the_forms_alone(
    connect: Connect, sandbox: Starlette, tmp_path: Path
) -> None:
    async with connect(answers=answering("decline")) as client:
        await call(client, "deactivate_customers", customer_ids=[ONE])
    state = Journal(tmp_path / "state", utc_now)
    [[plan_id]] = await state._database.read(
        lambda db: db.execute("SELECT plan_id FROM plans").fetchall()
    )
    plan = await state.plans.find(plan_id, "local")
    state.close()
    assert plan
    async with connect() as client:
        await call(client, "confirm_plan", plan_id=plan_id, statement=plan.statement)
    assert guarded_requests(sandbox) == []


async def test_ask_needs_forms(connect: Connect) -> None:
    async with connect(confirm="ask") as client:
        answer = await call(client, "deactivate_customers", customer_ids=[ONE])
    assert answer["code"] == "confirmation_unavailable"


async def test_creating_is_asked_about_only_where_the_operator_wants_it(
    connect: Connect, sandbox: Starlette
) -> None:
    seen: list[Any] = []
    async with connect(answers=agreeing(seen)) as client:
        batch = await call(client, "validate_customers", customers=[customer(1)])
        arguments = {"batch_id": batch["batch_id"], "expected_count": 1}
        await call(client, "create_customers", **arguments)
    assert (seen, effects(sandbox)) == ([], 1)
    async with connect(answers=agreeing(seen), confirm_creates=True) as client:
        answer = await call(client, "create_customers", **arguments)
    assert answer["code"] == "batch_expired"


async def test_a_draft_is_asked_about_where_the_operator_wants_it(
    connect: Connect, sandbox: Starlette
) -> None:
    line = {"description": "Horas", "quantity": "1", "unit_price": "40", "tax_rate": "21"}
    arguments = {"customer_id": ONE, "lines": [line]}
    async with connect(answers=answering("decline"), confirm_creates=True) as client:
        answer = await call(client, "create_draft_invoice", **arguments)
    assert (answer["status"], effects(sandbox)) == ("not_confirmed", 0)
    async with connect(answers=answering("decline")) as client:
        answer = await call(client, "create_draft_invoice", **arguments)
    assert (answer["status"], effects(sandbox)) == ("done", 1)


async def test_a_batch_that_was_judged_again_is_not_created_by_an_older_plan(
    connect: Connect, sandbox: Starlette
) -> None:
    there = customer(0, nif="33471259A", legal_name="Xurxo Castiñeira Rey")
    async with connect(confirm_creates=True) as client:
        batch = await call(client, "validate_customers", customers=[there, customer(1)])
        arguments = {"batch_id": batch["batch_id"], "expected_count": 1, "skip_problems": True}
        plan = await call(client, "create_customers", **arguments)
        await call(client, "confirm_plan", **await planned(client, customer_id(10)))
        await call(client, "validate_customers", batch_id=batch["batch_id"])
        answer = await call(client, "confirm_plan", **plan["next"][0]["arguments"])
    assert (answer["status"], effects(sandbox)) == ("confirmation_required", 1)


def test_a_selection_is_its_callers_alone() -> None:
    store = SelectionStore(utc_now)
    theirs = store.add("customers", ["a"], {"select_all": True}, "berta").selection_id
    with pytest.raises(CallerError):
        store.get(theirs, "customers", "ana")


@pytest.mark.parametrize(
    "recipients",
    [
        ["gestor\u0456a@example.com"],  # a Cyrillic letter
        ["gestoria@ex\u0430mple.com"],
        [f"gestoria.{number}@example.com" for number in range(11)],
        ["a" * 60 + f"{number}@{'b' * 200}.example.com" for number in range(2)],
    ],
)
async def test_nobody_is_asked_about_a_mail_whose_addresses_cannot_be_read(
    connect: Connect, sandbox: Starlette, recipients: list[str]
) -> None:
    seen: list[Any] = []
    async with connect(answers=agreeing(seen)) as client:
        mail = {"invoice_ids": [invoice_id(13)], "recipients": recipients}
        answer = await call(client, "send_invoices", **mail)
    assert answer["status"] == "error"
    assert (seen, effects(sandbox)) == ([], 0)


def test_a_link_that_is_too_old_leads_nowhere() -> None:
    now = [datetime(2026, 11, 30, tzinfo=UTC)]
    links = Links(lambda: now[0])
    token = links.offer(Target("plan", "plan_1", "local"))
    now[0] += timedelta(minutes=10)
    assert links.redeem(token) is None


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"Host": "localhost:4000"}),
        ("GET", {"Sec-Fetch-Dest": "iframe"}),
        ("POST", {"Origin": "http://127.0.0.1:5000"}),
    ],
)
async def test_the_door_lets_nothing_in_but_its_own_pages_of_its_own_name(
    method: str, headers: dict[str, str]
) -> None:
    door = httpx.ASGITransport(Guarded(PlainTextResponse("in"), "127.0.0.1:4000"))
    right = {"Origin": "http://127.0.0.1:4000", "Content-Type": "application/x-www-form-urlencoded"}
    async with httpx.AsyncClient(transport=door, base_url="http://127.0.0.1:4000") as client:
        let_in = await client.request(method, "/", headers=right, content=b"a=1")
        refused = await client.request(method, "/", headers=right | headers, content=b"a=1")
    assert (let_in.text, refused.text != "in") == ("in", True)


async def test_a_page_runs_nothing_but_what_was_read_and_said_yes_to(
    connect: Connect, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_url = ElicitationCapability(url=UrlElicitationCapability())
    monkeypatch.setattr(
        ClientSession, "_build_capabilities", lambda *_: ClientCapabilities(elicitation=only_url)
    )

    async def tries(visitor: Visitor) -> None:
        await visitor.send(answer="", count="2")
        await visitor.send(answer="yes", count="3")

    timing = Timing(patience_s=0.05)
    async with connect(answers=Reader(tries), timing=timing) as client:
        told = await call(client, "deactivate_customers", customer_ids=[ONE, OTHER])
        again = {"plan_id": told["plan_id"], "statement": told["statement"]}
        assert (await call(client, "confirm_plan", **again))["status"] == "confirmation_required"
    assert guarded_requests(sandbox) == []


async def test_a_page_that_stands_in_an_answer_takes_none(
    connect: Connect, sandbox: Starlette
) -> None:
    async with connect(view=True) as client:
        told = await call(client, "deactivate_customers", customer_ids=[ONE, OTHER])
        visitor = await Visitor().open(told["view"])
        await visitor.send(answer="yes", count="2")
    assert guarded_requests(sandbox) == []


async def test_no_browser_is_opened_that_the_operator_did_not_allow(
    connect: Connect, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Target] = []

    async def browse(self: Door, target: Target) -> bool:
        opened.append(target)
        return True

    monkeypatch.setattr(Door, "browse", browse)
    monkeypatch.setattr(Door, "can_browse", True)
    async with connect(open_browser=True, timing=Timing(patience_s=0.05)) as client:
        told = await call(client, "deactivate_customers", customer_ids=[ONE])
    async with connect(timing=Timing(patience_s=0.05)) as client:
        again = {"plan_id": told["plan_id"], "statement": told["statement"]}
        refused = await call(client, "confirm_plan", **again)
    assert (refused["code"], len(opened)) == ("confirmation_unavailable", 1)
    assert guarded_requests(sandbox) == []
