"""A request that an application carries out without a socket."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote, urlsplit

from starlette.types import ASGIApp

from tests.support.servers.spoiling import Answer


async def carried_out(
    app: ASGIApp, method: str, target: str, headers: Iterable[tuple[bytes, bytes]], body: bytes
) -> Answer:
    """Carry out a request, whatever becomes of its answer; `target` is its path with the query."""
    url = urlsplit(target)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(url.path),
        "raw_path": url.path.encode(),
        "query_string": url.query.encode(),
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in headers],
        "client": ("127.0.0.1", 1),
        "server": ("sandbox", 80),
    }
    start: dict[str, Any] = {}
    answered = bytearray()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        start.update(message)
        answered.extend(message.get("body", b""))

    await app(scope, receive, send)
    names = {name.decode(): value.decode("latin-1") for name, value in start["headers"]}
    return Answer(start["status"], bytes(answered), names)
