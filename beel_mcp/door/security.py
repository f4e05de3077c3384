"""Who may pass the door: this machine's own browser, by our own name, in a window of its own."""

import secrets
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_BYTES: Final = 1_000_000
_FORM: Final = "application/x-www-form-urlencoded"
# Where a page is shown inside of another one.
_FRAMES: Final = frozenset({"iframe", "frame", "embed", "object", "fencedframe"})
# No script, no second resource, nothing from elsewhere; the one style sheet stands in the page.
_POLICY: Final = (
    "default-src 'none'; style-src 'nonce-{nonce}'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'"
)
# Not `no-referrer`: browsers then leave the origin out of forms, too.
_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guarded:
    """Lets through what a person's browser sends, and puts the headers on what goes back.

    `authority` is the address that links have; a name that merely leads here is another.
    """

    def __init__(self, app: ASGIApp, authority: str) -> None:
        self._app = app
        self._authority = authority

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        scope["nonce"] = secrets.token_urlsafe(16)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers["Content-Security-Policy"] = _POLICY.format(nonce=scope["nonce"])
            await send(message)

        refused = self._refuse(scope["method"], Headers(scope=scope))
        app = PlainTextResponse(*refused) if refused else self._app
        await app(scope, _bounded(receive), sending)

    def _refuse(self, method: str, headers: Headers) -> tuple[str, int] | None:
        """Say why a request may not pass, with its status; None: it may."""
        if headers.get("host") != self._authority:  # guard: no other name of this machine
            return "Not the address of this page.", 421
        if headers.get("sec-fetch-dest") in _FRAMES:  # guard: never inside of another page
            return "This page is not shown inside of another one.", 403
        if "prefetch" in headers.get("sec-purpose", headers.get("purpose", "")):
            return "A link is opened by a person.", 403
        if method not in ("GET", "POST"):
            return "Only GET and POST.", 405
        return self._refuse_form(headers) if method == "POST" else None

    def _refuse_form(self, headers: Headers) -> tuple[str, int] | None:
        is_ours = (
            headers.get("origin") == f"http://{self._authority}"  # guard: our own forms
            and headers.get("sec-fetch-site", "same-origin") == "same-origin"
        )
        if not is_ours:
            return "This form was not sent from its own page.", 403
        if headers.get("content-type", "").partition(";")[0].strip() != _FORM:
            return "Only forms.", 415
        length = headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            return "This is too long.", 413
        return None


def _bounded(receive: Receive) -> Receive:
    """Read no more of a body than fits, whatever its header said."""
    seen = 0

    async def receiving() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        return message if seen <= MOST_BYTES else {"type": "http.disconnect"}

    return receiving
