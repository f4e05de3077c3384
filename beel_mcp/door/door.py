"""The door itself: a web server on loopback, in this process, from the first link on."""

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Final

import anyio
from anyio import to_thread
from starlette.types import ASGIApp

from beel_mcp.door.links import Links, Target

if TYPE_CHECKING:
    import uvicorn

logger = logging.getLogger(__name__)

HOST: Final = "127.0.0.1"
# Whoever reads a page at the end sees it whole; a write runs on without the door.
_GRACE_S: Final = 2
_MOST_CONNECTIONS: Final = 50
# A browser that is being started may keep who starts it waiting.
_BROWSE_S: Final = 15.0
_SCREENS: Final = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")


class Door:
    """Gives links to pages that a person reads in their browser.

    Nothing listens before the first link. `make_app` gives what answers behind the guard; it is
    asked for once, and late: a server whose pages nobody opens starts without them. `open_browser`
    shows a link to the person at this machine.
    """

    def __init__(
        self,
        now: Callable[[], datetime],
        make_app: Callable[[], ASGIApp],
        open_browser: Callable[[str], bool] | None = None,
    ) -> None:
        self.links = Links(now)
        self._make_app = make_app
        self._open_browser = open_browser or start_browser
        self._origin = ""
        self._listener: socket.socket | None = None
        self._wanted = anyio.Event()
        self._server: uvicorn.Server | None = None

    async def run(self) -> None:
        """Wait for the first link, and let people in from then on until the door is closed.

        A task of the server's own: what the call that needs a link knows of its caller is not
        known here.
        """
        await self._wanted.wait()
        if self._listener is None:
            return
        try:
            await self._serve(self._listener)
        except Exception:  # a server goes on without its pages
            logger.exception("the pages cannot be shown")

    async def _serve(self, listener: socket.socket) -> None:
        with listener:
            self._server = server = self._make_server(listener)
            try:
                await server.serve([listener])
            finally:
                # Cancelled, it would leave its socket with the loop, which then takes the next
                # one of that number for this one.
                for one in getattr(server, "servers", ()):
                    one.close()

    async def link(self, target: Target) -> str:
        """Give a link that leads a person to a view, once.

        Raises:
            OSError: this machine lets nobody listen.
        """
        if self._listener is None:
            # Whoever comes before the server does waits in the queue of this socket.
            self._listener = socket.create_server((HOST, 0))
            self._origin = f"http://{HOST}:{self._listener.getsockname()[1]}"
            self._wanted.set()
        return f"{self._origin}/l/{self.links.offer(target)}"

    @property
    def can_browse(self) -> bool:
        """Tell whether a browser with a window can be shown; others would wait for keys."""
        return self._open_browser is not start_browser or _has_screen()

    async def browse(self, target: Target) -> bool:
        """Open a view in the browser of the person at this machine; False if it did not open there.

        Raises:
            OSError: this machine lets nobody listen.
        """
        link, is_open = await self.link(target), False

        async def start() -> None:
            if not await to_thread.run_sync(self._open_browser, link, abandon_on_cancel=True):
                group.cancel_scope.cancel()

        async with anyio.create_task_group() as group:
            group.start_soon(start)
            is_open = await self.links.wait_opened(link.rpartition("/")[2], _BROWSE_S)
            group.cancel_scope.cancel()
        return is_open

    def close(self) -> None:
        """Let nobody in any more; what is being answered is answered."""
        self._wanted.set()
        if self._server is not None:
            self._server.should_exit = True

    def _make_server(self, listener: socket.socket) -> "uvicorn.Server":
        import uvicorn  # noqa: PLC0415 - start-up is measured, and few need it

        from beel_mcp.door.security import Guarded  # noqa: PLC0415 - with it

        class Server(uvicorn.Server):
            """Signals are this process's own business."""

            @contextmanager
            def capture_signals(self) -> Iterator[None]:
                yield

        config = uvicorn.Config(
            Guarded(self._make_app(), f"{HOST}:{listener.getsockname()[1]}"),
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
        return Server(config)


def start_browser(link: str) -> bool:
    """Start the browser of this machine; False if none could be started.

    Helpers of desktops print a link that they cannot open, and a log is read by others than the
    person: in a process of its own, whose output is nobody's, and which gets the link by a pipe.
    """
    code = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.stdin.read()))"
    try:
        ended = subprocess.run(  # noqa: S603 - this very Python, and a text of ours
            [sys.executable, "-c", code],
            input=link.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_BROWSE_S,
            check=False,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired:  # some stay for as long as the browser does
        return True
    except OSError:
        return False
    return ended.returncode == 0


def _has_screen() -> bool:
    """Tell whether a browser with a window can be shown."""
    return sys.platform in ("win32", "darwin") or any(os.environ.get(name) for name in _SCREENS)
