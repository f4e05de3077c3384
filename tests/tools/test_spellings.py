"""Words as people write them, through the public door: filters, lists, changes and drafts."""

from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.sandbox.seed import customer_id
from tests.support.customers import customer, dni
from tests.support.deactivations import row_of
from tests.support.invoices import add_invoices
from tests.support.people.evidence import call
from tests.support.updates import OTHER_IBAN, add, updated
from tests.tools.test_create_draft_invoice import LINE, WANTED

pytestmark = pytest.mark.anyio


@pytest.fixture
def era() -> Any:
    """How a value is spelt has nothing to do with the protocol's era."""
    return "auto"


def spellings_of(nif: str) -> list[str]:
    return [
        f"es-{nif}",
        f"{nif[:2]}.{nif[2:5]}.{nif[5:8]}-{nif[8]}".lower(),
        f" {nif[:4]} {nif[4:]}",
    ]


async def test_a_customer_is_found_however_the_nif_is_written(
    client: Client, sandbox: Starlette
) -> None:
    [one] = add(sandbox)
    nif = row_of(sandbox, one)["nif"]
    for argument in ("nif", "search"):
        for written in spellings_of(nif):
            found = await call(client, "find_customers", **{argument: written})
            assert [each["customer_id"] for each in found["customers"]] == [one], written


async def test_one_status_or_several_in_small_letters_are_a_list_of_statuses(
    client: Client, sandbox: Starlette
) -> None:
    add_invoices(sandbox, 3)
    as_list = await call(client, "find_invoices", limit=3, status=["DRAFT"])
    assert as_list["total"] > 0
    for written in ("DRAFT", "draft", ["Draft"], '["DRAFT"]'):
        found = await call(client, "find_invoices", limit=3, status=written)
        assert found["invoices"] == as_list["invoices"], written
    both = await call(client, "find_invoices", limit=3, status="paid, overdue")
    assert (
        both["total"]
        == (await call(client, "find_invoices", limit=3, status=["PAID", "OVERDUE"]))["total"]
    )


async def test_one_id_is_a_list_of_one_and_a_mode_may_have_capitals(
    client: Client, sandbox: Starlette
) -> None:
    [one] = add(sandbox)
    plan = await call(client, "deactivate_customers", customer_ids=one, mode="Inactive")
    assert (plan["status"], plan["count"]) == ("confirmation_required", 1)
    [step] = plan["next"]
    await call(client, step["tool"], **step["arguments"])
    assert row_of(sandbox, one)["active"] == 0


@pytest.mark.parametrize("written", ["01/07/2026", "1/7/2026", "1-7-2026", "2026-07-01"])
async def test_days_are_read_as_spaniards_write_them(client: Client, written: str) -> None:
    found = await call(client, "find_invoices", limit=3, date_from=written, date_to="30.9.2026")
    assert (
        found["total"]
        == (await call(client, "find_invoices", limit=3, quarter="2026-Q3"))["total"]
        > 0
    )


async def test_what_is_no_day_or_two_is_said_with_what_was_given(client: Client) -> None:
    for arguments, words in (
        ({"date_from": "01/02/26"}, '"01/02/26", which could be 2026-02-01 or 2001-02-26'),
        ({"date_to": "2026-13-01"}, '"2026-13-01", which is no day; write it as 2026-07-31'),
        ({"quarter": "Q5 2026"}, '"Q5 2026", which is no quarter; one is written 2026-Q3'),
    ):
        refused = await call(client, "find_invoices", limit=3, **arguments)
        [fault] = refused["field_errors"]
        assert words in fault["message"]


