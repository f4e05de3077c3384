"""One step of the machine: a call, what goes wrong with it, and what must hold when it is over."""

import asyncio
import shutil
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from mcp.types import ElicitResult

from beel_mcp.settings import Settings
from tests.support.machine.beel import Beel, Clocks, Hold
from tests.support.machine.books import NOBODY, Books
from tests.support.machine.deeds import Asked, Plan
from tests.support.machine.outsiders import Outsiders, put_drafts
from tests.support.machine.process import Process
from tests.support.machine.wrongs import WELL, death_of, fault_of
from tests.support.matrix.trial import World
from tests.support.people.forms import counted

STATS: Final[Counter[str]] = Counter()
MOST_LOOKS: Final = 6
MOST_TURNS: Final = 12
# An app: whether it shows forms, and its protocol era.
APPS: Final = ((False, "auto"), (False, "legacy"), (True, "auto"), (True, "legacy"))


class Bookkeeping:
    """Two processes on one state folder, one BeeL, a person, and others at work in BeeL."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, world: World, apps: Any, *, confirm_creates: bool
    ) -> None:
        self._loop = loop
        self._folder = Path(tempfile.mkdtemp(prefix="beel-mcp-"))
        self.clocks = Clocks()
        state = self._folder / "state"
        self.beel = Beel(self.clocks, state / "journal.sqlite3", **world.options)
        put_drafts(self.beel)
        self.outsiders = Outsiders(self.beel)
        self._settings = Settings(
            files_dir=self._folder,
            import_dirs=(),
            state_dir=state,
            sandbox=True,
            routes=world.routes,
            output_schema=False,
            confirm_creates=confirm_creates,
        )
        self.books = Books(self.beel, self.outsiders, confirm_creates=confirm_creates)
        self._apps = apps
        self._processes: list[Process | None] = [None, None]
        self._mood = "decline"
        self.is_sound = True  # no step was broken off by a failure

    def close(self) -> None:
        try:
            for process in filter(None, self._processes):
                self._run(process.stop() if self.is_sound else process.bury())
        finally:
            self.beel.close()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _run(self, job: Any) -> Any:
        return self._loop.run_until_complete(job)

    def process(self, number: int) -> Process:
        """Give a process; one that is not there is started."""
        process = self._processes[number]
        if process is None:
            has_forms, era = self._apps[number]
            answers = self._person if has_forms else None
            process = self._processes[number] = Process(self.beel, self._settings, era, answers)
            self._run(process.start())
            STATS["started"] += 1
        return process

    def end(self, number: int, *, is_killed: bool) -> None:
        """End a process, as its app would or as a kill does."""
        process = self._processes[number]
        if process:
            self._run(process.bury() if is_killed else process.stop())
            self._processes[number] = None

    async def _person(self, _: Any, params: Any) -> ElicitResult:
        """Answer a form; who says yes has read the number of records in it."""
        if self._mood in ("decline", "cancel"):
            return ElicitResult(action=self._mood)  # type: ignore[arg-type]
        is_choice = "confirm" in params.requested_schema["properties"]
        if self._mood == "yes":
            self.books.form_said_yes = True
            right = {"confirm": "yes"} if is_choice else {"count": counted(params.message)}
            return ElicitResult(action="accept", content=right)  # type: ignore[arg-type]
        wrong = {"confirm": "no"} if is_choice else {"count": counted(params.message) + 1}
        return ElicitResult(action="accept", content=wrong)  # type: ignore[arg-type]

    def step(
        self,
        number: int,
        asked: Asked,
        *,
        wrong: str = WELL,
        after: int = 0,
        mood: str = "decline",
        said: Plan | None = None,
    ) -> dict[str, Any] | None:
        """Make one call while something goes wrong, and hold what came of it; None: no answer."""
        process = self._begin(number, asked, mood, said)
        self.beel.fault = fault_of(wrong, after)
        process.death = death_of(wrong, after)
        told = self._run(process.call(asked.tool, dict(asked.arguments)))
        if self.beel.fault and self.beel.fault.fired:
            STATS["faults"] += 1
            STATS[wrong] += 1
        self._over(asked, [told], {number})
        return told

    def cancelled(self, number: int, asked: Asked, said: Plan | None, after: int) -> None:
        """Cancel a call while its n-th request is on its way."""
        process = self._begin(number, asked, "yes", said)
        hold = self.beel.hold = Hold(after)
        told = self._run(_cut_short(process, asked, hold))
        STATS["cancelled" if hold.reached.is_set() else "ended before it was cancelled"] += 1
        self._over(asked, [told], {number})

    def at_once(self, asked: Asked, said: Plan | None) -> None:
        """Make the same call in both processes at once."""
        both = [self._begin(number, asked, "yes", said) for number in (0, 1)]
        STATS["calls"] += 1

        async def call() -> list[Any]:
            return list(
                await asyncio.gather(
                    *(process.call(asked.tool, dict(asked.arguments)) for process in both)
                )
            )

        self._over(asked, self._run(call()), {0, 1})

    def pass_time(self, seconds: float) -> None:
        """Let time pass, on all clocks."""
        self._run(self.clocks.sleep(seconds))

    def others_act(self, deed: str, which: int) -> None:
        self.books.begin(NOBODY, None)
        self.books.muddle(self.outsiders.act(deed, which))

    def settle_all(self) -> None:
        """Look as often as anybody would, while nothing goes wrong any more."""
        for deed in self.books.open_deeds():
            asked = Asked("check_operation", {"operation_id": deed.operation_id}, ())
            for _ in range(MOST_LOOKS):
                told = self.step(0, asked)
                if told is None or told["status"] not in ("unknown", "error"):
                    break
                self.pass_time(told.get("retry_after_s") or 15)
        self.books.check_end()

    def _begin(self, number: int, asked: Asked, mood: str, said: Plan | None) -> Process:
        self.is_sound = False
        STATS["calls"] += 1
        self._mood = mood
        self.books.begin(asked, said)
        self.beel.meanwhile = self._meddle(asked)
        return self.process(number)

    def _meddle(self, asked: Asked) -> Any:
        def meddle() -> None:
            if asked.records and not asked.records[0].startswith("Cliente"):
                self.outsiders.meddle(asked.records[0])
                self.books.muddle(asked.records[0])

        return meddle

    def _over(self, asked: Asked, told: list[Any], numbers: set[int]) -> None:
        self.beel.fault = self.beel.hold = None
        for number in numbers:
            process = self._processes[number]
            if process and process.is_dead:
                self._run(process.bury())
                self._processes[number] = None
                self.books.has_died = True
                STATS["killed"] += 1
            elif process:
                process.death = None
        self.books.check(asked, [one for one in told if one])
        self.is_sound = True


async def _cut_short(process: Process, asked: Asked, hold: Hold) -> dict[str, Any] | None:
    call = asyncio.ensure_future(process.call(asked.tool, dict(asked.arguments)))
    reached = asyncio.ensure_future(hold.reached.wait())
    await asyncio.wait({call, reached}, return_when=asyncio.FIRST_COMPLETED)
    reached.cancel()
    if not call.done():
        call.cancel()
        for _ in range(MOST_TURNS):  # the server is told by a message of its own
            await asyncio.sleep(0)
    hold.released.set()
    with suppress(asyncio.CancelledError):
        return await call
    return None
