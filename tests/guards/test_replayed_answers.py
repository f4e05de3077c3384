"""The newer era's rounds by hand: an answer counts once, for its question, and for nothing else."""

from collections.abc import Callable
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError
from mcp.types import CallToolResult, ElicitResult, InputRequiredResult
from starlette.applications import Starlette

from tests.conftest import Era
from tests.guards.conftest import OpenApp
from tests.support.people.evidence import (
    Told,
    call,
    check_untouched,
    checked,
    customers,
    edit,
    effects,
    ids,
    sent,
)
from tests.support.people.person import Person, accepts

pytestmark = pytest.mark.anyio

TOOL = "deactivate_customers"
INVALID_PARAMS = -32602


@pytest.fixture
def era() -> Era:
    """Only the newer era has rounds that an app could repeat."""
    return "auto"


class Rounds:
    """A call of the newer era, round by round, as a hostile app would make it."""

    def __init__(self, client: Client, tool: str = TOOL, **arguments: Any) -> None:
        self._client = client
        self._tool = tool
        self._arguments = arguments

    async def ask(self) -> InputRequiredResult:
        asked = await self.send(None, None)
        assert isinstance(asked, InputRequiredResult)
        return asked

    async def send(
        self, responses: dict[str, Any] | None, state: str | None
    ) -> InputRequiredResult | Told:
        answer = await self._client.session.call_tool(
            self._tool,
            self._arguments,
            input_responses=responses,
            request_state=state,
            allow_input_required=True,
        )
        return checked(self._tool, answer) if isinstance(answer, CallToolResult) else answer


def answered(asked: InputRequiredResult, answer: ElicitResult) -> dict[str, Any]:
    [key] = asked.input_requests or {}
    return {key: answer}


async def test_a_replayed_yes_finds_its_records_gone(open_app: OpenApp, sandbox: Starlette) -> None:
    async with open_app(Person()) as client:
        rounds = Rounds(client, customer_ids=ids(10, 11))
        asked = await rounds.ask()
        check_untouched(sandbox)
        yes = answered(asked, accepts(count=2))
        told = [await rounds.send(yes, asked.request_state) for _ in range(4)]
    statuses = [one["status"] for one in told if isinstance(one, Told)]
    assert statuses == ["done", "nothing_done", "nothing_done", "nothing_done"]
    assert sent(sandbox) == [("DELETE", "bulk")]
    assert effects(sandbox) == [("customer_deleted", one) for one in ids(10, 11)]


