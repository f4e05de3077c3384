"""How far a long call has come: a tool says so, and the heartbeat passes it on."""

from contextvars import ContextVar

import anyio


class Progress:
    """The latest word of a tool, and a bell for it."""

    def __init__(self) -> None:
        self.text: str | None = None
        self._said = anyio.Event()

    def say(self, text: str) -> None:
        """Say how far it has come."""
        self.text = text
        self._said.set()

    async def wait(self, seconds: float) -> None:
        """Wait for news, but no longer."""
        with anyio.move_on_after(seconds):
            await self._said.wait()
        self._said = anyio.Event()


CURRENT: ContextVar[Progress | None] = ContextVar("progress", default=None)


def note(text: str) -> None:
    """Say how far the call has come, if anybody listens."""
    progress = CURRENT.get()
    if progress is not None:
        progress.say(text)
