"""The sandbox over HTTP in a process of its own: what is measured must not share our process."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import uvicorn

from beel_mcp.sandbox import SandboxOptions, create_app
from tests.support.servers.process import answering_process, bare_environment, free_port


@asynccontextmanager
async def sandbox_process(bulk_takes_s: float = 0) -> AsyncIterator[str]:
    """Start a sandbox on a free port and give its URL; its bulk route takes that long."""
    async with server_process(__name__, bulk_takes_s, ready_in_s=30) as url:
        yield url


@asynccontextmanager
async def server_process(module: str, argument: float, *, ready_in_s: float) -> AsyncIterator[str]:
    """Run a module as `module port argument`, wait until it answers, and give its URL."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = bare_environment(os.environ.get("HOME", "/"))
    words = (module, str(port), str(argument))
    async with answering_process(*words, url=url, environment=environment, ready_in_s=ready_in_s):
        yield url


def _serve(port: int, bulk_takes_s: float) -> None:
    async def pause(operation: str, phase: str) -> None:
        if phase == "before" and "CustomersBulk" in operation:
            await anyio.sleep(bulk_takes_s)

    app = create_app(SandboxOptions(pause=pause))
    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), float(sys.argv[2]))
