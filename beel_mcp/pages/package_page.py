"""The page of a package of invoices, and its card."""

from http import HTTPStatus

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from beel_mcp.context import AppState
from beel_mcp.door.links import Target
from beel_mcp.memory.packages import FinishedPackage
from beel_mcp.pages.package_view import card_view, package_view
from beel_mcp.pages.paging import page_asked
from beel_mcp.pages.rendering import render_fragment, render_page, say


async def show(request: Request, state: AppState, target: Target) -> Response:
    """Show a package that was made lately, or say that it is kept no longer."""
    language, page = state.settings.language, page_asked(request)
    package = state.packages.find(target.id, target.caller)
    if package is None:
        return gone(request, state)

    def render() -> Response:
        return render_page(
            "package.html",
            language,
            request.scope["nonce"],
            title=say(language, "package.title"),
            where=state.where(),
            view=package_view(package, language, page),
        )

    return await to_thread.run_sync(render)  # a whole manifest takes a while


def card(package: FinishedPackage, state: AppState) -> str:
    """Make the content of a card of a package, without its manifest and links."""
    language = state.settings.language
    return render_fragment(
        "package.html",
        language,
        title=say(language, "package.title"),
        where=state.where(),
        view=card_view(package, language),
    )


def gone(request: Request, state: AppState) -> Response:
    """Say that a package is kept no longer; its ZIP stays where it is."""
    language = state.settings.language
    return render_page(
        "message.html",
        language,
        request.scope["nonce"],
        title=say(language, "package.gone_title"),
        where=state.where(),
        paragraphs=[say(language, "package.gone"), say(language, "package.gone_remedy")],
        status_code=HTTPStatus.GONE,
    )
