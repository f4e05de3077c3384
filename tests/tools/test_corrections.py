"""validate_customers with corrections and dropped rows: another batch, and nothing else asked."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.lists import batch
from tests.conftest import Connect
from tests.support.customers import customer, dni, foreigner
from tests.tools.test_create_customers import call, created

pytestmark = pytest.mark.anyio


@pytest.fixture
def parts_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask BeeL about three rows at a time, so that few rows make several parts."""
    monkeypatch.setattr(batch, "PART_SIZE", 3)


@pytest.fixture
async def client(connect: Connect, parts_of_three: None) -> AsyncIterator[Client]:
    async with connect() as opened:
        yield opened


def asked(sandbox: Starlette) -> int:
    """Count the requests that asked about rows."""
    return sum(
        call["method"] == "POST" and "bulk" in call["path"]
        for call in sandbox.state.store.requests()
    )


def fix(row: int, field: str, value: str) -> dict[str, Any]:
    return {"row": row, "field": field, "value": value}


async def test_a_corrected_row_makes_a_new_batch_and_only_its_part_is_asked_about_again(
    client: Client, sandbox: Starlette
) -> None:
    rows = [customer(n) for n in range(9)]
    rows[4]["nif"] = rows[4]["nif"][:-1] + "0"
    first = await call(client, "validate_customers", customers=rows)
    assert first["counts"]["valid"] == 8
    assert asked(sandbox) == 3
    good = fix(5, "nif", customer(4)["nif"])
    second = await call(
        client, "validate_customers", batch_id=first["batch_id"], corrections=[good]
    )
    assert asked(sandbox) == 4
    assert second["batch_id"] != first["batch_id"]
    assert second["counts"]["valid"] == second["total"] == 9
    assert second["counts_before"] == first["counts"]
    assert second["summary"].startswith("Corrected 1 value. Checked 9 customers")
    again = await call(client, "validate_customers", batch_id=first["batch_id"])
    assert again["counts"] == first["counts"], "a batch never changes"
    assert asked(sandbox) == 4
    done = await call(client, "create_customers", **second["next"][0]["arguments"])
    assert done["counts"]["created"] == 9
    assert created(sandbox) == [customer(n)["nif"] for n in range(9)]


async def test_dropped_rows_are_gone_and_the_others_keep_their_numbers(
    client: Client, sandbox: Starlette
) -> None:
    rows = [customer(n) for n in range(7)]
    rows[1]["email"] = "nope"
    first = await call(client, "validate_customers", customers=rows)
    second = await call(client, "validate_customers", batch_id=first["batch_id"], drop_rows=[2])
    assert second["total"] == second["counts"]["valid"] == 6
    assert "Dropped 1 row." in second["summary"]
    assert asked(sandbox) == 3, "the bad row was never sent, so the others are asked already"
    listed = await call(client, "list_batch_rows", batch_id=second["batch_id"])
    assert [row["row"] for row in listed["rows"]] == [1, 3, 4, 5, 6, 7]


async def test_a_row_that_repeated_a_corrected_one_is_asked_about_too(
    client: Client, sandbox: Starlette
) -> None:
    rows = [customer(n) for n in range(6)]
    rows[5]["nif"] = rows[0]["nif"]
    first = await call(client, "validate_customers", customers=rows)
    assert first["counts"]["duplicate"] == 1
    number = dni(70)
    second = await call(
        client,
        "validate_customers",
        batch_id=first["batch_id"],
        corrections=[fix(1, "nif", number)],
    )
    assert second["counts"]["duplicate"] == 0
    assert second["importable"] == 6
    assert asked(sandbox) == 4


async def test_a_correction_can_make_a_twin_of_a_row_in_another_part(client: Client) -> None:
    first = await call(client, "validate_customers", customers=[customer(n) for n in range(6)])
    second = await call(
        client,
        "validate_customers",
        batch_id=first["batch_id"],
        corrections=[fix(6, "nif", customer(0)["nif"])],
    )
    assert second["counts"]["duplicate"] == 1
    [group] = [one for one in second["problems"] if one["kind"] == "duplicate"]
    assert group["rows"] == [6]


async def test_an_empty_value_empties_a_field_and_a_nested_one(client: Client) -> None:
    row = customer(1, email="nope", website="nope")
    row["address"]["floor"] = "x" * 300
    first = await call(client, "validate_customers", customers=[row])
    assert first["importable"] == 0
    corrections = [fix(1, "email", ""), fix(1, "website", ""), fix(1, "address.floor", "")]
    second = await call(
        client, "validate_customers", batch_id=first["batch_id"], corrections=corrections
    )
    assert second["importable"] == 1


async def test_several_billing_addresses_come_with_semicolons(
    client: Client, sandbox: Starlette
) -> None:
    corrections = [fix(1, "billing_emails", "uno@example.com; dos@example.com")]
    checked = await call(
        client, "validate_customers", customers=[customer(1)], corrections=corrections
    )
    assert checked["importable"] == 1
    done = await call(client, "create_customers", **checked["next"][0]["arguments"])
    store = sandbox.state.store
    [company, *_] = store.companies()
    found = store.get_customer(company["id"], done["created"][0]["customer_id"])
    assert found["billing_emails"] == ["uno@example.com", "dos@example.com"]


