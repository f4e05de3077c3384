"""The three fixtures that most tests stand on: a sandbox, a client on it, a place for files."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pytest
from mcp import Client
from mcp.client.session import ElicitationFnT
from pydantic import SecretStr
from starlette.applications import Starlette

from beel_mcp.context import SYSTEM_TIMING, Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.server import create_server
from beel_mcp.settings import Settings

Era = Literal["legacy", "auto"]
Connect = Callable[..., AbstractAsyncContextManager[Client]]
TEST_KEY = "beel_sk_test_0a1b2c3d4e5f"


class FakeTime:
    """Real time plus what was slept: waiting costs nothing, and clocks of others still agree."""

    def __init__(self) -> None:
        self.slept = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.slept

    async def sleep(self, seconds: float) -> None:
        self.slept += timedelta(seconds=seconds)


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["legacy", "auto"])
def era(request: pytest.FixtureRequest) -> Era:
    """The older protocol era with its handshake, and the one of 2026-07-28."""
    return request.param


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    files = tmp_path / "files"
    files.mkdir()
    state = tmp_path / "state"
    return Settings(files_dir=files, import_dirs=(files,), state_dir=state, sandbox=True)


@pytest.fixture
def sandbox() -> Starlette:
    return create_app(SandboxOptions())


@pytest.fixture
def connect(settings: Settings, sandbox: Starlette, era: Era) -> Connect:
    """Open a client on a server of its own: `async with connect(read_only=True) as client`.

    `answers` is the person who fills in forms; an app without forms has none.
    """

    @asynccontextmanager
    async def open_client(
        app: Starlette | None = None,
        *,
        key: str | None = None,
        timing: Timing = SYSTEM_TIMING,
        answers: ElicitationFnT | None = None,
        raises: bool = True,
        **changes: Any,
    ) -> AsyncIterator[Client]:
        if key is not None:
            changes["api_key"] = SecretStr(key)
        changed = replace(settings, **changes)
        server = create_server(changed, sandbox_app=app or sandbox, timing=timing)
        async with Client(
            server, mode=era, raise_exceptions=raises, elicitation_callback=answers
        ) as client:
            yield client

    return open_client


@pytest.fixture
async def client(connect: Connect) -> AsyncIterator[Client]:
    async with connect() as opened:
        yield opened


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-snapshots", action="store_true", help="write the served tools as snapshots"
    )
