"""Servers in memory, on both eras, whose app has a person at it or shows no forms at all."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any, Protocol

import pytest
from mcp import Client
from pydantic import SecretStr
from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.server import create_server
from beel_mcp.settings import Settings
from tests.conftest import Era, FakeTime
from tests.support.people.person import Person


class OpenApp(Protocol):
    """Opens a client on a server of its own; all of them share one state folder."""

    def __call__(
        self,
        person: Person | None = None,
        *,
        app: Starlette | None = None,
        key: str | None = None,
        patience_s: float = 40.0,
        **changes: Any,
    ) -> AbstractAsyncContextManager[Client]: ...


@pytest.fixture
def open_app(settings: Settings, sandbox: Starlette, era: Era, fake_time: FakeTime) -> OpenApp:
    @asynccontextmanager
    async def opened(
        person: Person | None = None,
        *,
        app: Starlette | None = None,
        key: str | None = None,
        patience_s: float = 40.0,
        **changes: Any,
    ) -> AsyncIterator[Client]:
        if key is not None:
            changes["api_key"] = SecretStr(key)
        server = create_server(
            replace(settings, **changes),
            sandbox_app=app or sandbox,
            timing=Timing(now=fake_time.now, sleep=fake_time.sleep, patience_s=patience_s),
        )
        async with Client(server, mode=era, elicitation_callback=person) as client:
            yield client

    return opened
