"""Our programs in processes of their own: a port, an environment, and until they answer."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx
import pytest
from anyio.abc import Process

from tests.conftest import TEST_KEY

ROOT = Path(__file__).parents[3]


def free_port() -> int:
    """Give a port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def bare_environment(home: Path | str, **settings: str) -> dict[str, str]:
    """Give what a program needs to be found and to start, and its settings."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), **settings}


def server_environment(state: Path, base_url: str) -> dict[str, str]:
    """Give what our server needs for a BeeL of a test and a state folder."""
    return bare_environment(
        state, BEEL_API_KEY=TEST_KEY, BEEL_BASE_URL=base_url, BEEL_STATE_DIR=str(state)
    )


@asynccontextmanager
async def answering_process(
    *words: str, url: str, environment: Mapping[str, str], ready_in_s: float = 30
) -> AsyncIterator[Process]:
    """Run a module (`words` begin with its name) until the block ends; wait until it answers."""
    command = [sys.executable, "-m", *words]
    async with await anyio.open_process(command, env=environment, stderr=None, cwd=ROOT) as process:
        try:
            with anyio.fail_after(ready_in_s):
                await _until_answered(url)
            yield process
        finally:
            if process.returncode is None:
                process.kill()


async def _until_answered(url: str) -> None:
    async with httpx.AsyncClient() as client:
        while True:
            try:
                await client.get(url)
            except httpx.TransportError:
                await anyio.sleep(0.05)  # another process tells us nothing when it is ready
            else:
                return


@dataclass
class Served:
    """A process of ours that listens, and what it said."""

    process: subprocess.Popen[str]
    port: int
    said: list[str]


@contextmanager
def serving_process(
    command: str, *arguments: str, port: int = 0, **environ: str
) -> Iterator[Served]:
    """Start a serving command on a port of its own; wait until it listens; end it after."""
    port = port or free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "beel_mcp", command, *arguments, "--port", str(port)],
        env={"PATH": os.environ["PATH"], "BEEL_LOG_LEVEL": "INFO", **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    watchdog = threading.Timer(90, process.kill)
    watchdog.start()
    served = Served(process, port, [])
    assert process.stderr
    try:
        for line in process.stderr:
            served.said.append(line)
            if "Uvicorn running on" in line:
                break
        else:
            pytest.fail("ended before it listened: " + "".join(served.said))
        yield served
    finally:
        process.terminate()
        out, err = process.communicate()
        served.said += [*err.splitlines(), *out.splitlines()]
        watchdog.cancel()
