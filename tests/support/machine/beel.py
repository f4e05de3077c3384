"""A BeeL without a socket: what goes wrong on the way to it, and which request did what."""

import asyncio
import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import anyio.lowlevel
import httpx

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.responses import ApiError
from tests.support.servers.asgi import carried_out
from tests.support.servers.spoiling import SPOILS, Answer

BEGIN: Final = datetime(2026, 9, 1, 8, tzinfo=UTC)
MOST_AHEAD_S: Final = 90_000.0
PENDING: Final = (
    "SELECT operation_id, chunk FROM chunks JOIN operations USING (operation_id)"
    " WHERE state = 'PENDING' AND owner = ?"
)
Action = Literal["never left", "reset", "timeout", "late", "fail", "spoil", "kill", "meanwhile"]


class Clocks:
    """BeeL's clock and ours, which may jump; nobody waits."""

    def __init__(self) -> None:
        self.passed_s = 0.0
        self.ahead_s = 0.0  # of ours
        self.has_jumped = self.has_gone_back = False
        self.ticked: Callable[[], Awaitable[None]] | None = None

    def jump(self, seconds: float) -> None:
        """Put our clock forward, to a day and an hour ahead at most, or back; BeeL's stays."""
        self.ahead_s = min(self.ahead_s + seconds, MOST_AHEAD_S)
        self.has_jumped = True
        self.has_gone_back = self.has_gone_back or seconds < 0

    def beel(self) -> datetime:
        return BEGIN + timedelta(seconds=self.passed_s)

    def now(self) -> datetime:
        return BEGIN + timedelta(seconds=self.passed_s + self.ahead_s)

    def monotonic(self) -> float:
        return self.passed_s

    async def sleep(self, seconds: float) -> None:
        self.passed_s += max(seconds, 0.0)
        if self.ticked:
            await self.ticked()
        await anyio.lowlevel.checkpoint()


class Mark(NamedTuple):
    """The request of an operation of ours, as the journal numbers it."""

    operation_id: str
    chunk: int


@dataclass
class Fault:
    """What happens to a request, or to several, after so many of its sort went well."""

    action: Action
    committed: bool = False
    how: str = ""
    times: int = 1
    on: Literal["writes", "all"] = "writes"
    after: int = 0
    fired: int = 0

    def meets(self, *, is_write: bool) -> bool:
        if self.times <= self.fired or (self.on == "writes" and not is_write):
            return False
        if self.after:
            self.after -= 1
            return False
        self.fired += 1
        return True


class Hold:
    """Stops the n-th request of a call on its way, until it is let go."""

    def __init__(self, after: int) -> None:
        self._after = after
        self.reached, self.released = asyncio.Event(), asyncio.Event()

    async def pass_by(self) -> None:
        self._after -= 1
        if self._after < 0 and not self.reached.is_set():
            self.reached.set()
            await self.released.wait()


@dataclass
class Late:
    """A request that BeeL carries out a moment after it was given up for lost."""

    request: httpx.Request
    mark: Mark | None


@dataclass
class Sent:
    """What the requests of one chunk did, as BeeL's ledger has it: how often to which record."""

    effects: Counter[str] = field(default_factory=Counter)
    columns: set[str] = field(default_factory=set)  # of customers, that were written
    is_doubtful: bool = False


