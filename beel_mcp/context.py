"""What a call may ask for: the process's state, its caller, how to ask the person, progress.

Three context variables live here, and each has one writer:
- the request, set by `server.sdk.RequestScope`, read by what the SDK calls without its context;
- the progress, set by `server.tool_calls.ToolCalls`, read by `report_progress`.
- the link, set by `server.tool_calls.ToolCalls`, read by `ask_app_to_open`.
A fourth, `files.output.SAVED_FILES`, is set by `RequestScope` and read where a file is saved.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import anyio
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import Context, Resolve

from beel_mcp.api.client import BeelClient
from beel_mcp.door.door import Door
from beel_mcp.door.links import Target
from beel_mcp.lists.batch_store import BatchStore
from beel_mcp.memory.packages import PackageStore
from beel_mcp.memory.selections import SelectionStore
from beel_mcp.settings import Settings
from beel_mcp.writes.consent.elicitation import PAGE_KEY, Asking, can_ask, can_open
from beel_mcp.writes.consent.page_answers import PageAnswers
from beel_mcp.writes.journal.database import BUSY_S
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.records import Clock, Sleep, utc_now
from beel_mcp.writes.journal.workers import BackgroundWrites


@dataclass(frozen=True)
class Timing:
    """The clock, and how long is waited.

    `patience_s`: a call for a write, before it answers without it. `busy_s`: a write for its turn
    in the journal, before it is refused.
    """

    now: Clock = utc_now
    sleep: Sleep = anyio.sleep
    patience_s: float = 40.0
    busy_s: float = BUSY_S


SYSTEM_TIMING: Final = Timing()


@dataclass(frozen=True)
class AppState:
    """Made once when the server starts: no network, no locks, nothing on disk."""

    settings: Settings
    beel: BeelClient
    batches: BatchStore
    selections: SelectionStore
    packages: PackageStore
    journal: Journal
    writes: BackgroundWrites
    timing: Timing
    door: Door
    page_answers: PageAnswers

    def where(self) -> dict[str, str | None]:
        """Give what stands in every answer: the environment and, once known, the company."""
        company = self.beel.known_company
        return {
            "environment": self.settings.environment,
            "company": company.label if company else None,
        }

    async def view(self, target: Target) -> str | None:
        """Give a link to a view, for an answer; None where the operator wants none there."""
        if not (self.settings.view and self.settings.has_pages):
            return None
        with suppress(OSError):  # an answer is whole without
            return await self.door.link(target)
        return None


def app_state(ctx: Context[AppState]) -> AppState:
    """Find the process's state from a request."""
    return ctx.request_context.lifespan_context


def caller() -> str:
    """Name whose batches these are: the token's owner, or the one user of a local process."""
    token = get_access_token()
    return f"token:{token.client_id}" if token else "local"


def asking_of(ctx: Context[AppState]) -> Asking:
    """Tell how the person may be asked in a request."""
    state = app_state(ctx)
    settings = state.settings
    return Asking(
        settings.confirm,
        settings.language,
        can_ask=can_ask(ctx),
        can_open=settings.has_pages and can_open(ctx),
        may_browse=settings.has_pages and settings.open_browser and state.door.can_browse,
        is_answering=_is_answering(ctx.input_responses or (), ctx.request_state),
    )


def _is_answering(answered: Iterable[str], request_state: str | None) -> bool:
    """Tell whether a call comes back with the answer to a form, or of an app that opened a page."""
    names = list(answered)
    return bool(names and request_state) or any(name.startswith(PAGE_KEY) for name in names)


def _part(pick: Callable[[AppState], object]) -> Resolve:
    """Inject a part of the state, so that a signature names what a tool touches."""

    def resolve(ctx: Context[AppState]) -> object:
        return pick(app_state(ctx))

    return Resolve(resolve)


# What a tool names in its signature.
HowToAsk = Annotated[Asking, Resolve(asking_of)]
Caller = Annotated[str, Resolve(caller)]
Config = Annotated[Settings, _part(lambda state: state.settings)]
Beel = Annotated[BeelClient, _part(lambda state: state.beel)]
Batches = Annotated[BatchStore, _part(lambda state: state.batches)]
Selections = Annotated[SelectionStore, _part(lambda state: state.selections)]
Records = Annotated[Journal, _part(lambda state: state.journal)]
InFlight = Annotated[BackgroundWrites, _part(lambda state: state.writes)]
Now = Annotated[datetime, _part(lambda state: state.timing.now())]


REQUEST: Final[ContextVar[Context[AppState]]] = ContextVar("request")


def current_request() -> Context[AppState]:
    """Find the request that is being answered."""
    return REQUEST.get()


class Progress:
    """The latest progress message of a tool call, and an event for whoever waits for the next."""

    def __init__(self) -> None:
        self.text: str | None = None
        self._reported = anyio.Event()

    def report(self, text: str) -> None:
        self.text = text
        self._reported.set()

    async def wait(self, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            await self._reported.wait()
        self._reported = anyio.Event()


PROGRESS: Final[ContextVar[Progress | None]] = ContextVar("progress", default=None)


def report_progress(text: str) -> None:
    """Say how far the call has come; nothing happens outside of a tool call."""
    progress = PROGRESS.get()
    if progress is not None:
        progress.report(text)


@dataclass(frozen=True)
class PageLink:
    """A page that the app is asked to open for the person, without the model."""

    key: str
    url: str
    message: str


PAGE_LINKS: Final[ContextVar[list[PageLink] | None]] = ContextVar("page_links", default=None)


def ask_app_to_open(key: str, url: str, message: str) -> None:
    """Have the app open a page before this call is answered; the newer era's way."""
    links = PAGE_LINKS.get()
    if links is not None:
        links.append(PageLink(key, url, message))
