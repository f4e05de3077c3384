"""MCP Apps: who negotiated them is told of a document; for all others nothing is different."""

import json

import pytest
from mcp import Client
from mcp.client import advertise
from mcp.types import TextResourceContents

from beel_mcp.server.apps import CARD, TOOLS_WITH_CARDS
from tests.conftest import Connect, Era
from tests.support.page_text import outline

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


async def test_answers_say_the_same_to_all_apps(connect: Connect) -> None:
    said = []
    for extensions in ([], [APPS]):
        async with connect(extensions=extensions) as client:
            answer = await client.call_tool("get_status", {})
            said.append(json.dumps(answer.structured_content) + str(answer.content))
    assert said[0] == said[1]
