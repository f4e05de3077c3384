"""What is doubtful about a change or a creation: said in the plan, and to the model."""

import json
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.sandbox.seed import customer_id
from tests.conftest import Connect
from tests.support.customers import customer
from tests.support.deactivations import row_of
from tests.support.people.evidence import call, rename
from tests.support.people.forms import edit
from tests.support.people.person import Person
from tests.support.updates import add, confirmed, planned, put_back

pytestmark = pytest.mark.anyio

TOOL = "update_customers"
BARCELONA = {"address": {"postal_code": "08002", "city": "Barcelona"}}
NEWCOMER = {
    "legal_name": "Ferreteria La Lave",
    "nif": "12345678Z",
    "email": "hola@x.example",
    "address": {
        "street": "Calle Mayor",
        "number": "1",
        "postal_code": "28001",
        "city": "Madrid",
        "province": "Barcelona",
    },
}


@pytest.fixture
def era() -> Any:
    return "auto"


def address(sandbox: Starlette, number: int) -> dict[str, Any]:
    found: dict[str, Any] = row_of(sandbox, customer_id(number))["address"]
    return found


def codes(answer: dict[str, Any]) -> list[str]:
    return [one["code"] for one in answer.get("remarks", ())]


def searches(sandbox: Starlette) -> list[str]:
    requests = sandbox.state.store.requests()
    return [one["query"] for one in requests if "search=" in (one["query"] or "")]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", 'province: "Madrid" → "Barcelona" (from the postal code)'),
        ("es", 'provincia: "Madrid" → "Barcelona" (por el código postal)'),
    ],
)
async def test_the_province_of_another_postal_code_is_filled_in_shown_and_put_back(
    connect: Connect, sandbox: Starlette, language: str, words: str
) -> None:
    before = address(sandbox, 2)
    async with connect(language=language) as client:
        plan = await planned(client, [customer_id(2)], BARCELONA)
        done = await confirmed(client, plan)
        assert words in plan["statement"]
        assert address(sandbox, 2)["province"] == "Barcelona"
        assert done["previous"][customer_id(2)]["address"]["province"] == "Madrid"
        await put_back(client, done)
    assert address(sandbox, 2) == before


async def test_of_several_each_gets_the_province_where_its_own_does_not_fit(
    client: Client, sandbox: Starlette
) -> None:
    changes = {"address": {"postal_code": "08002"}}
    plan = await planned(client, [customer_id(2), customer_id(3)], changes)
    done = await confirmed(client, plan)
    assert 'province: "Barcelona" where it does not fit' in plan["statement"]
    assert [address(sandbox, number)["province"] for number in (2, 3)] == ["Barcelona"] * 2
    assert "province" not in done["previous"][customer_id(3)]["address"]


@pytest.mark.parametrize(
    ("number", "changes", "province"),
    [
        (4, {"address": {"postal_code": "48001"}}, "Bizkaia"),
        (2, {"address": {"postal_code": "08002", "province": "Girona"}}, "Girona"),
        (2, {"address": {"postal_code": "28005", "city": "Getafe"}}, "Madrid"),
        (7, {"address": {"postal_code": "08002"}}, "Baden-Württemberg"),
        (2, {"address": {"postal_code": "99001"}}, "Madrid"),
    ],
    ids=["it fits", "another is named", "the code stays", "abroad", "nowhere"],
)
async def test_no_province_is_filled_in_where_it_does_not_follow_with_certainty(
    client: Client, sandbox: Starlette, number: int, changes: dict[str, Any], province: str
) -> None:
    await confirmed(client, await planned(client, [customer_id(number)], changes))
    assert address(sandbox, number)["province"] == province


DOUBTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "nif_wrong_control": (
        {"nif": "B12345678"},
        "nif",
        "la letra o el dígito de control no corresponde",
    ),
    "iban_wrong_control": (
        {"preferred_payment_method": {"iban": "ES9121000418450200051333"}},
        "preferred_payment_method.iban",
        "los dígitos de control del IBAN no cuadran",
    ),
    "address_postal_code_elsewhere": (
        {"address": {"province": "Sevilla"}},
        "address.postal_code",
        '"28" es "Madrid"; "Sevilla" es "41"',
    ),
    "address_postal_code_unknown": (
        {"address": {"postal_code": "99001"}},
        "address.postal_code",
        "ningún código postal español empieza por estas cifras",
    ),
    "name_alike": (
        {"legal_name": "Papeleria Sol y Luna C.B."},
        "legal_name",
        'en BeeL ya está "Papelería Sol y Luna CB" ("E28034171")',
    ),
}


@pytest.mark.parametrize("code", DOUBTS)
async def test_what_is_doubtful_stands_in_the_plan_for_the_person_and_in_the_answer_for_the_model(
    connect: Connect, sandbox: Starlette, code: str
) -> None:
    changes, field, spanish = DOUBTS[code]
    async with connect(language="es") as client:
        plan = await planned(client, [customer_id(2)], changes)
        done = await confirmed(client, plan)
    [remark] = plan["remarks"]
    assert (remark["code"], remark["field"]) == (code, field)
    assert f"Remark ({code}): {remark['message']}" in plan.text
    assert spanish in plan["statement"].split(" Aviso: ")[1]
    assert done["remarks"] == [remark], "nothing is forbidden"
    async with connect() as client:  # in English, and of the state that is now
        again = await planned(client, [customer_id(3)], changes)
        assert " Remark" in again["statement"]


