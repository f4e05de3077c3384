"""Pages of a test's own, served on this machine: those that frame ours, those to try tools on."""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
import uvicorn
from starlette.types import Receive, Scope, Send

START_S = 20


@dataclass
class Site:
    """Pages by their path; `asked` is every request that came."""

    pages: Mapping[str, str]
    policy: str = ""
    asked: list[str] = field(default_factory=list)
    origin: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(f"{scope['method']} {scope['path']}")
        page = self.pages.get(scope["path"])
        kind = "text/javascript" if scope["path"].endswith(".js") else "text/html"
        headers = [(b"content-type", f"{kind}; charset=utf-8".encode())]
        if self.policy:
            headers.append((b"content-security-policy", self.policy.encode()))
        status = 404 if page is None else 200
        if scope["path"] == "/favicon.ico":  # which browsers ask for by themselves
            status = 204
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": (page or "").encode()})


@asynccontextmanager
async def serving(pages: Mapping[str, str], policy: str = "") -> AsyncIterator[Site]:
    """Serve until the block ends."""
    site = Site(pages, policy)
    config = uvicorn.Config(site, lifespan="off", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    site.origin = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with anyio.create_task_group() as group:
        ended = anyio.Event()

        async def serve() -> None:
            # Cancelled, it would leave its socket with the loop, which all tests here share.
            with anyio.CancelScope(shield=True):
                await server.serve([listener])
            ended.set()

        group.start_soon(serve)
        try:
            with anyio.fail_after(START_S):
                while not server.started:  # noqa: ASYNC110 - it sets no event
                    await anyio.sleep(0.01)
            yield site
        finally:
            server.should_exit = True
            server.force_exit = True
            with anyio.CancelScope(shield=True):
                await ended.wait()
