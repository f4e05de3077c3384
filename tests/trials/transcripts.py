"""Recorded trials: how they are written down, and how they are played again."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.trials.stage import Stage
from tests.trials.task import HERE, Task, task_named
from tests.trials.trial import Event, Played, begun

RECORDED = HERE / "transcripts"
# What an assistant copies out of an answer: by the ends of the names that it has there.
SAID_AGAIN = ("_id", "statement", "path", "uri", "resume", "deactivated", "deleted", "updated")


def as_recorded(events: Sequence[Event], stage: Stage) -> list[Event]:
    """Give events without the places of this machine: `{files}` and `{state}` stand for them."""
    places = {str(stage.files): "{files}", str(stage.state): "{state}"}
    return [_replaced(event, places) for event in events]


def write(path: Path, events: Sequence[Event]) -> None:
    lines = [json.dumps(event, ensure_ascii=False) for event in events]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read(path: Path) -> list[Event]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def recordings() -> list[Path]:
    return sorted(RECORDED.glob("*.jsonl"))


def task_of(path: Path) -> Task:
    """Find the trial that was recorded: it is named in the first line."""
    return task_named(read(path)[0]["task"])


async def played_again(events: Sequence[Event], folder: Path) -> Played:
    """Make the recorded calls once more, against the server as it is now.

    What an answer gave then and a later call repeated (ids, statements, paths) is taken from the
    answer of now.
    """
    async with begun(task_named(events[0]["task"]), folder) as trial:
        known = {"{files}": str(trial.stage.files), "{state}": str(trial.stage.state)}
        for event in events:
            match event["event"]:
                case "call":
                    again = await trial.call(event["tool"], _replaced(event["arguments"], known))
                    known |= dict(_renamed(event["structure"], again["structure"]))
                case "said":
                    trial.say(_replaced(event["text"], known))
                case "end":
                    trial.end(event["text"])
        return trial.played()


def _replaced(value: Any, known: Mapping[str, str]) -> Any:
    """Put what is known now in place of what was known then, whole texts before parts of them."""
    if isinstance(value, str):
        if value in known:
            return known[value]
        for then, now in sorted(known.items(), key=lambda pair: -len(pair[0])):
            value = value.replace(then, now)
        return value
    if isinstance(value, list):
        return [_replaced(one, known) for one in value]
    if isinstance(value, Mapping):
        return {name: _replaced(one, known) for name, one in value.items()}
    return value


def _renamed(then: Any, now: Any) -> Iterator[tuple[str, str]]:
    """Pair the ids, statements and paths that stood in the same place and are others now."""
    shown = json.dumps(now, ensure_ascii=False)
    for name, one, other in _pairs("", then, now):
        if name.endswith(SAID_AGAIN) and json.dumps(one, ensure_ascii=False)[1:-1] not in shown:
            yield one, other


def _pairs(name: str, then: Any, now: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(then, str) and isinstance(now, str):
        yield name, then, now
    elif isinstance(then, list) and isinstance(now, list):
        for one, other in zip(then, now, strict=False):
            yield from _pairs(name, one, other)
    elif isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in then.keys() & now.keys():
            yield from _pairs(key, then[key], now[key])
