"""A trial under way: our server on its stage, the person, and the record of all that happened."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Self

import anyio
from anyio.abc import TaskGroup, TaskStatus
from mcp import Client
from mcp.client.session import ElicitationFnT
from mcp.types import ElicitResult
from rs_bpe.bpe import openai

from beel_mcp.server import create_server
from beel_mcp.settings import Settings
from tests.support.people.forms import agreeing, counted
from tests.trials.stage import Snapshot, Stage
from tests.trials.task import Task

Event = dict[str, Any]
VOCABULARY: Final = openai.o200k_base()
DONT_KNOW: Final = {
    "es": "Eso no te lo sé decir. Haz lo que puedas con lo que ya te he dicho.",
    "en": "I could not tell you. Do what you can with what I have told you.",
}
YES: Final = {"es": "Sí, adelante.", "en": "Yes, go ahead."}


class OverError(Exception):
    """The trial has ended: nothing more can be done in it."""


def tokens(value: Any) -> int:
    """Count as a model reads it: a text, or JSON without blanks."""
    is_text = isinstance(value, str)
    text = value if is_text else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return VOCABULARY.count(text)


@dataclass(frozen=True)
class Played:
    """A trial from its beginning to its end, as it is judged."""

    task: Task
    events: tuple[Event, ...]
    before: Snapshot
    after: Snapshot
    files: Mapping[str, bytes]

    def of(self, kind: str) -> list[Event]:
        return [one for one in self.events if one["event"] == kind]

    def with_events(self, *events: Event) -> Self:
        return replace(self, events=events)

    @property
    def tokens(self) -> int:
        """Count what the calls cost: their arguments, and the texts and structures answered."""
        return sum(sum(one["tokens"].values()) for one in self.of("call"))


@dataclass
class Talk:
    """The person at the app, in this trial."""

    task: Task
    used: set[int] = field(default_factory=set)

    def reply(self, text: str) -> tuple[str, bool]:
        """Answer what the assistant said, and tell whether it was a yes to a question."""
        for number, rule in enumerate(self.task.person.answers):
            if number not in self.used and rule.fits(text):
                if rule.once:
                    self.used.add(number)
                return rule.says, False
        if self.task.person.wants(text):
            return YES[self.task.language], True
        return DONT_KNOW[self.task.language], False

    def fill_in(self, message: str, properties: Mapping[str, Any]) -> ElicitResult:
        """Answer a form: the right number or a yes if it is what they want, else a decline."""
        if self.task.person.form == "dismisses":
            return ElicitResult(action="cancel")
        if not self.task.person.wants(message):
            return ElicitResult(action="decline")
        if "confirm" in properties:
            return ElicitResult(action="accept", content={"confirm": "yes"})
        return ElicitResult(action="accept", content={"count": counted(message)})


class Trial:
    """What an assistant can do in a trial: list the tools, call one, speak, end."""

    def __init__(self, task: Task, folder: Path, tasks: TaskGroup) -> None:
        self.task = task
        self.stage = Stage(task, folder)
        self.events: list[Event] = []
        self.tools: list[dict[str, Any]] = []
        self.instructions = ""
        self._talk = Talk(task)
        self._asked: list[Event] = []
        self._turn = 0
        self._tasks = tasks
        self._stop, self._stopped = anyio.Event(), anyio.Event()
        self._client: Client | None = None
        self._before: Snapshot = {}
        self._meanwhile = [dict(one) for one in task.start.meanwhile]

    async def begin(self) -> None:
        """Do what happened before, and hand over to the assistant."""
        self._before = self.stage.snapshot()
        if self.task.start.calls:
            await self._open(agreeing())
            for one in self.task.start.calls:
                result = await self._session.call_tool(one["tool"], one["arguments"])
                assert not result.is_error, result
        if self.task.end.since == "start":
            self._before = self.stage.snapshot()
        self.events.clear()
        await self._open(self._shown if self.task.start.shows_forms else None)
        listed = await self._session.list_tools()
        self.tools = [
            {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
            for tool in listed.tools
        ]
        self.instructions = self._session.instructions or ""
        cost = {"tools": tokens(self.tools), "instructions": tokens(self.instructions)}
        self._note("begin", task=self.task.name, tokens=cost)
        self._note("request", text=self.request)

    async def finish(self) -> None:
        """Stop the server, and wait until it has let go of what it holds."""
        if self._client:
            self._stop.set()
            await self._stopped.wait()

    @property
    def request(self) -> str:
        return self.task.requests[self._turn]

    @property
    def is_over(self) -> bool:
        return self._turn >= len(self.task.requests)

    async def call(self, tool: str, arguments: dict[str, Any]) -> Event:
        """Call a tool as an app would; the person answers what they are asked meanwhile."""
        self._must_be_on()
        self._asked.clear()
        self.stage.clock.pass_by(5)
        try:
            result = await self._session.call_tool(tool, arguments)
            text = "\n".join(getattr(block, "text", "") for block in result.content)
            structure, failed = result.structured_content, bool(result.is_error)
        except Exception as error:  # noqa: BLE001 - an error of the protocol is what an app shows
            text, structure, failed = str(error), None, True
        cost = {"call": tokens({"name": tool, "arguments": arguments}), "text": tokens(text)}
        cost["structure"] = tokens(structure) if structure is not None else 0
        event = self._note(
            "call",
            tool=tool,
            arguments=arguments,
            text=text,
            structure=structure,
            is_error=failed,
            asked=list(self._asked),
            tokens=cost,
        )
        await self._let_pass(tool)
        return event

    def say(self, text: str) -> Event:
        """Say something to the person in the chat, and hear what they answer."""
        self._must_be_on()
        self.stage.clock.pass_by(20)
        reply, agreed = self._talk.reply(text)
        return self._note("said", text=text, reply=reply, agreed=agreed)

    def end(self, text: str) -> Event:
        """Give the last words on a request; there may be another one after it."""
        self._must_be_on()
        event = self._note("end", text=text)
        self._turn += 1
        if not self.is_over:
            self._note("request", text=self.request)
        return event

    def played(self) -> Played:
        return Played(
            self.task,
            tuple(self.events),
            self._before,
            self.stage.snapshot(),
            self.stage.saved(),
        )

    @property
    def _session(self) -> Client:
        assert self._client
        return self._client

    def _must_be_on(self) -> None:
        if self.is_over:
            raise OverError("the trial has ended")

    def _note(self, event: str, **facts: Any) -> Event:
        self.events.append({"event": event, **facts})
        return self.events[-1]

    async def _shown(self, _: Any, params: Any) -> ElicitResult:
        self.stage.clock.pass_by(15)
        answer = self._talk.fill_in(params.message, params.requested_schema["properties"])
        said = {"question": params.message, "action": answer.action, "content": answer.content}
        self._asked.append(said)
        return answer

    async def _open(self, person: ElicitationFnT | None) -> None:
        """Start the server, or start it again; what it keeps on disk is what it knows."""
        await self.finish()
        self._client = await self._tasks.start(self._serve, person)

    async def _serve(
        self, person: ElicitationFnT | None, *, task_status: TaskStatus[Client]
    ) -> None:
        """Run a server until it is stopped: what opens it must close it, whoever calls."""
        self._stop, self._stopped = anyio.Event(), anyio.Event()
        settings = self._settings()
        beel: Any = self.stage.beel if settings.sandbox else None
        server = create_server(settings, sandbox_app=beel, timing=self.stage.clock.timing)
        async with Client(server, mode="auto", elicitation_callback=person) as client:
            task_status.started(client)
            await self._stop.wait()
        self._stopped.set()

    def _settings(self) -> Settings:
        known: dict[str, Any] = {
            "files_dir": self.stage.files,
            "import_dirs": (self.stage.files,),
            "state_dir": self.stage.state,
            "sandbox": True,
            "language": self.task.language,
        }
        return Settings(**known | dict(self.task.start.settings or {}))

    async def _let_pass(self, tool: str) -> None:
        """Let happen what the trial says happens after this call, once."""
        now = [one for one in self._meanwhile if one["after"] == tool]
        if not now:
            return
        self._meanwhile.remove(now[0])
        self.stage.clock.pass_by(60 * now[0].get("minutes", 0))
        if now[0].get("restart"):
            await self._open(self._shown if self.task.start.shows_forms else None)


@asynccontextmanager
async def begun(task: Task, folder: Path) -> AsyncIterator[Trial]:
    """Play a trial in this process until the block ends."""
    async with anyio.create_task_group() as tasks:
        trial = Trial(task, folder, tasks)
        await trial.begin()
        yield trial
        await trial.finish()
