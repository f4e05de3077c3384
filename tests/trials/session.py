"""The process behind a trial that is played from a shell: `session.py FOLDER TASK`."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any, Final

import anyio
from anyio.abc import SocketListener
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.trials.judge import verdict
from tests.trials.play import line_of
from tests.trials.task import Task, task_named
from tests.trials.transcripts import as_recorded, write
from tests.trials.trial import Event, Trial, begun

IDLE_LIMIT_S: Final = 3 * 3600
MOST_BYTES: Final = 64 * 1024**2


async def _serve(folder: Path, task: Task) -> None:
    """Play a trial for whoever connects, one order after the other, until it is over."""
    async with begun(task, folder / "home") as trial:
        async with await anyio.create_unix_listener(line_of(folder), mode=0o600) as listener:
            (folder / "ready").touch()
            with anyio.move_on_after(IDLE_LIMIT_S):
                while not trial.is_over:
                    await _serve_one(listener, trial, folder)
        line_of(folder).unlink(missing_ok=True)
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
    anyio.run(_serve, Path(sys.argv[1]), task_named(sys.argv[2]))