async def test_a_replayed_yes_is_no_yes_to_the_same_change_of_the_same_state(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    """Somebody takes the change back; the old answer does not make it again."""
    before = sandbox.state.store.rows("SELECT * FROM customers WHERE id = ?", *ids(10))[0]
    async with open_app(Person()) as client:
        rounds = Rounds(client, customer_ids=ids(10), mode="inactive")
        asked = await rounds.ask()
        yes = answered(asked, accepts(confirm="yes"))
        assert isinstance(await rounds.send(yes, asked.request_state), Told)
        sandbox.state.store.execute(
            "UPDATE customers SET active = 1, updated_at = ? WHERE id = ?",
            *(before["updated_at"], before["id"]),
        )
        again = [await rounds.send(yes, asked.request_state) for _ in range(3)]
    assert all(isinstance(one, InputRequiredResult) for one in again), "the person is asked again"
    assert len(sent(sandbox)) == 1
    assert customers(sandbox)[10] == "active"


async def test_the_same_yes_sent_ten_times_at_once_runs_once(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    told: list[Any] = []
    async with open_app(Person()) as client:
        rounds = Rounds(client, customer_ids=ids(10, 11))
        asked = await rounds.ask()
        yes = answered(asked, accepts(count=2))

        async def answer() -> None:
            told.append(await rounds.send(yes, asked.request_state))

        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(answer)
    assert sent(sandbox) == [("DELETE", "bulk")]
    assert len(effects(sandbox)) == 2
    done = {one["operation_id"] for one in told if isinstance(one, Told) and one.get("counts")
            and one["counts"]["deleted"]}  # fmt: skip
    assert len(done) == 1


async def test_a_yes_to_confirm_plan_counts_once_and_tells_its_outcome_after_that(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    async with open_app() as client:
        plan = await call(client, TOOL, customer_ids=ids(10, 11))
    async with open_app(Person()) as client:
        rounds = Rounds(client, "confirm_plan", **plan["next"][0]["arguments"])
        asked = await rounds.ask()
        yes = answered(asked, accepts(count=2))
        told = [await rounds.send(yes, asked.request_state) for _ in range(3)]
    assert [one.get("replayed") for one in told if isinstance(one, Told)] == [None, True, True]
    assert len(sent(sandbox)) == 1


Twist = Callable[[str], str]
TWISTED_STATES: dict[str, Twist] = {
    "first letter": lambda one: ("B" if one[0] == "A" else "A") + one[1:],
    "a letter in the middle": lambda one: (
        one[: len(one) // 2]
        + ("B" if one[len(one) // 2] == "A" else "A")
        + one[len(one) // 2 + 1 :]
    ),
    "cut": lambda one: one[:-8],
    "longer": lambda one: one + "AAAA",
    "case": str.swapcase,
    "invented": lambda _: "eyJjb3VudCI6Mn0",
}


@pytest.mark.parametrize("twist", TWISTED_STATES.values(), ids=TWISTED_STATES)
async def test_a_request_state_that_is_not_ours_is_refused(
    open_app: OpenApp, sandbox: Starlette, twist: Twist
) -> None:
    async with open_app(Person()) as client:
        rounds = Rounds(client, customer_ids=ids(10, 11))
        asked = await rounds.ask()
        assert asked.request_state
        yes = answered(asked, accepts(count=2))
        with pytest.raises(MCPError) as caught:
            await rounds.send(yes, twist(asked.request_state))
        assert caught.value.error.code == INVALID_PARAMS
        check_untouched(sandbox)


@pytest.mark.parametrize(
    "other", [{"customer_ids": ids(12, 13)}, {"customer_ids": ids(10, 11), "mode": "inactive"}]
)
async def test_a_yes_to_some_arguments_is_no_yes_to_others(
    open_app: OpenApp, sandbox: Starlette, other: dict[str, Any]
) -> None:
    async with open_app(Person()) as client:
        asked = await Rounds(client, customer_ids=ids(10, 11)).ask()
        yes = answered(asked, accepts(count=2))
        with pytest.raises(MCPError) as caught:
            await Rounds(client, **other).send(yes, asked.request_state)
        assert caught.value.error.code == INVALID_PARAMS
        # Nor does it count under the state of a question about the others.
        again = await Rounds(client, **other).ask()
        assert again.request_state != asked.request_state
        with pytest.raises(MCPError):
            await Rounds(client, **other).send(yes, asked.request_state)
    check_untouched(sandbox)


@pytest.mark.parametrize("how", ["no state", "another key", "no answer"])
async def test_an_answer_to_no_question_is_met_with_the_question(
    open_app: OpenApp, sandbox: Starlette, how: str
) -> None:
    async with open_app(Person()) as client:
        rounds = Rounds(client, customer_ids=ids(10, 11))
        asked = await rounds.ask()
        yes = answered(asked, accepts(count=2))
        told = await {
            "no state": lambda: rounds.send(yes, None),
            "another key": lambda: rounds.send({"consent": accepts(count=2)}, asked.request_state),
            "no answer": lambda: rounds.send({}, asked.request_state),
        }[how]()
    assert isinstance(told, InputRequiredResult)
    check_untouched(sandbox)


async def test_a_yes_to_a_state_that_is_no_more_is_met_with_the_new_question(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    async with open_app(Person()) as client:
        rounds = Rounds(client, customer_ids=ids(10, 11))
        asked = await rounds.ask()
        edit(sandbox, 10)
        told = [
            await rounds.send(answered(asked, accepts(count=2)), asked.request_state)
            for _ in range(2)
        ]
    assert all(isinstance(one, InputRequiredResult) for one in told)
    check_untouched(sandbox)


async def test_rounds_made_by_hand_are_counted_as_questions(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    async with open_app(Person()) as client:
        rounds = Rounds(client, customer_ids=ids(10, 11))
        told = [await rounds.send(None, None) for _ in range(4)]
    assert [isinstance(one, InputRequiredResult) for one in told] == [True, True, True, False]
    assert isinstance(told[3], Told)
    assert told[3]["code"] == "too_many_questions"
    check_untouched(sandbox)


async def test_a_yes_given_to_one_server_counts_at_no_other(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    """The state is sealed with a key of the process; a restart asks again."""
    async with open_app(Person()) as client:
        asked = await Rounds(client, customer_ids=ids(10, 11)).ask()
    yes = answered(asked, accepts(count=2))
    async with open_app(Person()) as client:
        with pytest.raises(MCPError):
            await Rounds(client, customer_ids=ids(10, 11)).send(yes, asked.request_state)
    check_untouched(sandbox)