async def test_what_was_doubtful_before_and_does_not_change_is_not_remarked_on(
    client: Client, sandbox: Starlette
) -> None:
    where = json.dumps(address(sandbox, 2) | {"province": "Sevilla"})
    sandbox.state.store.execute(
        "UPDATE customers SET nif = 'B83012741', phone = '1', address = ? WHERE id = ?",
        *(where, customer_id(2)),
    )
    plan = await planned(client, [customer_id(2)], {"email": "nueva@x.example"})
    assert "remarks" not in plan
    assert "Remark" not in plan["statement"]
    assert searches(sandbox) == []


async def test_the_same_doubt_about_several_is_said_once_with_whom_it_is_about(
    client: Client, sandbox: Starlette
) -> None:
    ids = add(sandbox, 3)
    changes = {"preferred_payment_method": {"iban": "ES9121000418450200051333"}}
    plan = await planned(client, ids, changes)
    [remark] = plan["remarks"]
    assert remark["message"].startswith("The IBAN's check digits are wrong"), "it is about all"
    others = await planned(client, [*ids, customer_id(7)], {"address": {"province": "Sevilla"}})
    named = '"Cliente de Prueba 0" and 2 more: The postal code is in another province'
    assert named in others["remarks"][0]["message"]
    assert named in others["statement"]


async def test_remarks_outlive_the_server_that_made_the_plan(
    connect: Connect, sandbox: Starlette
) -> None:
    async with connect() as client:
        plan = await planned(client, [customer_id(2)], DOUBTS["iban_wrong_control"][0])
    async with connect() as client:
        done = await confirmed(client, plan)
    assert done["status"] == "done"
    assert codes(done) == codes(plan) == ["iban_wrong_control"]


async def test_a_doubt_that_came_up_since_is_shown_before_anything_is_sent(
    client: Client, sandbox: Starlette
) -> None:
    plan = await planned(client, [customer_id(2)], {"legal_name": "Talleres Nuevos SL"})
    rename(sandbox, 3, "Taleres Nuevos SL")
    told = await confirmed(client, plan)
    assert told["status"] == "confirmation_required"
    assert told["differences"] == ['"Ferretería La Llave SL" now has other remarks']
    assert codes(told) == ["name_alike"]
    assert row_of(sandbox, customer_id(2))["legal_name"] == "Ferretería La Llave SL"


async def test_a_person_reads_the_remark_in_the_form_and_the_model_gets_it_with_the_outcome(
    connect: Connect, sandbox: Starlette
) -> None:
    person = Person()
    async with connect(answers=person, language="es") as client:
        changes = DOUBTS["iban_wrong_control"][0]
        done = await call(client, TOOL, customer_ids=[customer_id(2)], changes=changes)
    assert "Aviso: los dígitos de control del IBAN no cuadran" in person.questions[0]
    assert codes(done) == ["iban_wrong_control"]


async def test_a_customer_given_in_the_call_is_told_with_what_is_doubtful(
    client: Client, sandbox: Starlette
) -> None:
    told = await call(client, "create_customers", customers=[NEWCOMER])
    assert told["counts"]["created"] == 1
    found = {group["field"]: group["example"] for group in told["problems"]}
    assert found.keys() == {"address.postal_code", "legal_name"}
    assert found["legal_name"]["suggestion"] == "Ferretería La Llave SL, B83012740"
    assert len(searches(sandbox)) == 2


async def test_the_names_of_a_long_list_in_the_call_are_not_looked_up(
    client: Client, sandbox: Starlette
) -> None:
    few, many = ([customer(number) for number in range(*span)] for span in ((1, 11), (20, 31)))
    assert (await call(client, "create_customers", customers=few))["counts"]["created"] == 10
    looked_up = len(searches(sandbox))
    assert 10 <= looked_up <= 20
    assert (await call(client, "create_customers", customers=many))["counts"]["created"] == 11
    assert len(searches(sandbox)) == looked_up


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            'customer in BeeL has nearly the same name: ask whether it is the same ("Ferretería',
        ),
        ("es", 'en BeeL hay un cliente con casi el mismo nombre: compruebe si es el mismo ("Ferre'),
    ],
)
async def test_a_plan_to_create_says_what_is_doubtful(
    connect: Connect, language: str, words: str
) -> None:
    async with connect(confirm_creates=True, language=language) as client:
        plan = await call(client, "create_customers", customers=[NEWCOMER])
        done = await confirmed(client, plan)
    assert words in plan["statement"]
    assert codes(plan) == ["address_postal_code_elsewhere", "duplicate_name_in_beel"]
    assert done["status"] == "done"
    assert codes(done) == codes(plan)


async def test_the_longest_remarks_fit_beside_the_longest_statement(
    client: Client, sandbox: Starlette
) -> None:
    ids = add(sandbox, 40)
    for number, one in enumerate(ids):
        edit(sandbox, "legal_name", "漢字" * 50 if number else "漢" * 100, one)
    edit(sandbox, "address", json.dumps({"postal_code": "41001", "province": "Sevilla"}), ids[0])
    changes = {
        "legal_name": f"{'漢' * 99}字",
        "address": {"province": "Sevilla"},
        "preferred_payment_method": {"iban": "ES9121000418450200051333"},
    }
    nobody = [customer_id(number) for number in range(900, 912)]
    plan = await planned(client, [*ids, *nobody], changes)  # each answer is measured
    assert codes(plan)
    assert plan["more_failed"] == 11


async def test_words_of_others_in_a_remark_stand_in_quotes(
    client: Client, sandbox: Starlette
) -> None:
    rename(sandbox, 3, 'Talleres Nuevos" S.L. \u202e')
    plan = await planned(client, [customer_id(2)], {"legal_name": "Talleres Nuevos SL"})
    assert codes(plan) == ["name_alike"]
    outside = "".join(plan["statement"].split('"')[::2])
    assert plan["statement"].count('"') % 2 == 0
    assert "Talleres" not in outside
