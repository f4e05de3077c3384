"""What one server process keeps, and what a tool may ask for by naming it in its signature."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import Context, Resolve

from beel_mcp.api.client import BeelClient
from beel_mcp.guards.outcomes import Outcomes
from beel_mcp.lists.batches import BatchStore
from beel_mcp.settings import Settings
from beel_mcp.summaries.batches import CreationAnswer

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class AppState:
    """Made once when the server starts: no network, no locks, nothing on disk."""

    settings: Settings
    beel: BeelClient
    batches: BatchStore
    creations: Outcomes[CreationAnswer]
    now: Clock


def utc_now() -> datetime:
    """Tell the time, with its zone."""
    return datetime.now(UTC)


def app_state(ctx: Context[AppState]) -> AppState:
    """Find the process's state from a request."""
    return ctx.request_context.lifespan_context


def _settings(ctx: Context[AppState]) -> Settings:
    return app_state(ctx).settings


def _beel(ctx: Context[AppState]) -> BeelClient:
    return app_state(ctx).beel


def _batches(ctx: Context[AppState]) -> BatchStore:
    return app_state(ctx).batches


def _creations(ctx: Context[AppState]) -> Outcomes[CreationAnswer]:
    return app_state(ctx).creations


def _now(ctx: Context[AppState]) -> datetime:
    return app_state(ctx).now()


def _caller() -> str:
    """Name whose batches these are: the token's owner, or the one user of a local process."""
    token = get_access_token()
    return f"token:{token.client_id}" if token else "local"


Config = Annotated[Settings, Resolve(_settings)]
Beel = Annotated[BeelClient, Resolve(_beel)]
Batches = Annotated[BatchStore, Resolve(_batches)]
Creations = Annotated[Outcomes[CreationAnswer], Resolve(_creations)]
Now = Annotated[datetime, Resolve(_now)]
Caller = Annotated[str, Resolve(_caller)]
