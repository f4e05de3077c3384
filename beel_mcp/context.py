"""How far a long call has come: a tool says so, and the heartbeat passes it on."""

from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import anyio
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import Context, Resolve

from beel_mcp.api.client import BeelClient
from beel_mcp.lists.batch_store import BatchStore
from beel_mcp.settings import Settings
from beel_mcp.writes.consent.elicitation import Asking, can_ask
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import Clock, utc_now
from beel_mcp.writes.journal.workers import Writes
from beel_mcp.writes.run.reconciliation import Sleep


@dataclass(frozen=True)
class Timing:
    """The clock, and how long a call waits for a write before it answers without it."""

    now: Clock = utc_now
    sleep: Sleep = anyio.sleep
    patience_s: float = 40.0


@dataclass(frozen=True)
class AppState:
    """Made once when the server starts: no network, no locks, nothing on disk."""

    settings: Settings
    beel: BeelClient
    batches: BatchStore
    journal: Journal
    writes: Writes
    timing: Timing


SYSTEM_TIMING: Final = Timing()


def app_state(ctx: Context[AppState]) -> AppState:
    """Find the process's state from a request."""
    return ctx.request_context.lifespan_context


# What the SDK calls without its context finds it here; every request sets it first.
REQUEST: Final[ContextVar[Context[AppState]]] = ContextVar("request")


def current_request() -> Context[AppState]:
    """Find the request that is being answered."""
    return REQUEST.get()


def _settings(ctx: Context[AppState]) -> Settings:
    return app_state(ctx).settings


def _beel(ctx: Context[AppState]) -> BeelClient:
    return app_state(ctx).beel


def _batches(ctx: Context[AppState]) -> BatchStore:
    return app_state(ctx).batches


def _journal(ctx: Context[AppState]) -> Journal:
    return app_state(ctx).journal


def _writes(ctx: Context[AppState]) -> Writes:
    return app_state(ctx).writes


def _timing(ctx: Context[AppState]) -> Timing:
    return app_state(ctx).timing


def _now(ctx: Context[AppState]) -> datetime:
    return app_state(ctx).timing.now()


def caller() -> str:
    """Name whose batches these are: the token's owner, or the one user of a local process."""
    token = get_access_token()
    return f"token:{token.client_id}" if token else "local"


def asking_of(ctx: Context[AppState]) -> Asking:
    """Tell how the person may be asked in a request."""
    settings = app_state(ctx).settings
    return Asking(
        settings.confirm,
        settings.language,
        can_ask=can_ask(ctx),
        # Both are there when a call comes back with the answer to its question.
        is_answering=bool(ctx.input_responses and ctx.request_state),
    )


Config = Annotated[Settings, Resolve(_settings)]
Beel = Annotated[BeelClient, Resolve(_beel)]
Batches = Annotated[BatchStore, Resolve(_batches)]
Records = Annotated[Journal, Resolve(_journal)]
InFlight = Annotated[Writes, Resolve(_writes)]
Times = Annotated[Timing, Resolve(_timing)]
Now = Annotated[datetime, Resolve(_now)]
HowToAsk = Annotated[Asking, Resolve(asking_of)]
Caller = Annotated[str, Resolve(caller)]


class Progress:
    """The latest word of a tool, and a bell for it."""

    def __init__(self) -> None:
        self.text: str | None = None
        self._said = anyio.Event()

    def say(self, text: str) -> None:
        """Say how far it has come."""
        self.text = text
        self._said.set()

    async def wait(self, seconds: float) -> None:
        """Wait for news, but no longer."""
        with anyio.move_on_after(seconds):
            await self._said.wait()
        self._said = anyio.Event()


CURRENT: ContextVar[Progress | None] = ContextVar("progress", default=None)


def note(text: str) -> None:
    """Say how far the call has come, if anybody listens."""
    progress = CURRENT.get()
    if progress is not None:
        progress.say(text)
