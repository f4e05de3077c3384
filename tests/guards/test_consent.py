"""Who may say yes: every answer an app can give to the question, on both protocol eras."""

from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.types import ElicitResult
from starlette.applications import Starlette

from beel_mcp.tools import calls
from tests.conftest import Connect
from tests.guards.people import (
    BUSY,
    FREE,
    ONE,
    OTHER,
    agreeing,
    answering,
    call,
    edit,
    effects,
    failing,
    guarded_requests,
    structure,
    text,
)

pytestmark = pytest.mark.anyio

NO_YES = "Nothing was changed. No confirmation arrived: it was declined, or this app answered"


async def test_a_yes_for_one_record_deletes_that_one(connect: Connect, sandbox: Starlette) -> None:
    async with connect(answers=agreeing()) as client:
        answer = await call(client, "deactivate_customers", customer_ids=[ONE])
        found = await call(client, "find_customers", search="Difusión")
    assert answer["status"] == "done"
    assert answer["counts"] == {"deactivated": 1, "failed": 0, "unknown": 0, "not_attempted": 0}
    assert answer["deactivated"] == [ONE]
    assert [method for method, _ in guarded_requests(sandbox)] == ["DELETE"]
    assert found["total"] == 0


async def test_the_number_typed_for_several_deletes_those(
    connect: Connect, sandbox: Starlette
) -> None:
    async with connect(answers=agreeing()) as client:
        answer = await call(client, "deactivate_customers", customer_ids=[*FREE[:3], BUSY])
    assert answer["counts"] == {"deactivated": 3, "failed": 1, "unknown": 0, "not_attempted": 0}
    assert answer["failed"][0]["code"] == "has_invoices"
    assert effects(sandbox) == 3


NOT_A_YES: dict[str, Any] = {
    "declined": answering("decline"),
    "cancelled": answering("cancel"),
    "accepted without an answer": answering("accept"),
    "accepted with an empty answer": answering("accept", {}),
    "the choice was no": answering("accept", {"confirm": "no"}),
    "neither yes nor no": answering("accept", {"confirm": "maybe"}),
    "yes in capitals": answering("accept", {"confirm": "YES"}),
    "true instead of yes": answering("accept", {"confirm": True}),
    "a number instead of a choice": answering("accept", {"count": 1}),
    "another field": answering("accept", {"yes": "yes"}),
    "the app broke": failing,
}


@pytest.mark.parametrize("answers", NOT_A_YES.values(), ids=NOT_A_YES)
@pytest.mark.parametrize("mode", ["delete", "inactive"])
async def test_what_is_no_yes_changes_nothing_and_blames_nobody(
    connect: Connect, sandbox: Starlette, answers: Any, mode: str, era: str
) -> None:
    if answers is failing and era == "auto":
        pytest.skip("an app of the newer era that breaks while it asks never sends the call again")
    async with connect(answers=answers, raises=False) as client:
        result = await client.call_tool(
            "deactivate_customers", {"customer_ids": [ONE], "mode": mode}
        )
    assert not result.is_error
    assert text(result).startswith(NO_YES)
    assert structure(result)["status"] == "not_confirmed"
    assert structure(result)["changed"] == "nothing"
    assert structure(result)["company"]
    assert guarded_requests(sandbox) == []


@pytest.mark.parametrize("count", [0, 1, 3, -2, 20, 2.5, "two", None, True])
async def test_another_number_than_the_plans_changes_nothing(
    connect: Connect, sandbox: Starlette, count: Any
) -> None:
    async with connect(answers=answering("accept", {"count": count})) as client:
        answer = await call(client, "deactivate_customers", customer_ids=[ONE, OTHER])
    assert answer["status"] == "not_confirmed"
    assert guarded_requests(sandbox) == []


async def test_yes_is_no_answer_where_a_number_is_asked_for(
    connect: Connect, sandbox: Starlette
) -> None:
    async with connect(answers=answering("accept", {"confirm": "yes"})) as client:
        answer = await call(client, "deactivate_customers", customer_ids=[ONE, OTHER])
    assert answer["status"] == "not_confirmed"
    assert guarded_requests(sandbox) == []


