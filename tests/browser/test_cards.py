"""Answers of tools as cards, from our server through the reference implementation of a host."""

from typing import Any

import pytest
from mcp import Client
from mcp.types import TextResourceContents
from starlette.applications import Starlette

from beel_mcp.server.apps import CARD
from tests.browser.conftest import Visiting
from tests.conftest import Connect
from tests.support.browsing.host import Host, hosting
from tests.support.browsing.visits import NARROW, Visit
from tests.support.customers import customer
from tests.support.deactivations import crowd
from tests.support.hostile.payloads import PAYLOADS
from tests.support.people.forms import ONE, OTHER, agreeing, edit
from tests.test_apps import APPS

pytestmark = pytest.mark.anyio
CHANGES = {"email": "nuevo@example.com", "notes": "Otra nota"}


async def document(client: Client) -> str:
    [content] = (await client.read_resource(CARD)).contents
    assert isinstance(content, TextResourceContents)
    return content.text


async def shown(client: Client, host: Host, tool: str, words: str, **arguments: Any) -> str:
    """Call a tool as a host does that shows its card, and read it."""
    [found] = [one for one in (await client.list_tools()).tools if one.name == tool]
    told = found.model_dump(by_alias=True, mode="json", exclude_none=True)
    assert await host.do("uriOf", told) == CARD
    result = await client.call_tool(tool, arguments)
    answer = result.model_dump(by_alias=True, mode="json", exclude_none=True)
    return await host.answered(answer, words, **arguments)


async def test_a_plan_stands_in_the_chat_with_every_record(
    connect: Connect, visit: Visit, host_script: str
) -> None:
    async with (
        connect(extensions=[APPS], language="en") as client,
        hosting(visit, host_script, await document(client)) as host,
    ):
        text = await shown(
            client,
            host,
            "update_customers",
            "What it affects: 2",
            customer_ids=[ONE, OTHER],
            changes=CHANGES,
        )
        assert text.count("nuevo@example.com") == 3  # in the sentence, and at each record
        assert await host.card.locator("tbody").count() == 2
        assert await host.card.locator("form, button, input, a").count() == 0
        assert await host.card.evaluate("document.documentElement.scrollWidth") <= 1100
    assert (visit.dialogs, visit.said, visit.failures) == ([], [], [])


async def test_what_was_done_stands_in_the_chat(
    connect: Connect, visit: Visit, host_script: str
) -> None:
    async with (
        connect(extensions=[APPS], language="es", answers=agreeing()) as client,
        hosting(visit, host_script, await document(client)) as host,
    ):
        words = "Hecho, tal como lo ha aceptado."
        tool = "deactivate_customers"
        assert words in await shown(client, host, tool, words, customer_ids=[ONE])


async def test_a_list_stands_in_the_chat_with_its_problems(
    connect: Connect, visit: Visit, host_script: str
) -> None:
    rows = [customer(1), {**customer(2), "nif": "B12345678"}, {"legal_name": "Solo SL"}]
    async with (
        connect(extensions=[APPS], language="en") as client,
        hosting(visit, host_script, await document(client)) as host,
    ):
        text = await shown(client, host, "validate_customers", "Solo SL", customers=rows)
        assert "B12345678" in text
        assert await host.card.locator("form, button, input, a").count() == 0


async def test_a_host_that_drops_meta_shows_the_same_text_that_the_model_reads(
    connect: Connect, visit: Visit, host_script: str
) -> None:
    async with (
        connect(extensions=[APPS], language="en") as client,
        hosting(visit, host_script, await document(client)) as host,
    ):
        result = await client.call_tool("deactivate_customers", {"customer_ids": [ONE, OTHER]})
        answer = result.model_dump(by_alias=True, mode="json", exclude_none=True)
        del answer["_meta"]
        text = await host.answered(answer, "Statement:")
        assert " ".join(text.split()) == " ".join(answer["content"][0]["text"].split())


async def test_60_hostile_names_stay_text_in_the_card(
    connect: Connect, sandbox: Starlette, visit: Visit, host_script: str
) -> None:
    ids = crowd(sandbox, len(PAYLOADS))
    for record_id, payload in zip(ids, PAYLOADS, strict=True):
        edit(sandbox, "legal_name", payload, record_id)
    elements = (
        "[...new Set([...document.querySelectorAll('*')].map((one) => one.localName))].sort()"
    )
    async with (
        connect(extensions=[APPS], language="en") as client,
        hosting(visit, host_script, await document(client)) as host,
    ):
        tool, mode = "deactivate_customers", "inactive"
        await shown(client, host, tool, "affects: 2", customer_ids=[ONE, OTHER], mode=mode)
        harmless, requests = await host.card.evaluate(elements), len(visit.requests)
        words = f"affects: {len(ids)}"
        await shown(client, host, tool, words, customer_ids=ids, mode=mode)
        assert await host.card.evaluate(elements) == harmless
        assert len(visit.requests) == requests
    assert (visit.dialogs, visit.said, visit.failures) == ([], [], [])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["es", "en"])
async def test_everybody_can_read_each_card(
    connect: Connect, visit_with: Visiting, host_script: str, axe: str, theme: str, language: str
) -> None:
    rows = [customer(1), {**customer(2), "nif": "B12345678"}]
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("update_customers", "nuevo", {"customer_ids": [ONE, OTHER], "changes": CHANGES}),
        ("validate_customers", "B12345678", {"customers": rows}),
    ]
    async with (
        connect(extensions=[APPS], language=language) as client,
        visit_with(width=NARROW) as visit,
        hosting(visit, host_script, await document(client), {"theme": theme}) as host,
    ):
        await host.card.evaluate(axe)
        for tool, words, arguments in calls:
            await shown(client, host, tool, words, **arguments)
            found = await host.card.evaluate("axe.run(document).then((one) => one.violations)")
            assert found == [], tool
            wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            assert await host.card.evaluate(wide) == 0, tool
