"""The MCP server: what it offers, and what it keeps while it runs."""

from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import metadata
from importlib.resources import files

import anyio
from mcp.server import MCPServer
from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.settings import AuthSettings
from mcp.server.subscriptions import InMemorySubscriptionBus
from mcp.types import Icon
from starlette.types import ASGIApp

from beel_mcp import __version__
from beel_mcp.api.client import BeelClient
from beel_mcp.api.http.limits import limits_towards
from beel_mcp.api.http.retry import Retries
from beel_mcp.context import SYSTEM_TIMING, AppState, Timing
from beel_mcp.door.door import Door
from beel_mcp.language import Language, Sentence
from beel_mcp.lists.batch_store import BatchStore
from beel_mcp.memory.packages import PackageStore
from beel_mcp.memory.selections import SelectionStore
from beel_mcp.redaction import install_redaction
from beel_mcp.server.apps import advertised
from beel_mcp.server.prompts import as_prompt, completer, read_prompts
from beel_mcp.server.resources import instructions
from beel_mcp.server.sdk import BeelServer, RequestScope, ResourceNews
from beel_mcp.server.tool_calls import ToolCalls
from beel_mcp.settings import Settings
from beel_mcp.tools import TOOLS
from beel_mcp.writes.consent.page_answers import PageAnswers
from beel_mcp.writes.journal.journal import Journal
from beel_mcp.writes.journal.workers import BackgroundWrites

NAME = "beel-mcp"
_DESCRIPTION = Sentence(
    "A Spanish bookkeeper's chores in BeeL: customer lists, invoices and packages for the"
    " accountant. Nothing is changed or sent without a person's yes.",
    "Las tareas de quien lleva la contabilidad en BeeL: listas de clientes, facturas y paquetes"
    " para la gestoría. Nada se cambia ni se envía sin la confirmación de una persona.",
)


def _pages(state: AppState) -> ASGIApp:
    # Start-up is measured: a server whose pages nobody opens starts without them.
    from beel_mcp.pages import pages_app  # noqa: PLC0415

    return pages_app(state)


def create_server(
    settings: Settings,
    *,
    sandbox_app: ASGIApp | None = None,
    timing: Timing = SYSTEM_TIMING,
    token_verifier: TokenVerifier | None = None,
    auth: AuthSettings | None = None,
) -> MCPServer[AppState]:
    """Build the server. Nothing is opened, asked or written before the first tool call.

    `sandbox_app` answers instead of BeeL; only the command line and tests pass one.
    """
    asking = {tool.name for tool in TOOLS if tool.needs_a_yes or tool.kind == "write"}
    saving = {tool.name for tool in TOOLS if tool.kind != "read"}
    withheld = {tool.name for tool in TOOLS if settings.read_only and tool.writes}
    served = [tool for tool in TOOLS if tool.name not in withheld]
    tools = [tool.build(settings.language, output_schema=settings.output_schema) for tool in served]
    bus = InMemorySubscriptionBus()
    news = ResourceNews(bus)
    server = BeelServer(
        "beel-mcp",
        title="BeeL",
        version=__version__,
        description=_DESCRIPTION.localized(settings.language),
        website_url=_website(),
        icons=[_icon()],
        instructions=instructions(),
        tools=tools,
        lifespan=_lifespan(settings, sandbox_app, timing, news),
        subscriptions=bus,
        extensions=[advertised()],
        middleware=[RequestScope(news, saving), ToolCalls(tools, withheld, asking)],
        log_level=settings.log_level,
        token_verifier=token_verifier,
        auth=auth,
    )
    _add_prompts(server, settings.language)
    install_redaction()
    return server


def _add_prompts(server: BeelServer, language: Language) -> None:
    prompts = read_prompts(language)
    for prompt in prompts:
        server.add_prompt(as_prompt(prompt))
    complete = completer(prompts, language)
    server.completion()(complete)  # type: ignore[no-untyped-call] # the SDK gives it no types


def _website() -> str | None:
    """Give the address of the repository, which stands in the package's metadata alone."""
    for line in metadata("beel-mcp").get_all("Project-URL") or ():
        name, _, address = line.partition(", ")
        if name == "Repository":
            return str(address)
    return None


def _icon() -> Icon:
    """Carry our icon with the server's name, so that an app fetches nothing; tools have none."""
    drawing = b64encode(files("beel_mcp").joinpath("data", "icon.svg").read_bytes()).decode()
    kind = "image/svg+xml"
    return Icon(src=f"data:{kind};base64,{drawing}", mime_type=kind, sizes=["any"])


def _lifespan(
    settings: Settings, sandbox_app: ASGIApp | None, timing: Timing, news: ResourceNews
) -> Callable[[MCPServer[AppState]], AbstractAsyncContextManager[AppState]]:
    @asynccontextmanager
    async def lifespan(_: MCPServer[AppState]) -> AsyncIterator[AppState]:
        # The sandbox in this process counts nobody's requests.
        limits = None if settings.sandbox else limits_towards(settings.base_url)
        retries = Retries(sleep=timing.sleep, limits=limits)
        beel = BeelClient(settings, sandbox_app=sandbox_app, retries=retries)
        journal = Journal(settings.state_dir, timing.now, timing.busy_s)
        try:
            async with anyio.create_task_group() as group:
                writes = BackgroundWrites(group, settings.state_dir, news.operation_ended)
                door = Door(timing.now, lambda: _pages(state))
                group.start_soon(door.run)
                state = AppState(
                    settings=settings,
                    beel=beel,
                    batches=BatchStore(timing.now, journal.personal_data),
                    selections=SelectionStore(timing.now),
                    packages=PackageStore(timing.now),
                    journal=journal,
                    writes=writes,
                    timing=timing,
                    door=door,
                    page_answers=PageAnswers(),
                )
                yield state
                door.close()
                await writes.linger()
        finally:
            journal.close()
            await beel.aclose()

    return lifespan
