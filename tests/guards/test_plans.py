"""A plan runs once or never: with its own words, in its time, by whoever it was shown to."""

import unicodedata
from collections.abc import Callable

import pytest
from starlette.applications import Starlette

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import DEMO_COMPANY_ID, SECOND_COMPANY_ID
from tests.conftest import TEST_KEY, FakeTime
from tests.guards.conftest import OpenApp
from tests.support.people.evidence import (
    Told,
    call,
    check_untouched,
    customers,
    effects,
    ids,
    sent,
)
from tests.support.people.person import Person
from tests.support.servers.fault_server import serving

pytestmark = pytest.mark.anyio

OTHER_KEY = "beel_sk_test_ffffffffffff"
Twist = Callable[[str], str]

TWISTED_IDS: dict[str, Twist] = {
    "cut": lambda one: one[:-1],
    "longer": lambda one: one + "A",
    "upper case": str.upper,
    "case swapped": str.swapcase,
    "one letter changed": lambda one: one[:-1] + ("B" if one[-1] == "A" else "A"),
    "invented": lambda _: "plan_0123456789abcdefghijkl",
    "a wildcard": lambda _: "plan_%",
    "SQL": lambda one: f"{one}' OR '1'='1",
    "a space": lambda one: one + " ",
    "a line": lambda one: one + "\n",
    "nothing": lambda _: "",
    "an operation's": lambda _: "op_0123456789abcdef",
}
ANOTHER_STATEMENT: dict[str, Twist] = {
    "one word": lambda text: text.replace("delete", "keep"),
    "one number": lambda text: text.replace("2 customers", "3 customers"),
    "one name": lambda text: text.replace("Xurxo", "Xurxa"),
    "case": str.upper,
    "the environment": lambda text: text.replace("SANDBOX", "LIVE"),
    "an ending": lambda text: text + " Yes.",
    "cut": lambda text: text[:-1],
    "no accent": lambda text: text.replace("ñ", "n"),
    "invisible": lambda text: text.replace("delete", "delete\u200b"),
    "an answer": lambda _: "yes",
    "nothing": lambda _: "",
}
SAME_STATEMENT: dict[str, Twist] = {
    "as it is": str,
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "white space": lambda text: "  " + text.replace(" ", " \n\t ") + "\n",
}


async def planned(open_app: OpenApp, *numbers: int, mode: str = "delete") -> Told:
    async with open_app() as client:
        return await call(client, "deactivate_customers", customer_ids=ids(*numbers), mode=mode)


def arguments_of(plan: Told) -> dict[str, str]:
    return {"plan_id": plan["plan_id"], "statement": plan["statement"]}


