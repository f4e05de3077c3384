"""MCP Apps: who negotiated them is told of a document; for all others nothing is different."""

import json
import re
from typing import Any

import pytest
from mcp import Client
from mcp.client import advertise
from mcp.types import CallToolResult, TextResourceContents
from starlette.applications import Starlette

from beel_mcp.pages import cards
from beel_mcp.server.apps import CARD, DRAWING, TOOLS_WITH_CARDS
from tests.conftest import Connect, Era
from tests.support.customers import customer
from tests.support.deactivations import crowd
from tests.support.page_text import outline
from tests.support.people.forms import ONE, OTHER, agreeing

pytestmark = pytest.mark.anyio
APPS = advertise("io.modelcontextprotocol/ui", {"mimeTypes": ["text/html;profile=mcp-app"]})
# Negotiated, but for documents of another kind.
OTHERS = advertise("io.modelcontextprotocol/ui", {"mimeTypes": ["application/pdf"]})


async def listed(client: Client) -> dict[str, dict[str, object] | None]:
    return {tool.name: tool.meta for tool in (await client.list_tools()).tools}


async def test_an_app_that_shows_cards_is_told_which_tools_have_one(connect: Connect) -> None:
    async with connect(extensions=[APPS]) as client:
        meta = await listed(client)
    bound = {name for name, one in meta.items() if one}
    assert bound == TOOLS_WITH_CARDS
    assert all(meta[name] == {"ui": {"resourceUri": CARD}} for name in bound)


async def test_every_other_app_is_told_nothing_of_it(connect: Connect) -> None:
    for extensions in ([], [OTHERS]):
        async with connect(extensions=extensions) as client:
            assert not any((await listed(client)).values())


async def test_all_apps_are_told_the_same_of_the_tools_but_for_that(connect: Connect) -> None:
    lists = []
    for extensions in ([], [APPS]):
        async with connect(extensions=extensions) as client:
            tools = (await client.list_tools()).tools
            lists.append([tool.model_dump_json(exclude={"meta"}) for tool in tools])
    assert lists[0] == lists[1]


async def test_a_server_that_only_reads_names_no_card_of_what_it_does_not_offer(
    connect: Connect,
) -> None:
    async with connect(extensions=[APPS], read_only=True) as client:
        bound = {name for name, one in (await listed(client)).items() if one}
    assert bound == {"validate_customers", "download_invoices_zip"}


