"""Free text of BeeL or of a list reads as data: in an answer it stands in quotes, on one line."""

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import pytest
from mcp import Client
from mcp.types import TextContent
from starlette.applications import Starlette

from beel_mcp.cleaning import clean
from beel_mcp.sandbox import create_app
from beel_mcp.sandbox.seed import customer_id, invoice_id
from beel_mcp.settings import Settings
from tests.conftest import Connect
from tests.support.customers import customer
from tests.support.hostile.canaries import IBANS, seen_in_answer
from tests.support.hostile.payloads import MARK, PAYLOADS

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

FIRST = 10
# All payloads are tried in many fields in CI; the first of them, and all by night, in every field.
EVERY = [
    pytest.param(payload, marks=[pytest.mark.nightly] if at >= FIRST else [], id=str(at))
    for at, payload in enumerate(PAYLOADS)
]
TEXTS = {
    # The name of one's own company stands as it is before every statement.
    "companies": ("business_display_name",),
    "customers": (
        *("legal_name", "trade_name", "nif", "phone", "email", "website", "contact_person"),
        *("notes", "billing_emails", "alternative_id", "address", "preferred_payment_method"),
    ),
    "invoices": ("series", "invoice_number", "notes", "void_reason"),
}
WRAPPED = {
    "billing_emails": lambda text: [text],
    "alternative_id": lambda text: {"type": text, "number": text, "country_code": text},
    "address": lambda text: dict.fromkeys(("street", "city", "province", "country"), text),
    "preferred_payment_method": lambda text: {"method": text, "iban": text},
}
CALLS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("get_status", {}),
    ("find_customers", {"limit": 8}),
    ("find_customers", {"search": "taller"}),
    ("find_customers", {"customer_id": customer_id(1)}),
    ("find_customers", {"missing": ["email"], "has_invoices": True}),
    ("find_invoices", {"limit": 8}),
    *(
        ("find_invoices", {"group_by": group, "limit": 5})
        for group in ("status", "month", "customer", "tax_rate")
    ),
    ("find_invoices", {"customer_id": customer_id(1)}),
    ("deactivate_customers", {"customer_ids": [customer_id(1), customer_id(10)], "mode": "delete"}),
    ("update_customers", {"customer_ids": [customer_id(1)], "changes": {"phone": "600111222"}}),
    ("delete_draft_invoice", {"invoice_ids": [invoice_id(number) for number in range(1, 30)]}),
    ("download_invoices_zip", {"invoice_ids": [invoice_id(number) for number in range(1, 12)]}),
    ("check_operation", {}),
)


def spoil(app: Starlette, table: str, column: str, *texts: str) -> None:
    """Put texts into one column of every row, in turn."""
    for at, text in enumerate(texts):
        value = json.dumps(WRAPPED[column](text)) if column in WRAPPED else text
        change = f"UPDATE {table} SET {column} = ? WHERE rowid % ? = ?"
        app.state.store.execute(change, value, len(texts), at)


def spoil_all(app: Starlette, texts: Sequence[str]) -> None:
    for table, columns in TEXTS.items():
        for shift, column in enumerate(columns):
            at = shift % len(texts)
            spoil(app, table, column, *texts[at:], *texts[:at])


def outside_of_quotes(text: str) -> str:
    return re.sub(r'"[^"\n]*"', "", text)


def in_answer(text: str, where: str) -> list[str]:
    """Say what of a payload reads as words of ours."""
    bare = outside_of_quotes(text).casefold().replace("\uff58\uff51\uff5a\uff56\uff4b\uff4a", MARK)
    lines = [line for line in bare.splitlines() if MARK in line]
    seen = ["something invisible"] if set(text) & set("\u202e\u200b\x1b\U000e0041") else []
    return [f"{where}: {line[:160]}" for line in [*lines[:1], *seen]]


async def told(client: Client, tool: str, arguments: dict[str, Any]) -> str:
    block = (await client.call_tool(tool, arguments)).content[0]
    assert isinstance(block, TextContent)
    return block.text


