"""The sandbox over HTTP in a process of its own: what is measured must not share our process."""

import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx
import uvicorn

from beel_mcp.sandbox import SandboxOptions, create_app

ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def sandbox_process(bulk_takes_s: float = 0) -> AsyncIterator[str]:
    """Start a sandbox on a free port and give its URL; its bulk route takes that long."""
    async with server_process(__name__, bulk_takes_s, ready_in_s=30) as url:
        yield url


@asynccontextmanager
async def server_process(module: str, argument: float, *, ready_in_s: float) -> AsyncIterator[str]:
    """Run a module as `module port argument`, wait until it answers, and give its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", module, str(port), str(argument)]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    async with await anyio.open_process(command, env=environment, stderr=None, cwd=ROOT) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            with anyio.fail_after(ready_in_s):
                await _ready(url)
            yield url
        finally:
            process.kill()


async def _ready(url: str) -> None:
    async with httpx.AsyncClient() as client:
        while True:
            try:
                await client.get(url)
            except httpx.TransportError:
                await anyio.sleep(0.05)  # another process tells us nothing when it is ready
            else:
                return


def _serve(port: int, bulk_takes_s: float) -> None:
    async def pause(operation: str, phase: str) -> None:
        if phase == "before" and "CustomersBulk" in operation:
            await anyio.sleep(bulk_takes_s)

    app = create_app(SandboxOptions(pause=pause))
    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), float(sys.argv[2]))
