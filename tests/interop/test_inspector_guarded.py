"""A guarded change through the Inspector's command line: one process plans, another confirms."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import TEST_KEY
from tests.interop.conftest import OURS, Node, Server
from tests.interop.test_inspector import TOOL_ERROR, call, structure
from tests.support.servers.process import serving_process

pytestmark = pytest.mark.interop
XURXO = "33471259A"


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Server]:
    """A server on a BeeL that outlives it: every call starts a process of its own."""
    with serving_process("sandbox", "--state", str(tmp_path / "beel.db"), **OURS) as beel:
        env = {
            **OURS,
            "BEEL_API_KEY": TEST_KEY,
            "BEEL_BASE_URL": f"http://127.0.0.1:{beel.port}",
            "BEEL_FILES_DIR": str(tmp_path / "files"),
            "BEEL_STATE_DIR": str(tmp_path / "state"),
            "BEEL_LANGUAGE": "es",
        }
        command = (sys.executable, "-m", "beel_mcp")
        yield Server(command=command, env=tuple(env.items()))


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_a_plan_is_confirmed_by_another_process_once(node: Node, account: Server, era: str) -> None:
    [xurxo] = structure(call(node, account, "find_customers", {"nif": XURXO}, era=era))["customers"]
    wanted = {"customer_ids": [xurxo["customer_id"]]}
    plan = structure(call(node, account, "deactivate_customers", wanted, era=era))
    assert plan["status"] == "confirmation_required"
    assert plan["statement"].startswith("PRUEBAS · Demo Taller SL (B12345674): eliminar")
    still = structure(call(node, account, "find_customers", {"nif": XURXO}, era=era))
    assert still["total"] == 1
    wrong = {"plan_id": plan["plan_id"], "statement": "Sí."}
    refused = call(node, account, "confirm_plan", wrong, era=era)
    assert refused.code == TOOL_ERROR, refused.err
    [confirm] = plan["next"]
    done = structure(call(node, account, confirm["tool"], confirm["arguments"], era=era))
    assert (done["status"], done["counts"]["deleted"]) == ("done", 1)
    assert Path(done["backup_path"]).is_file()
    again = structure(call(node, account, confirm["tool"], confirm["arguments"], era=era))
    assert (again["replayed"], again["operation_id"]) == (True, done["operation_id"])
    gone = structure(call(node, account, "find_customers", {"nif": XURXO}, era=era))
    assert gone["total"] == 0
