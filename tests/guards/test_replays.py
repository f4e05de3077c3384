"""The newer era's sealed state: an accepted answer that comes back finds its plan spent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import ElicitResult, InputRequiredResult
from starlette.applications import Starlette

from beel_mcp.server import create_server
from beel_mcp.settings import Settings
from tests.guards.people import FREE, ONE, OTHER, answering, edit, guarded_requests, structure

pytestmark = pytest.mark.anyio

DELETE = {"customer_ids": [ONE]}
YES = ElicitResult(action="accept", content={"confirm": "yes"})
NO = ElicitResult(action="decline")


@asynccontextmanager
async def newer(settings: Settings, sandbox: Starlette) -> AsyncIterator[Client]:
    """A client of the newer era that declares forms; rounds are played by hand."""
    server = create_server(settings, sandbox_app=sandbox)
    async with Client(server, elicitation_callback=answering("decline")) as client:
        yield client


async def ask(client: Client, **arguments: Any) -> InputRequiredResult:
    result = await client.session.call_tool(
        "deactivate_customers", arguments or DELETE, allow_input_required=True
    )
    assert isinstance(result, InputRequiredResult)
    return result


async def answer(
    client: Client, asked: InputRequiredResult, said: ElicitResult, **arguments: Any
) -> Any:
    [key] = asked.input_requests or {}
    return await client.session.call_tool(
        "deactivate_customers",
        arguments or DELETE,
        input_responses={key: said},
        request_state=asked.request_state,
        allow_input_required=True,
    )


def message(asked: InputRequiredResult) -> str:
    [question] = (asked.input_requests or {}).values()
    text: str = question.params.message
    return text


async def test_the_question_is_named_presentably(settings: Settings, sandbox: Starlette) -> None:
    async with newer(settings, sandbox) as client:
        assert list((await ask(client)).input_requests or {}) == [
            "beel_mcp.tools.customers:ask_to_deactivate"
        ]


@pytest.mark.parametrize("mode", ["delete", "inactive"])
async def test_an_accepted_answer_that_is_replayed_changes_nothing_more(
    settings: Settings, sandbox: Starlette, mode: str
) -> None:
    arguments = {"customer_ids": [ONE], "mode": mode}
    async with newer(settings, sandbox) as client:
        asked = await ask(client, **arguments)
        first = await answer(client, asked, YES, **arguments)
        assert structure(first)["status"] == "done"
        sent = guarded_requests(sandbox)
        for _ in range(3):
            edit(sandbox, "active", 1)  # so that there is something to do again
            again = await answer(client, asked, YES, **arguments)
            if isinstance(again, InputRequiredResult):  # asked anew, with another reference
                assert message(again) != message(asked)
            else:
                assert structure(again)["status"] in ("nothing_done", "not_confirmed")
    assert guarded_requests(sandbox) == sent


async def test_an_answer_given_twice_at_once_acts_once(
    settings: Settings, sandbox: Starlette
) -> None:
    import anyio

    results: list[Any] = []
    async with newer(settings, sandbox) as client:
        asked = await ask(client)

        async def say_yes() -> None:
            results.append(await answer(client, asked, YES))

        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(say_yes)
    assert len(guarded_requests(sandbox)) == 1
    assert len(results) == 10


async def test_a_yes_after_a_no_to_the_same_question_is_a_yes(
    settings: Settings, sandbox: Starlette
) -> None:
    async with newer(settings, sandbox) as client:
        asked = await ask(client)
        declined = await answer(client, asked, NO)
        assert structure(declined)["status"] == "not_confirmed"
        assert structure(await answer(client, asked, YES))["status"] == "done"
    assert len(guarded_requests(sandbox)) == 1


async def test_a_yes_to_one_question_is_none_to_another(
    settings: Settings, sandbox: Starlette
) -> None:
    async with newer(settings, sandbox) as client:
        asked = await ask(client)
        with pytest.raises(MCPError) as refused:
            await answer(client, asked, YES, customer_ids=[OTHER])
        assert refused.value.error.code == -32602
        with pytest.raises(MCPError):
            await answer(client, asked, YES, customer_ids=[ONE], mode="inactive")
    assert guarded_requests(sandbox) == []


async def test_a_tampered_state_is_refused(settings: Settings, sandbox: Starlette) -> None:
    async with newer(settings, sandbox) as client:
        asked = await ask(client)
        sealed = asked.request_state or ""
        for place in (0, len(sealed) // 2, len(sealed) - 2):
            letter = "A" if sealed[place] != "A" else "B"
            forged = sealed[:place] + letter + sealed[place + 1 :]
            with pytest.raises(MCPError):
                await answer(client, asked.model_copy(update={"request_state": forged}), YES)
    assert guarded_requests(sandbox) == []


async def test_a_yes_without_the_sealed_state_is_asked_for_again(
    settings: Settings, sandbox: Starlette
) -> None:
    async with newer(settings, sandbox) as client:
        asked = await ask(client)
        again = await answer(client, asked.model_copy(update={"request_state": None}), YES)
        assert isinstance(again, InputRequiredResult)
    assert guarded_requests(sandbox) == []


async def test_a_yes_outlives_no_restart_and_the_same_plan_is_asked_about_again(
    settings: Settings, sandbox: Starlette
) -> None:
    async with newer(settings, sandbox) as client:
        asked = await ask(client)
    async with newer(settings, sandbox) as client:
        with pytest.raises(MCPError):  # sealed with another process's key
            await answer(client, asked, YES)
        assert message(await ask(client)) == message(asked)
    assert guarded_requests(sandbox) == []


async def test_a_change_between_question_and_answer_is_asked_about_again(
    settings: Settings, sandbox: Starlette
) -> None:
    ids = FREE[:2]
    number = ElicitResult(action="accept", content={"count": 2})
    async with newer(settings, sandbox) as client:
        asked = await ask(client, customer_ids=ids)
        edit(sandbox, "email", "otro@example.com")
        again = await answer(client, asked, number, customer_ids=ids)
        assert isinstance(again, InputRequiredResult)
        assert message(again) != message(asked)
        assert guarded_requests(sandbox) == []
        done = await answer(client, again, number, customer_ids=ids)
    assert structure(done)["status"] == "done"
