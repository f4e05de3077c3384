"""A real TCP server in front of the sandbox, which can lose, delay or spoil any answer.

What it commits is in the sandbox's ledger, so a test can hold what was said against what happened.
"""

import asyncio
import json
import re
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from starlette.applications import Starlette

from beel_mcp.sandbox.calls import Endpoint
from beel_mcp.sandbox.endpoints import ENDPOINTS
from tests.support.servers.asgi import carried_out
from tests.support.servers.spoiling import SPOILS, Answer

# reset: RST, without a byte. hang up: the same, politely. refuse: nobody listens any more.
# stall: silence until the end. delay: silence, then the answer. late: carried out when told.
# answer: `raw`, whatever it is. spoil: as `how` says. fail: BeeL's own 500. stale: RST to a
# connection that was used before. meanwhile: `sql` is done in BeeL, and the request goes on.
# truncate, chunked, unlengthed: half of the body, in each of three framings. headers: half of
# those. half: half of the body, then silence. trickle: a byte at a time, without end.
# drip: the same, but all of it.
Action = Literal[
    *("reset", "hang up", "refuse", "stall", "delay", "late", "answer", "spoil", "fail", "stale"),
    *("meanwhile", "truncate", "chunked", "unlengthed", "headers", "half", "trickle", "drip"),
]
FAILURE = {"success": False, "error": {"code": "INTERNAL_ERROR", "message": "oops"}}
DRIP_S = 0.005


@dataclass
class Fault:
    """What happens to a request: before or after BeeL has carried it out.

    `fail`: BeeL's own 500, which it keeps under the idempotency key as the sandbox would. Anything
    else is done on the way to BeeL or back.

    The first `after` requests that fit are let through; to `refuse`, all requests fit.
    """

    action: Action
    committed: bool = False
    method: str = ""
    path: str = ""
    dry_run: bool | None = None
    times: int = 1
    raw: bytes = b""
    after: int = 0
    operation: str = ""
    how: str = ""
    sql: str = ""
    fired: int = 0

    def fits(self, request: "Request", served: int) -> bool:
        return (
            self.times > 0
            and self.method in ("", request.method)
            and self.path in request.path
            and self.operation in ("", request.operation)
            and self.dry_run in (None, request.is_dry)
            and not (self.action == "stale" and served == 0)
        )


@dataclass(frozen=True)
class Request:
    """A request as it arrived; names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    async def read(cls, reader: asyncio.StreamReader) -> "Request":
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request_line, *lines = head.rstrip().split("\r\n")
        method, target, _ = request_line.split(" ")
        headers = {
            name.lower(): value for name, value in (line.split(": ", 1) for line in lines if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return cls(method, target, headers, body)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def is_dry(self) -> bool:
        return parse_qs(urlsplit(self.target).query).get("dry_run") == ["true"]

    @property
    def operation(self) -> str:
        """Name it as BeeL's contract does; a dry run says so."""
        for pattern, endpoint in patterns():
            if endpoint.method == self.method and pattern.fullmatch(self.path):
                return f"{endpoint.name}, dry run" if self.is_dry else endpoint.name
        return f"{self.method} {self.path}"


@cache
def patterns() -> list[tuple[re.Pattern[str], Endpoint]]:
    """Give the paths of the sandbox; one with a name stands before one with a parameter."""
    return [
        (re.compile(re.sub(r"{\w+}", "[^/]+", one.path)), one)
        for one in sorted(ENDPOINTS, key=lambda one: one.path)
    ]


