"""The tokens of recorded trials beside those of a server generated from BeeL's contract."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from tests.support.clients.installs import UnavailableError
from tests.support.clients.venvs import FASTMCP
from tests.trials.generated import CONTRACT, PLAYERS, Front, Table, generated
from tests.trials.stage import Stage
from tests.trials.task import HERE, task_named
from tests.trials.transcripts import read, recordings
from tests.trials.trial import tokens

pytestmark = pytest.mark.anyio
RESULTS = HERE / "RESULTS.md"
HEAD = """\
# Tokens of the trials

Written by `python -m pytest -m benchmark tests/trials`; o200k tokens. Ours are those of recorded
assistants, detours included. The others are those of a server that {fastmcp} generates
from BeeL's contract, played by a script that knows the API by heart and makes the fewest calls:
`test_beside_generated.py`. The text alone is what some apps give to the model; others give the
structure, or both. What is empty is a chore that nobody plays on the generated server.

| | tools | tokens of the list | with output schemas |
|---|---|---|---|
"""
CHORES = """
| chore | our calls | text | and structure | generated calls | text | and structure | times |
|---|---|---|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Spent:
    """What a chore cost: the calls with the texts answered, and the structures beside them."""

    calls: int
    text: int
    structure: int

    def __str__(self) -> str:
        return f"{self.calls} | {self.text:,} | {self.text + self.structure:,}"


def ours(path: Path) -> Spent:
    calls = [one["tokens"] for one in read(path) if one["event"] == "call"]
    text = sum(one["call"] + one["text"] for one in calls)
    return Spent(len(calls), text, sum(one["structure"] for one in calls))


async def theirs(name: str, client: Client, front: Front, folder: Path) -> Spent:
    stage = Stage(task_named(name), folder)
    front.app = stage.sandbox
    beel = Table(client)
    await PLAYERS[name](beel, stage)
    return Spent(beel.calls, beel.text, beel.structure)


def of_list(tools: Any) -> str:
    seen = [
        {"name": one.name, "description": one.description, "inputSchema": one.input_schema}
        for one in tools
    ]
    schemas = sum(tokens(one.output_schema or {}) for one in tools)
    return f"{len(tools)} | {tokens(seen):,} | {tokens(seen) + schemas:,}"


def row(name: str, mine: Spent, other: Spent | None) -> str:
    if other is None:
        return f"| {name} | {mine} | | | | |"
    return f"| {name} | {mine} | {other} | {other.text / mine.text:.1f} |"


@pytest.mark.benchmark
@pytest.mark.parametrize("era", ["auto"])  # the list is the same in both
async def test_recorded_chores_cost_a_fraction_of_what_they_cost_on_a_generated_server(
    client: Client, tmp_path: Path
) -> None:
    if not CONTRACT.exists():
        pytest.skip("NOTHING WAS COMPARED: the contract is not beside this checkout")
    table = [f"| ours | {of_list((await client.list_tools()).tools)} |"]
    spent: dict[str, tuple[Spent, Spent | None]] = {}
    front, log = Front(), tmp_path / "generated.log"
    try:
        for routes, told in {"all": "the whole contract", "current": "today's routes"}.items():
            async with generated(front, routes, log) as other:
                tools = (await other.list_tools()).tools
                table.append(f"| generated, {told} | {of_list(tools)} |")
                for path in recordings() if routes == "current" else ():
                    name = path.stem
                    has_player = name in PLAYERS
                    cost = await theirs(name, other, front, tmp_path / name) if has_player else None
                    spent[name] = ours(path), cost
    except UnavailableError as error:
        pytest.skip(f"NOTHING WAS COMPARED: {error}")
    written = HEAD.format(fastmcp=FASTMCP.replace("==", " ")) + "\n".join([*table, ""]) + CHORES
    written += "".join(f"{row(name, *costs)}\n" for name, costs in spent.items())
    print(written)
    RESULTS.write_text(written, encoding="utf-8")
    compared = [(mine.text, other.text) for mine, other in spent.values() if other]
    mine_in_all, theirs_in_all = (sum(column) for column in zip(*compared, strict=True))
    assert mine_in_all * 3 <= theirs_in_all


@pytest.mark.parametrize("era", ["auto"])
async def test_the_results_have_the_tools_and_tokens_of_the_list_as_it_is(client: Client) -> None:
    tools, spent, _ = of_list((await client.list_tools()).tools).split(" | ")
    line = f"| ours | {tools} | {spent} |"
    assert line in RESULTS.read_text(encoding="utf-8"), f"run the benchmark: {line}"


def test_the_results_name_every_recorded_trial() -> None:
    written = RESULTS.read_text(encoding="utf-8")
    missing = [path.stem for path in recordings() if f"| {path.stem} |" not in written]
    assert missing == [], "run the benchmark"
