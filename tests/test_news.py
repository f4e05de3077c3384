"""News of resources: who listens hears what a call changed; the older era has no way to listen."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.subscriptions import Subscription
from mcp.server.subscriptions import ResourcesListChanged, ResourceUpdated, ServerEvent
from starlette.applications import Starlette

from beel_mcp.context import SYSTEM_TIMING
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.server import create_server
from beel_mcp.settings import Settings
from tests.support.customers import customer
from tests.support.deactivations import crowd

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def opened(
    settings: Settings, app: Starlette, mode: str = "auto", **timing: Any
) -> AsyncIterator[Client]:
    server = create_server(settings, sandbox_app=app, timing=replace(SYSTEM_TIMING, **timing))
    async with Client(server, mode=mode, raise_exceptions=True) as client:  # type: ignore[arg-type]
        yield client


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    return (await client.call_tool(tool, arguments)).structured_content or {}


async def heard(subscription: Subscription, last: ServerEvent) -> list[ServerEvent]:
    """Listen up to an event that has to come."""
    events: list[ServerEvent] = []
    with anyio.fail_after(10):
        async for event in subscription:
            events.append(event)
            if event == last:
                return events
    raise AssertionError


async def test_a_new_batch_and_a_new_file_are_news_of_the_list(
    settings: Settings, sandbox: Starlette
) -> None:
    changed = ResourcesListChanged()
    async with (
        opened(settings, sandbox) as client,
        client.listen(resources_list_changed=True) as subscription,
    ):
        await call(client, "validate_customers", customers=[customer(1)])
        await heard(subscription, changed)
        await call(client, "download_customer_template")
        await heard(subscription, changed)


async def test_a_call_that_changes_no_list_is_no_news(
    settings: Settings, sandbox: Starlette
) -> None:
    async with (
        opened(settings, sandbox) as client,
        client.listen(resources_list_changed=True, resource_subscriptions=["beel://x"]) as news,
    ):
        await call(client, "find_customers")
        await call(client, "download_customer_template", nope=1)
        with anyio.move_on_after(0.2) as waited:
            await anext(news)
    assert waited.cancelled_caught


async def test_what_becomes_of_a_batch_is_news_to_who_follows_it(
    settings: Settings, sandbox: Starlette
) -> None:
    async with opened(settings, sandbox) as client:
        answer = await call(client, "validate_customers", customers=[customer(1)])
        uri = f"beel://batches/{answer['batch_id']}"
        async with client.listen(resource_subscriptions=[uri]) as subscription:
            await call(client, "create_customers", batch_id=answer["batch_id"], expected_count=1)
            assert await heard(subscription, ResourceUpdated(uri)) == [ResourceUpdated(uri)]


@pytest.mark.slow
async def test_an_operation_that_ends_after_its_call_is_news(settings: Settings) -> None:
    app = create_app(SandboxOptions())
    ids = crowd(app, 250)
    async with opened(settings, app, patience_s=0.0) as client:
        plan = await call(client, "deactivate_customers", customer_ids=ids)
        told = {"plan_id": plan["plan_id"], "statement": plan["statement"]}
        begun = await call(client, "confirm_plan", **told)
        uri = f"beel://operations/{begun['operation_id']}"
        async with client.listen(resource_subscriptions=[uri]) as subscription:
            await heard(subscription, ResourceUpdated(uri))
        state = await call(client, "check_operation", operation_id=begun["operation_id"])
    assert begun["status"] == "partial"
    assert state["counts"]["deleted"] == 250


async def test_each_era_says_truthfully_whether_one_can_listen(
    settings: Settings, sandbox: Starlette
) -> None:
    said = {}
    for mode in ("legacy", "auto"):
        async with opened(settings, sandbox, mode) as client:
            resources = client.server_capabilities.resources
            assert resources
            said[mode] = (resources.subscribe, resources.list_changed)
            assert client.server_capabilities.completions is not None
    assert said == {"legacy": (False, False), "auto": (True, True)}
