"""A check of a list tells its problems, however many kinds there are and whatever is proposed."""

import json
import random
from typing import Any

import pytest
from mcp import Client

from beel_mcp.lists.model import ROW_STATUSES
from tests.support.customers import customer
from tests.support.people.evidence import call
from tests.test_laws import count_tokens

pytestmark = pytest.mark.anyio

NAMES = (
    "Comunidad de Propietarios Calle del Olmo, 14, de Alcalá de Henares",
    "Müller Werkzeugbau GmbH",
    "Ñandú SL",
    "Ελληνική Εταιρεία",
)
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
