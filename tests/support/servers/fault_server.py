"""A real TCP server in front of the sandbox, which can lose, delay or spoil any answer.

What it commits is in the sandbox's ledger, so a test can hold what was said against what happened.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, urlsplit

import httpx
from starlette.applications import Starlette

Action = Literal["reset", "stall", "answer", "truncate", "late", "delay", "fail"]
FAILURE = {"success": False, "error": {"code": "INTERNAL_ERROR", "message": "oops"}}


@dataclass
class Fault:
    """What happens to a request: before or after BeeL has carried it out.

    `fail`: BeeL's own 500, which it keeps under the idempotency key as the sandbox would. Anything
    else is done on the way to BeeL or back.

    The first `after` requests that fit are let through.
    """

    action: Action
    committed: bool = False
    method: str = ""
    path: str = ""
    dry_run: bool | None = None
    times: int = 1
    raw: bytes = b""
    after: int = 0

    def fits(self, method: str, path: str, query: dict[str, list[str]]) -> bool:
        dry_run = query.get("dry_run") == ["true"]
        return (
            self.times > 0
            and self.method in ("", method)
            and self.path in path
            and self.dry_run in (None, dry_run)
        )


@dataclass
class FaultServer:
    """Serves `app` on loopback; each request meets the first fault that fits it."""

    app: Starlette
    port: int = 0
    faults: list[Fault] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    released: asyncio.Event = field(default_factory=asyncio.Event)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    failed: set[str] = field(default_factory=set)  # keys that a failure is kept under
    late: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)

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

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request_line, *lines = head.rstrip().split("\r\n")
        method, target, _ = request_line.split(" ")
        headers = dict(line.split(": ", 1) for line in lines)
        names = {name.lower(): value for name, value in headers.items()}
        body = await reader.readexactly(int(names.get("content-length", "0")))
        url = urlsplit(target)
        self.seen.append((method, target))
        key = names.get("idempotency-key", "")
        if key:
            self.keys.append(key)
        if key in self.failed:
            writer.write(self._failure_again())
            await writer.drain()
            return
        fault = next(
            (f for f in self.faults if f.fits(method, url.path, parse_qs(url.query))), None
        )
        if fault and fault.after:
            fault.after, fault = fault.after - 1, None
        if fault:
            fault.times -= 1
        answer = b""
        if fault is None or fault.committed:
            answer = await self._carry_out(method, target, headers, body)
        if fault is None:
            writer.write(answer)
            await writer.drain()
        elif fault.action == "fail":
            if key and self._keeps_failures:
                self.failed.add(key)
            writer.write(http("500 Internal Server Error", json.dumps(FAILURE).encode()))
            await writer.drain()
        elif fault.action == "late":
            self.late.append((method, target, headers, body))
        else:
            await self._spoil(fault, answer, writer)

    @property
    def _keeps_failures(self) -> bool:
        options = self.app.state.options
        return options.generation == "current" and options.idempotency != "ignored"

    def _failure_again(self) -> bytes:
        if self.app.state.options.idempotency == "refused":
            error = {"code": "IDEMPOTENCY_KEY_ALREADY_PROCESSED", "message": "no"}
            return http("409 Conflict", json.dumps({"success": False, "error": error}).encode())
        body = json.dumps(FAILURE).encode()
        return http("500 Internal Server Error", body, "Idempotency-Replay: true")

    async def commit_late(self) -> None:
        """Carry out what was given up for lost: BeeL had it in a queue all the time."""
        for request in self.late:
            await self._carry_out(*request)

    async def _spoil(self, fault: Fault, answer: bytes, writer: asyncio.StreamWriter) -> None:
        self.arrived.set()
        if fault.action == "stall":
            await self.released.wait()
        elif fault.action == "delay":
            await self.released.wait()
            writer.write(answer)
            await writer.drain()
        elif fault.action == "answer":
            writer.write(fault.raw)
            await writer.drain()
        elif fault.action == "truncate":
            writer.write(answer[: len(answer) // 2])
            await writer.drain()

    async def _carry_out(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> bytes:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url=self.url) as client:
            answer = await client.request(method, target, headers=headers, content=body)
        lines = [f"HTTP/1.1 {answer.status_code} {answer.reason_phrase}"]
        kept = {"content-length": str(len(answer.content)), "connection": "close"}
        kept |= {name: value for name, value in answer.headers.items() if name not in kept}
        lines += [f"{name}: {value}" for name, value in kept.items()]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + answer.content


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[FaultServer]:
    """Serve until the block ends; whoever is stalled then is let go."""
    faulty = FaultServer(app)
    server = await asyncio.start_server(faulty.handle, "127.0.0.1", 0)
    faulty.port = server.sockets[0].getsockname()[1]
    try:
        yield faulty
    finally:
        faulty.released.set()
        server.close()
        await server.wait_closed()


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