async def test_an_unreadable_correction_makes_an_error_row(client: Client) -> None:
    wrong = [fix(1, "preferred_payment_method.payment_term_days", "a month")]
    checked = await call(client, "validate_customers", customers=[customer(1)], corrections=wrong)
    assert checked["counts"]["error"] == 1
    right = [fix(1, "preferred_payment_method.payment_term_days", "30")]
    mended = await call(
        client, "validate_customers", batch_id=checked["batch_id"], corrections=right
    )
    assert mended["counts"]["error"] == 0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"corrections": [fix(9, "nif", "x")]}, "row 9"),
        ({"drop_rows": [9]}, "row 9"),
        ({"corrections": [fix(1, "nombre_fisca", "x")]}, "did you mean"),
        ({"corrections": [fix(1, "address", "x")]}, "address.street"),
        ({"corrections": [fix(1, "nif", "x"), fix(1, "nif", "y")]}, "twice"),
        ({"corrections": [fix(1, "nif", "x")], "drop_rows": [1]}, "dropped at once"),
    ],
)
async def test_corrections_that_do_not_fit_change_nothing_and_are_named(
    client: Client, sandbox: Starlette, arguments: dict[str, Any], named: str
) -> None:
    checked = await call(client, "validate_customers", customers=[customer(1), customer(2)])
    before = asked(sandbox)
    refused = await call(client, "validate_customers", batch_id=checked["batch_id"], **arguments)
    assert refused["code"] == "invalid_arguments"
    assert named in str(refused["field_errors"])
    assert asked(sandbox) == before


async def test_a_list_of_which_nothing_is_left_is_refused(client: Client) -> None:
    refused = await call(client, "validate_customers", customers=[customer(1)], drop_rows=[1])
    assert refused["code"] == "empty_list"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"batch_id": "bat_x", "customers": [customer(1)]},
        {"batch_id": "bat_x", "source_path": "a.csv"},
        {"batch_id": "bat_x", "sheet": "Hoja1"},
        {"corrections": [fix(1, "nif", "x")]},
    ],
)
async def test_a_list_has_exactly_one_source(client: Client, arguments: dict[str, Any]) -> None:
    refused = await call(client, "validate_customers", **arguments)
    assert refused["code"] == "invalid_arguments"


async def test_a_file_is_corrected_in_the_same_call_and_said_again_after_a_restart(
    connect: Connect, tmp_path: Path
) -> None:
    (tmp_path / "files" / "lista.csv").write_text(
        "nombre_fiscal;nif;email;direccion_calle;direccion_numero;direccion_codigo_postal;"
        "direccion_poblacion;direccion_provincia\n"
        f"Uno SL;{dni(1)};nope;Calle Mayor;1;28001;Madrid;Madrid\n"
        f"Dos SL;{dni(2)};b@example.com;Calle Mayor;2;28001;Madrid;Madrid\n"
    )
    async with connect() as client:
        checked = await call(
            client,
            "validate_customers",
            source_path="lista.csv",
            corrections=[fix(2, "email", "a@example.com")],
            drop_rows=[3],
        )
        assert checked["total"] == checked["importable"] == 1
        for _ in range(20):  # until it is pushed out by others
            await call(client, "validate_customers", customers=[customer(1)])
        gone = await call(client, "validate_customers", batch_id=checked["batch_id"])
        assert gone["code"] == "batch_expired"
        [step] = gone["next"]
        again = await call(client, step["tool"], **step["arguments"])
        assert again["total"] == again["importable"] == 1


async def test_an_account_number_in_a_correction_is_never_shown(
    connect: Connect, tmp_path: Path
) -> None:
    (tmp_path / "files" / "lista.csv").write_text(f"nombre;nif\nUno SL;{dni(1)}\n")
    iban = "ES9121000418450200051332"
    async with connect() as client:
        result = await client.call_tool(
            "validate_customers",
            {
                "source_path": "lista.csv",
                "corrections": [fix(2, "preferred_payment_method.iban", iban)],
            },
        )
        batch_id = (result.structured_content or {})["batch_id"]
        for _ in range(20):
            await call(client, "validate_customers", customers=[customer(1)])
        gone = await client.call_tool("validate_customers", {"batch_id": batch_id})
    assert iban not in str(result) + str(gone)