SPANISH_IBAN = "es79 2100 0813 6101 2345 6789"
PAYMENT = "preferred_payment_method"
WORDS: list[tuple[str, Any, Any]] = [
    ("nif", f"es {dni(900)[:8]}-{dni(900)[8].lower()}", dni(900)),
    ("phone", "931.234.567", "931 234 567"),
    ("website", "taller.example", "https://taller.example"),
    (
        PAYMENT,
        {"method": "Domiciliación", "iban": SPANISH_IBAN},
        {"method": "DIRECT_DEBIT", "iban": OTHER_IBAN},
    ),
    (PAYMENT, {"method": "Transferencia"}, {"method": "BANK_TRANSFER"}),
    (PAYMENT, {"method": "efectivo"}, {"method": "CASH"}),
]


def shown(row: dict[str, Any], field: str, wanted: Any) -> Any:
    stored = row[field]
    return {name: stored[name] for name in wanted} if isinstance(wanted, dict) else stored


@pytest.mark.parametrize(("field", "written", "wanted"), WORDS)
async def test_changes_are_written_as_beel_takes_them(
    client: Client, sandbox: Starlette, field: str, written: Any, wanted: Any
) -> None:
    [one] = add(sandbox)
    await updated(client, [one], {PAYMENT: {"method": "recibo"}, "phone": "911 111 111"})
    assert shown(row_of(sandbox, one), PAYMENT, {"method": ""}) == {"method": "DIRECT_DEBIT"}
    done = await updated(client, [one], {field: written, "notes": "x"})
    assert done["counts"]["updated"] == 1
    assert shown(row_of(sandbox, one), field, wanted) == wanted


@pytest.mark.parametrize(("field", "written", "wanted"), WORDS)
async def test_inline_rows_are_written_as_beel_takes_them(
    client: Client, sandbox: Starlette, field: str, written: Any, wanted: Any
) -> None:
    row = customer(7) | {field: written}
    done = await call(client, "create_customers", customers=row)
    [made] = done["created"]
    assert shown(row_of(sandbox, made["customer_id"]), field, wanted) == wanted


async def test_what_was_written_anew_in_an_inline_list_is_told(client: Client) -> None:
    nif = dni(1)
    rows = [customer(1, nif=f"es-{nif}"), customer(2), {"legal_name": "Sin nada"}]
    checked = await call(client, "validate_customers", customers=rows)
    [change] = checked["values_changed"]
    assert (change["field"], change["rows"], change["after"]) == ("nif", [1], nif)
    right = await call(
        client,
        "validate_customers",
        batch_id=checked["batch_id"],
        corrections={"row": 2, "field": "nif", "value": f"es {dni(2).lower()}"},
        drop_rows=3,
    )
    assert right["counts"]["valid"] == right["total"] == 2


async def test_a_draft_takes_whole_numbers_and_a_day_as_people_write_it(client: Client) -> None:
    line = LINE | {"quantity": 2, "tax_rate": 21, "tax_type": "iva"}
    made = await call(
        client,
        "create_draft_invoice",
        **WANTED | {"lines": line, "date": "1/7/2026", "type": "standard"},
    )
    assert (made["status"], made["amount"]) == ("done", "96.56")
    same = LINE | {"quantity": "2", "tax_rate": "21"}
    again = await call(
        client, "create_draft_invoice", **WANTED | {"lines": [same], "date": "2026-07-01"}
    )
    assert (again["replayed"], again["invoice_id"]) == (True, made["invoice_id"])


@pytest.mark.parametrize(
    ("written", "words"),
    [("1.200,50 €", '"1200.50"'), ("1.200", '"1.20" or "1200"'), (1.5, '"1.5"')],
)
async def test_an_amount_that_could_be_two_is_never_guessed(
    client: Client, sandbox: Starlette, written: Any, words: str
) -> None:
    lines = [LINE | {"unit_price": written}]
    refused = await call(client, "create_draft_invoice", customer_id=customer_id(1), lines=lines)
    [fault] = refused["field_errors"]
    assert (fault["field"], words in fault["message"]) == ("lines.0.unit_price", True)
    assert "POST" not in {one["method"] for one in sandbox.state.store.requests()}
