"""Guarded changes through TypeScript clients: a person who answers forms, and an app without."""

from typing import Any

import pytest

from tests.interop.conftest import Node, Server
from tests.interop.test_typescript import CLIENTS, FLOWS

pytestmark = pytest.mark.interop
ANSWERS = [
    {"action": "accept", "content": {"confirm": "yes"}},
    {"action": "accept", "content": {"count": 2}},
    {"action": "accept", "content": {"count": 3}},
    {"action": "decline"},
]


def tell(node: Node, server: Server, client: str, story: str, **more: Any) -> dict[str, Any]:
    script, mode, protocol = CLIENTS[client]
    done = node.run(FLOWS / script, server.for_script(mode=mode, story=story, **more))
    assert done.code == 0, done.err
    assert "Traceback" not in done.err + server.said()
    facts = done.json()
    assert facts.get("protocol") == protocol
    return facts


def structure(answer: dict[str, Any], status: str) -> dict[str, Any]:
    found = answer["structure"]
    assert found["status"] == status, answer["text"]
    assert answer["isError"] is (status == "error")
    assert found["summary"] in answer["text"]
    assert found["environment"] == "sandbox"
    return found


@pytest.mark.parametrize("client", CLIENTS)
def test_what_runs_is_what_the_person_said_yes_to(node: Node, server: Server, client: str) -> None:
    facts = tell(node, server, client, "asked", answers=ANSWERS)
    assert structure(facts["one"], "done")["counts"]["deactivated"] == 1
    assert structure(facts["two"], "done")["counts"]["deactivated"] == 2
    for refused in ("miscounted", "declined"):
        assert structure(facts[refused], "not_confirmed")["changed"] == "nothing"
    assert facts["gone"] == [True, True, True, False, False]
    _hold_questions(facts["questions"])


def _hold_questions(questions: list[dict[str, Any]]) -> None:
    """Each was asked once, says what it is about, and labels its one field."""
    first, *others = questions
    assert len(questions) == len(ANSWERS)
    assert "delete 1 customer for good" in first["message"]
    assert "Xurxo" in first["message"]
    confirm = first["schema"]["properties"]["confirm"]
    assert confirm["enum"] == ["yes", "no"]
    assert len(confirm["enumNames"]) == 2
    assert [list(other["schema"]["properties"]) for other in others] == [["count"]] * 3
    assert "mark 2 customers as inactive" in others[1]["message"]
    assert all(question["schema"]["required"] for question in questions)


@pytest.mark.parametrize("client", CLIENTS)
def test_without_forms_only_the_plans_own_sentence_runs_it_once(
    node: Node, server: Server, client: str
) -> None:
    facts = tell(node, server, client, "planned")
    assert facts["questions"] == []
    plan = structure(facts["plan"], "confirmation_required")
    assert (plan["requested"], plan["count"], plan["changed"]) == (3, 2, "nothing")
    assert plan["statement"] in facts["plan"]["text"]
    assert plan["plan_id"] in facts["plan"]["text"]
    assert structure(facts["misquoted"], "error")["code"] == "wrong_statement"
    assert facts["before"] == [False, False]
    assert structure(facts["overtaking"], "done")["counts"]["deactivated"] == 1
    _hold_outcome(facts)
    assert structure(facts["nothing"], "nothing_done")["counts"]["failed"] == 1
    assert structure(facts["invented"], "error")["code"] == "plan_expired"
    assert facts["after"] == [True, True, False]


def _hold_outcome(facts: dict[str, Any]) -> None:
    """What has changed is shown anew; what was agreed to is done, and told again as it was."""
    anew = structure(facts["overtaken"], "confirmation_required")
    assert (anew["count"], len(anew["differences"])) == (1, 1)
    done = structure(facts["done"], "partial")
    assert done["counts"] == {"deactivated": 1, "failed": 2, "unknown": 0, "not_attempted": 0}
    assert done["tool"] == "deactivate_customers"
    assert done["backup_path"] in facts["done"]["text"]
    replayed = structure(facts["replayed"], "partial")
    assert replayed["replayed"]
    assert replayed["operation_id"] == done["operation_id"]
