"""Questions are few, end by themselves, and what goes wrong with one changes nothing."""

from datetime import timedelta
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError
from mcp.types import ElicitResult, ErrorData
from starlette.applications import Starlette

from tests.conftest import Era, FakeTime
from tests.guards.conftest import OpenApp
from tests.support.people.evidence import (
    add_customers,
    call,
    check_untouched,
    effects,
    ids,
    sent,
)
from tests.support.people.person import Person, Shown, agrees, declines

pytestmark = pytest.mark.anyio


async def test_about_one_plan_a_person_is_asked_three_times_at_most(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    person = Person(declines)
    for _ in range(3):
        async with open_app(person) as client:  # a restart does not forget
            told = await call(client, "deactivate_customers", customer_ids=ids(10, 11))
            assert told["status"] == "not_confirmed"
    person.reply = agrees
    async with open_app(person) as client:
        told = await call(client, "deactivate_customers", customer_ids=ids(10, 11))
    assert told["code"] == "too_many_questions"
    assert told["retry_after_s"] == 600
    assert len(person.shown) == 3
    check_untouched(sandbox)


async def test_within_ten_minutes_a_person_is_asked_ten_times_at_most(
    open_app: OpenApp, sandbox: Starlette, fake_time: FakeTime
) -> None:
    person = Person(declines)
    added = add_customers(sandbox, 11)
    async with open_app(person) as client:
        for one in added[:10]:
            told = await call(client, "deactivate_customers", customer_ids=[one])
            assert told["status"] == "not_confirmed"
        told = await call(client, "deactivate_customers", customer_ids=added[10:])
        assert told["code"] == "too_many_questions"
        assert len(person.shown) == 10
        assert sent(sandbox) == []
        await fake_time.sleep(601)
        person.reply = agrees
        told = await call(client, "deactivate_customers", customer_ids=added[10:])
    assert told["status"] == "done"
    assert len(person.shown) == 11


async def test_confirm_plan_counts_its_questions_too(open_app: OpenApp, sandbox: Starlette) -> None:
    async with open_app() as client:
        plan = await call(client, "deactivate_customers", customer_ids=ids(10, 11))
    person = Person(declines)
    async with open_app(person) as client:
        arguments = plan["next"][0]["arguments"]
        codes = [(await call(client, "confirm_plan", **arguments)).get("code") for _ in range(4)]
    assert codes == [None, None, None, "too_many_questions"]
    assert len(person.shown) == 3
    check_untouched(sandbox)


@pytest.mark.slow
async def test_a_hundred_plans_may_be_open_and_no_more(
    open_app: OpenApp, sandbox: Starlette, fake_time: FakeTime
) -> None:
    added = add_customers(sandbox, 101)
    async with open_app() as client:
        plans = [
            await call(client, "deactivate_customers", customer_ids=[one], mode="inactive")
            for one in added[:100]
        ]
        assert len({plan["plan_id"] for plan in plans}) == 100
        last = {"customer_ids": added[100:], "mode": "inactive"}
        told = await call(client, "deactivate_customers", **last)
        assert told["code"] == "too_many_plans"
        assert told["retry_after_s"] == 600
        again = await call(client, "deactivate_customers", customer_ids=added[:1], mode="inactive")
        assert again["plan_id"] == plans[0]["plan_id"]
        await call(client, "confirm_plan", **plans[0]["next"][0]["arguments"])
        told = await call(client, "deactivate_customers", **last)
        assert told["status"] == "confirmation_required", "a spent plan makes room"
    assert effects(sandbox) == [("customer_updated", added[0])]


async def fails(*_: Any) -> ElicitResult:
    raise RuntimeError("the app has a defect")


async def refuses(*_: Any) -> ErrorData:
    return ErrorData(code=-32603, message="the app has no window to show it in")


@pytest.mark.parametrize("person", [fails, refuses])
async def test_an_app_that_fails_while_it_asks_has_changed_nothing(
    open_app: OpenApp, sandbox: Starlette, era: Era, person: Any
) -> None:
    async with open_app(person) as client:
        if era == "legacy":
            told = await call(client, "deactivate_customers", customer_ids=ids(10))
            assert told["status"] == "not_confirmed", told
            assert "defect" not in told.text
        else:  # the newer era never tells the server
            with pytest.raises((ExceptionGroup, MCPError)):
                await call(client, "deactivate_customers", customer_ids=ids(10))
        assert (await call(client, "get_status"))["status"] == "done"
    check_untouched(sandbox)


async def test_an_answer_that_comes_after_ten_minutes_counts_for_nothing(
    open_app: OpenApp, sandbox: Starlette, era: Era, fake_time: FakeTime
) -> None:
    """The older era ends so; the newer one asks about it again, as it would anew."""

    def late(shown: Shown) -> ElicitResult:
        if len(person.shown) > 1:
            return declines(shown)
        fake_time.slept += timedelta(seconds=601)
        return agrees(shown)

    person = Person(late)
    async with open_app(person) as client:
        told = await call(client, "deactivate_customers", customer_ids=ids(10))
    if era == "legacy":
        assert told["code"] == "plan_expired"
        assert len(person.shown) == 1
    else:
        assert told["status"] == "not_confirmed"
        assert person.questions[0] != person.questions[1]
    check_untouched(sandbox)


async def test_a_person_who_never_answers_is_not_waited_for_longer_than_a_plan_lasts(
    open_app: OpenApp, sandbox: Starlette, era: Era, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beel_mcp.server.tool_calls.QUESTION_LIMIT_S", 1.0)
    monkeypatch.setattr("beel_mcp.api.http.retry.MARGIN_S", 0.0)
    asked, told = anyio.Event(), []

    async def never(*_: Any) -> ElicitResult:
        asked.set()
        await anyio.sleep_forever()
        raise AssertionError

    async def ask(client: Client) -> None:
        told.append(await call(client, "deactivate_customers", customer_ids=ids(10)))

    async with open_app(never) as client, anyio.create_task_group() as group:  # type: ignore[arg-type]
        group.start_soon(ask, client)
        with anyio.fail_after(10):
            await asked.wait()
        if era == "auto":  # nobody on our side waits: the app holds the question
            group.cancel_scope.cancel()
    assert [one["status"] for one in told] == (["not_confirmed"] if era == "legacy" else [])
    check_untouched(sandbox)


def test_the_limit_of_a_question_is_a_plans_time_and_a_margin() -> None:
    from beel_mcp.server import tool_calls
    from beel_mcp.writes.journal.plan import PLAN_TTL_S

    assert PLAN_TTL_S == 600
    assert PLAN_TTL_S < tool_calls.QUESTION_LIMIT_S <= PLAN_TTL_S + 60


async def test_while_a_person_thinks_the_app_is_told_that_the_call_is_alive(
    open_app: OpenApp, sandbox: Starlette, era: Era, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beel_mcp.server.tool_calls.HEARTBEAT_S", 0.01)
    beats: list[float] = []
    alive = anyio.Event()

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        beats.append(progress)
        if len(beats) >= 4:
            alive.set()

    async def thinks(_: Any, shown: Any) -> ElicitResult:
        if era == "legacy":  # in the newer era no call is open while the person thinks
            await alive.wait()
        return agrees(shown)

    async with open_app(thinks) as client:  # type: ignore[arg-type]
        with anyio.fail_after(10):
            result = await client.call_tool(
                "deactivate_customers", {"customer_ids": ids(10)}, progress_callback=on_progress
            )
    assert (result.structured_content or {})["status"] == "done"
    if era == "legacy":
        assert beats == sorted(set(beats))
        assert len(beats) >= 4
    assert beats


def test_the_heartbeat_is_at_least_every_15_seconds() -> None:
    from beel_mcp.server import tool_calls

    assert tool_calls.HEARTBEAT_S <= 15
