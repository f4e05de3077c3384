"""Links to pages in answers: what the person may look at, and what it costs the model."""

from typing import Any

import pytest

from tests.conftest import Connect
from tests.support.customers import customer
from tests.support.people.forms import call
from tests.support.people.visitor import Visitor
from tests.test_laws import count_tokens

pytestmark = pytest.mark.anyio
ROWS = [customer(1), customer(2, nif="B00000000"), customer(3, email="nobody")]


async def seen(link: str) -> Visitor:
    visitor = await Visitor().open(link)
    assert visitor.status == 200
    return visitor


async def test_a_checked_list_and_its_rows_have_a_page(connect: Connect) -> None:
    async with connect(view=True) as client:
        batch = await call(client, "validate_customers", customers=ROWS)
        rows = await call(client, "list_batch_rows", batch_id=batch["batch_id"])
        assert batch["view"] != rows["view"]
        for told in (batch, rows):
            page = await seen(told["view"])
            assert ROWS[0]["legal_name"] in page.page
            assert batch["batch_id"] in page.page


async def test_what_the_person_corrects_on_the_page_is_told_by_the_next_call(
    connect: Connect,
) -> None:
    async with connect(view=True) as client:
        batch = await call(client, "validate_customers", customers=ROWS)
        visitor = await seen(batch["view"])
        fields = {name: one.get("value", "") for name, one in visitor.seen.fields.items()}
        [typed] = [name for name, value in fields.items() if value == "nobody"]
        sent = {name: value for name, value in fields.items() if "drop" not in name}
        await visitor.send("corrections", **{**sent, typed: "alguien@example.com"})
        old = await call(client, "list_batch_rows", batch_id=batch["batch_id"])
        assert old["superseded_by"] != batch["batch_id"]
        new = await call(client, "list_batch_rows", batch_id=old["superseded_by"])
        assert {row["row"]: row["kind"] for row in new["rows"]}[3] == "valid"


async def test_a_package_has_a_page(connect: Connect) -> None:
    async with connect(view=True) as client:
        package = await call(client, "download_invoices_zip", quarter="2026-Q3")
        page = await seen(package["view"])
        assert package["invoiced"]["total"].split(".")[0][-3:] in page.page


async def test_no_link_is_in_an_answer_where_the_operator_wants_none(connect: Connect) -> None:
    async with connect() as client:
        for tool, arguments in (
            ("validate_customers", {"customers": ROWS}),
            ("download_invoices_zip", {"quarter": "2026-Q3"}),
        ):
            assert "view" not in await call(client, tool, **arguments)


async def test_a_link_is_named_in_the_text_and_opens_once(connect: Connect) -> None:
    async with connect(view=True) as client:
        result = await client.call_tool("validate_customers", {"customers": ROWS})
        [text] = [block.text for block in result.content if block.type == "text"]
        told: Any = result.structured_content
        assert told["view"] in text
        await seen(told["view"])
        assert (await Visitor().open(told["view"])).status == 404


async def test_answers_with_a_link_stay_within_their_tokens(connect: Connect) -> None:
    rows = [customer(1)] + [
        {**customer(number), "email": "x" * number, "phone": "1" * number, "nif": f"B{number}"}
        for number in range(2, 40)
    ]
    async with connect(view=True) as client:
        for tool, arguments in (
            ("validate_customers", {"customers": rows}),
            ("download_invoices_zip", {"date_from": "2020-01-01", "date_to": "2026-12-31"}),
        ):
            told = await call(client, tool, **arguments)
            assert told["view"]
            assert count_tokens(told) <= 1_000, tool