async def faults_of_answers(connect: Connect, app: Starlette) -> list[str]:
    async with connect(app) as client:
        return [
            fault
            for tool, arguments in CALLS
            for fault in in_answer(await told(client, tool, arguments), tool)
        ]


@pytest.mark.parametrize("payload", EVERY)
async def test_no_text_of_beel_stands_outside_of_quotes(connect: Connect, payload: str) -> None:
    app = create_app()
    spoil_all(app, [payload])
    faults = await faults_of_answers(connect, app)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("at", range(FIRST, len(PAYLOADS), 11))
async def test_no_text_of_many_kinds_in_one_beel_stands_outside_of_quotes(
    connect: Connect, at: int
) -> None:
    app = create_app()
    spoil_all(app, PAYLOADS[at : at + 11])
    faults = await faults_of_answers(connect, app)
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("at", range(0, len(IBANS), 5))
async def test_no_bank_account_in_any_text_of_beel_reaches_an_answer(
    connect: Connect, at: int
) -> None:
    app = create_app()
    spoil_all(app, IBANS[at : at + 5])
    async with connect(app) as client:
        for tool, arguments in CALLS:
            result = await client.call_tool(tool, arguments)
            assert not [*seen_in_answer(result.model_dump_json())], (tool, arguments)


@pytest.mark.parametrize("column", ["type", "status"])
async def test_no_unknown_word_of_beel_stands_outside_of_quotes(
    connect: Connect, column: str
) -> None:
    app = create_app()
    spoil(app, "invoices", column, PAYLOADS[0])  # alone, as much hangs on it
    faults = await faults_of_answers(connect, app)
    assert not faults, "\n".join(faults)


FIELDS = (
    *("legal_name", "trade_name", "nif", "phone", "email", "website", "contact_person", "notes"),
    *("billing_emails", "alternative_id", "address", "preferred_payment_method"),
)


def list_calls(field: str, payload: str) -> list[tuple[str, dict[str, Any]]]:
    value = WRAPPED[field](payload) if field in WRAPPED else payload
    rows = [{**customer(1), field: value}, {**customer(2), "x" + payload: "1"}]
    changes = {"customer_ids": [customer_id(1)], "changes": {field: value}}
    return [
        ("validate_customers", {"customers": rows}),
        ("create_customers", {"customers": rows[:1]}),
        ("update_customers", changes),
        ("find_customers", {"search": payload}),
    ]


async def faults_of_list(client: Client, field: str, payload: str) -> list[str]:
    return [
        fault
        for tool, arguments in list_calls(field, payload)
        for fault in in_answer(await told(client, tool, arguments), f"{field} in {tool}")
    ]


@pytest.mark.parametrize("payload", EVERY)
async def test_no_text_of_a_list_stands_outside_of_quotes(
    connect: Connect, settings: Settings, payload: str
) -> None:
    async with connect() as client:
        faults = [one for field in FIELDS for one in await faults_of_list(client, field, payload)]
        (settings.files_dir / "a.csv").write_text(f'nif;nombre_fiscal\n1;"{payload}"\n')
        for name in ("a.csv", payload):
            text = await told(client, "validate_customers", {"source_path": name})
            faults += in_answer(text, f"{name} as a file")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("at", range(FIRST, len(PAYLOADS), len(FIELDS)))
async def test_no_text_of_many_kinds_in_one_list_stands_outside_of_quotes(
    connect: Connect, at: int
) -> None:
    async with connect() as client:
        kinds = zip(FIELDS, PAYLOADS[at:], strict=False)
        faults = [one for kind in kinds for one in await faults_of_list(client, *kind)]
    assert not faults, "\n".join(faults)


def test_there_are_60_kinds_and_each_has_the_mark_that_is_looked_for() -> None:
    assert len(set(PAYLOADS)) >= 60
    for payload in PAYLOADS:
        plain = unicodedata.normalize("NFKC", clean(payload, 9_000)).casefold()
        assert MARK in plain, ascii(payload)
