"""Our server in a process of its own, spoken to line by line, so that it can be killed at will."""

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from tests.support.servers.process import ROOT, server_environment

# A module that runs our server and kills it: its words are the step, the moment, which time.
KILLED_AT = "tests.support.servers.killed_at"


@dataclass
class RawServer:
    """A subprocess and the lines that go to and fro."""

    process: Process
    lines: BufferedByteReceiveStream
    last_id: int = 0

    async def send(self, method: str, params: dict[str, Any], *, notify: bool = False) -> int:
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
        if not notify:
            self.last_id += 1
            message["id"] = self.last_id
        assert self.process.stdin
        await self.process.stdin.send(json.dumps(message).encode() + b"\n")
        return self.last_id

    async def receive(self, message_id: int) -> dict[str, Any]:
        with anyio.fail_after(30):
            while True:
                line = await self.lines.receive_until(b"\n", 10_000_000)
                message = json.loads(line)
                if message.get("id") == message_id:
                    return message["result"]

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        sent = await self.send("tools/call", {"name": tool, "arguments": arguments})
        return (await self.receive(sent))["structuredContent"]


@asynccontextmanager
async def started(base_url: str, state_dir: Path, *module: str) -> AsyncIterator[RawServer]:
    """Start a server and shake hands; whatever is left of it at the end is killed."""
    environment = server_environment(state_dir, base_url)
    command = [sys.executable, "-m", *(module or ("beel_mcp",))]
    async with await anyio.open_process(command, env=environment, stderr=None, cwd=ROOT) as process:
        assert process.stdout
        server = RawServer(process, BufferedByteReceiveStream(process.stdout))
        try:
            hello = {"name": "raw", "version": "1"}
            sent = await server.send(
                "initialize",
                {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": hello},
            )
            await server.receive(sent)
            await server.send("notifications/initialized", {}, notify=True)
            yield server
        finally:
            if process.returncode is None:
                process.kill()
