"""The SDK wraps whatever a resolver returns as an accepted answer; none of that is a yes."""

from dataclasses import replace
from typing import Annotated, Any, Literal

import pytest
from mcp.server.mcpserver import (
    AcceptedElicitation,
    CancelledElicitation,
    DeclinedElicitation,
    Resolve,
)
from pydantic import BaseModel
from starlette.applications import Starlette

from beel_mcp.answers.answer import Answer
from beel_mcp.answers.changes import DeactivationAnswer
from beel_mcp.api.company import Account
from beel_mcp.messages import words_of
from beel_mcp.tools import TOOLS
from beel_mcp.tools.declare import ToolFunction, confirms, guarded, write
from beel_mcp.usecases.confirmation import Call
from beel_mcp.writes.consent.elicitation import (
    Consent,
    Form,
    OneRecord,
    SeveralRecords,
    Shown,
    Stated,
    agreed,
    asked_about,
    form_for,
    instead_of,
)
from beel_mcp.writes.journal.plan import Affected, Plan, Preview
from tests.guards.conftest import OpenApp
from tests.support.people.evidence import call, check_untouched, ids
from tests.support.people.person import Person

PLAN = Plan(
    plan_id="plan_0123456789abcdefghijkl",
    kind="deactivate_customers",
    caller="local",
    shown_as="form",
    arguments={},
    preview=Preview(tuple(Affected(one, "Acme SL", "", "") for one in ("a", "b"))),
    digest="0",
    statement="delete 2 customers",
    account=Account("sandbox", None, "0"),
    created_at=0.0,
)
ONE = replace(PLAN, preview=Preview(PLAN.preview.affected[:1]))
OTHER = replace(PLAN, plan_id="plan_ABCDEFGHIJKLMNOPQRSTUV")


class Lookalike(BaseModel):
    """Has the fields of our forms, and is none."""

    plan_id: str = PLAN.plan_id
    confirm: Literal["yes"] = "yes"
    count: int = 2

    def agrees_to(self, plan: Plan) -> bool:
        return True


PLAIN_VALUES: dict[str, Any] = {
    "nothing": None,
    "true": True,
    "yes": "yes",
    "the number": 2,
    "the fields": {"confirm": "yes", "count": 2},
    "a model like ours": Lookalike(),
    "the plan": PLAN,
    "the plan's id": PLAN.plan_id,
    "the sentence": PLAN.statement,
    "a form made for no plan": SeveralRecords(count=2),
    "a choice made for no plan": OneRecord(confirm="yes"),
    "a wrapped answer": AcceptedElicitation(data=SeveralRecords(count=2)),
    "a shown plan": Shown(PLAN),
}


def answer(form: type[Form], **content: Any) -> Consent:
    return AcceptedElicitation(data=form(**content))


@pytest.mark.parametrize("plan", [PLAN, ONE], ids=["several", "one"])
@pytest.mark.parametrize("value", PLAIN_VALUES.values(), ids=PLAIN_VALUES)
def test_a_plain_value_that_the_sdk_wrapped_is_no_yes(value: Any, plan: Plan) -> None:
    consent: Any = AcceptedElicitation.model_construct(data=value)
    assert not agreed(consent, plan)
    assert not asked_about(consent)


@pytest.mark.parametrize("plan", [PLAN, ONE], ids=["several", "one"])
def test_only_the_right_answer_to_the_form_of_this_plan_is_a_yes(plan: Plan) -> None:
    form = form_for(plan, "es")
    right = {"count": 2} if plan is PLAN else {"confirm": "yes"}
    wrong = {"count": 1} if plan is PLAN else {"confirm": "no"}
    assert agreed(answer(form, **right), plan)
    assert not agreed(answer(form, **wrong), plan)
    assert not agreed(answer(form, **right), OTHER)
    assert not agreed(answer(form_for(replace(plan, plan_id=OTHER.plan_id), "es"), **right), plan)
    assert not agreed(DeclinedElicitation(), plan)
    assert not agreed(CancelledElicitation(), plan)


def test_the_form_of_one_kind_says_nothing_of_a_plan_of_the_other() -> None:
    assert not agreed(answer(form_for(ONE, "en"), confirm="yes"), PLAN)
    assert not agreed(answer(form_for(PLAN, "en"), count=2), ONE)


def test_what_stands_instead_of_a_question_is_found_and_is_no_yes() -> None:
    for instead in (Shown(PLAN), Stated(PLAN.plan_id)):
        consent: Any = AcceptedElicitation.model_construct(data=instead)
        assert instead_of(consent) is instead
        assert not agreed(consent, PLAN)
    assert instead_of(answer(form_for(PLAN, "en"), count=2)) is None


@pytest.mark.anyio
@pytest.mark.parametrize("forms", [False, True])
@pytest.mark.parametrize("name", [name for name in PLAIN_VALUES if name != "a shown plan"])
async def test_a_tool_whose_resolver_returns_a_plain_value_changes_nothing(
    open_app: OpenApp,
    sandbox: Starlette,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    *,
    forms: bool,
) -> None:
    async def careless() -> Any:
        return PLAIN_VALUES[name]

    async def deactivate_carelessly(
        call: Call, consent: Annotated[Consent, Resolve(careless)]
    ) -> DeactivationAnswer:
        """Take what the resolver gives for a yes."""
        result = await call.gate.answer(consent)
        return await call.changed(DeactivationAnswer, result, "deactivate_customers")

    monkeypatch.setattr("beel_mcp.server.TOOLS", (*TOOLS, guarded(deactivate_carelessly)))
    title = {"en": "Deactivate carelessly", "es": "Desactivar sin cuidado"}
    monkeypatch.setitem(words_of("tool_titles"), "deactivate_carelessly", title)
    person = Person()
    async with open_app() as client:  # there is a plan that could be taken
        await call(client, "deactivate_customers", customer_ids=ids(10, 11))
    async with open_app(person if forms else None) as client:
        result = await client.call_tool("deactivate_carelessly", {})
    assert (result.structured_content or {})["status"] in ("not_confirmed", "error")
    assert person.shown == []
    check_untouched(sandbox)


async def resolver() -> Any:
    return True


async def without_any() -> Answer:
    raise AssertionError


async def as_an_argument(consent: bool) -> Answer:
    raise AssertionError


async def without_a_resolver(consent: Annotated[Consent, "asked elsewhere"]) -> Answer:
    raise AssertionError


async def unannotated(consent: Consent) -> Answer:
    raise AssertionError


async def of_another_type(consent: Annotated[bool, Resolve(resolver)]) -> Answer:
    raise AssertionError


async def of_a_form_alone(consent: Annotated[Form, Resolve(resolver)]) -> Answer:
    raise AssertionError


async def asking(consent: Annotated[Consent, Resolve(resolver)]) -> Answer:
    raise AssertionError


@pytest.mark.parametrize("declare", [write, guarded, confirms])
@pytest.mark.parametrize(
    "function",
    [
        without_any,
        as_an_argument,
        without_a_resolver,
        unannotated,
        of_another_type,
        of_a_form_alone,
    ],
)
def test_a_tool_that_could_act_without_a_persons_say_cannot_be_declared(
    declare: Any, function: ToolFunction
) -> None:
    with pytest.raises(TypeError, match=f"{function.__name__} needs a parameter"):
        declare(function)


@pytest.mark.parametrize("declare", [write, guarded, confirms])
def test_a_tool_that_takes_consent_can_be_declared(declare: Any) -> None:
    assert declare(asking).writes
