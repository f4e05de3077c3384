"""Made-up invoices put straight into a sandbox, and a BeeL whose ZIPs are spoiled on the way."""

import io
import json
import zipfile
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from itertools import cycle
from typing import Any, Final

from starlette.applications import Starlette

from beel_mcp.sandbox.seed import invoice_id, invoice_row

Message = MutableMapping[str, Any]
Spoil = Callable[[int, bytes], "bytes | tuple[int, bytes] | None"]
FIRST = 1_001


def add_invoices(sandbox: Starlette, count: int, **changes: Any) -> list[str]:
    """Add invoices issued in September 2026; the ids in order of their numbers."""
    numbers = range(FIRST, FIRST + count)
    facts = {
        "customer": 1,
        "series": "L26",
        "status": "ISSUED",
        "issue_date": "2026-09-15",
        "due_date": "2026-10-15",
        "lines": ["repair"],
    }
    insert(sandbox, [{"number": n, "in_series": n} | facts | changes for n in numbers])
    return [invoice_id(number) for number in numbers]


def insert(sandbox: Starlette, invoices: Sequence[Mapping[str, Any]]) -> None:
    """Put invoices of these facts, which are those of `invoice_row`, into a sandbox."""
    with sandbox.state.store.transaction() as connection:
        for facts in invoices:
            row = invoice_row(**facts)
            connection.execute(
                f"INSERT INTO invoices ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})",
                list(row.values()),
            )


FIRM: Final = 131


def make_firm(sandbox: Starlette) -> None:
    """Put a firm's 131 invoices in place of the seeded ones: three years, all statuses, rates."""
    sandbox.state.store.execute("DELETE FROM invoices WHERE source_proforma_id IS NOT NULL")
    sandbox.state.store.execute("DELETE FROM invoices")
    kinds = zip(
        cycle(
            [
                "PAID",
                "SENT",
                "ISSUED",
                "PAID",
                "SENT",
                "DRAFT",
                "VOIDED",
                "SCHEDULED",
                "PAID",
                "ISSUED",
            ]
        ),
        cycle([["repair"], ["manuals"], ["advice", "parts"], ["export"], ["transport"]]),
        strict=False,
    )
    facts = [
        {
            "number": number,
            "customer": 1 + number % 7,
            "series": "F26",
            "in_series": None if status in ("DRAFT", "SCHEDULED") else number,
            "status": status,
            "issue_date": f"{2024 + number // 12 % 3}-{1 + number % 12:02d}-{1 + number % 28:02d}",
            "due_date": f"{2024 + number // 12 % 3}-{1 + number % 12:02d}-28",
            "lines": lines,
        }
        for number, (status, lines) in zip(range(1, FIRM + 1), kinds, strict=False)
    ]
    insert(sandbox, facts)


async def _answered(
    app: Starlette, scope: Message, receive: Callable[[], Awaitable[Message]]
) -> tuple[Message, bytes]:
    """Let an app answer; give how the answer starts, and its body."""
    start: Message = {}
    body = b""

    async def collect(message: Message) -> None:
        nonlocal start, body
        if message["type"] == "http.response.start":
            start = message
        else:
            body += message.get("body", b"")

    await app(scope, receive, collect)
    return start, body


class Retold:
    """An app in front of the sandbox: `change` says what it tells of each invoice of a list."""

    def __init__(self, app: Starlette, change: Callable[[dict[str, Any]], None]) -> None:
        self._app = app
        self._change = change
        self.state = app.state

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        if not scope.get("path", "").endswith("/invoices"):
            await self._app(scope, receive, send)
            return
        start, body = await _answered(self._app, scope, receive)
        answer = json.loads(body)
        for invoice in answer["data"]["invoices"]:
            self._change(invoice)
        kept = [pair for pair in start["headers"] if pair[0].lower() != b"content-length"]
        await send({**start, "headers": kept})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


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
        start, body = await _answered(self._app, scope, receive)
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
