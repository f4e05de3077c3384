"""get_status: what it tells when all is well, and when it is not."""

from typing import Any

import pytest
from mcp import Client
from mcp.types import ElicitResult

from beel_mcp.language import Sentence
from beel_mcp.sandbox import SandboxOptions, create_app
from tests.conftest import Connect

pytestmark = pytest.mark.anyio


async def refuse(context: Any, params: Any) -> ElicitResult:
    return ElicitResult(action="decline")


async def status(client: Client) -> dict[str, Any]:
    result = await client.call_tool("get_status", {})
    assert not result.is_error
    return result.structured_content or {}


async def test_it_tells_company_scopes_routes_folders_and_limits(client: Client) -> None:
    answer = await status(client)
    assert answer["company"] == "Demo Taller SL (B12345674)"
    assert answer["routes"]["family"] == "company"
    assert "customers:write" in answer["scopes"]
    assert answer["limits"]["inline_rows"] == 500
    assert answer["files_folder"] in answer["import_folders"]


async def test_it_tells_when_beel_retires_the_flat_routes(connect: Connect) -> None:
    async with connect(routes="flat") as client:
        await client.call_tool("find_customers", {})
        answer = await status(client)
    assert answer["routes"]["family"] == "flat"
    assert answer["routes"]["retirement"] == "2026-12-09"


async def test_it_says_that_several_companies_need_a_choice(connect: Connect) -> None:
    async with connect(create_app(SandboxOptions(companies=2))) as client:
        answer = await status(client)
    assert answer["status"] == "partial"
    assert answer["problem"]["code"] == "company_not_chosen"
    assert answer["company"] is None


async def test_a_key_that_may_not_list_companies_works_on_flat_routes(connect: Connect) -> None:
    app = create_app(SandboxOptions(scopes=("customers:read", "customers:write")))
    async with connect(app) as client:
        answer = await status(client)
        assert answer["routes"]["family"] == "flat"
        assert "companies:list" in answer["routes"]["reason"]
        assert not (await client.call_tool("find_customers", {})).is_error


async def test_it_repeats_the_warnings_about_settings(connect: Connect) -> None:
    async with connect(warnings=(Sentence("BEEL_APIKEY is not a setting", ""),)) as client:
        assert "BEEL_APIKEY is not a setting" in (await status(client))["warnings"]


@pytest.mark.parametrize(
    ("confirm", "has_forms", "way"),
    [
        ("auto", True, "form"),
        ("auto", False, "plan"),
        ("ask", True, "form"),
        ("ask", False, "unavailable"),
        ("plan", True, "plan"),
        ("plan", False, "plan"),
    ],
)
async def test_it_tells_how_a_change_is_confirmed_in_this_app(
    connect: Connect, confirm: str, has_forms: bool, way: str
) -> None:
    async with connect(confirm=confirm, answers=refuse if has_forms else None) as client:
        result = await client.call_tool("get_status", {})
    assert (result.structured_content or {})["confirmation"] == way
    [block] = result.content
    words = {"form": "asks the person itself", "plan": "confirm_plan", "unavailable": "refused"}
    assert block.type == "text"
    assert words[way] in block.text
