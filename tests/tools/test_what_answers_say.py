"""Sentences of answers, each true of what it is about, whatever was asked before it."""

from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.language import Language
from beel_mcp.sandbox import SandboxOptions, create_app
from tests.conftest import Connect
from tests.support.customers import customer
from tests.support.people.evidence import call
from tests.support.updates import add, confirmed, put_back, updated

pytestmark = pytest.mark.anyio

ODD_PLACE = {"address": {**customer(1)["address"], "postal_code": "99999"}}


async def deactivated(client: Client, ids: list[str], mode: str) -> Any:
    arguments = {"customer_ids": ids, "mode": mode}
    return await confirmed(client, await call(client, "deactivate_customers", **arguments))


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("es", ["marcar como inactivos 2 clientes", "marcar como inactivo 1 cliente: "]),
        ("en", ["mark 2 customers as inactive", "mark 1 customer as inactive: "]),
    ],
)
async def test_whoever_is_only_marked_is_not_said_to_be_removed(
    connect: Connect, sandbox: Starlette, language: Language, words: list[str]
) -> None:
    ids = add(sandbox, 3)
    async with connect(language=language) as client:
        marked, changed = (
            await call(client, "deactivate_customers", customer_ids=ids[:2], mode="inactive"),
            await call(client, "update_customers", customer_ids=ids[2:], changes={"active": False}),
        )
        both = {"active": False, "notes": "Nueva"}
        with_more = await call(client, "update_customers", customer_ids=ids[:1], changes=both)
    assert words[0] in marked["statement"]
    assert words[1] in changed["statement"]
    assert "baja" not in str([marked, changed, with_more])


@pytest.mark.parametrize(
    ("row", "heading"), [({"email": "no"}, "Problems:"), (ODD_PLACE, "Remarks:")]
)
async def test_mere_remarks_are_not_called_problems(
    client: Client, row: dict[str, Any], heading: str
) -> None:
    checked = await call(client, "validate_customers", customers=[{**customer(1), **row}])
    kinds = {each["kind"] for each in checked["problems"]}
    assert (kinds == {"warning"}) is (heading == "Remarks:"), checked
    found = {line for line in checked.text.splitlines() if line in ("Problems:", "Remarks:")}
    assert found == {heading}


async def test_a_company_that_is_not_known_yet_is_not_spoken_of(connect: Connect) -> None:
    async with connect(create_app(SandboxOptions(companies=2))) as client:
        assert (await call(client, "get_status")).text.endswith("\nEnvironment: sandbox.")


@pytest.mark.parametrize(
    ("operation_id", "says"),
    [("op_0000000000000000", "No operation of yours has"), ("bat_1", "those start with op_")],
)
async def test_an_id_of_no_operation_is_told_what_is_wrong_with_it(
    client: Client, operation_id: str, says: str
) -> None:
    assert says in (await call(client, "check_operation", operation_id=operation_id))["message"]


async def test_a_page_behind_the_last_of_what_ended_says_that_it_is_empty(
    client: Client, sandbox: Starlette
) -> None:
    assert "Page" not in (await call(client, "check_operation", page=2))["summary"]
    await updated(client, add(sandbox), {"notes": "Nueva"})
    told = await call(client, "check_operation", page=2)
    assert told["summary"].endswith("1 ended in the last 24 hours. Page 2 is empty.")


async def test_an_undoing_that_is_undone_gives_no_old_values_back(
    client: Client, sandbox: Starlette
) -> None:
    done = await updated(client, add(sandbox), {"notes": "Nueva"})
    back = await put_back(client, done)
    again = await put_back(client, back)
    assert back["summary"] == "1 of 1 customer was given the old values back."
    assert again["summary"] == "1 of 1 customer was given back what had been undone."


@pytest.mark.parametrize(
    ("generation", "deed"), [("current", "deletion"), ("legacy", "deactivation")]
)
async def test_only_what_is_gone_is_called_a_deletion(
    connect: Connect, generation: Any, deed: str
) -> None:
    app = create_app(SandboxOptions(generation=generation))
    async with connect(app) as client:
        await deactivated(client, add(app), "delete")
        assert (await call(client, "get_status"))["today"] == f"1 {deed} (1 customer)"
