"""Made-up invoices put straight into a sandbox, and a BeeL whose ZIPs are spoiled on the way."""

import io
import zipfile
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from starlette.applications import Starlette

from beel_mcp.sandbox.seed import invoice_id, invoice_row

Message = MutableMapping[str, Any]
Spoil = Callable[[int, bytes], "bytes | tuple[int, bytes] | None"]
FIRST = 1_001


def add_invoices(sandbox: Starlette, count: int, **changes: Any) -> list[str]:
    """Add invoices issued in September 2026; the ids in order of their numbers."""
    store = sandbox.state.store
    numbers = range(FIRST, FIRST + count)
    with store.transaction() as connection:
        for number in numbers:
            row = invoice_row(
                number=number,
                customer=1,
                series="L26",
                in_series=number,
                status="ISSUED",
                issue_date="2026-09-15",
                due_date="2026-10-15",
                lines=["repair"],
                **changes,
            )
            connection.execute(
                f"INSERT INTO invoices ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
                list(row.values()),
            )
    return [invoice_id(number) for number in numbers]


class Spoiled:
    """An app in front of the sandbox: `spoil(n, body)` makes the n-th ZIP answer another one.

    It gives other bytes, or a status and JSON instead, or None for the answer as it is.
    """

    def __init__(self, app: Starlette, spoil: Spoil, headers: dict[str, str] | None = None) -> None:
        self._app = app
        self._spoil = spoil
        self._headers = headers or {}
        self.asked: list[Sequence[str]] = []
        self.state = app.state

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if "pdf" not in scope.get("path", ""):
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = b""

        async def collect(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message
            else:
                body += message.get("body", b"")

        await self._app(scope, receive, collect)
        if start["status"] == 200:
            self.asked.append(names_in(body))
            spoiled = self._spoil(len(self.asked), body)
            if isinstance(spoiled, tuple):
                start["status"], body = spoiled
                start["headers"] = [(b"content-type", b"application/json")]
            elif spoiled is not None:
                body = spoiled
        kept = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
        kept = [pair for pair in kept if pair[0].decode().lower() not in self._headers]
        more = [(name.encode(), value.encode()) for name, value in self._headers.items()]
        await send({**start, "headers": [*kept, *more]})
        await send({"type": "http.response.body", "body": body})


def names_in(body: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return archive.namelist()


def rezipped(body: bytes, rename: Callable[[str], str | None]) -> bytes:
    """Write a ZIP again under other names; None leaves an entry out."""
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(body)) as old,
        zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            other = rename(name)
            if other is not None:
                new.writestr(other, old.read(name))
    return made.getvalue()
