"""Recorded trials: the calls that an assistant made are made again, and must come out right."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.trials.judge import verdict
from tests.trials.stage import Stage
from tests.trials.task import task_named
from tests.trials.transcripts import as_recorded, played_again, read, recordings, task_of
from tests.trials.trial import Event, begun

pytestmark = pytest.mark.anyio
# These take no time; the others are many calls, many rows or a PDF for each invoice.
FAST = {
    *("draft-en", "named-by-a-rogue-es", "nif-with-dots-es", "out-of-the-list-es", "owes-es"),
    *("paid-es", "quarter-by-rate-es", "two-alike-es", "two-gone-es"),
}


def marked(path: Path) -> Any:
    return pytest.param(path, marks=() if path.stem in FAST else pytest.mark.slow, id=path.stem)


def called(tool: str, arguments: dict[str, Any], structure: dict[str, Any]) -> Event:
    return {"event": "call", "tool": tool, "arguments": arguments, "structure": structure}


@pytest.mark.parametrize("path", [marked(path) for path in recordings()])
async def test_what_was_recorded_passes_on_the_server_of_today(path: Path, tmp_path: Path) -> None:
    assert task_of(path).name == path.stem
    assert verdict(await played_again(read(path), tmp_path)) == []


async def test_what_an_answer_gave_then_is_what_it_gives_now_in_the_calls_behind_it(
    tmp_path: Path,
) -> None:
    """The ids and the sentence of a plan are of now, though another was recorded."""
    customer = "d0000000-0000-4000-8000-000000000013"
    was = {"plan_id": "plan_of_then", "statement": "PRUEBAS: eliminar a Ibarra, como se decía."}
    events = [
        {"event": "begin", "task": "two-gone-es"},
        called("deactivate_customers", {"customer_ids": [customer]}, was),
        {"event": "said", "text": "Eliminar a Ibarra y a Castiñeira, ¿sí?"},
        called("confirm_plan", dict(was), {"deleted": [customer]}),
        {"event": "end", "text": "Transportes Ibarra queda eliminado."},
    ]
    played = await played_again(events, tmp_path)
    _, again = played.of("call")
    assert again["structure"]["status"] == "done"
    assert again["arguments"]["plan_id"] not in (None, "plan_of_then")
    # One of the two is missing, and the judge says so.
    assert verdict(played)[0] == (
        "deleted: ['Transportes Ibarra SA'], not ['Transportes Ibarra SA', 'Xurxo Castiñeira Rey']"
    )


async def test_a_transcript_names_no_place_of_this_machine(tmp_path: Path) -> None:
    task = task_named("template-es")
    async with begun(task, tmp_path) as trial:
        await trial.call("download_customer_template", {})
        written = json.dumps(as_recorded(trial.events, trial.stage))
    assert str(tmp_path) not in written
    assert "{files}/" in written


async def test_lists_written_for_a_trial_are_read_as_their_programs_write_them(
    tmp_path: Path,
) -> None:
    stage = Stage(task_named("import-900-en"), tmp_path)
    assert [*stage.saved()] == ["subscribers.xlsx"]
    assert stage.saved()["subscribers.xlsx"].startswith(b"PK")
