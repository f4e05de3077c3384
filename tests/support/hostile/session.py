"""One server, its BeeL and its person for some hundred calls; each answer is held to all laws."""

import json
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import anyio
import jsonschema
from mcp import Client
from mcp.types import CallToolResult, ElicitResult, Tool
from pydantic import BaseModel

from tests.support.hostile.arguments import Maker
from tests.support.hostile.canaries import IBAN, seen_in_answer
from tests.support.people.evidence import checked
from tests.support.people.forms import counted
from tests.support.people.person import Shown, accepts

LIMIT_S = 45.0  # what a call may take; at 60 hosts give up
MASKED = {"internal_error", "deadline", "bad_answer"}  # no answer to what was called
TOKEN_LIMIT = 200_000  # an argument that is longer is told shortened


@dataclass
class Tally:
    """What was called, what came of it, and what was wrong with it."""

    calls: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    refusals: Counter[str] = field(default_factory=Counter)
    forms: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(counts["calls"] for counts in self.calls.values())


class Moody:
    """A person who now and then agrees, and an app that now and then fills in anything."""

    def __init__(self, random: Random, tally: Tally) -> None:
        self._random = random
        self._tally = tally

    async def __call__(self, _: Any, shown: Shown) -> ElicitResult:
        self._tally.forms += 1
        self._tally.faults += [f"{what} in a form: {shown}" for what in seen_in_answer(str(shown))]
        wrong = self._random.choice(("yes", "\udcff", 10**30, -1, 1.5, True, ["x"]))
        replies = (
            *(_agrees,) * 3,
            lambda _: ElicitResult(action="decline"),
            lambda _: ElicitResult(action="cancel"),
            lambda _: ElicitResult(action="accept"),
            lambda _: accepts(confirm=wrong, count=wrong, more="x"),
        )
        return self._random.choice(replies)(shown)


def _agrees(shown: Shown) -> ElicitResult:
    if "confirm" in shown.requested_schema["properties"]:
        return accepts(confirm="yes")
    return accepts(count=counted(shown.message))


