"""The ways an app reaches our server: in memory, in a process of its own, over a socket."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import anyio
import httpx2
import uvicorn
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from pydantic import SecretStr
from starlette.applications import Starlette

from beel_mcp.server import create_server
from beel_mcp.settings import Settings
from tests.conftest import TEST_KEY, Era
from tests.support.people.person import Person
from tests.support.servers.fault_server import FaultServer

ROOT = Path(__file__).parents[3]
Transport = Literal["memory", "stdio", "http", "http json", "http stateless"]


@dataclass(frozen=True)
class Way:
    """A transport and an era; on some of them the server has no way to ask."""

    transport: Transport
    era: Era

    def __str__(self) -> str:
        return f"{self.transport}, {self.era}"

    @property
    def can_ask(self) -> bool:
        """Whether the server can reach the person during a call of this way."""
        return self.era == "auto" or self.transport in ("memory", "stdio", "http")


WAYS = [
    Way(transport, era)
    for transport in ("memory", "stdio", "http", "http json", "http stateless")
    for era in ("legacy", "auto")
]


@asynccontextmanager
async def reached(
    way: Way, beel: FaultServer, settings: Settings, person: Person | None
) -> AsyncIterator[Client]:
    """Open a client whose server speaks to `beel`, which is a BeeL behind a real socket."""
    settings = replace(settings, sandbox=False, api_key=SecretStr(TEST_KEY), base_url=beel.url)
    if way.transport == "memory":
        async with Client(
            create_server(settings), mode=way.era, elicitation_callback=person
        ) as client:
            yield client
    elif way.transport == "stdio":
        async with Client(
            _process(settings),
            mode=way.era,
            elicitation_callback=person,
            read_timeout_seconds=30,
        ) as client:
            yield client
    else:
        async with (
            listening(_app(way, settings)) as url,
            httpx2.AsyncClient(trust_env=False, timeout=30) as http,
            Client(
                streamable_http_client(url, http_client=http),
                mode=way.era,
                elicitation_callback=person,
            ) as client,
        ):
            yield client


def _process(settings: Settings) -> StdioServerParameters:
    assert settings.api_key
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "beel_mcp"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),  # this checkout, whatever is installed
            "HOME": str(settings.state_dir.parent),
            "BEEL_API_KEY": settings.api_key.get_secret_value(),
            "BEEL_BASE_URL": settings.base_url,
            "BEEL_STATE_DIR": str(settings.state_dir),
            "BEEL_FILES_DIR": str(settings.files_dir),
            "BEEL_CONFIRM": settings.confirm,
            "BEEL_LANGUAGE": settings.language,
        },
    )


def _app(way: Way, settings: Settings) -> Starlette:
    return create_server(settings).streamable_http_app(
        json_response=way.transport == "http json",
        stateless_http=way.transport == "http stateless",
    )


@asynccontextmanager
async def listening(app: Starlette, port: int = 0) -> AsyncIterator[str]:
    """Serve an application on this machine until the block ends; 0 is any free port."""
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    async with anyio.create_task_group() as group:
        group.start_soon(server.serve)
        with anyio.fail_after(20):
            while not server.started:  # noqa: ASYNC110 - it sets no event
                await anyio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            server.should_exit = True
            server.force_exit = True
