"""The bridge by which an assistant plays a trial from a shell: `python -m tests.trials.play`."""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import anyio
from anyio.abc import SocketListener
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.trials.judge import verdict
from tests.trials.task import HERE, Task, TaskError, all_tasks, task_named
from tests.trials.transcripts import as_recorded, write
from tests.trials.trial import Event, OverError, Trial, begun

ROOT: Final = HERE.parent.parent
IDLE_LIMIT_S: Final = 3 * 3600
START_LIMIT_S: Final = 60
MOST_BYTES: Final = 64 * 1024**2


def main(words: list[str] | None = None) -> int:
    """Carry out one command, and give the exit code: 2 for what could not be done."""
    parser = argparse.ArgumentParser(prog="python -m tests.trials.play", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="the trials that there are")
    start = commands.add_parser("start", help="begin a trial; says the name of the session")
    start.add_argument("task")
    tools = commands.add_parser("tools", help="the tools, as the app tells an assistant of them")
    call = commands.add_parser("call", help="call a tool")
    say = commands.add_parser("say", help="say something to the person, and hear the answer")
    end = commands.add_parser("end", help="give your last words on what was asked")
    serve = commands.add_parser("serve")
    for one in (tools, call, say, end, serve):
        one.add_argument("session")
    serve.add_argument("task")
    call.add_argument("tool")
    call.add_argument("arguments", help="JSON, or - to read it from standard input")
    for one in (say, end):
        one.add_argument("text", help="what you say, or - to read it from standard input")
    try:
        return _obey(parser.parse_args(words))
    except (TaskError, OverError, ConnectionError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2


def _obey(given: argparse.Namespace) -> int:
    if given.command == "list":
        for task in all_tasks():
            print(task.name)
    elif given.command == "start":
        _start(task_named(given.task))
    elif given.command == "serve":
        anyio.run(_serve, session_folder(given.session), task_named(given.task))
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
    home = Path(tempfile.gettempdir()) / f"beel-trials-{os.getuid()}"
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
            [sys.executable, "-m", "tests.trials.play", "serve", session, task.name],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_LIMIT_S
    while not (folder / "ready").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise TaskError((folder / "log").read_text(encoding="utf-8"))
        time.sleep(0.05)
    print(_sent(folder, {"command": "request"})["shown"])
    print(f"\n(session: {session})")


def _sent(folder: Path, order: dict[str, Any]) -> dict[str, Any]:
    """Ask the process of a session; one order on one connection."""
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(str(folder / "line"))
        except OSError:
            raise ConnectionError(f"there is no session {folder.name} (any more)") from None
        line.sendall(json.dumps(order).encode() + b"\n")
        answer = b""
        while piece := line.recv(65_536):
            answer += piece
    found: dict[str, Any] = json.loads(answer)
    return found


async def _serve(folder: Path, task: Task) -> None:
    """Play a trial for whoever connects, one order after the other, until it is over."""
    async with begun(task, folder / "home") as trial:
        async with await anyio.create_unix_listener(folder / "line", mode=0o600) as listener:
            (folder / "ready").touch()
            with anyio.move_on_after(IDLE_LIMIT_S):
                while not trial.is_over:
                    await _serve_one(listener, trial, folder)
        (folder / "line").unlink(missing_ok=True)
        reasons = verdict(trial.played())
        (folder / "verdict").write_text("".join(f"{one}\n" for one in reasons), encoding="utf-8")
    shutil.rmtree(folder / "home")


async def _serve_one(listener: SocketListener, trial: Trial, folder: Path) -> None:
    async with await listener.accept() as stream:
        line = await BufferedByteReceiveStream(stream).receive_until(b"\n", MOST_BYTES)
        shown, code = await _carried_out(trial, json.loads(line))
        write(folder / "transcript.jsonl", as_recorded(trial.events, trial.stage))
        await stream.send(json.dumps({"shown": shown, "code": code}).encode())


async def _carried_out(trial: Trial, order: dict[str, Any]) -> tuple[str, int]:
    match order["command"]:
        case "request":
            return _opening(trial), 0
        case "tools":
            return _tools(trial), 0
        case "call":
            event = await trial.call(order["tool"], order["arguments"])
            return _answer(event), int(event["is_error"])
        case "say":
            return f"The person answers:\n{trial.say(order['text'])['reply']}", 0
        case _:
            trial.end(order["text"])
            if trial.is_over:
                return "That was all. Thank you.", 0
            return f"The person goes on:\n{trial.request}", 0


def _opening(trial: Trial) -> str:
    files = sorted(str(trial.stage.files / name) for name in trial.stage.saved())
    has = f"\nFiles that the person has named or dropped: {', '.join(files)}" if files else ""
    return (
        f"Today is {trial.stage.clock.now():%A, %Y-%m-%d}."
        f"\n\nThe server says of itself:\n{trial.instructions}"
        f"\n\nTools (`tools` shows their schemas): {', '.join(t['name'] for t in trial.tools)}"
        f"{has}\n\nThe person says:\n{trial.request}"
    )


def _tools(trial: Trial) -> str:
    return "\n\n".join(
        f"{tool['name']}: {tool['description']}\n"
        + json.dumps(tool["inputSchema"], ensure_ascii=False)
        for tool in trial.tools
    )


def _answer(event: Event) -> str:
    """Show an answer as an app would; what the person was asked in a form is not shown."""
    structure = json.dumps(event["structure"], ensure_ascii=False)
    failed = "(the call failed)\n" if event["is_error"] else ""
    return f"{failed}{event['text']}\n\nStructure: {structure}"


if __name__ == "__main__":
    sys.exit(main())
