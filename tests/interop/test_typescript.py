"""The main job through TypeScript clients that validate what they are sent."""

from pathlib import Path
from typing import Any

import pytest

from beel_mcp.demo import EXPECTED_COUNTS
from beel_mcp.tools import TOOLS
from tests.interop.conftest import Node, Server

pytestmark = pytest.mark.interop
FLOWS = Path(__file__).parent
CLIENTS = {
    "v1": ("flow_v1.mjs", "legacy", None),
    "v2": ("flow_v2.mjs", "legacy", "2025-11-25"),
    "v2-auto": ("flow_v2.mjs", "auto", "2026-07-28"),
}
TOTAL = sum(EXPECTED_COUNTS.values())
IMPORTABLE = EXPECTED_COUNTS["valid"] + EXPECTED_COUNTS["warning"]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_imports_a_list_and_reads_every_answer(
    node: Node, server: Server, client: str
) -> None:
    script, mode, protocol = CLIENTS[client]
    done = node.run(FLOWS / script, server.for_script(mode=mode, story="imported"))
    assert done.code == 0, done.err
    assert "Traceback" not in done.err + server.said()
    facts = done.json()
    assert facts.get("protocol") == protocol
    assert facts["tools"] == [declaration.name for declaration in TOOLS]
    _hold_status(facts["status"])
    _hold_validation(facts["validated"])
    _hold_creation(facts["created"], facts["repeated"])
    _hold_found(facts["found"])
    assert facts["again"]["structure"]["importable"] == 0
    _hold_misspelled(facts["misspelled"])
    _hold_unknown_batch(facts["unknown_batch"])


def _structure(answer: dict[str, Any]) -> dict[str, Any]:
    assert not answer["isError"], answer["text"]
    structure = answer["structure"]
    assert structure["environment"] == "sandbox"
    assert structure["summary"] in answer["text"]
    return structure


def _hold_status(answer: dict[str, Any]) -> None:
    assert _structure(answer)["company"] in answer["text"]


def _hold_validation(answer: dict[str, Any]) -> None:
    structure = _structure(answer)
    assert structure["counts"] == EXPECTED_COUNTS
    assert structure["total"] == TOTAL
    assert structure["importable"] == IMPORTABLE
    [following] = structure["next"]
    assert following["tool"] == "create_customers"
    assert following["arguments"]["expected_count"] == IMPORTABLE
    assert structure["batch_id"] in answer["text"]  # some hosts show the model the text alone


def _hold_creation(answer: dict[str, Any], repeated: dict[str, Any]) -> None:
    structure = _structure(answer)
    assert structure["status"] == "done"
    assert structure["counts"]["created"] == IMPORTABLE
    assert sum(structure["counts"].values()) == structure["total"] == TOTAL
    assert _structure(repeated)["counts"] == structure["counts"]


def _hold_found(answer: dict[str, Any]) -> None:
    structure = _structure(answer)
    assert structure["total"] == 1
    assert structure["customers"][0]["name"] == "Panadería Lourdes SL"


def _hold_misspelled(answer: dict[str, Any]) -> None:
    _hold_error(answer, "invalid_arguments")
    assert answer["structure"]["field_errors"][0]["field"] == "serach"
    assert "did you mean search?" in answer["text"]


def _hold_unknown_batch(answer: dict[str, Any]) -> None:
    _hold_error(answer, "batch_expired")
    assert "validate_customers" in answer["text"]


def _hold_error(answer: dict[str, Any], code: str) -> None:
    assert answer["isError"]
    structure = answer["structure"]
    assert structure["status"] == "error"
    assert structure["code"] == code
    assert structure["changed"] == "nothing"
    assert structure["summary"] in answer["text"]
