"""Clients that are not ours, each in a process of its own that does what a test tells it."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.clients.npm import installed_clients, node_program
from tests.support.clients.venvs import FASTMCP, PREVIOUS_SDK, installed_python

PROGRAMS = Path(__file__).parents[2] / "interop" / "programs"
STORY_TIMEOUT_S = 120
HANDLES = {"batch_id", "plan_id", "statement", "resume", "path", "backup_path"}


@dataclass(frozen=True)
class Kind:
    """A client on one era: its program, what that runs on, and what it must agree on."""

    program: str
    protocol: str
    mode: str = "legacy"
    requirement: str = ""  # none: it is one of the clients for Node


KINDS = {
    "typescript-v1": Kind("typescript_v1.mjs", "2025-11-25"),
    "typescript-v2": Kind("typescript_v2.mjs", "2025-11-25"),
    "typescript-v2-modern": Kind("typescript_v2.mjs", "2026-07-28", mode="auto"),
    "python-v1": Kind("python_v1.py", "2025-11-25", requirement=PREVIOUS_SDK),
    "fastmcp": Kind("fastmcp_any.py", "2025-11-25", requirement=FASTMCP),
    "fastmcp-modern": Kind("fastmcp_any.py", "2026-07-28", mode="auto", requirement=FASTMCP),
}


class RefusedError(Exception):
    """The client gave an error of the protocol, or would not believe what it was sent."""

    def __init__(self, refusal: dict[str, Any]) -> None:
        super().__init__(refusal["message"])
        self.code = refusal["code"]


@dataclass
class Guided:
    """A connected client."""

    process: subprocess.Popen[str]

    def do(self, doing: str, **words: Any) -> Any:
        """Have the client do one thing, and give what it was answered.

        Raises:
            RefusedError: the answer was an error, or nothing the client would believe.

        """
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"doing": doing, **words}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the client ended"
        said = json.loads(line)
        if "refused" in said:
            raise RefusedError(said["refused"])
        return said["done"]

    def answer(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool; both halves of the answer must agree."""
        answer: dict[str, Any] = self.do("call", name=tool, args=arguments)
        structure = answer["structure"]
        answer["text"] = "\n".join(block.get("text", "") for block in answer["content"])
        assert answer["isError"] is (structure["status"] == "error"), answer
        assert structure["summary"] in answer["text"]
        # Some hosts show the model the text alone; what it gave itself it need not be told.
        for handle in HANDLES - arguments.keys():
            assert structure.get(handle, "") in answer["text"], handle
        return answer

    def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool and give the structure of its answer."""
        structure: dict[str, Any] = self.answer(tool, **arguments)["structure"]
        return structure

    def follow(self, answer: dict[str, Any]) -> dict[str, Any]:
        """Make the first call that an answer says comes next."""
        following = answer["next"][0]
        return self.call(following["tool"], **following["arguments"])


def command_of(kind: Kind, home: Path) -> list[str]:
    """Give the command that starts a client's program.

    Raises:
        UnavailableError: it cannot be had here.

    """
    if kind.requirement:
        return [str(installed_python(kind.requirement)), "-B", str(PROGRAMS / kind.program)]
    clients = installed_clients()
    return [node_program(clients), str(beside_clients(clients, home) / kind.program)]


def beside_clients(clients: Path, home: Path) -> Path:
    """ES modules are looked up from where the script lies, so it lies beside node_modules."""
    (home / "node_modules").symlink_to(clients / "node_modules")
    for module in PROGRAMS.glob("*.mjs"):
        (home / module.name).write_bytes(module.read_bytes())
    return home


@contextmanager
def started(kind: Kind, target: dict[str, Any], home: Path) -> Iterator[Guided]:
    """Start a client on our server; when the block ends well, so must the client."""
    said = home / "stderr"
    with said.open("w", encoding="utf-8") as stderr:
        process = subprocess.Popen(
            [*command_of(kind, home), json.dumps({**target, "mode": kind.mode})],
            cwd=home,
            env={"PATH": os.environ["PATH"], "HOME": str(home), "NO_COLOR": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
        )
    watchdog = threading.Timer(STORY_TIMEOUT_S, process.kill)
    watchdog.start()
    try:
        guided = Guided(process)
        assert guided.do("protocol") == kind.protocol
        # First the list: from then on a client holds every answer, errors too, to its schema.
        guided.do("tools")
        yield guided
        process.communicate()
        assert process.returncode == 0
        assert "Traceback" not in said.read_text(encoding="utf-8")
    except AssertionError as error:
        error.add_note(said.read_text(encoding="utf-8"))
        raise
    finally:
        process.kill()
        process.communicate()
        watchdog.cancel()
