"""The door itself: a web server on loopback, in this process, from the first link on."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Final

import anyio
from anyio.abc import TaskGroup
from starlette.types import ASGIApp

from beel_mcp.door.links import Links, Target

if TYPE_CHECKING:
    import uvicorn

HOST: Final = "127.0.0.1"
# Whoever reads a page at the end sees it whole; a write runs on without the door.
_GRACE_S: Final = 2
_MOST_CONNECTIONS: Final = 50


class Door:
    """Gives links to pages that a person reads in their browser.

    Nothing listens before the first link. `make_app` gives what answers behind the guard; it is
    asked for once, and late: a server whose pages nobody opens starts without them.
    """

    def __init__(
        self, group: TaskGroup, now: Callable[[], datetime], make_app: Callable[[], ASGIApp]
    ) -> None:
        self.links = Links(now)
        self._group = group
        self._make_app = make_app
        self._starting = anyio.Lock()
        self._server: uvicorn.Server | None = None
        self._origin = ""

    async def link(self, target: Target) -> str:
        """Give a link that leads a person to a view, once.

        Raises:
            OSError: this machine lets nobody listen.
        """
        async with self._starting:
            if self._server is None:
                self._server = self._start()
        return f"{self._origin}/l/{self.links.offer(target)}"

    def close(self) -> None:
        """Let nobody in any more; what is being answered is answered."""
        if self._server is not None:
            self._server.should_exit = True

    def _start(self) -> "uvicorn.Server":
        import uvicorn  # noqa: PLC0415 - start-up is measured, and few need it

        from beel_mcp.door.security import Guarded  # noqa: PLC0415 - with it

        listener = socket.create_server((HOST, 0))
        authority = f"{HOST}:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            Guarded(self._make_app(), authority),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=_GRACE_S,
        )

        class Server(uvicorn.Server):
            """Signals are this process's own business."""

            @contextmanager
            def capture_signals(self) -> Iterator[None]:
                yield

        server = Server(config)

        async def serve() -> None:
            with listener:
                await server.serve([listener])

        self._group.start_soon(serve)
        self._origin = f"http://{authority}"
        return server