async def test_nobody_is_asked_when_nothing_would_change(
    connect: Connect, sandbox: Starlette
) -> None:
    seen: list[Any] = []
    async with connect(answers=agreeing(seen)) as client:
        answer = await call(client, "deactivate_customers", customer_ids=[BUSY, "nobody"])
    assert answer["status"] == "nothing_done"
    assert answer["counts"]["failed"] == answer["requested"] == 2
    assert seen == []
    assert guarded_requests(sandbox) == []


async def test_a_record_that_changes_while_the_person_reads_is_not_touched(
    connect: Connect, sandbox: Starlette, era: str
) -> None:
    seen: list[Any] = []

    def meanwhile() -> None:
        if len(seen) == 1:
            edit(sandbox, "legal_name", "Otra Sociedad SL")

    async with connect(answers=agreeing(seen, meanwhile)) as client:
        result = await client.call_tool("deactivate_customers", {"customer_ids": [ONE]})
    answer = structure(result)
    if era == "legacy":  # the answer is held against the plan that was shown
        assert answer["status"] == "not_confirmed"
        assert "was edited" in answer["differences"][0]
        assert guarded_requests(sandbox) == []
    else:  # the SDK sees another question, and the person is asked about what is so now
        assert answer["status"] == "done"
        assert len(seen) == 2
        assert "Otra Sociedad SL" in seen[1].message
        assert "Otra Sociedad SL" not in seen[0].message


async def test_the_person_is_asked_three_times_about_a_plan_and_no_more(connect: Connect) -> None:
    asked: list[Any] = []

    async def decline(context: Any, params: Any) -> ElicitResult:
        asked.append(params)
        return ElicitResult(action="decline")

    async with connect(answers=decline) as client:
        for _ in range(3):
            answer = await call(client, "deactivate_customers", customer_ids=[ONE])
            assert answer["status"] == "not_confirmed"
        result = await client.call_tool("deactivate_customers", {"customer_ids": [ONE]})
    assert structure(result)["code"] == "too_many_questions"
    assert len(asked) == 3
    # The same question bears the same reference.
    assert len({params.message for params in asked}) == 1


async def test_ten_questions_in_ten_minutes_are_enough(connect: Connect) -> None:
    async with connect(answers=answering("decline")) as client:
        answers = [
            await call(client, "deactivate_customers", customer_ids=[one], mode=mode)
            for mode in ("delete", "inactive", "delete", "inactive", "delete")
            for one in FREE[:3]
        ]
    assert [answer["status"] for answer in answers[:10]] == ["not_confirmed"] * 10
    assert {answer["code"] for answer in answers[10:]} == {"too_many_questions"}


async def test_a_person_who_never_answers_is_waited_for_no_longer_than_the_plan_lasts(
    connect: Connect, sandbox: Starlette, monkeypatch: pytest.MonkeyPatch, era: str
) -> None:
    if era == "auto":
        pytest.skip("the newer era keeps no call open while the person thinks")
    monkeypatch.setattr(calls, "QUESTION_LIMIT_S", 2.5)

    async def never(context: Any, params: Any) -> ElicitResult:
        await anyio.sleep_forever()
        raise AssertionError

    async with connect(answers=never) as client:
        result = await client.call_tool("deactivate_customers", {"customer_ids": [ONE]})
    assert text(result).startswith(NO_YES)
    assert guarded_requests(sandbox) == []


async def test_an_app_without_forms_is_never_asked(client: Client, sandbox: Starlette) -> None:
    answer = await call(client, "deactivate_customers", customer_ids=[ONE])
    assert answer["status"] == "confirmation_required"
    assert guarded_requests(sandbox) == []


async def test_no_argument_of_the_tool_means_yes(client: Client, sandbox: Starlette) -> None:
    for argument in ("confirm", "yes", "force", "consent", "confirmed", "plan_id", "statement"):
        result = await client.call_tool(
            "deactivate_customers", {"customer_ids": [ONE], argument: "yes"}
        )
        assert structure(result)["code"] == "invalid_arguments"
    assert guarded_requests(sandbox) == []
