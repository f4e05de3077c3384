"""Calls made from the tools' schemas and against them: always an answer of ours, never a secret."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from random import Random

import jsonschema
import pytest
from mcp import ClientSession
from pydantic import SecretStr

from beel_mcp.api import client as api_client
from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.settings import Settings
from beel_mcp.tools import TOOLS
from tests.conftest import Connect, Era, FakeTime
from tests.support.figures import record
from tests.support.hostile import canaries
from tests.support.hostile.arguments import Maker
from tests.support.hostile.session import Moody, Session, Tally, write_files

pytestmark = [pytest.mark.anyio, pytest.mark.proof]

CALLS = int(os.environ.get("TESTS_HOSTILE_CALLS", "10000"))  # of the four tests together
PER_SESSION = 250
CONFIRM = ("auto", "auto", "plan", "ask")


@pytest.fixture
def log() -> Iterator[canaries.Log]:
    """Listen to every logger at every level; the key that requests carry is the canary."""
    heard, root = canaries.Log(), logging.getLogger()
    before = root.level
    root.addHandler(heard)
    root.setLevel(logging.DEBUG)
    yield heard
    root.setLevel(before)
    root.removeHandler(heard)


async def _nothing(*_: object) -> None: ...


async def play(
    connect: Connect, settings: Settings, folder: Path, seed: int, tally: Tally, *, forms: bool
) -> None:
    """Play one session: everything about it hangs on its seed."""
    random = Random(seed)
    app = create_app(SandboxOptions(generation=random.choice(("current", "current", "legacy"))))
    canaries.put_into(app)
    files, state, time = folder / "files", folder / "state", FakeTime()
    files.mkdir(parents=True)
    write_files(files)
    changes = {
        "files_dir": files,
        "import_dirs": (files,),
        "state_dir": state,
        "confirm": random.choice(CONFIRM),
        "confirm_creates": random.random() < 0.3,
        "read_only": random.random() < 0.1,
        "language": random.choice(("en", "es")),
    }
    person = Moody(random, tally) if forms else None
    timing = Timing(time.now, time.sleep)
    async with connect(app, timing=timing, answers=person, raises=False, **changes) as client:
        await Session(client, Maker(random), tally).run(PER_SESSION)
    tally.faults += canaries.seen_in_folders(state, files)
    others = {one.name for one in folder.glob("*")} - {files.name, state.name}  # noqa: ASYNC240
    tally.faults += [f"writes {other}" for other in others]


@pytest.mark.parametrize("forms", [True, False], ids=["forms", "no forms"])
async def test_every_call_from_the_schemas_and_against_them_gets_an_answer_without_a_secret(
    connect: Connect,
    settings: Settings,
    era: Era,
    forms: bool,
    tmp_path: Path,
    log: canaries.Log,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(api_client, "SANDBOX_KEY", SecretStr(canaries.KEY))
    # The SDK's client checks each schema anew before it checks an answer; `checked` does it once.
    monkeypatch.setattr(ClientSession, "validate_tool_result", _nothing)
    tally = Tally()
    sessions = -(-CALLS // 4 // PER_SESSION)
    first = (2 * forms + (era == "auto")) * 1_000_000  # no two tests play the same session
    for number in range(sessions):
        folder = tmp_path / str(number)
        await play(connect, settings, folder, first + number, tally, forms=forms)
    printed = capfd.readouterr()
    faults = [*tally.faults, *log.faults]
    faults += [f"on stderr: {printed.err[:2_000]}"] if printed.err else []
    keep(tally, log)
    assert not faults, f"{len(faults)} faults\n" + "\n".join(faults[:40])
    assert tally.total == sessions * PER_SESSION
    assert {tool.name for tool in TOOLS} <= tally.calls.keys()
    assert tally.forms > 0 or not forms
    # What is only ever refused at the door proves little.
    assert sum(counts["answered"] for counts in tally.calls.values()) > tally.total / 5


def keep(tally: Tally, log: canaries.Log) -> None:
    """Hand the counts to the page of figures, and to whoever looks at this test alone."""
    titles = "Hostile calls", "Hostile calls by tool", "Their refusals by code"
    total = {
        "calls": tally.total,
        "forms filled in": tally.forms,
        "log records read": log.records,
        "errors and tracebacks logged, secrets in logs": len(log.faults),
        "no answer, masked errors, broken laws, secrets shown": len(tally.faults),
    }
    note = (
        "Calls made from the tools' input schemas and against them, in both protocol eras, with and"
        " without forms, on the sandbox; each answer held to its schema, its size and its proposed"
        " calls, and searched for a key and a bank account, as are logs and files."
    )
    record(titles[0], total, note=note)
    record(titles[1], {tool: tally.calls[tool] for tool in sorted(tally.calls)})
    record(titles[2], {code: tally.refusals[code] for code in sorted(tally.refusals)})
    print(total, dict(tally.calls), tally.refusals, sep="\n")


def test_arguments_from_a_schema_fit_it_and_the_same_seed_makes_the_same() -> None:
    built = [tool.build(output_schema=False).parameters for tool in TOOLS]
    ours, others = Maker(Random(1)), Maker(Random(1))
    for schema in built * 5:
        jsonschema.validate(made := ours.fitting(schema), schema)
        assert others.fitting(schema) == made
        assert repr(ours.broken(schema)) == repr(others.broken(schema))
