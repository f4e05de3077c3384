"""Guarded changes through other clients: a person who answers forms, and an app without."""

from pathlib import Path
from typing import Any

import pytest

from tests.interop.conftest import Open, Server
from tests.support.clients.guided import Guided

pytestmark = pytest.mark.interop
XURXO = "33471259A"  # has no invoices, as the three behind
OLENA = "X2468135M"
PAPELERIA = "E28034171"
IBARRA = "A48012397"
RIAS = "B70123450"  # has invoices
ANSWERS = [
    {"action": "accept", "content": {"confirm": "yes"}},
    {"action": "accept", "content": {"count": 2}},
    {"action": "accept", "content": {"count": 3}},
    {"action": "decline"},
]


def ids(client: Guided, *nifs: str) -> list[str]:
    return [
        one["customer_id"]
        for nif in nifs
        for one in client.call("find_customers", nif=nif)["customers"]
    ]


def test_what_runs_is_what_the_person_said_yes_to(opened: Open, server: Server) -> None:
    with opened(server, answers=ANSWERS) as client:

        def deactivate(*nifs: str, **more: str) -> dict[str, Any]:
            return client.call("deactivate_customers", customer_ids=ids(client, *nifs), **more)

        one = deactivate(XURXO)
        assert (one["status"], one["counts"]["deleted"]) == ("done", 1)
        two = deactivate(OLENA, PAPELERIA)
        assert (two["status"], two["counts"]["deleted"]) == ("done", 2)
        for _ in ("miscounted", "declined"):
            refused = deactivate(IBARRA, RIAS, mode="inactive")
            assert (refused["status"], refused["changed"]) == ("not_confirmed", "nothing")
        assert ids(client, XURXO, OLENA, PAPELERIA) == []
        assert len(ids(client, IBARRA, RIAS)) == 2
        _hold_questions(client.do("questions"))


def _hold_questions(questions: list[dict[str, Any]]) -> None:
    """Each was asked once, says what it is about, and labels its one field."""
    first, *others = questions
    assert len(questions) == len(ANSWERS)
    assert "delete 1 customer for good" in first["message"]
    assert "Xurxo" in first["message"]
    confirm = first["schema"]["properties"]["confirm"]
    assert confirm["enum"] == ["no", "yes"]
    assert len(confirm["enumNames"]) == 2
    assert [list(other["schema"]["properties"]) for other in others] == [["count"]] * 3
    assert "mark 2 customers as inactive" in others[1]["message"]
    assert all(question["schema"]["required"] for question in questions)


def test_without_forms_only_the_plans_own_sentence_runs_it_once(
    opened: Open, server: Server
) -> None:
    with opened(server) as client:
        chosen = ids(client, XURXO, OLENA, RIAS)
        plan = client.call("deactivate_customers", customer_ids=chosen)
        assert plan["status"] == "confirmation_required"
        assert (plan["requested"], plan["count"], plan["changed"]) == (3, 2, "nothing")
        misquoted = client.call("confirm_plan", plan_id=plan["plan_id"], statement="Delete them.")
        assert misquoted["code"] == "wrong_statement"
        assert ids(client, XURXO, OLENA) == chosen[:2]
        _hold_outcome(client, plan, chosen[1])
        nothing = client.call("deactivate_customers", customer_ids=chosen[2:])
        assert (nothing["status"], nothing["counts"]["failed"]) == ("nothing_done", 1)
        invented = {"plan_id": "plan_nobody", "statement": plan["statement"]}
        assert client.call("confirm_plan", **invented)["code"] == "plan_expired"
        assert ids(client, XURXO, OLENA, RIAS) == chosen[2:]


def _hold_outcome(client: Guided, plan: dict[str, Any], overtaken: str) -> None:
    """What has changed is shown anew; what was agreed to is done, and told again as it was."""
    other = client.follow(client.call("deactivate_customers", customer_ids=[overtaken]))
    assert (other["status"], other["counts"]["deleted"]) == ("done", 1)
    anew = client.follow(plan)
    assert anew["status"] == "confirmation_required"
    assert (anew["count"], len(anew["differences"])) == (1, 1)
    done = client.follow(anew)
    assert (done["status"], done["tool"]) == ("partial", "deactivate_customers")
    assert done["counts"] == {"deleted": 1, "failed": 2, "unknown": 0, "not_attempted": 0}
    assert Path(done["backup_path"]).is_file()
    replayed = client.follow(anew)
    assert (replayed["status"], replayed["replayed"]) == ("partial", True)
    assert replayed["operation_id"] == done["operation_id"]
