"""list_batch_rows: every row with every problem, in pages that fit an answer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client

from beel_mcp.answers.batch_rows import rows_answer
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.model import Problem, Row, Verdict
from beel_mcp.messages import verbatim
from tests.conftest import Connect
from tests.support.customers import FAULTS, customer
from tests.tools.test_create_customers import batch_of, call

pytestmark = pytest.mark.anyio


async def every_row(client: Client, **arguments: Any) -> list[dict[str, Any]]:
    """Follow the pages to the last."""
    rows: list[dict[str, Any]] = []
    for _ in range(100):
        result = await client.call_tool("list_batch_rows", arguments)
        answer = result.structured_content or {}
        assert len(result.content[0].text) <= 6_000
        for row in answer["rows"]:
            assert f"row {row['row']} " in result.content[0].text
        rows += answer["rows"]
        if not answer["has_more"]:
            assert len(rows) == answer["total"]
            return rows
        [step] = answer["next"]
        assert step["tool"] == "list_batch_rows"
        arguments = step["arguments"]
    raise AssertionError("the pages do not end")


async def test_every_row_is_listed_once_in_order_with_its_class(client: Client) -> None:
    batch_id = await batch_of(client, *(customer(n) for n in range(45)))
    rows = await every_row(client, batch_id=batch_id)
    assert [row["row"] for row in rows] == list(range(1, 46))
    assert {row["kind"] for row in rows} == {"valid"}


async def test_every_error_and_suggestion_of_a_row_is_told(client: Client) -> None:
    row = customer(1, email="nope", phone="call me", website="nope")
    wrong = customer(2, nif="12345678A")
    batch_id = await batch_of(client, row, wrong, customer(3))
    [first] = await every_row(client, batch_id=batch_id, kind="error")
    assert {fault["field"] for fault in first["errors"]} == {"email", "phone", "website"}
    [second] = await every_row(client, batch_id=batch_id, kind="nif_invalid")
    assert second["errors"][0]["suggestion"].startswith("12345678A")
    assert second["nif"] == "12345678A"


async def test_rows_full_of_problems_fill_more_pages_and_none_is_cut(client: Client) -> None:
    rows = []
    for n in range(50):
        faults = {key: value for fault in FAULTS for key, value in fault.items() if key != "nif"}
        rows.append(customer(n, **faults | {"trade_name": "y" * 200}))
    batch_id = await batch_of(client, *rows)
    listed = await every_row(client, batch_id=batch_id, limit=50)
    assert [row["row"] for row in listed] == list(range(1, 51))
    assert all(len(row["errors"]) >= 4 for row in listed)


async def test_an_account_number_is_masked(client: Client) -> None:
    iban = "ES0021000418450200051332"
    row = customer(1, preferred_payment_method={"method": "BANK_TRANSFER", "iban": iban})
    batch_id = await batch_of(client, row)
    result = await client.call_tool("list_batch_rows", {"batch_id": batch_id})
    assert iban not in str(result)


async def test_a_page_after_the_last_is_empty_and_says_so(client: Client) -> None:
    batch_id = await batch_of(client, customer(1))
    answer = await call(client, "list_batch_rows", batch_id=batch_id, page=3)
    assert answer["rows"] == []
    assert answer["has_more"] is False
    assert "empty" in answer["summary"]


async def test_a_batch_that_is_gone_is_said_to_be_expired(connect: Connect) -> None:
    async with connect() as client:
        answer = await call(client, "list_batch_rows", batch_id="bat_unknown")
    assert answer["code"] == "batch_expired"
    assert answer["changed"] == "nothing"


@given(
    st.lists(st.lists(st.integers(1, 300), max_size=6), min_size=1, max_size=60),
    st.integers(1, 50),
)
def test_pages_hold_every_row_once_whatever_its_problems(
    lengths: list[list[int]], limit: int
) -> None:
    rows = tuple(Row(n, {"legal_name": "x" * 70}) for n in range(1, len(lengths) + 1))
    verdicts = {
        number: Verdict(
            "error", tuple(Problem(f"f{i}", verbatim("m" * size)) for i, size in enumerate(sizes))
        )
        for number, sizes in enumerate(lengths, 1)
    }
    batch = Batch("local", "inline", rows).judged(verdicts)
    seen: list[int] = []
    page = 1
    while True:
        answer = rows_answer(batch, None, page, limit)
        seen += [row.row for row in answer.rows or ()]
        assert len(answer.rows or ()) <= limit
        assert len(answer.text()) <= 5_850
        for row in answer.rows or ():
            assert row.line() in answer.text()
        if not answer.has_more:
            break
        page += 1
    assert seen == list(range(1, len(lengths) + 1))


async def test_a_page_behind_the_last_leads_back_to_the_first(client: Client) -> None:
    batch_id = (
        await client.call_tool("validate_customers", {"customers": [customer(1)]})
    ).structured_content["batch_id"]
    answer = await client.call_tool("list_batch_rows", {"batch_id": batch_id, "page": 9})
    [step] = answer.structured_content["next"]
    assert step["arguments"] == {"batch_id": batch_id, "page": 1, "limit": 20}
    none = await client.call_tool("list_batch_rows", {"batch_id": batch_id, "kind": "error"})
    assert "next" not in none.structured_content


async def test_a_page_behind_every_list_is_empty(client: Client) -> None:
    batch_id = await batch_of(client, customer(1))
    for page in (2, 10**12, 10**30):
        result = await client.call_tool("list_batch_rows", {"batch_id": batch_id, "page": page})
        answer = result.structured_content or {}
        assert (answer["status"], answer.get("rows") or []) == ("done", [])
