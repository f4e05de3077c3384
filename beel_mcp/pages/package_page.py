"""The page of a package of invoices, and its card.

The sums are of the whole package on every page of its manifest, as the answer told them. The ZIP
itself is not given out here: it lies in the person's own files folder.
"""

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response

from beel_mcp.context import AppState
from beel_mcp.door.links import Target
from beel_mcp.memory.packages import FinishedPackage
from beel_mcp.pages.package_view import card_view, package_view
from beel_mcp.pages.paging import page_asked
from beel_mcp.pages.view_pages import gone_page, view_card, view_page


async def show(request: Request, state: AppState, target: Target) -> Response:
    """Show a package that was made lately, or say that it is kept no longer."""
    page = page_asked(request)
    package = state.packages.find(target.id, target.caller)
    if package is None:
        return gone(request, state)

    def render() -> Response:
        view = package_view(package, state.settings.language, page)
        return view_page(request, state, "package.html", "package.title", view=view)

    return await to_thread.run_sync(render)  # a whole manifest takes a while


def card(package: FinishedPackage, state: AppState) -> str:
    """Make the content of a card of a package, without its manifest and links."""
    view = card_view(package, state.settings.language)
    return view_card(state, "package.html", "package.title", view=view)


def gone(request: Request, state: AppState) -> Response:
    """Say that a package is kept no longer; its ZIP stays where it is."""
    return gone_page(request, state, "package.gone_title", "package.gone", "package.gone_remedy")