async def test_what_was_created_from_a_list_is_never_created_from_its_corrected_form(
    client: Client, sandbox: Starlette
) -> None:
    rows = [foreigner(1), foreigner(2), customer(3, email="nope")]
    first = await call(client, "validate_customers", customers=rows)
    [step, *_] = first["next"]
    assert step["arguments"]["skip_problems"] is True
    done = await call(client, "create_customers", **step["arguments"])
    assert done["counts"]["created"] == 2
    second = await call(
        client,
        "validate_customers",
        batch_id=first["batch_id"],
        corrections=[fix(3, "email", "c@example.com"), fix(1, "phone", "")],
    )
    assert second["counts"]["duplicate"] == 2
    assert second["importable"] == 1
    assert "already been created" in second["problems"][0]["message"]
    ids = {row["customer_id"] for row in done["created"]}
    assert second["problems"][0]["example"]["existing_customer_id"] in ids
    rest = await call(client, "create_customers", **second["next"][0]["arguments"])
    assert rest["counts"] == {
        **dict.fromkeys(("refused", "unknown", "not_attempted"), 0),
        "created": 1,
        "skipped": 2,
    }
    assert len(created(sandbox)) == 3


async def test_a_row_mended_into_the_twin_that_is_dropped_is_asked_about_itself(
    client: Client,
) -> None:
    rows = [customer(1), customer(1, email="nope"), customer(2)]
    first = await call(client, "validate_customers", customers=rows)
    assert first["counts"]["error"] == 1
    second = await call(
        client,
        "validate_customers",
        batch_id=first["batch_id"],
        corrections=[fix(2, "email", rows[0]["email"])],
        drop_rows=[1],
    )
    assert second["counts"]["valid"] == second["total"] == 2


async def test_a_row_dropped_twice_is_counted_once(client: Client) -> None:
    first = await call(client, "validate_customers", customers=[customer(1), customer(2)])
    second = await call(client, "validate_customers", batch_id=first["batch_id"], drop_rows=[2, 2])
    assert second["summary"].startswith("Dropped 1 row. Checked 1 customer")


async def test_a_field_named_as_its_column_is_understood_and_the_fields_are_named(
    client: Client,
) -> None:
    batch_id = (await call(client, "validate_customers", customers=[customer(1)]))["batch_id"]
    wrong = [fix(1, "Correo electrónico", "a@example.com"), fix(1, "zzz", "x")]
    refused = await client.call_tool(
        "validate_customers", {"batch_id": batch_id, "corrections": wrong}
    )
    text = refused.content[0].text
    assert 'unknown field "Correo electrónico"; did you mean email?' in text
    assert 'unknown field "zzz"\n' in text
    assert "Fields: legal_name, nif, alternative_id.type" in text
    assert "address.city" in text


async def test_a_row_that_was_dropped_is_said_to_be_missing_though_its_neighbours_are_there(
    client: Client,
) -> None:
    rows = [customer(n) for n in range(4)]
    checked = await call(client, "validate_customers", customers=rows, drop_rows=[2])
    refused = await call(
        client,
        "validate_customers",
        batch_id=checked["batch_id"],
        corrections=[fix(2, "email", ""), fix(9, "email", "")],
    )
    messages = [one["message"] for one in refused["field_errors"]]
    assert messages == [
        "is not in the list: it was dropped or empty",
        "is not in the list, whose rows are 1 to 4",
    ]


async def test_twins_of_different_rows_are_one_problem_that_names_no_single_row(
    client: Client,
) -> None:
    rows = [customer(n) for n in range(6)]
    rows[4]["nif"], rows[5]["nif"] = rows[0]["nif"], rows[1]["nif"]
    checked = await call(client, "validate_customers", customers=rows)
    [group] = [one for one in checked["problems"] if one["kind"] == "duplicate"]
    assert group["rows"] == [5, 6]
    assert group["message"] == "The same identifier is already in an earlier row of the list."
    assert group["example"]["suggestion"] == "row 1 has it"
    listed = await call(client, "list_batch_rows", batch_id=checked["batch_id"], kind="duplicate")
    assert [row["errors"][0]["suggestion"] for row in listed["rows"]] == [
        "row 1 has it",
        "row 2 has it",
    ]


async def test_rows_that_were_created_are_told_apart_from_those_that_cannot_be(
    client: Client,
) -> None:
    rows = [customer(1), customer(2), customer(3, email="nope")]
    first = await call(client, "validate_customers", customers=rows)
    await call(client, "create_customers", **first["next"][0]["arguments"])
    mended = [fix(3, "email", "c@example.com")]
    second = await call(
        client, "validate_customers", batch_id=first["batch_id"], corrections=mended
    )
    assert "1 can be created, 2 were created already, 0 cannot" in second["summary"]
    assert second["next"][0]["reason"] == "creates the 1 that are left; ask the person first"


async def test_passports_with_one_number_from_two_countries_are_two_people(client: Client) -> None:
    rows = [foreigner(n) for n in range(4)]
    other = {**rows[0]["alternative_id"], "country_code": "FR"}
    rows[3]["alternative_id"] = other
    answer = await call(client, "validate_customers", customers=rows)
    assert answer["counts"]["duplicate"] == 0
    rows[3]["alternative_id"] = rows[0]["alternative_id"]
    again = await call(client, "validate_customers", customers=rows)
    assert again["counts"]["duplicate"] == 1