@pytest.mark.parametrize("language", ["es", "en"])
async def test_the_document_is_one_page_that_loads_nothing(connect: Connect, language: str) -> None:
    async with connect(extensions=[APPS], language=language) as client:
        [content] = (await client.read_resource(CARD)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "text/html;profile=mcp-app"
    assert content.meta == {"ui": {"csp": {}, "prefersBorder": True}}
    assert content.text.startswith("<!doctype html>")
    seen = outline(content.text)
    assert seen.language == language
    assert seen.tags.count("script") == seen.tags.count("style") == 1
    assert not {"link", "img", "iframe", "form", "input", "a"} & {*seen.tags}
    # Nothing that is fetched, nor a way to fetch it.
    assert "://" not in content.text
    for way in ("fetch(", "XMLHttpRequest", "import(", "innerHTML", "eval(", "url("):
        assert way not in content.text, way


async def test_the_server_says_in_the_newer_era_that_it_has_cards(
    connect: Connect, era: Era
) -> None:
    async with connect(extensions=[APPS]) as client:
        told = client.server_capabilities.extensions
    # What the older one may say in its handshake has no place for it: there tools tell.
    assert told == (None if era == "legacy" else {"io.modelcontextprotocol/ui": {}})


CHANGES = {"email": "nuevo@example.com"}


async def answered(client: Client, tool: str, **arguments: Any) -> tuple[CallToolResult, str]:
    """Call a tool: its answer, and the drawing beside it, if there is one."""
    result = await client.call_tool(tool, arguments)
    return result, (result.meta or {}).get(DRAWING, "")


async def test_a_plan_is_drawn_with_every_record_before_and_after(connect: Connect) -> None:
    async with connect(extensions=[APPS], language="en") as client:
        _, drawing = await answered(
            client, "update_customers", customer_ids=[ONE, OTHER], changes=CHANGES
        )
    seen = outline(drawing)
    assert seen.headings[0] == (1, "What the assistant wants to do")
    assert len([row for row in seen.cells if CHANGES["email"] in row[-1]]) == 2
    assert not {"form", "button", "input", "a"} & {*seen.tags}


async def test_what_became_of_a_plan_is_drawn_as_well(connect: Connect) -> None:
    async with connect(extensions=[APPS], language="en", answers=agreeing()) as client:
        result, drawing = await answered(client, "deactivate_customers", customer_ids=[ONE, OTHER])
    assert result.structured_content is not None
    assert result.structured_content["status"] == "done"
    assert "Done, as you agreed." in drawing


async def test_a_list_is_drawn_in_the_persons_language(connect: Connect) -> None:
    async with connect(extensions=[APPS], language="es") as client:
        wrong = {**customer(2), "nif": "B12345678"}
        _, drawing = await answered(client, "validate_customers", customers=[customer(1), wrong])
    seen = outline(drawing)
    assert "NIF" in seen.text
    assert wrong["legal_name"] in seen.text
    assert not {"form", "button", "input", "a"} & {*seen.tags}


async def test_a_package_is_drawn_with_its_sums(connect: Connect) -> None:
    async with connect(extensions=[APPS], language="en") as client:
        result, drawing = await answered(client, "download_invoices_zip", date_from="2026-01-01")
    assert result.structured_content is not None
    assert result.structured_content["path"]
    seen = outline(drawing)
    assert [row for row in seen.cells if "PAID" in " ".join(row).upper()]
    assert not {"form", "button", "input", "a"} & {*seen.tags}


async def test_text_and_structure_are_the_same_without_apps(connect: Connect) -> None:
    told = []
    for extensions in ([], [OTHERS], [APPS]):
        async with connect(extensions=extensions) as client:
            for tool, arguments in (
                ("deactivate_customers", {"customer_ids": [ONE, OTHER]}),
                ("validate_customers", {"customers": [customer(1)]}),
            ):
                result, drawing = await answered(client, tool, **arguments)
                assert bool(drawing) is (extensions == [APPS]), tool
                told.append(
                    without_ids(str(result.content) + json.dumps(result.structured_content))
                )
    assert told[0:2] == told[2:4] == told[4:6]


def without_ids(text: str) -> str:
    """Leave out what is new in every answer: ids of plans and lists, and when they end."""
    return re.sub(r"(?:pl|bat)_[\w-]+|\d{4}-\d\d-\d\dT[\d:+]+", "…", text)


async def test_a_large_plan_is_drawn_as_far_as_there_is_room(
    connect: Connect, sandbox: Starlette
) -> None:
    ids = crowd(sandbox, 100)
    changes = {"notes": "Otra nota. " * 80, "trade_name": "Otra tienda", **CHANGES}
    changes |= {"website": "https://otra.example", "contact_person": "Otra Persona"}
    async with connect(extensions=[APPS], language="en") as client:
        result, drawing = await answered(
            client, "update_customers", customer_ids=ids, changes=changes
        )
    assert result.structured_content is not None
    assert result.structured_content["count"] == 100
    assert len(drawing.encode()) <= 60_000
    seen = outline(drawing)
    assert "What it affects: 100" in seen.text
    shown = len([row for row in seen.cells if row[0].startswith("Cliente")])
    assert f"There are {100 - shown} more" in seen.text
    assert shown > 10


async def test_a_card_that_cannot_be_drawn_takes_nothing_from_the_answer(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(*_: object) -> str:
        raise RuntimeError("no card")

    monkeypatch.setattr(cards, "card_of", fails)
    async with connect(extensions=[APPS]) as client:
        result, drawing = await answered(client, "deactivate_customers", customer_ids=[ONE])
    assert not drawing
    assert not result.is_error
    assert "could not be drawn" in caplog.text


async def test_an_error_has_no_card(connect: Connect) -> None:
    async with connect(extensions=[APPS]) as client:
        arguments = {"plan_id": "pl_0123456789abcdef", "statement": "Yes."}
        result, drawing = await answered(client, "confirm_plan", **arguments)
    assert (result.is_error, drawing) == (True, "")
