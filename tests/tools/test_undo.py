"""update_customers with undo: what an operation wrote goes, where nobody changed it since."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.settings import Settings
from tests.conftest import Connect, FakeTime
from tests.support.customers import customer
from tests.support.deactivations import DONE, is_there
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
    undoing,
    updated,
)

pytestmark = pytest.mark.anyio

TOOL = "update_customers"
MUCH = {
    "email": "nueva@x.example",
    "notes": "Nueva",
    "address": {"street": "Calle Mayor", "floor": "7"},
    "preferred_payment_method": {"iban": OTHER_IBAN},
    "clear": ["website", "billing_emails"],
}


# The older generation once more in CI: it has its own way of changing, not of undoing.
@pytest.fixture(params=["current", pytest.param("legacy", marks=pytest.mark.slow)])
def generation(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def sandbox(generation: Any) -> Starlette:
    return create_app(SandboxOptions(generation=generation))


async def deactivated(client: Client, ids: list[str], mode: str) -> Any:
    arguments = {"customer_ids": ids, "mode": mode}
    return await confirmed(client, await call(client, "deactivate_customers", **arguments))


def various(sandbox: Starlette, count: int) -> tuple[list[str], list[dict[str, Any]]]:
    """Add customers who differ in what they have; give their ids, and their fields."""
    ids = add(sandbox, count)
    for number, one in enumerate(ids):
        edit(sandbox, "notes", f"Nota {number}", one)
    edit(sandbox, "website", None, ids[0])
    return ids, [fields_of(sandbox, one) for one in ids]


@pytest.mark.parametrize("count", [1, 3, pytest.param(100, marks=pytest.mark.slow)])
async def test_each_gets_its_own_old_values_back_and_the_account_is_in_no_answer(
    client: Client, sandbox: Starlette, count: int
) -> None:
    ids, before = various(sandbox, count)
    done = await updated(client, ids, MUCH)
    plan = await undoing(client, done)
    assert (plan["status"], plan["count"], plan["requested"]) == (
        "confirmation_required",
        count,
        count,
    )
    back = await confirmed(client, plan)
    assert [fields_of(sandbox, one) for one in ids] == before
    assert back["counts"]["updated"] == count
    assert back["summary"].startswith(f"{count} of {count} customer")
    assert "given the old values back" in back["summary"]
    record = await call(client, "check_operation", operation_id=done["operation_id"])
    for answer in (done, plan, back, record):
        words = (answer.text + json.dumps(answer)).replace(" ", "")
        assert not any(iban[4:-4] in words for iban in (IBAN, OTHER_IBAN))


@pytest.mark.parametrize("generation", ["current"], indirect=True)
@pytest.mark.parametrize("language", ["en", "es"])
async def test_the_sentence_says_what_is_put_back_of_which_operation_and_when(
    connect: Connect, sandbox: Starlette, language: str
) -> None:
    one, other = add(sandbox, 2)
    async with connect(language=language) as client:
        single = await undoing(client, await updated(client, [one], {"email": "n@x.example"}))
        both = await undoing(client, await updated(client, [one, other], {"notes": "Nueva"}))
        idle = await deactivated(client, [one, other], "inactive")
        active = await undoing(client, idle)
        again = await undoing(client, await confirmed(client, active))
    single, both, active, again = (
        answer["statement"].split(": ", 1)[1] for answer in (single, both, active, again)
    )
    assert '"n@x.example" → "cliente0@example.com"' in single
    assert both.count("«ojo»") == 2
    if language == "en":
        assert single.startswith("undo in 1 customer the change of 20")
        assert both.startswith("undo in 2 customers the change of 20")
        assert "giving each its old values back" in both
        assert active.startswith("make 2 customers active again, marked as inactive on 20")
        assert again.startswith("reverse in 2 customers what was undone on 20")
    else:
        assert single.startswith("deshacer en 1 cliente el cambio del ")
        assert both.startswith("deshacer en 2 clientes el cambio del ")
        assert "y devolver a cada uno lo que tenía" in both
        assert active.startswith("volver a activar 2 clientes marcados como inactivos el ")
        assert again.startswith("recuperar en 2 clientes lo que se deshizo el ")
    for name in ("Cliente de Prueba 0", "Cliente de Prueba 1"):
        assert all(f'"{name}"' in sentence for sentence in (both, active, again))


async def test_what_somebody_changed_since_stays_and_is_named_field_by_field(
    client: Client, sandbox: Starlette
) -> None:
    (mine, partly, theirs), before = various(sandbox, 3)
    done = await updated(client, [mine, partly, theirs], MUCH)
    edit(sandbox, "notes", "De otra persona", partly)
    for column in ("email", "notes", "website"):
        edit(sandbox, column, "otra@persona.example", theirs)
    edit(sandbox, "billing_emails", '["otra@persona.example"]', theirs)
    edit(sandbox, "preferred_payment_method", '{"method": "CARD"}', theirs)
    address = json.dumps({**customer(2)["address"], "street": "Otra"})
    edit(sandbox, "address", address, theirs)
    their_fields = fields_of(sandbox, theirs)
    plan = await undoing(client, done)
    assert (plan["count"], plan["requested"]) == (2, 3)
    assert [left["code"] for left in plan["failed"]] == ["changed_since"]
    assert plan["failed"][0]["customer_id"] == theirs
    assert "(not put back, changed since: notes)" in plan["statement"]
    end = 'Left as it is, changed since then: "Cliente de Prueba 2". Careful: this changes '
    assert end in plan["statement"]
    back = await confirmed(client, plan)
    assert back["counts"]["updated"] == 2
    assert back["counts"]["failed"] == 1
    assert (
        'In part only, 1: "Cliente de Prueba 1", not put back, changed since: notes.' in back.text
    )
    assert fields_of(sandbox, mine) == before[0]
    assert fields_of(sandbox, partly) == {**before[1], "notes": "De otra persona"}
    assert fields_of(sandbox, theirs) == their_fields


async def test_the_parts_of_an_address_go_back_together_or_not(
    client: Client, sandbox: Starlette
) -> None:
    [one] = add(sandbox)
    done = await updated(client, [one], {"address": {"street": "Mayor", "city": "Toledo"}})
    changed = {**customer(0)["address"], "street": "Mayor", "city": "Ávila"}
    edit(sandbox, "address", json.dumps(changed), one)
    told = await undoing(client, done)
    assert (told["status"], told["changed"]) == ("nothing_done", "nothing")
    assert [left["code"] for left in told["failed"]] == ["changed_since"]
    assert fields_of(sandbox, one)["address.street"] == "Mayor"


async def test_an_undoing_can_be_undone_and_nothing_is_undone_twice_in_silence(
    client: Client, sandbox: Starlette
) -> None:
    ids, before = various(sandbox, 2)
    done = await updated(client, ids, MUCH)
    after = [fields_of(sandbox, one) for one in ids]
    back = await put_back(client, done)
    sent = len(guarded_requests(sandbox))
    twice = await undoing(client, done)
    assert (twice["status"], twice["changed"]) == ("nothing_done", "nothing")
    assert twice["counts"]["unchanged"] == 2
    assert "already as before that operation" in twice["summary"]
    assert len(guarded_requests(sandbox)) == sent
    forth = await put_back(client, back)
    assert [fields_of(sandbox, one) for one in ids] == after
    await put_back(client, forth)
    assert [fields_of(sandbox, one) for one in ids] == before


async def test_a_replayed_undoing_says_so_in_its_first_sentence_and_sends_nothing(
    client: Client, sandbox: Starlette
) -> None:
    [one] = add(sandbox)
    plan = await undoing(client, await updated(client, [one], {"notes": "Nueva"}))
    await confirmed(client, plan)
    sent = len(guarded_requests(sandbox))
    again = await confirmed(client, plan)
    assert again["replayed"] is True
    assert again["summary"].startswith("Nothing was sent now, this plan ran before: 1 of 1")
    assert len(guarded_requests(sandbox)) == sent


@pytest.mark.parametrize("generation", ["current"], indirect=True)
@pytest.mark.parametrize("count", [1, 12, pytest.param(500, marks=pytest.mark.slow)])
async def test_who_was_marked_inactive_is_set_active_again(
    client: Client, sandbox: Starlette, count: int
) -> None:
    ids, before = various(sandbox, count)
    done = await deactivated(client, ids, "inactive")
    assert done["counts"]["deactivated"] == count
    back = await put_back(client, done)
    assert back["counts"]["updated"] == count
    assert "set active again" in back["summary"]
    assert [fields_of(sandbox, one) for one in ids] == before


async def test_a_deletion_names_the_call_that_leads_to_new_customers(
    client: Client, sandbox: Starlette, generation: str
) -> None:
    ids = add(sandbox, 2)
    done = await deactivated(client, ids, "delete")
    assert done["counts"][DONE["delete"]] == 2
    assert done["deleted"] == ids
    if generation == "legacy":  # where a deletion marks as inactive, there is a way back
        await put_back(client, done)
        assert all(is_there(sandbox, one) for one in ids)
        return
    [step] = done["next"]
    assert step["tool"] == "validate_customers"
    assert step["arguments"] == {"source_path": done["backup_path"]}
    assert "new ids" in step["reason"]
    refused = await call(client, TOOL, undo=done["operation_id"])
    assert (refused["code"], refused["changed"]) == ("cannot_be_undone", "nothing")
    assert "new ids" in refused["message"]
    assert refused["next"] == done["next"]
    checked = await call(client, step["tool"], **step["arguments"])
    assert checked["importable"] == 2


@pytest.mark.parametrize("generation", ["current"], indirect=True)
async def test_what_undo_does_not_take_names_the_tool_that_does(
    client: Client, sandbox: Starlette
) -> None:
    made = await call(client, "create_customers", customers=[customer(5)])
    answer = await call(client, TOOL, undo=made["operation_id"])
    assert answer["code"] == "cannot_be_undone"
    assert "deactivate_customers" in answer.text
    [one] = add(sandbox)
    nothing = await updated(client, [one], {"nif": customer(5)["nif"]})
    assert nothing["status"] == "nothing_done"
    assert "next" not in nothing
    answer = await call(client, TOOL, undo=nothing["operation_id"])
    assert answer["code"] == "nothing_to_undo"
    answer = await call(client, TOOL, undo="op_x")
    assert answer["code"] == "unknown_operation"


@pytest.mark.parametrize("beside", [{"customer_ids": ["c-1"]}, {"changes": {"notes": "x"}}])
async def test_undo_stands_alone(client: Client, sandbox: Starlette, beside: Any) -> None:
    answer = await call(client, TOOL, undo="op_x", **beside)
    assert answer["code"] == "invalid_arguments"
    assert "undo stands alone" in answer["message"]


async def test_without_customers_or_undo_nobody_is_asked(client: Client) -> None:
    for arguments in ({}, {"changes": {"notes": "x"}}, {"customer_ids": ["c-1"]}):
        assert (await call(client, TOOL, **arguments))["code"] == "invalid_arguments"


@pytest.mark.parametrize("generation", ["current"], indirect=True)
async def test_whoever_is_not_there_any_more_is_left_out_by_name(
    client: Client, sandbox: Starlette
) -> None:
    one, other = add(sandbox, 2)
    done = await updated(client, [one, other], {"notes": "Nueva"})
    edit(sandbox, "deleted_at", "2026-01-01T00:00:00.000000Z", one)
    plan = await undoing(client, done)
    [left] = plan["failed"]
    assert (left["code"], left["name"]) == ("not_found", "Cliente de Prueba 0")
    assert (await confirmed(client, plan))["updated"] == [other]


@pytest.mark.parametrize("generation", ["legacy"], indirect=True)
async def test_what_this_beel_cannot_empty_stays_and_is_named(
    client: Client, sandbox: Starlette
) -> None:
    [one] = add(sandbox)
    edit(sandbox, "phone", None, one)
    done = await updated(client, [one], {"phone": "600 111 222", "notes": "Nueva"})
    plan = await undoing(client, done)
    assert "(not put back, cannot be emptied here: phone)" in plan["statement"]
    await confirmed(client, plan)
    fields = fields_of(sandbox, one)
    assert (fields["phone"], fields["notes"]) == ("600 111 222", "Paga el día 10; «ojo»")


@pytest.mark.parametrize("generation", ["current"], indirect=True)
async def test_an_identifier_that_made_room_comes_back_as_a_whole(
    client: Client, sandbox: Starlette
) -> None:
    [one] = add(sandbox)
    before = fields_of(sandbox, one)
    other = {"type": "PASSPORT", "number": "X-1", "country_code": "FR"}
    done = await updated(client, [one], {"alternative_id": other})
    after = fields_of(sandbox, one)
    back = await put_back(client, done)
    assert fields_of(sandbox, one) == before
    await put_back(client, back)
    assert fields_of(sandbox, one) == after


async def test_a_change_between_sentence_and_yes_is_shown_anew(
    client: Client, sandbox: Starlette
) -> None:
    one, other = add(sandbox, 2)
    plan = await undoing(client, await updated(client, [one, other], {"notes": "Nueva"}))
    sent = len(guarded_requests(sandbox))
    edit(sandbox, "notes", "De otra persona", one)
    told = await confirmed(client, plan)
    assert told["status"] == "confirmation_required"
    assert told["differences"] == ['"Cliente de Prueba 0" has been changed since']
    assert len(guarded_requests(sandbox)) == sent
    assert (await confirmed(client, told))["updated"] == [other]


@pytest.mark.parametrize("says_yes", [True, False])
async def test_in_an_app_with_forms_the_person_has_the_last_word(
    connect: Connect, sandbox: Starlette, says_yes: bool
) -> None:
    ids, before = various(sandbox, 2)
    async with connect() as client:
        done = await updated(client, ids, {"notes": "Nueva"})
    seen: list[Any] = []
    async with connect(answers=agreeing(seen) if says_yes else answering("decline")) as client:
        back = await call(client, TOOL, undo=done["operation_id"])
    assert back["status"] == ("done" if says_yes else "not_confirmed")
    assert ([fields_of(sandbox, one) for one in ids] == before) == says_yes
    assert not says_yes or "undo in 2 customers" in seen[0].message


# What is kept, and for how long


def kept(settings: Settings) -> bytes:
    return b"".join(path.read_bytes() for path in settings.state_dir.rglob("journal*"))


@pytest.mark.parametrize("generation", ["current"], indirect=True)
async def test_old_values_are_kept_for_a_day_and_then_nowhere(
    connect: Connect, sandbox: Starlette, settings: Settings, fake_time: FakeTime
) -> None:
    [one] = add(sandbox)
    timing = Timing(fake_time.now, fake_time.sleep)
    async with connect(timing=timing) as client:
        done = await updated(client, [one], {"preferred_payment_method": {"iban": OTHER_IBAN}})
        assert IBAN.encode() in kept(settings), "it has to be, to be put back"
        await fake_time.sleep(24 * 3600 - 60)
        assert (await undoing(client, done))["status"] == "confirmation_required"
        await fake_time.sleep(120)
        answer = await call(client, TOOL, undo=done["operation_id"])
        assert (answer["code"], answer["changed"]) == ("undo_expired", "nothing")
        await fake_time.sleep(700)  # the plan ends, too
        await call(client, "get_status")
        again = await call(client, "check_operation", operation_id=done["operation_id"])
        assert "next" not in again
    assert not any(iban.encode() in kept(settings) for iban in (IBAN, OTHER_IBAN))


@pytest.mark.parametrize("generation", ["current"], indirect=True)
async def test_what_was_purged_cannot_be_put_back_and_is_not_offered(
    connect: Connect,
    sandbox: Starlette,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from beel_mcp.cli import WELL, main

    [one] = add(sandbox)
    async with connect() as client:
        done = await updated(client, [one], {"preferred_payment_method": {"iban": OTHER_IBAN}})
        await undoing(client, done)
        monkeypatch.setenv("BEEL_STATE_DIR", str(settings.state_dir))
        assert await to_thread.run_sync(main, ["purge"]) == WELL
        assert not any(iban.encode() in kept(settings) for iban in (IBAN, OTHER_IBAN))
        answer = await call(client, TOOL, undo=done["operation_id"])
        assert answer["code"] == "undo_expired"
        [ended] = (await call(client, "check_operation"))["ended"]
        assert "can_undo" not in ended


@pytest.mark.parametrize("generation", ["current"], indirect=True)
async def test_a_record_from_before_old_values_were_kept_whole_is_not_guessed_at(
    client: Client, sandbox: Starlette, settings: Settings
) -> None:
    [one] = add(sandbox)
    done = await updated(client, [one], {"notes": "Nueva"})
    db = sqlite3.connect(settings.state_dir / "journal.sqlite3")
    [[content]] = db.execute("SELECT content FROM private WHERE purpose = 'record'").fetchall()
    [record] = json.loads(content)
    del record["after"]
    db.execute("UPDATE private SET content = ?", (json.dumps([record]),))
    db.commit()
    db.close()
    answer = await call(client, TOOL, undo=done["operation_id"])
    assert answer["code"] == "undo_expired"


async def test_old_and_new_values_are_paged_through_by_record_and_field(
    client: Client, sandbox: Starlette
) -> None:
    ids, _ = various(sandbox, 6)
    changes = {"notes": "Nueva", "active": False, "preferred_payment_method": {"iban": OTHER_IBAN}}
    done = await updated(client, ids, changes)
    told: list[tuple[int, str]] = []
    for page in (1, 2):
        answer = await call(client, "check_operation", operation_id=done["operation_id"], page=page)
        assert answer["has_more"] == (page == 1)
        told += [(row["row"], row["message"]) for row in answer["rows"]]
    assert len(told) == 18
    assert told[3:6] == [
        (2, 'notes: "Nota 1" → "Nueva"'),
        (2, "active: yes → no"),
        (2, 'preferred_payment_method.iban: "…1332" → "…6789"'),
    ]


async def test_a_way_to_pay_that_was_added_is_told_in_words(
    client: Client, sandbox: Starlette
) -> None:
    pays = {"method": "transferencia", "iban": OTHER_IBAN, "payment_term_days": 30}
    [one] = add(sandbox)
    edit(sandbox, "preferred_payment_method", None, one)
    done = await updated(client, [one], {"preferred_payment_method": pays})
    told = await call(client, "check_operation", operation_id=done["operation_id"])
    words = "none → bank transfer to the account ending in 6789, 30 days"
    assert [row["message"] for row in told["rows"]] == [f"preferred_payment_method: {words}"]


async def test_old_values_are_told_in_whole_sentences(client: Client, sandbox: Starlette) -> None:
    ids = add(sandbox, 9)
    for one in ids:
        edit(sandbox, "notes", "Una nota que ocupa bastante sitio en una respuesta", one)
    done = await updated(client, ids, {"notes": "Nueva"})
    assert done["more_previous"]
    more = f"Old values (of {done['more_previous']} more: check_operation): {{"
    assert more in done.text
    path = Path(done["previous_path"])
    assert f"All old values, for the person: {path}" in done.text
    assert path.exists()  # noqa: ASYNC240 - a file of ours


async def test_a_plan_and_no_undoing_is_kept_of_what_was_only_planned(
    client: Client, sandbox: Starlette
) -> None:
    [one] = add(sandbox)
    plan = await planned(client, [one], {"notes": "Nueva"})
    assert (await call(client, "check_operation")).get("ended") is None
    await confirmed(client, plan)
    [ended] = (await call(client, "check_operation"))["ended"]
    assert (ended["tool"], ended["counts"], ended["can_undo"]) == (TOOL, {"updated": 1}, True)


async def test_what_ended_today_is_listed_and_said_in_a_line(
    connect: Connect, sandbox: Starlette, generation: str
) -> None:
    ids = add(sandbox, 3)
    async with connect() as client:
        assert "today" not in await call(client, "get_status")
        await call(client, "create_customers", customers=[customer(7), customer(8)])
        await call(client, "create_customers", customers=[customer(9)])
        done = await updated(client, ids, {"notes": "Nueva"})
        back = await put_back(client, done)
        await deactivated(client, ids[:1], "inactive")
    async with connect() as client:  # it is the journal that knows
        listed = await call(client, "check_operation")
        status = await call(client, "get_status")
        assert listed["summary"].endswith("5 ended in the last 24 hours.")
        idle, undid, first, *imports = listed["ended"]
        assert [one["counts"] for one in imports] == [{"created": 1}, {"created": 2}]
        assert (idle["counts"], idle["can_undo"]) == ({"deactivated": 1}, True)
        assert (undid["operation_id"], undid["undoes"]) == (
            back["operation_id"],
            done["operation_id"],
        )
        assert undid["can_undo"] is True
        assert first["undone_by"] == back["operation_id"]
        assert "can_undo" not in first
        assert status["today"] == (
            "2 imports (3 customers), 1 update (3 customers), 1 undoing (3 customers),"
            " 1 deactivation (1 customer)"
        )
        assert f"Today (24 h): {status['today']}." in status.text


async def test_what_ended_is_capped_and_paged(client: Client, sandbox: Starlette) -> None:
    [one] = add(sandbox)
    for number in range(12):
        await updated(client, [one], {"notes": f"Nota {number}"})
    first = await call(client, "check_operation")
    assert (len(first["ended"]), first["more_ended"]) == (10, 2)
    [step] = first["next"]
    rest = await call(client, step["tool"], **step["arguments"])
    assert (len(rest["ended"]), "more_ended" in rest) == (2, False)
    ids = [ended["operation_id"] for ended in (*first["ended"], *rest["ended"])]
    assert len(set(ids)) == 12
