"""The fault server as a process of its own, told by lines of JSON what goes wrong next.

`python -m tests.support.servers.fault_process` reads commands from stdin and answers each with a
line: `open` a new BeeL, `arm` faults, `calm` it down, `late`, `clock`, `rows`, `execute`,
`look`.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.options import utc_now
from tests.support.servers.fault_server import Fault, FaultServer

ROOT = Path(__file__).parents[3]


class RemoteStore:
    """The sandbox's store, as far as tests need it, through the process."""

    def __init__(self, process: "FaultProcess") -> None:
        self._process = process

    def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._process.tell("rows", statement=statement, values=values)
        return found

    def execute(self, statement: str, *values: Any) -> None:
        self._process.tell("execute", statement=statement, values=values)

    def ledger(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM ledger ORDER BY seq")

    def requests(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM requests ORDER BY seq")


class FaultProcess:
    """A running process. `app` looks to helpers as a sandbox of their own process does."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.port = 0
        self.app = Starlette()
        self.app.state.store = RemoteStore(self)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def tell(self, command: str, **arguments: Any) -> Any:
        """Give a command and wait for what it answers."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"do": command, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the fault server has ended"
        return json.loads(line)

    def open(self, **options: Any) -> None:
        """Put a new BeeL behind a new port; `options` are those of the sandbox."""
        self.port = self.tell("open", options=options)

    def arm(self, *faults: Fault) -> None:
        """Have these faults happen to the requests from now on."""
        self.tell(
            "arm", faults=[{**asdict(one), "raw": one.raw.decode("latin-1")} for one in faults]
        )

    def calm(self) -> int:
        """Take the faults away and listen again; tell how many happened."""
        happened: int = self.tell("calm")
        return happened

    def commit_late(self) -> None:
        self.tell("late")

    def look(self) -> list[str]:
        """Name the operations of the requests that arrived since the last look."""
        seen: list[str] = self.tell("look")
        return seen


@contextmanager
def fault_process() -> Iterator[FaultProcess]:
    """Run the process until the block ends."""
    command = [sys.executable, "-m", "tests.support.servers.fault_process"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        try:
            yield FaultProcess(process)
        finally:
            process.kill()


class Commands:
    """What the process does when it is told to."""

    def __init__(self) -> None:
        self._server: FaultServer | None = None
        self._looked = 0
        self._ahead = timedelta()

    @property
    def server(self) -> FaultServer:
        assert self._server, "open comes first"
        return self._server

    async def open(self, options: dict[str, Any]) -> int:
        if self._server:
            await self.calm()
            self._server.deafen()
            self._server.app.state.store.close()
        self._ahead = timedelta()
        made = create_app(SandboxOptions(now=lambda: utc_now() + self._ahead, **options))
        self._server = FaultServer(made, keeps_alive=True)
        self._looked = 0
        await self._server.listen()
        return self._server.port

    async def arm(self, faults: list[dict[str, Any]]) -> None:
        self.server.released = asyncio.Event()
        for one in faults:
            fault = Fault(**{**one, "raw": one["raw"].encode("latin-1")})
            self.server.faults.append(fault)
            if fault.action == "refuse" and not fault.after:
                fault.times, fault.fired = 0, 1
                self.server.deafen()

    async def calm(self) -> int:
        happened = sum(fault.fired for fault in self.server.faults)
        self.server.faults.clear()
        self.server.released.set()
        if self.server.listener is None:
            await self.server.listen()
        return happened

    async def clock(self, ahead_s: float) -> None:
        self._ahead = timedelta(seconds=ahead_s)

    async def late(self) -> None:
        await self.server.commit_late()
        self.server.late.clear()

    async def rows(self, statement: str, values: list[Any]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.server.app.state.store.rows(statement, *values)
        return found

    async def execute(self, statement: str, values: list[Any]) -> None:
        self.server.app.state.store.execute(statement, *values)

    async def look(self) -> list[str]:
        seen = self.server.operations[self._looked :]
        self._looked += len(seen)
        return seen


async def main() -> None:
    """Obey until stdin ends."""
    commands = Commands()
    reader = asyncio.StreamReader(limit=2**24)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        told = json.loads(line)
        answer = await getattr(commands, told.pop("do"))(**told)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