@dataclass
class FaultServer:
    """Serves `app` on loopback; each request meets the first fault that fits it.

    With `keeps_alive` a connection is used again, as BeeL's are.
    """

    app: Starlette
    port: int = 0
    keeps_alive: bool = False
    faults: list[Fault] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    operations: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    failed: set[str] = field(default_factory=set)  # keys that a failure is kept under
    late: list[Request] = field(default_factory=list)
    listener: asyncio.Server | None = None
    open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def created(self) -> list[str]:
        """The NIFs that were really created, in order, as often as they were."""
        ledger = self.app.state.store.ledger()
        return [entry["nif"] for entry in ledger if entry["kind"] == "customer_created"]

    def fault(self, action: Action, **details: object) -> Fault:
        fault = Fault(action, **details)  # type: ignore[arg-type]
        self.faults.append(fault)
        return fault

    async def listen(self) -> None:
        """Listen, on the port of before if there was one."""
        self.listener = await asyncio.start_server(self.handle, "127.0.0.1", self.port)
        self.port = self.listener.sockets[0].getsockname()[1]

    def deafen(self) -> None:
        """Refuse every connection from now on, and end those that wait for a request."""
        if self.listener:
            self.listener.close()
            self.listener = None
        for writer in self.open:
            writer.close()

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served = 0
        try:
            while await self._answer(reader, writer, served):
                served += 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, served: int
    ) -> bool:
        """Answer one request; tell whether the connection may be used again."""
        self.open.add(writer)
        try:
            request = await Request.read(reader)
        finally:
            self.open.discard(writer)
        self.seen.append((request.method, request.target))
        self.operations.append(request.operation)
        key = request.headers.get("idempotency-key", "")
        if key:
            self.keys.append(key)
        if key in self.failed:
            return await self._give(self._failure_again(), writer)
        fault = self._met_by(request, served)
        if fault is None:
            answer = await self._carry_out(request)
            self._refuse_the_next()
            return await self._give(answer, writer)
        answer = await self._carry_out(request) if fault.committed else Answer(200)
        if fault.action == "fail":
            if key and self._keeps_failures:
                self.failed.add(key)
            return await self._give(Answer(500, json.dumps(FAILURE).encode()), writer)
        if fault.action == "spoil":
            self._refuse_the_next()
            return await self._give(SPOILS[fault.how](answer), writer)
        if fault.action == "late":
            self.late.append(request)
        else:
            await self._spoil(fault, answer, writer)
        return False

    async def _give(self, answer: Answer, writer: asyncio.StreamWriter) -> bool:
        keeps = self.keeps_alive and self.listener is not None
        writer.write(answer.wire("keep-alive" if keeps else "close"))
        await writer.drain()
        return keeps

    def _met_by(self, request: Request, served: int) -> Fault | None:
        for fault in self.faults:
            if fault.action == "refuse" or not fault.fits(request, served):
                continue
            if fault.after:
                fault.after -= 1
                continue
            fault.times -= 1
            fault.fired += 1
            if fault.action != "meanwhile":
                return fault
            self.app.state.store.execute(fault.sql)
        return None

    def _refuse_the_next(self) -> None:
        for fault in self.faults:
            if fault.action == "refuse" and fault.times:
                fault.after -= 1
                if fault.after <= 0:
                    fault.times -= 1
                    fault.fired += 1
                    self.deafen()

    @property
    def _keeps_failures(self) -> bool:
        options = self.app.state.options
        return options.generation == "current" and options.idempotency != "ignored"

    def _failure_again(self) -> Answer:
        if self.app.state.options.idempotency == "refused":
            error = {"code": "IDEMPOTENCY_KEY_ALREADY_PROCESSED", "message": "no"}
            return Answer(409, json.dumps({"success": False, "error": error}).encode())
        headers = {"content-type": "application/json", "Idempotency-Replay": "true"}
        return Answer(500, json.dumps(FAILURE).encode(), headers)

    async def commit_late(self) -> None:
        """Carry out what was given up for lost: BeeL had it in a queue all the time."""
        for request in self.late:
            await self._carry_out(request)

    async def _spoil(self, fault: Fault, answer: Answer, writer: asyncio.StreamWriter) -> None:
        self.arrived.set()
        if fault.action in ("reset", "stale"):
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
            return
        if fault.action in ("stall", "delay"):
            await self.released.wait()
        writer.write(fault.raw or _start_of(answer, fault.action))
        await writer.drain()
        if fault.action == "half":
            await self.released.wait()
        elif fault.action == "trickle":
            await self._trickle(writer)
        elif fault.action == "drip":
            await _drip(answer.wire(), writer)

    async def _trickle(self, writer: asyncio.StreamWriter) -> None:
        while not self.released.is_set():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(DRIP_S)

    async def _carry_out(self, request: Request) -> Answer:
        headers = [
            (name.encode("latin-1"), value.encode("latin-1"))
            for name, value in request.headers.items()
        ]
        answer = await carried_out(self.app, request.method, request.target, headers, request.body)
        kept = {name: one for name, one in answer.headers.items() if name != "content-length"}
        return replace(answer, headers=kept)


def _start_of(answer: Answer, action: Action) -> bytes:
    """Give what arrives of an answer before it breaks off, or all of it if it does not."""
    half = answer.body[: len(answer.body) // 2]
    whole = answer.head(**{"content-length": str(len(answer.body))})
    starts = {
        "delay": answer.wire(),
        # Of an answer without a body nothing but its head can be cut.
        "truncate": whole + half if half else whole[: len(whole) // 2],
        "half": whole + half,
        "chunked": answer.head(**{"transfer-encoding": "chunked"})
        + b"%x\r\n%s\r\n" % (len(half), half),
        "unlengthed": answer.head(connection="close") + half,
        "headers": whole[:60],
        "trickle": answer.head(**{"content-length": "1000000"}),
    }
    return starts.get(action, b"")


async def _drip(wire: bytes, writer: asyncio.StreamWriter) -> None:
    """Send all of an answer in ten pieces."""
    size = len(wire) // 10 + 1
    for begin in range(0, len(wire), size):
        writer.write(wire[begin : begin + size])
        await writer.drain()
        await asyncio.sleep(DRIP_S)


@asynccontextmanager
async def serving(app: Starlette, *, keeps_alive: bool = False) -> AsyncIterator[FaultServer]:
    """Serve until the block ends; whoever is stalled then is let go."""
    faulty = FaultServer(app, keeps_alive=keeps_alive)
    await faulty.listen()
    try:
        yield faulty
    finally:
        faulty.released.set()
        faulty.deafen()


def http(status: str, body: bytes, *headers: str, content_type: str = "application/json") -> bytes:
    """Spell an answer."""
    lines = [
        f"HTTP/1.1 {status}",
        f"content-type: {content_type}",
        f"content-length: {len(body)}",
        "connection: close",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
