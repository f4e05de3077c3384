"""What an answer of update_customers says and keeps to itself, and where BeeL has the last word."""

import json
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import customer_id
from tests.conftest import Connect
from tests.support.deactivations import row_of
from tests.support.people.evidence import call
from tests.support.people.forms import agreeing, answering, edit, guarded_requests
from tests.support.updates import (
    IBAN,
    OTHER_IBAN,
    add,
    confirmed,
    fields_of,
    planned,
    put_back,
    updated,
)

pytestmark = pytest.mark.anyio

TOOL = "update_customers"
NEW = {"notes": "Nueva"}
READS = ("getCustomer", "getCompanyCustomer")


@pytest.fixture(params=["current", "legacy"])
def generation(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def sandbox(generation: Any) -> Starlette:
    return create_app(SandboxOptions(generation=generation))


async def test_an_account_number_is_in_the_file_and_in_no_answer(
    client: Client, sandbox: Starlette
) -> None:
    [one] = add(sandbox)
    before = fields_of(sandbox, one)
    plan = await planned(client, [one], {"preferred_payment_method": {"iban": OTHER_IBAN}})
    done = await confirmed(client, plan)
    record = await call(client, "check_operation", operation_id=done["operation_id"])
    again = await confirmed(client, plan)
    assert fields_of(sandbox, one)["preferred_payment_method.iban"] == OTHER_IBAN
    for answer in (plan, done, record, again):
        words = answer.text + json.dumps(answer)
        assert not any(iban[4:-4] in words.replace(" ", "") for iban in (IBAN, OTHER_IBAN))
    assert "IBAN: ending in 1332 → ending in 6789" in plan["statement"]
    assert "previous" not in done
    assert done["more_previous"] == 1
    assert done["previous_path"] == record["previous_path"]
    assert IBAN in Path(done["previous_path"]).read_text("utf-8")  # noqa: ASYNC240 - a test
    await put_back(client, done)
    assert fields_of(sandbox, one) == before


async def test_an_account_number_that_somebody_wrote_into_the_notes_is_not_shown_either(
    client: Client, sandbox: Starlette
) -> None:
    [one] = add(sandbox)
    edit(sandbox, "notes", f"Cuenta {IBAN}", one)
    before = fields_of(sandbox, one)
    plan = await planned(client, [one], NEW)
    done = await confirmed(client, plan)
    for answer in (plan, done):
        assert IBAN not in answer.text + json.dumps(answer)
    await put_back(client, done)
    assert fields_of(sandbox, one) == before


@pytest.mark.parametrize("notes", ["x" * 700, "Una\ndos\n\ntres", 'Con "comillas" y ☠'])
async def test_long_and_odd_texts_come_back_as_they_were(
    client: Client, sandbox: Starlette, notes: str
) -> None:
    [one] = add(sandbox)
    edit(sandbox, "notes", notes, one)
    done = await updated(client, [one], NEW)
    assert ("previous_path" in done) == (len(notes) > 300)
    await put_back(client, done)
    assert fields_of(sandbox, one)["notes"] == notes


@pytest.mark.slow
async def test_a_hundred_at_once_keep_all_old_values_in_a_file(
    client: Client, sandbox: Starlette
) -> None:
    ids = add(sandbox, 100)
    before = [fields_of(sandbox, one) for one in ids]
    changes = {"address": {"city": "Toledo"}, "general_discount": 9, "clear": ["website"]}
    plan = await planned(client, ids, changes)
    assert "update 100 customers, giving each " in plan["statement"]
    assert len(plan["statement"]) <= 900
    done = await confirmed(client, plan)
    assert done["counts"]["updated"] == 100
    assert len(done["previous"]) + done["more_previous"] == 100
    assert all(fields_of(sandbox, one)["address.city"] == "Toledo" for one in ids)
    kept = json.loads(Path(done["previous_path"]).read_text("utf-8"))  # noqa: ASYNC240 - a test
    assert [one["customer_ids"] for one in kept["update_customers"]] == [[one] for one in ids]
    await put_back(client, done)
    assert [fields_of(sandbox, one) for one in ids] == before


async def test_one_identifier_takes_the_place_of_the_other_where_beel_lets_it(
    client: Client, sandbox: Starlette, generation: str
) -> None:
    [one] = add(sandbox)
    before = fields_of(sandbox, one)
    changes = {"alternative_id": {"type": "PASSPORT", "number": "X-1", "country_code": "FR"}}
    if generation == "legacy":
        told = await call(client, TOOL, customer_ids=[one], changes=changes)
        assert told["status"] == "nothing_done"
        assert [left["code"] for left in told["failed"]] == ["identifier_fixed"]
        assert guarded_requests(sandbox) == []
        return
    plan = await planned(client, [one], changes)
    assert f'NIF: "{before["nif"]}" → none' in plan["statement"]
    done = await confirmed(client, plan)
    assert "nif" not in fields_of(sandbox, one)
    await put_back(client, done)
    assert fields_of(sandbox, one) == before


async def test_what_the_seeds_cannot_empty_is_said_before_anybody_is_asked(
    client: Client, sandbox: Starlette, generation: str
) -> None:
    [one] = add(sandbox)
    edit(sandbox, "phone", "600 111 222", one)
    told = await call(client, TOOL, customer_ids=[one], changes={"clear": ["phone"]})
    if generation == "legacy":
        assert [left["code"] for left in told["failed"]] == ["never_empty"]
        assert guarded_requests(sandbox) == []
    else:
        done = await confirmed(client, told)
        assert "phone" not in fields_of(sandbox, one)
        await put_back(client, done)
        assert fields_of(sandbox, one)["phone"] == "600 111 222"


@pytest.mark.parametrize("generation", ["current"], indirect=True)
async def test_what_beel_refuses_is_told_with_its_reason_and_the_others_go_on(
    client: Client, sandbox: Starlette
) -> None:
    one, other = add(sandbox, 2)
    taken = fields_of(sandbox, other)["nif"]
    done = await updated(client, [one], {"nif": taken})
    assert done["status"] == "nothing_done"
    [left] = done["failed"]
    assert (left["customer_id"], left["code"]) == (one, "CLIENT_DUPLICATE")
    assert "Another customer" in left["remedy"]
    both = await call(client, TOOL, customer_ids=[one, other], changes={"nif": taken})
    assert both["code"] == "invalid_arguments"


async def test_what_others_changed_since_the_sentence_is_not_overwritten(
    client: Client, sandbox: Starlette
) -> None:
    one, other = add(sandbox, 2)
    plan = await planned(client, [one, other], NEW)
    edit(sandbox, "notes", "De otra persona", one)
    told = await confirmed(client, plan)
    assert told["status"] == "confirmation_required"
    assert told["plan_id"] != plan["plan_id"]
    assert "De otra persona" in told["statement"]
    assert guarded_requests(sandbox) == []
    await confirmed(client, told)
    assert fields_of(sandbox, one)["notes"] == "Nueva"


@pytest.mark.parametrize("field", ["notes", "phone"])
async def test_what_others_change_at_the_last_moment_stays_theirs(
    connect: Connect, generation: Any, field: str
) -> None:
    app: list[Starlette] = []
    reads: list[str] = []

    async def pause(operation: str, phase: str) -> None:
        if operation in READS and phase == "before":
            reads.append(operation)
            if len(reads) == 3:  # the plan, the look after the yes, and the one before sending
                edit(app[0], field, "600 111 222", one)

    app.append(create_app(SandboxOptions(generation=generation, pause=pause)))
    [one] = add(app[0])
    async with connect(app[0]) as client:
        done = await updated(client, [one], NEW)
    assert len(reads) >= 3
    row = row_of(app[0], one)
    if field == "notes":
        assert row["notes"] == "600 111 222"
        assert [left["code"] for left in done["failed"]] == ["changed_meanwhile"]
        assert guarded_requests(app[0]) == []
    else:
        assert (row["phone"], row["notes"]) == ("600 111 222", "Nueva")


@pytest.mark.slow
async def test_the_longest_answers_fit_whatever_the_records_have(
    client: Client, sandbox: Starlette
) -> None:
    ids = add(sandbox, 42)
    nobody = [customer_id(number) for number in range(900, 912)]
    for number, one in enumerate(ids):
        edit(sandbox, "legal_name", "漢" * 100, one)
        edit(sandbox, "notes", "ya" if number % 2 else "漢字" * 60, one)
    plan = await planned(client, [*ids, *nobody], {"notes": "ya", "website": "https://x.example"})
    done = await confirmed(client, plan)  # each answer is measured
    assert done["counts"]["failed"] == 12
    more = await updated(client, ids[:40], {"notes": "no", "trade_name": "La tienda"})
    assert more["counts"]["updated"] == 40
    mixed = [*ids, *nobody]
    told = await updated(client, mixed, {"notes": "no"})
    assert told["counts"] == {
        "updated": 2,
        "unchanged": 40,
        "failed": 12,
        "unknown": 0,
        "not_attempted": 0,
    }


@pytest.mark.parametrize("says_yes", [True, False])
async def test_in_an_app_with_forms_the_person_has_the_last_word(
    connect: Connect, sandbox: Starlette, says_yes: bool
) -> None:
    [one] = add(sandbox)
    seen: list[Any] = []
    answers = agreeing(seen) if says_yes else answering("decline")
    async with connect(answers=answers, language="es") as client:
        done = await call(client, TOOL, customer_ids=[one], changes={"email": "a@x.example"})
    assert done["status"] == ("done" if says_yes else "not_confirmed")
    assert (fields_of(sandbox, one)["email"] == "a@x.example") == says_yes
    if says_yes:
        assert "modificar 1 cliente" in seen[0].message
        assert '→ "a@x.example"' in seen[0].message


async def test_a_read_only_server_updates_nobody(connect: Connect, sandbox: Starlette) -> None:
    async with connect(read_only=True) as client:
        result = await client.call_tool(TOOL, {"customer_ids": [customer_id(1)], "changes": NEW})
    assert (result.structured_content or {})["code"] == "read_only"
    assert guarded_requests(sandbox) == []


@pytest.mark.parametrize("ids", [[], [f"id-{n}" for n in range(101)], ["a/b"]])
async def test_ids_that_cannot_be_meant_are_refused_by_name(client: Client, ids: list[str]) -> None:
    answer = await call(client, TOOL, customer_ids=ids, changes=NEW)
    assert answer["code"] == "invalid_arguments"
    assert answer["field_errors"][0]["field"].startswith("customer_ids")
