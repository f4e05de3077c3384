"""What a person sees: plans, lists and packages as pages and cards.

Imported only when the first page or card is needed: a server that shows none starts without it.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from beel_mcp.context import AppState
from beel_mcp.door.links import Target, View
from beel_mcp.pages import batch_page, package_page, plan_page
from beel_mcp.pages.rendering import render_page, say

Handler = Callable[[Request, AppState, Target], Awaitable[Response]]


class Pages(NamedTuple):
    """What a view answers: `show` at its own address, the others below it, by name."""

    show: Handler
    get: Mapping[str, Handler]
    post: Mapping[str, Handler]


VIEWS: Final[Mapping[View, Pages]] = {
    "plan": Pages(plan_page.show, {}, {"answer": plan_page.answer}),
    "batch": Pages(
        batch_page.show, {"list.xlsx": batch_page.workbook}, {"corrections": batch_page.correct}
    ),
    "package": Pages(package_page.show, {}, {}),
}


class Sessions:
    """Opens links, and answers in the sessions that they become."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._links = state.door.links

    async def redeem(self, request: Request) -> Response:
        """Open a link, which ends it: what it leads to has another address, which no model saw."""
        session = self._links.redeem(request.path_params["token"])
        if session is None:
            return self.dead(request)
        return RedirectResponse(f"/s/{session}/", status_code=303)

    async def show(self, request: Request) -> Response:
        """Show the view of a session."""
        target = self._links.target(request.path_params["session"])
        if target is None:
            return self.dead(request)
        return await VIEWS[target.view].show(request, self._state, target)

    async def act(self, request: Request) -> Response:
        """Answer a form or a file of a view."""
        target = self._links.target(request.path_params["session"])
        if target is None:
            return self.dead(request)
        pages = VIEWS[target.view]
        handlers = pages.post if request.method == "POST" else pages.get
        handler = handlers.get(request.path_params["name"])
        return await handler(request, self._state, target) if handler else self.dead(request)

    def dead(self, request: Request) -> Response:
        """Say that a link leads nowhere any more; for which of the reasons, nobody is told."""
        language = self._state.settings.language
        return render_page(
            "message.html",
            language,
            request.scope["nonce"],
            title=say(language, "dead.title"),
            status_code=404,
            paragraphs=[say(language, "dead.why"), say(language, "dead.remedy")],
        )

    async def nowhere(self, request: Request, _: Exception) -> Response:
        """Answer an address that there is not."""
        return self.dead(request)


def pages_app(state: AppState) -> Starlette:
    """Make what answers behind the door: links, and the views of their sessions."""
    sessions = Sessions(state)
    return Starlette(
        routes=[
            Route("/l/{token}", sessions.redeem),
            Route("/s/{session}/", sessions.show),
            Route("/s/{session}/{name}", sessions.act, methods=["GET", "POST"]),
        ],
        exception_handlers={404: sessions.nowhere, 405: sessions.nowhere},
    )