async def test_a_plan_outlives_a_restart_runs_once_and_tells_its_outcome_after_that(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    plan = await planned(open_app, 10, 11, 1)
    check_untouched(sandbox)
    answers = []
    for _ in range(2):
        async with open_app() as client:  # a new server each time, on the same state folder
            answers += [await call(client, "confirm_plan", **arguments_of(plan)) for _ in range(2)]
    first, *others = answers
    assert first["counts"] == {"deleted": 2, "failed": 1, "unknown": 0, "not_attempted": 0}
    assert first["tool"] == "deactivate_customers"
    assert "replayed" not in first
    for told in others:
        assert told["replayed"] is True
        again = first["summary"]
        assert told["summary"] == f"Nothing was sent now, this plan ran before: {again}"
        assert {**told, "replayed": None, "summary": again} == {**first, "replayed": None}
    assert sent(sandbox) == [("DELETE", "bulk")]
    assert effects(sandbox) == [("customer_deleted", one) for one in ids(10, 11)]


async def test_a_spent_plan_asks_nobody_and_sends_nothing_whatever_the_words(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    plan = await planned(open_app, 10)
    async with open_app() as client:
        await call(client, "confirm_plan", **arguments_of(plan))
    person = Person()
    async with open_app(person) as client:
        told = await call(client, "confirm_plan", plan_id=plan["plan_id"], statement="anything")
    assert told["replayed"] is True
    assert person.shown == []
    assert len(sent(sandbox)) == 1


@pytest.mark.parametrize("twist", TWISTED_IDS.values(), ids=TWISTED_IDS)
async def test_another_id_is_no_plan(open_app: OpenApp, sandbox: Starlette, twist: Twist) -> None:
    plan = await planned(open_app, 10, 11)
    async with open_app() as client:
        twisted = twist(plan["plan_id"])
        told = await call(client, "confirm_plan", plan_id=twisted, statement=plan["statement"])
        assert told["code"] == "plan_expired"
        assert told["changed"] == "nothing"
        check_untouched(sandbox)
        told = await call(client, "confirm_plan", **arguments_of(plan))
    assert told["status"] == "done", "the plan itself was not harmed"


@pytest.mark.parametrize("twist", ANOTHER_STATEMENT.values(), ids=ANOTHER_STATEMENT)
async def test_three_times_another_statement_and_the_plan_is_gone(
    open_app: OpenApp, sandbox: Starlette, twist: Twist
) -> None:
    plan = await planned(open_app, 10, 11)
    other = twist(plan["statement"])
    assert other != plan["statement"]
    for left in (2, 1, 0):
        async with open_app() as client:  # a restart gives no new tries
            told = await call(client, "confirm_plan", plan_id=plan["plan_id"], statement=other)
        assert told["code"] == "wrong_statement"
        assert ("next" in told) == bool(left)
        assert (f"{left} more" if left else "the plan is gone") in told["message"]
    async with open_app() as client:
        told = await call(client, "confirm_plan", **arguments_of(plan))
    assert told["code"] == "plan_expired"
    check_untouched(sandbox)


@pytest.mark.parametrize("twist", SAME_STATEMENT.values(), ids=SAME_STATEMENT)
async def test_white_space_and_unicode_form_do_not_make_another_statement(
    open_app: OpenApp, sandbox: Starlette, twist: Twist
) -> None:
    plan = await planned(open_app, 10, 11)
    async with open_app() as client:
        statement = twist(plan["statement"])
        told = await call(client, "confirm_plan", plan_id=plan["plan_id"], statement=statement)
    assert told["status"] == "done"
    assert len(sent(sandbox)) == 1


@pytest.mark.parametrize(
    ("seconds", "is_open"),
    [(590, True), (601, False), (3_600, False), (-5, False), (-3_600, False)],
)
async def test_a_plan_ends_after_ten_minutes_and_when_the_clock_goes_back(
    open_app: OpenApp, sandbox: Starlette, fake_time: FakeTime, seconds: float, *, is_open: bool
) -> None:
    plan = await planned(open_app, 10)
    await fake_time.sleep(seconds)
    async with open_app() as client:
        told = await call(client, "confirm_plan", **arguments_of(plan))
    if is_open:
        assert told["status"] == "done"
    else:
        assert told["code"] == "plan_expired"
        check_untouched(sandbox)


async def test_a_plan_that_expired_stays_so_when_the_clock_comes_back(
    open_app: OpenApp, sandbox: Starlette, fake_time: FakeTime
) -> None:
    plan = await planned(open_app, 10)
    await fake_time.sleep(601)
    async with open_app() as client:
        await call(client, "get_status")  # any call: what is old goes
    await fake_time.sleep(-601)
    async with open_app() as client:
        told = await call(client, "confirm_plan", **arguments_of(plan))
    assert told["code"] == "plan_expired"
    check_untouched(sandbox)


async def test_confirm_plan_takes_no_other_arguments(open_app: OpenApp, sandbox: Starlette) -> None:
    plan = await planned(open_app, 10)
    async with open_app() as client:
        for more in ({"customer_ids": ids(11)}, {"mode": "inactive"}, {"confirm": True}):
            told = await call(client, "confirm_plan", **arguments_of(plan), **more)
            assert told["code"] == "invalid_arguments"
        check_untouched(sandbox)
        await call(client, "confirm_plan", **arguments_of(plan))
    assert customers(sandbox)[10] == "deleted"
    assert customers(sandbox)[11] == "active"


async def test_the_words_of_one_plan_do_not_confirm_another(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    one, other = await planned(open_app, 10), await planned(open_app, 11, 12)
    async with open_app() as client:
        told = await call(
            client, "confirm_plan", plan_id=other["plan_id"], statement=one["statement"]
        )
    assert told["code"] == "wrong_statement"
    check_untouched(sandbox)


async def test_asked_again_the_plan_is_the_same_and_other_arguments_make_another(
    open_app: OpenApp, sandbox: Starlette
) -> None:
    plans = [
        await planned(open_app, *numbers, mode=mode)
        for numbers, mode in [((10, 11), "delete"), ((10,), "delete"), ((10, 11), "inactive")]
    ]
    again = await planned(open_app, 10, 11)
    assert len({plan["plan_id"] for plan in plans}) == 3
    assert len({plan["statement"] for plan in plans}) == 3
    assert again["plan_id"] == plans[0]["plan_id"]
    check_untouched(sandbox)


@pytest.mark.parametrize("what", ["key", "environment", "company"])
async def test_a_plan_holds_for_its_own_key_environment_and_company_only(
    open_app: OpenApp, sandbox: Starlette, what: str
) -> None:
    two = create_app(SandboxOptions(companies=2))
    async with serving(two) as server:
        ours = {"sandbox": False, "base_url": server.url, "key": TEST_KEY}
        ours["company_id"] = DEMO_COMPANY_ID
        theirs = {
            "key": {**ours, "key": OTHER_KEY},
            "environment": {"sandbox": True, "company_id": DEMO_COMPANY_ID, "app": two},
            "company": {**ours, "company_id": SECOND_COMPANY_ID},
        }[what]
        async with open_app(**ours) as client:
            plan = await call(client, "deactivate_customers", customer_ids=ids(10))
            assert plan["environment"] == "test"
        for person in (None, Person()):
            async with open_app(person, **theirs) as client:
                told = await call(client, "confirm_plan", **arguments_of(plan))
            assert told["code"] == "another_company"
            assert person is None or person.shown == []
        check_untouched(two)
        async with open_app(**ours) as client:
            told = await call(client, "confirm_plan", **arguments_of(plan))
        assert told["status"] == "done"
