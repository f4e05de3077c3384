"""The bridge: a trial played from a shell, one command after the other."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.trials.task import HERE

pytestmark = pytest.mark.slow  # a process for each command


class Shell:
    """Whoever plays, with a folder for temporary files of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str, given: str = "", code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=HERE.parent.parent,
            env={**os.environ, "TMPDIR": str(self.folder)},
            input=given,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=120,
        )
        assert done.returncode == code, done.stderr + done.stdout
        return done.stdout + done.stderr


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


PLAY, RECORDED = "tests.trials.play", "tests.trials.recorded"


def test_a_trial_is_played_from_a_shell_and_judged(shell: Shell) -> None:
    opening = shell(PLAY, "start", "out-of-the-list-es")
    assert "(session: out-of-the-list-es-1)" in opening
    assert "Con Transportes Ibarra ya no trabajamos" in opening
    session = "out-of-the-list-es-1"
    assert "mode" in shell(PLAY, "tools", session)
    shell(RECORDED, session, code=1)  # it has not ended
    found = shell(PLAY, "call", session, "find_customers", '{"search": "Ibarra"}')
    structure = json.loads(found.split("Structure: ", 1)[1])
    [customer] = structure["customers"]
    wanted = {"customer_ids": [customer["customer_id"]], "mode": "inactive"}
    done = shell(PLAY, "call", session, "deactivate_customers", "-", given=json.dumps(wanted))
    assert "inactive" in done
    assert "The person answers" in shell(PLAY, "say", session, "¿Algo más?")
    assert "Thank you" in shell(PLAY, "end", session, "Transportes Ibarra queda inactivo.")
    assert "passed" in shell(RECORDED, session)
    assert "no session" in shell(PLAY, "call", session, "get_status", "{}", code=2)


def test_what_is_no_trial_no_json_and_no_good_call_is_said(shell: Shell) -> None:
    assert "no trial" in shell(PLAY, "start", "win-the-lottery", code=2)
    assert "no session" in shell(PLAY, "tools", "paid-es-1", code=2)
    assert "paid-es" in shell(PLAY, "list")
    shell(PLAY, "start", "paid-es")
    assert "not JSON" in shell(PLAY, "call", "paid-es-1", "get_status", "{", code=2)
    assert "object" in shell(PLAY, "call", "paid-es-1", "get_status", "[]", code=2)
    assert "failed" in shell(PLAY, "call", "paid-es-1", "pay_invoice", "{}", code=1)
    shell(PLAY, "end", "paid-es-1", "Hecho, cobrada.")
    assert "then: must_say" in shell(RECORDED, "paid-es-1", code=1)