class Beel:
    """The sandbox, with its ledger told apart by the requests of our journal."""

    def __init__(self, clocks: Clocks, journal: Path, **options: Any) -> None:
        self.clocks = clocks
        clocks.ticked = self._carry_out_late
        self.app = create_app(SandboxOptions(now=clocks.beel, pause=self._pause, **options))
        self.store = self.app.state.store
        self.fault: Fault | None = None
        self.meanwhile: Callable[[], None] = lambda: None
        self.hold: Hold | None = None
        self.sent: defaultdict[Mark, Sent] = defaultdict(Sent)
        self.latest: Counter[str] = Counter()  # since the step began
        self.came_late: Counter[str] = Counter()  # of these, by requests of steps before
        self.gone: list[str] = []  # what was deleted since
        self.broken: list[str] = []  # promises about a request, seen on its way
        self.requests = 0
        self._failing: str | None = None
        self._late: list[Late] = []
        self._seen = 0
        self._journal = journal
        self._db: sqlite3.Connection | None = None

    def close(self) -> None:
        if self._db:
            self._db.close()
        self.store.close()

    def journal(self, statement: str, *values: Any) -> list[Any]:
        """Read our journal as it is on disk."""
        if self._db is None:
            if not self._journal.exists():
                return []
            self._db = sqlite3.connect(
                self._journal, isolation_level=None, factory=sqlite3.Connection
            )
        try:
            return self._db.execute(statement, values).fetchall()
        except sqlite3.OperationalError:  # its process was killed while it made the tables
            return []

    async def carry(self, process: Any, request: httpx.Request) -> httpx.Response:
        """Take a request of a process of ours, and answer it or lose it."""
        if process.is_dead:
            raise httpx.ConnectError("nobody is there to send it")
        self.requests += 1
        is_write = request.method != "GET" and b"dry_run=true" not in request.url.query
        mark = self._mark(process, request) if is_write else None
        if self.hold:
            await self.hold.pass_by()
        fault = self.fault
        if fault is None or not fault.meets(is_write=is_write):
            return _response(await self._carry_out(request, mark))
        if mark:
            self.sent[mark].is_doubtful = True
        return await self._spoil(fault, process, request, mark)

    async def _spoil(
        self, fault: Fault, process: Any, request: httpx.Request, mark: Mark | None
    ) -> httpx.Response:
        if fault.action == "meanwhile":
            self.meanwhile()
            return _response(await self._carry_out(request, mark))
        if fault.action == "fail":
            self._failing = "after" if fault.committed else "before"
            answer = await self._carry_out(request, mark)
            self._failing = None
            return _response(answer)
        answer = await self._carry_out(request, mark) if fault.committed else Answer(200)
        if fault.action == "late":
            self._late.append(Late(request, mark))
        if fault.action == "kill":
            process.die()
        if fault.action == "spoil":
            return _response(SPOILS[fault.how](answer))
        if fault.action == "never left":
            raise httpx.ConnectError("no way")
        raise (httpx.ReadTimeout if fault.action == "timeout" else httpx.ReadError)("lost")

    async def _carry_out_late(self) -> None:
        late, self._late = self._late, []
        for one in late:
            before = Counter(self.latest)
            await self._carry_out(one.request, one.mark)
            self.came_late += self.latest - before

    @property
    def by_this_step(self) -> Counter[str]:
        """What was written since the step began, by requests of its own."""
        return self.latest - self.came_late

    async def _pause(self, _: str, phase: str) -> None:
        if phase == self._failing:
            raise ApiError(500, "INTERNAL_ERROR", "oops")

    def _mark(self, process: Any, request: httpx.Request) -> Mark | None:
        """Find the request in the journal, where it has to stand before its first byte leaves."""
        pending = self.journal(PENDING, process.owner)
        if len(pending) != 1:
            self.broken.append(f"{request.method} {request.url.path}: pending are {pending}")
            return None
        return Mark(*pending[0])

    async def _carry_out(self, request: httpx.Request, mark: Mark | None) -> Answer:
        row = self._row_of(request) if request.method in ("PATCH", "PUT") else None
        target, headers = request.url.raw_path.decode(), request.headers.raw
        answer = await carried_out(self.app, request.method, target, headers, request.content)
        self._note_effects(mark)
        if row and mark:
            now = self._row_of(request) or {}
            changed = {name for name in row if row[name] != now.get(name)} - {"updated_at"}
            self.sent[mark].columns |= changed
        return answer

    def _row_of(self, request: httpx.Request) -> dict[str, Any] | None:
        wanted = request.url.path.rpartition("/")[2]
        found: list[dict[str, Any]] = self.store.rows(
            "SELECT * FROM customers WHERE id = ?", wanted
        )
        return found[0] if found else None

    def _note_effects(self, mark: Mark | None) -> None:
        for entry in self.store.rows("SELECT * FROM ledger WHERE seq > ?", self._seen):
            self._seen = entry["seq"]
            records = self._records_of(entry)
            self.gone += records if entry["kind"].endswith("_deleted") else []
            for record in records:
                self.latest[record] += 1
                if mark is None:
                    self.broken.append(f"{entry['kind']} by no operation of ours")
                else:
                    self.sent[mark].effects[record] += 1

    def _records_of(self, entry: dict[str, Any]) -> list[str]:
        """Name what an effect was about: who was created by name, a new draft by its customer."""
        if entry["kind"] == "mail_sent":
            [mail] = self.store.rows("SELECT invoice_ids FROM mails ORDER BY seq DESC LIMIT 1")
            ids: list[str] = json.loads(mail["invoice_ids"])
            return ids
        if entry["kind"] == "customer_created":
            [customer] = self.store.rows(
                "SELECT legal_name FROM customers WHERE id = ?", entry["customer_id"]
            )
            return [customer["legal_name"]]
        if entry["kind"] == "proforma_reactivated":
            return []
        is_deleted = entry["kind"] == "invoice_deleted"
        return [entry["invoice_id"] if is_deleted else entry["customer_id"]]


def _response(answer: Answer) -> httpx.Response:
    stream = httpx.ByteStream(answer.body)
    return httpx.Response(answer.status, headers=dict(answer.headers), stream=stream)
