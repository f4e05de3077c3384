"""VAT numbers and other documents: written as BeeL takes them, or told with the way out."""

from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.messages import read_data
from beel_mcp.sandbox import SandboxOptions, create_app
from tests.conftest import Connect
from tests.support.customers import customer, dni
from tests.support.deactivations import crowd, row_of
from tests.support.people.evidence import Told, call
from tests.support.updates import add, confirmed, planned
from tests.support.vat_numbers import NORTHERN_IRELAND, VAT_NUMBERS, national

pytestmark = pytest.mark.anyio

STATES = sorted(VAT_NUMBERS)
LINE = {"description": "Horas", "quantity": "1", "unit_price": "40", "tax_rate": "21"}


@pytest.fixture
def era() -> Any:
    """What a list says has nothing to do with the protocol's era."""
    return "auto"


def abroad(row_number: int, /, **document: str) -> dict[str, Any]:
    row = customer(row_number, alternative_id=document)
    del row["nif"]
    return row


async def checked(client: Client, *rows: dict[str, Any]) -> Told:
    return await call(client, "validate_customers", customers=list(rows))


async def told(client: Client, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Check customers; give what is told of them all, row by row and errors first."""
    batch = (await checked(client, *rows))["batch_id"]
    listed = await call(client, "list_batch_rows", batch_id=batch, limit=50)
    assert len(listed["rows"]) == len(rows)
    return [
        one for row in listed["rows"] for one in (*row.get("errors", ()), *row.get("warnings", ()))
    ]


async def documents(client: Client, sandbox: Starlette, batch: Told) -> list[dict[str, Any]]:
    """Create what was checked; give the new documents as the sandbox has them."""
    [step] = batch["next"]
    before = {one["customer_id"] for one in sandbox.state.store.ledger()}
    await call(client, step["tool"], **step["arguments"])
    made = [one["customer_id"] for one in sandbox.state.store.ledger()]
    return [row_of(sandbox, one)["alternative_id"] for one in made if one not in before]


@pytest.mark.parametrize("given", ["bare", "with the code", "whole"])
async def test_a_vat_number_of_every_country_is_sent_with_its_prefix(
    client: Client, sandbox: Starlette, given: str
) -> None:
    shapes = {
        "bare": national,
        "with the code": lambda country: f"{country} {national(country)}",
        "whole": VAT_NUMBERS.__getitem__,
    }
    rows = [
        abroad(n, type="NIF_IVA", number=shapes[given](country).lower(), country_code=country)
        for n, country in enumerate(STATES)
    ]
    batch = await checked(client, *rows)
    assert batch["counts"]["valid"] == len(STATES), batch.text
    assert await documents(client, sandbox, batch) == [
        {"type": "NIF_IVA", "number": VAT_NUMBERS[country], "country_code": country}
        for country in STATES
    ]


@pytest.mark.parametrize("prefix", ["own", "code"])
async def test_one_in_the_column_of_the_nif_is_created_by_the_calls_that_are_proposed(
    client: Client, sandbox: Starlette, prefix: str
) -> None:
    texts = {
        country: VAT_NUMBERS[country] if prefix == "own" else country + national(country)
        for country in STATES
    }
    for n, country in enumerate(STATES):
        batch = await checked(client, customer(n, nif=texts[country]))
        [step] = batch["next"]
        right = await call(client, step["tool"], **step["arguments"])
        assert right["counts"]["valid"] == 1, right.text
        assert await documents(client, sandbox, right) == [
            {"type": "NIF_IVA", "number": VAT_NUMBERS[country], "country_code": country}
        ]


async def test_no_country_outside_of_the_union_is_proposed_a_vat_number(client: Client) -> None:
    others = sorted(read_data("countries").keys() - VAT_NUMBERS.keys())
    number = national("DE")
    rows = [customer(n, nif=f"{code}{number}") for n, code in enumerate((*others, "XI"))]
    assert len(others) > 200
    batch = await checked(client, *rows, customer(300, nif=NORTHERN_IRELAND))
    steps = [one["tool"] for one in batch.get("next", ())]
    assert "validate_customers" not in steps
    assert "NIF_IVA" not in batch.text


async def test_no_country_outside_of_the_union_can_have_one(client: Client) -> None:
    others = sorted({*read_data("countries"), "XI"} - VAT_NUMBERS.keys() - {"ES"})
    rows = [abroad(n, type="NIF_IVA", number="1", country_code=one) for n, one in enumerate(others)]
    batch = await checked(client, *rows)
    [group] = batch["problems"]
    assert (group["kind"], group["count"]) == ("error", len(others))
    assert "member states" in group["message"]


WRONG = [
    (
        {"type": "NIF_IVA", "number": "B50000041", "country_code": "ES"},
        ("alternative_id", "For Spain, only PASSPORT or NOT_REGISTERED can be given."),
        "nif B50000041, in place of alternative_id",
    ),
    (
        {"type": "NOT_REGISTERED", "number": dni(1), "country_code": "DE"},
        ("alternative_id", "NOT_REGISTERED is for country_code ES only."),
        "type OTHER_DOCUMENT, if the country is right",
    ),
    (
        {"type": "NOT_REGISTERED", "number": "B50000041", "country_code": "ES"},
        ("alternative_id", "NOT_REGISTERED takes a DNI or NIE with its letter"),
        None,
    ),
    (
        {"type": "NOT_REGISTERED", "number": "12345678A"},
        ("alternative_id", "NOT_REGISTERED takes a DNI or NIE with its letter"),
        "12345678A: the letter would be Z if the rest is right",
    ),
    (
        {"type": "OTHER_DOCUMENT", "number": "X1"},
        ("alternative_id.country_code", "The country is missing"),
        None,
    ),
    (
        {"type": "NIF_IVA", "number": "136695976"},
        ("alternative_id.country_code", "The country is missing"),
        None,
    ),
    (
        {"type": "NIF_IVA", "number": NORTHERN_IRELAND, "country_code": "GB"},
        ("alternative_id", "NIF_IVA is for the other member states"),
        "type OTHER_DOCUMENT, if the country is right",
    ),
    (
        {"type": "NIF_IVA", "number": "FR40303265045", "country_code": "MC"},
        ("alternative_id", "NIF_IVA is for the other member states"),
        "country_code FR, whose number it is",
    ),
    (
        {"type": "NIF_IVA", "number": "FR40303265045", "country_code": "DE"},
        ("alternative_id", "Not the form of its country's VAT numbers"),
        "country_code FR, whose number it is",
    ),
    (
        {"type": "NIF_IVA", "number": "FR12", "country_code": "FR"},
        ("alternative_id", "Not the form of its country's VAT numbers"),
        None,
    ),
]


@pytest.mark.parametrize(("document", "said", "hint"), WRONG)
async def test_a_document_that_beel_refuses_is_told_in_our_words_with_what_may_be_meant(
    client: Client, document: dict[str, str], said: tuple[str, str], hint: str | None
) -> None:
    batch = await checked(client, abroad(1, **document))
    assert batch["counts"]["error"] == 1
    [fault] = await told(client, abroad(1, **document))
    assert (fault["field"], fault.get("suggestion")) == (said[0], hint)
    assert fault["message"].startswith(said[1])


async def test_a_mistyped_vat_number_and_a_passport_of_no_country_are_doubts(
    client: Client,
) -> None:
    mistyped = abroad(1, type="NIF_IVA", number="DE123456789", country_code="DE")
    passport = abroad(2, type="PASSPORT", number="X1")
    batch = await checked(client, mistyped, passport)
    assert batch["counts"]["warning"] == 2
    said = [one["message"] for one in await told(client, mistyped, passport)]
    assert said[0].startswith("The VAT number's check digits are not right for its country")
    assert said[1] == "Without country_code, BeeL takes a passport to be Spanish."


async def test_what_was_written_anew_is_told(client: Client) -> None:
    batch = await checked(client, abroad(1, type="vat", number="el 094.259.216"))
    changes = {one["field"]: (one.get("before"), one["after"]) for one in batch["values_changed"]}
    assert changes == {
        "alternative_id.type": ("vat", "NIF_IVA"),
        "alternative_id.number": ("el 094.259.216", "EL094259216"),
        "alternative_id.country_code": (None, "GR"),
    }


async def test_a_change_of_a_customer_is_written_so_too_and_a_doubtful_one_has_a_remark(
    client: Client, sandbox: Starlette
) -> None:
    [one] = add(sandbox)
    document = {"type": "NIF_IVA", "number": "094 259 216", "country_code": "EL"}
    await confirmed(client, await planned(client, [one], {"alternative_id": document}))
    right = {"type": "NIF_IVA", "number": "EL094259216", "country_code": "GR"}
    assert row_of(sandbox, one)["alternative_id"] == right
    plan = await planned(client, [one], {"alternative_id": {**document, "country_code": "CH"}})
    [remark] = plan["remarks"]
    assert remark["code"] == "foreign_vat_of_no_member"
    refused = await confirmed(client, plan)
    [failed] = refused["failed"]
    assert failed["code"] == "ALTERNATIVE_ID_VAT_REQUIRES_EU_COUNTRY"
    assert "OTHER_DOCUMENT" in failed["remedy"]
    assert row_of(sandbox, one)["alternative_id"] == right


async def test_a_draft_for_a_customer_with_an_old_document_says_what_is_wrong_with_it(
    client: Client, sandbox: Starlette
) -> None:
    old = {"type": "02", "number": "094259216", "country_code": "GR"}
    [one] = crowd(sandbox, 1, nif=None, alternative_id=old)
    made = await call(client, "create_draft_invoice", customer_id=one, lines=[LINE])
    assert [remark["code"] for remark in made["remarks"]] == ["foreign_vat_shape"]
    assert "EL094259216" in made.text


async def test_a_beel_of_the_first_pages_takes_what_it_took(connect: Connect) -> None:
    old = create_app(SandboxOptions(generation="legacy"))
    row = abroad(1, type="NIF_IVA", number="DE123456789", country_code="CH")
    async with connect(old, routes="flat") as client:
        batch = await checked(client, row)
        assert batch["counts"]["warning"] == 1
        assert len(await documents(client, old, batch)) == 1
