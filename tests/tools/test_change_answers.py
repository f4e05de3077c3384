"""Answers of guarded calls, where a sentence could be lost or say too much."""

from beel_mcp.answers.answer import JOB_TEXT_LIMIT
from beel_mcp.answers.changes import DeactivationAnswer, left_out_fields
from beel_mcp.answers.plan import not_confirmed, waiting
from beel_mcp.api.company import Account
from beel_mcp.writes.consent.statement import LONGEST, compose
from beel_mcp.writes.journal.plan import Affected, LeftOut, Plan, Preview
from beel_mcp.writes.kinds.deactivate_customers import CustomerDeactivation
from beel_mcp.writes.run.gate import NotConfirmed, Waiting

ACCOUNT = Account("test", None, "0" * 64)
PLACE = "TEST · Demo Taller SL (B12345674)"


def affected(number: int) -> Affected:
    return Affected(f"id-{number}", f"Comunidad de Propietarios {number}", "H79045126", "as it is")


def plan_of(look: Preview) -> Plan:
    statement = compose(PLACE, "delete many customers", look, ["It cannot be undone."], "en")
    return Plan(
        *("plan_0123456789abcdefghijkl", "deactivate_customers", "me", "plan", {}),
        *(look, look.digest, statement, ACCOUNT, 0.0),
    )


def answer(result: Waiting | NotConfirmed) -> DeactivationAnswer:
    if isinstance(result, NotConfirmed):
        return DeactivationAnswer(**not_confirmed(result))
    left_out = left_out_fields(result.plan.preview, CustomerDeactivation.words)
    return DeactivationAnswer(**waiting(result), **left_out)


def test_the_longest_statement_is_never_lost_behind_what_is_different() -> None:
    look = Preview(
        tuple(affected(number) for number in range(60)),
        tuple(LeftOut(f"left-{number}", "Quien Sea SL", "has_invoices") for number in range(40)),
    )
    plan = plan_of(look)
    changed = tuple((f"Comunidad de Propietarios del Olmo {n}", "edited") for n in range(40))
    told = answer(Waiting(plan, changed))
    assert LONGEST - 50 < len(plan.statement) <= LONGEST
    assert plan.statement in told.text()
    assert plan.plan_id in told.text()
    assert len(told.text()) <= JOB_TEXT_LIMIT
    assert told.differences


def test_what_cannot_be_undone_is_said_of_the_records_and_not_of_those_left_out() -> None:
    look = Preview((affected(1),), (LeftOut("left", "Quien Sea SL", "has_invoices"),))
    statement = plan_of(look).statement
    assert statement.endswith("It cannot be undone. Left out: 1 with invoices.")


def test_a_taken_plan_that_changed_names_the_call_that_can_be_made() -> None:
    plan = plan_of(Preview((affected(1),)))
    told = answer(NotConfirmed(plan, (("Comunidad de Propietarios 1", "gone"),)))
    assert "Call deactivate_customers again" in told.text()
    assert told.changed == "nothing"


def test_what_a_plan_leaves_out_is_not_told_as_an_outcome() -> None:
    look = Preview((affected(1),), (LeftOut("left", "Quien Sea SL", "has_invoices"),))
    assert 'Left out: "Quien Sea SL"' in answer(Waiting(plan_of(look))).text()
