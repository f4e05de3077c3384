"""The page and the card of a view, in the person's language, with where we are on top."""

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from beel_mcp.context import AppState
from beel_mcp.pages.rendering import render_fragment, render_page, say


def view_page(
    request: Request,
    state: AppState,
    template: str,
    title: str,
    status: int = HTTPStatus.OK,
    **values: Any,
) -> Response:
    """Make the page of a view; `title` is a code of data/page_words.toml."""
    language = state.settings.language
    return render_page(
        template,
        language,
        request.scope["nonce"],
        title=say(language, title),
        status_code=status,
        where=state.where(),
        **values,
    )


def view_card(state: AppState, template: str, title: str, **values: Any) -> str:
    """Make the content of a card of a view, without forms and links."""
    language = state.settings.language
    return render_fragment(
        template, language, title=say(language, title), where=state.where(), **values
    )


def gone_page(request: Request, state: AppState, title: str, *paragraphs: str) -> Response:
    """Say that what a link led to is kept no longer, in sentences of data/page_words.toml."""
    told = [say(state.settings.language, one) for one in paragraphs]
    return view_page(request, state, "message.html", title, status=HTTPStatus.GONE, paragraphs=told)
