"""What a 500-row validation costs the model, in o200k tokens."""

import json

import pytest
from mcp import Client
from rs_bpe.bpe import openai

from tests.support.customers import FAULTS, customer

# Deterministic, so it runs with every change and not only on demand.
pytestmark = pytest.mark.anyio
TOKENS = openai.o200k_base()


async def test_500_rows_are_summed_up_in_600_tokens_of_text_and_1000_of_structure(
    client: Client,
) -> None:
    rows = [customer(number) for number in range(500)]
    for number in range(0, 500, 7):
        rows[number]["nif"] = "12345678A"
    for number in range(1, 500, 7):
        rows[number].pop("email")
    for number in range(2, 500, 7):
        rows[number]["phone"] = "call me"
    for number in range(3, 500, 7):
        rows[number]["address"]["postal_code"] = "99999"
    for number in range(4, 500, 7):
        rows[number]["legal_name"] = ""
    for number in range(5, 500, 7):
        rows[number]["email"] = f"someone{number} at example"
    result = await client.call_tool("validate_customers", {"customers": rows})
    structure = result.structured_content or {}
    text = result.content[0].text
    spent = TOKENS.count(text), TOKENS.count(json.dumps(structure, ensure_ascii=False))
    print(f"text {spent[0]} tokens, structure {spent[1]} tokens")
    assert structure["total"] == 500
    assert spent[0] <= 600
    assert spent[1] <= 1_000


LONG = "Construcciones y Contratas Hermanos Fernández de la Vega y Compañía"


async def test_the_worst_lists_stay_within_the_same_bounds_and_a_creation_does(
    client: Client,
) -> None:
    rows = [customer(number, legal_name=f"{LONG} {number}") for number in range(480)]
    rows += [
        customer(600 + n, **{"legal_name": LONG, **fault})
        for n, fault in enumerate([*FAULTS, {"email": None}])
    ]
    checked = await client.call_tool("validate_customers", {"customers": rows})
    [step, *_] = (checked.structured_content or {})["next"]
    made = await client.call_tool(step["tool"], step["arguments"])
    assert (made.structured_content or {})["counts"]["created"] == 481
    for result in (checked, made):
        assert len(result.content[0].text) <= 1_500
        assert TOKENS.count(json.dumps(result.structured_content, ensure_ascii=False)) <= 1_000