class Session:
    """Calls the tools of one client, and says what is wrong with any answer."""

    def __init__(self, client: Client, maker: Maker, tally: Tally) -> None:
        self._client = client
        self._maker = maker
        self._tally = tally
        self._tools: dict[str, Tool] = {}
        self._inputs: dict[str, jsonschema.Draft202012Validator] = {}
        self._next: list[tuple[str, dict[str, Any]]] = []

    async def run(self, calls: int) -> None:
        self._tools = {one.name: one for one in (await self._client.list_tools()).tools}
        self._inputs = {
            name: jsonschema.Draft202012Validator(one.input_schema)
            for name, one in self._tools.items()
        }
        for _ in range(calls):
            await self._call(*self._drawn())
        await self._read_resources()

    def _drawn(self) -> tuple[str, str, Any]:
        """Draw a call: as an answer proposed it, from the schema, or against it."""
        random = self._maker.random
        if self._next and random.random() < 0.1:
            tool, arguments = self._next.pop(random.randrange(len(self._next)))
            return "as proposed", tool, arguments
        tool = random.choice(sorted(self._tools))
        schema = self._tools[tool].input_schema
        if random.random() < 0.45:
            made = self._maker.fitting(schema)
            self._inputs[tool].validate(made)
            return "from the schema", tool, made
        if random.random() < 0.02:
            tool = random.choice((tool.upper(), tool[:-1], "", "a\nb", "x" * 10_000, "__class__"))
        return "against it", tool, self._maker.broken(schema)

    async def _call(self, how: str, tool: str, arguments: dict[str, Any]) -> None:
        name = tool if tool in self._tools else "unknown tools"
        counts = self._tally.calls[name]
        counts["calls"] += 1
        counts[how] += 1
        progress = self._progress if self._maker.random.random() < 0.2 else None
        try:
            with anyio.fail_after(LIMIT_S):
                result = await self._client.call_tool(tool, arguments, None, progress)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is none of our answers
            faults = [f"{type(error).__name__}: {error}"]
        else:
            faults = list(self._faults_of(tool, result))
            self._count(counts, result)
        said = f"{tool:.60} {_short(arguments)}"
        self._tally.faults += [f"{fault:.2000}\n    after {said}" for fault in faults]

    def _count(self, counts: Counter[str], result: CallToolResult) -> None:
        structure = result.structured_content or {}
        counts["refused" if result.is_error else "answered"] += 1
        if result.is_error:
            self._tally.refusals[str(structure.get("code"))] += 1

    def _faults_of(self, tool: str, result: CallToolResult) -> Iterator[str]:
        structure = result.structured_content or {}
        if structure.get("code") in MASKED:
            yield f"masked: {structure}"
        try:
            # Measured without a tokenizer: signs and rare letters cost more than is thought.
            most = 1_300 if tool == "validate_customers" else None
            checked(tool if tool in self._tools else "get_status", _first_block(result), most)
            on_the_wire(result)
        except Exception as error:  # noqa: BLE001 - all that an answer can be wrong in
            where = traceback.extract_tb(error.__traceback__)[-1].line
            yield f"breaks a law: {type(error).__name__} {where} {error!s:.600}"
        shown = result.model_dump_json(by_alias=True)
        yield from (f"{what} in the answer: {shown:.600}" for what in seen_in_answer(shown))
        self._maker.learn(structure)
        for step in structure.get("next", ()):
            yield from self._faults_of_step(step)

    def _faults_of_step(self, step: Mapping[str, Any]) -> Iterator[str]:
        """Hold a proposed call to what it promises: it is complete, and can be made as it is."""
        tool = self._tools.get(step["tool"])
        if tool is None:
            yield f"proposes a tool that is not offered: {step}"
            return
        for fault in self._inputs[tool.name].iter_errors(step["arguments"]):
            yield f"proposes what {tool.name} does not take: {step}: {fault.message}"
        self._next = [*self._next[-20:], (tool.name, step["arguments"])]

    async def _progress(self, done: float, total: float | None, message: str | None) -> None:
        self._tally.faults += [f"{what} in progress" for what in seen_in_answer(message or "")]

    async def _read_resources(self) -> None:
        """Read what the calls left behind."""
        for resource in (await self._client.list_resources()).resources:
            uri = str(resource.uri)
            try:
                read = await self._client.read_resource(uri)
            except Exception as error:  # noqa: BLE001 - what cannot be read says so
                shown = str(error)
            else:
                shown = read.model_dump_json(by_alias=True)
            self._tally.faults += [f"{what} in {uri}" for what in seen_in_answer(shown)]


def on_the_wire(result: BaseModel) -> None:
    """Write an answer as a transport does: UTF-8, and numbers that JSON has."""
    content = result.model_dump(by_alias=True)
    json.dumps(content, allow_nan=False, ensure_ascii=False, default=str).encode("utf-8")


def _first_block(result: CallToolResult) -> CallToolResult:
    """Leave links to files aside: they stand beside an answer."""
    return result.model_copy(update={"content": result.content[:1]})


def _short(arguments: Any) -> str:
    text = ascii(arguments)
    return text if len(text) < 1_500 else f"{text[:1_000]} … {text[-200:]} ({len(text)} characters)"


def write_files(folder: Path) -> None:
    """Put lists into the import folder: good, broken, and none."""
    rows = [f"{20_000_000 + n};Taller {n};{IBAN};t{n}@x.example" for n in range(20)]
    good = "\n".join(["nif;nombre;iban;email", *rows])
    (folder / "list.csv").write_text(good, encoding="utf-8")
    (folder / "latin.csv").write_bytes("nombre;ciudad\nÑandú;Málaga\n\xff".encode("latin-1"))
    (folder / "copy.xlsx").write_bytes(b"PK\x03\x04" + b"x" * 100)
    (folder / "broken.xlsx").write_bytes(b"")
    (folder / ".env").write_text("BEEL_API_KEY=x\n", encoding="utf-8")
