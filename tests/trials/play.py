"""The bridge by which an assistant plays a trial from a shell: `python -m tests.trials.play`.

What is slow to start runs in the process of the session, and not with every command.
"""

import argparse
import getpass
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from tests.trials.task import HERE, Task, TaskError, all_tasks, task_named

ROOT: Final = HERE.parent.parent
START_LIMIT_S: Final = 300  # a busy machine takes its time


def main(words: list[str] | None = None) -> int:
    """Carry out one command, and give the exit code: 2 for what could not be done."""
    parser = argparse.ArgumentParser(prog="python -m tests.trials.play")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the trials that there are")
    start = commands.add_parser("start", help="begin a trial; says the name of the session")
    start.add_argument("task")
    tools = commands.add_parser("tools", help="the tools, as the app tells an assistant of them")
    call = commands.add_parser("call", help="call a tool")
    say = commands.add_parser("say", help="say something to the person, and hear the answer")
    end = commands.add_parser("end", help="give your last words on what was asked")
    for one in (tools, call, say, end):
        one.add_argument("session")
    call.add_argument("tool")
    call.add_argument("arguments", help="JSON, or - to read it from standard input")
    for one in (say, end):
        one.add_argument("text", help="what you say, or - to read it from standard input")
    try:
        return _obey(parser.parse_args(words))
    except (TaskError, ConnectionError) as error:
        print(error, file=sys.stderr)
        return 2


def _obey(given: argparse.Namespace) -> int:
    if given.command == "list":
        for task in all_tasks():
            print(task.name)
    elif given.command == "start":
        _start(task_named(given.task))
    else:
        return _ask(given)
    return 0


def _ask(given: argparse.Namespace) -> int:
    """Send a command to the session, and print what comes back."""
    order: dict[str, Any] = {"command": given.command}
    if given.command == "call":
        order["tool"] = given.tool
        try:
            order["arguments"] = json.loads(_given(given.arguments))
        except ValueError as error:
            print(f"the arguments are not JSON: {error}", file=sys.stderr)
            return 2
        if not isinstance(order["arguments"], dict):
            print("the arguments must be a JSON object", file=sys.stderr)
            return 2
    elif given.command in ("say", "end"):
        order["text"] = _given(given.text)
    answer = _sent(session_folder(given.session), order)
    print(answer["shown"])
    return int(answer["code"])


def _given(text: str) -> str:
    return sys.stdin.read() if text == "-" else text


def session_folder(session: str) -> Path:
    """Name the folder of a session, whether there is one or not."""
    if session != Path(session).name:
        raise TaskError(f"{session!r} is no name of a session")
    home = Path(tempfile.gettempdir()) / f"beel-trials-{getattr(os, 'getuid', getpass.getuser)()}"
    home.mkdir(mode=0o700, exist_ok=True)
    return home / session


def _start(task: Task) -> None:
    """Start the session in a process of its own, and show what an assistant begins with."""
    number = 1
    while session_folder(f"{task.name}-{number}").exists():
        number += 1
    session = f"{task.name}-{number}"
    folder = session_folder(session)
    folder.mkdir()
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.trials.session", str(folder), task.name],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_LIMIT_S
    while not (folder / "ready").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            log_text = (folder / "log").read_text(encoding="utf-8")
            raise TaskError(f"{session} did not begin. {log_text}")
        time.sleep(0.05)
    print(_sent(folder, {"command": "request"})["shown"])
    print(f"\n(session: {session})")


def line_of(folder: Path) -> Path:
    """Name the socket of a session: short, as its address has room for some hundred bytes."""
    name = hashlib.sha256(folder.name.encode()).hexdigest()[:12]
    return folder.parent.parent / f"beel-{name}"


def _sent(folder: Path, order: dict[str, Any]) -> dict[str, Any]:
    """Ask the process of a session; one order on one connection."""
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(str(line_of(folder)))
        except OSError:
            raise ConnectionError(f"there is no session {folder.name} (any more)") from None
        answer = b""
        try:
            line.sendall(json.dumps(order).encode() + b"\n")
            while piece := line.recv(65_536):
                answer += piece
        except OSError:
            answer = b""
    if not answer:
        raise ConnectionError(f"the session {folder.name} has died; its log says why")
    found: dict[str, Any] = json.loads(answer)
    return found


if __name__ == "__main__":
    sys.exit(main())
