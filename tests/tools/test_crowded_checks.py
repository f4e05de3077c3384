"""A check of a list tells its problems, however many kinds there are and whatever is proposed."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from python_calamine import CalamineWorkbook

from beel_mcp.lists.model import ROW_STATUSES
from tests.conftest import Connect
from tests.support.customers import customer, dni
from tests.support.people.evidence import Told, call
from tests.test_laws import count_tokens

pytestmark = pytest.mark.anyio

NAMES = (
    "Comunidad de Propietarios Calle del Olmo, 14, de Alcalá de Henares",
    "Müller Werkzeugbau GmbH",
    "Ñandú SL",
    "Ελληνική Εταιρεία",
)
EXAMPLES = Path(__file__).parents[2] / "examples"
ABROAD = ("DE136695976", "FR40303265045", "PT501964843")
SPOILED: tuple[dict[str, Any], ...] = (
    {"nif": "12345678A"},
    {"nif": "B12345674"},
    *({"nif": number} for number in ABROAD),
    {"email": "pendiente de que nos lo diga"},
    {"phone": "no tiene"},
    {"website": "ejemplo punto com"},
    {"general_discount": "1.200,50 €"},
    {"preferred_payment_method": {"method": "recibo", "iban": "ES9121000418450200051333"}},
    {"preferred_payment_method": {"payment_term_days": "treinta", "swift": "abc"}},
    {"alternative_id": {"type": "PASSPORT", "number": "X1", "country_code": "FR"}},
    {"notes": "NULL", "trade_name": "N/A"},
    {"legal_name": ""},
    {"address": None},
    {"address": {"street": "Calle Mayor", "postal_code": "08002", "province": "Madrid"}},
    {"address": {"street": "Calle Mayor, 3", "postal_code": "99001", "country": "Freedonia"}},
)


def spoiled(seed: int) -> list[dict[str, Any]]:
    """Make a list of which many rows have one fault, or several."""
    chance = random.Random(seed)
    rows = []
    for number in range(chance.choice([2, 5, 9, 12, 30, 60])):
        row = customer(number, legal_name=f"{chance.choice(NAMES)} {number}")
        for _ in range(chance.choice([0, 1, 1, 2, 3])):
            row |= chance.choice(SPOILED)
        rows.append(row)
    return rows


def named(text: str) -> int:
    """Count the kinds of problems that a text names."""
    kinds = tuple(f"- {kind}, " for kind in ROW_STATUSES)
    return sum(line.startswith(kinds) for line in text.splitlines())


async def unnamed(client: Client, checked: Told) -> set[str]:
    """Give the problems of rows, by kind and field, that a text names nowhere."""
    lines = checked.text.splitlines()
    told = {" in ".join(line[2:].partition(":")[0].split(", ")) for line in lines}
    for line in lines:
        if more := re.fullmatch(r"- and \d+ more kinds? of \w+: (.+)\.", line):
            for part in more[1].split("; "):
                kind, _, fields = part.partition(" in ")
                for field in fields.split(", "):
                    head, dot, parts = field.partition(".")
                    told |= {f"{kind} in {head}{dot}{one}" for one in parts.split("/")}
    found, page, has_more = set(), 0, True
    while has_more:
        page += 1
        one = {"batch_id": checked["batch_id"], "page": page, "limit": 50}
        rows = await call(client, "list_batch_rows", **one)
        has_more = rows["has_more"]
        for row in rows["rows"]:
            faults = row.get("errors") or row.get("warnings") or ()
            found |= {f"{row['kind']} in {fault['field']}" for fault in faults}
    assert found or not checked["counts"]["error"]
    return found - told


async def test_each_problem_of_the_demo_list_is_named_if_only_by_its_field(
    connect: Connect, tmp_path: Path
) -> None:
    (tmp_path / "customers.csv").write_bytes((EXAMPLES / "customers.csv").read_bytes())
    async with connect(import_dirs=(tmp_path,)) as client:
        checked = await call(client, "validate_customers", source_path="customers.csv")
        assert len(checked["problems"]) + checked.get("more_problems", 0) >= 9
        assert await unnamed(client, checked) == set()
    assert "list_batch_rows shows each row" in checked.text


async def test_each_of_many_kinds_of_problem_is_named_if_only_by_its_field(client: Client) -> None:
    for seed in (1, 2, 5):
        checked = await call(client, "validate_customers", customers=spoiled(seed))
        assert await unnamed(client, checked) == set(), checked.text


@pytest.mark.parametrize("columns", [4, 9, 20, 60])
async def test_ignored_columns_are_named_and_those_without_room_are_where_the_text_says(
    connect: Connect, tmp_path: Path, columns: int
) -> None:
    headers = [f"Rareza {number}" for number in range(1, columns + 1)]
    table = [
        ["Nombre", "NIF", *headers],
        *([f"Cliente {n}", dni(n), *(f"valor {n}" for _ in headers)] for n in (1, 2)),
    ]
    (tmp_path / "a.csv").write_text("\n".join(";".join(row) for row in table), encoding="utf-8")
    async with connect(import_dirs=(tmp_path,)) as client:
        checked = await call(client, "validate_customers", source_path="a.csv")
        handle = {"batch_id": checked["batch_id"]}
        saved = await client.call_tool("save_batch_report", handle)
    named = [header for header in headers if re.search(rf"\b{header}\b", checked.text)]
    assert len(named) >= min(columns, 9)
    assert checked.get("more_columns_ignored", 0) == columns - len(named)
    if columns > len(named):
        assert f" and {columns - len(named)} more, in save_batch_report." in checked.text
    sheets = CalamineWorkbook.from_path((saved.structured_content or {})["path"])
    cells = str([sheets.get_sheet_by_name(name).to_python() for name in sheets.sheet_names])
    assert [header for header in headers if header not in cells] == []


@pytest.mark.slow
async def test_problems_are_named_in_the_text_and_the_structure_has_at_most_1000_tokens(
    client: Client,
) -> None:
    faults = []
    for seed in range(60):
        checked = await call(client, "validate_customers", customers=spoiled(seed))
        groups = checked.get("problems") or []
        if named(checked.text) < min(len(groups), 4):
            faults.append(f"list {seed}: {len(groups)} kinds of problem, in words: {checked.text}")
        if passed_over := await unnamed(client, checked):
            faults.append(f"list {seed}: {passed_over} is named nowhere: {checked.text}")
        spent = count_tokens(json.dumps(checked, ensure_ascii=False))
        if spent > 1_000:
            faults.append(f"list {seed}: {spent} tokens")
    assert not faults, "\n".join(faults)


async def test_what_could_be_corrected_leaves_the_problems_their_room(client: Client) -> None:
    rows: list[dict[str, Any]] = [
        {"legal_name": "Uno SL", "nif": "B50000041", "email": "a b"},
        {"legal_name": "Cuatro GmbH", "nif": ABROAD[0]},
        {"legal_name": "Cinco SA", "nif": ABROAD[1]},
        {"legal_name": "Seis SL", "nif": "B12345678", "general_discount": "1.200,50 €"},
        {"legal_name": "Ocho SL", "email": "ocho@@x"},
        customer(1, email=None),
    ]
    checked = await call(client, "validate_customers", customers=rows)
    assert named(checked.text) >= 4, checked.text
    assert [step["tool"] for step in checked["next"]] == ["create_customers", "validate_customers"]


async def test_what_a_wrong_nif_may_be_stands_with_each_row_that_is_blocked_by_something_else(
    client: Client,
) -> None:
    rows = [
        {"legal_name": "Dos SL", "nif": "12345678A"},
        {"legal_name": "Tres SL", "nif": "87654321B"},
    ]
    checked = await call(client, "validate_customers", customers=rows)
    for told in (checked.text, str(checked["problems"])):
        assert "1 (12345678A: the letter would be Z if the rest is right)" in told
        assert "2 (87654321B: the letter would be X if the rest is right)" in told
