"""PDFs that BeeL is still making: waited for while there is time, else it is said when to ask."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from tests.conftest import Connect, FakeTime

from .test_download_invoices_zip import ISSUED_IN_Q3, NOT_READY, Q3, call

pytestmark = pytest.mark.anyio


class Retold:
    """A sandbox that says when to ask again for a PDF, and has it after so many times."""

    def __init__(self, app: Starlette, retry_after_s: int, *, made_after: int = 99) -> None:
        self._app = app
        self._retry_after = str(retry_after_s).encode()
        self._made_after = made_after
        self.preferences: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].endswith(f"{NOT_READY}/pdf"):
            await self._app(scope, receive, send)
            return
        self.preferences.append(dict(scope["headers"])[b"prefer"].decode())

        async def send_retold(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 202:
                others = [pair for pair in message["headers"] if pair[0] != b"retry-after"]
                message = {**message, "headers": [*others, (b"retry-after", self._retry_after)]}
            await send(message)

        await self._app(scope, receive, send_retold)
        if len(self.preferences) == self._made_after:
            self._app.state.store.execute(
                "UPDATE invoices SET pdf_ready = 1 WHERE id = ?", NOT_READY
            )


@pytest.mark.parametrize("routes", ["company", "flat"])
@pytest.mark.parametrize("asked", [Q3, {"invoice_ids": [NOT_READY]}], ids=["quarter", "alone"])
async def test_a_pdf_that_beel_finishes_while_it_is_waited_for_is_in_the_package(
    connect: Connect, routes: str, asked: dict[str, Any]
) -> None:
    app = create_app(SandboxOptions(pdf_wait_s=5))
    async with connect(app, routes=routes) as client:
        answer = await call(client, **asked)
    assert (answer["status"], answer.get("missing")) == ("done", None)
    assert answer["counts"]["included"] == (ISSUED_IN_Q3 if asked is Q3 else 1)


@pytest.mark.parametrize("asked", [Q3, {"invoice_ids": [NOT_READY]}], ids=["quarter", "alone"])
async def test_of_a_pdf_that_takes_longer_it_is_said_when_and_how_to_try_again(
    connect: Connect, asked: dict[str, Any]
) -> None:
    async with connect() as client:
        answer = await call(client, **asked)
        told = (await client.call_tool("download_invoices_zip", asked)).content[0].text  # type: ignore[union-attr]
    [missing] = answer["missing"]
    assert (missing["reason"], answer["retry_after_s"]) == ("pdf_not_ready", 30)
    assert missing["remedy"] == "BeeL is making its PDF: make the same call again in 30 s."
    # The second time it is another one.
    assert "by hand in BeeL" in told


async def test_what_beel_says_is_soon_is_waited_for_within_the_call(
    connect: Connect, sandbox: Starlette, fake_time: FakeTime
) -> None:
    beel = Retold(sandbox, 3, made_after=2)
    async with connect(beel, timing=Timing(now=fake_time.now, sleep=fake_time.sleep)) as client:  # type: ignore[arg-type]
        answer = await call(client, **Q3)
    assert answer["status"] == "done"
    assert fake_time.slept.total_seconds() == 6
    assert len(beel.preferences) == 3
    # As long as BeeL ever waits, and less when the call has less time.
    assert beel.preferences[0] == "wait=10"


async def test_a_call_with_no_time_to_spare_waits_for_no_pdf(
    connect: Connect, sandbox: Starlette, fake_time: FakeTime
) -> None:
    beel = Retold(sandbox, 3)
    timing = Timing(now=fake_time.now, sleep=fake_time.sleep, patience_s=14)
    async with connect(beel, timing=timing) as client:  # type: ignore[arg-type]
        answer = await call(client, **Q3)
    assert (answer["status"], answer["retry_after_s"]) == ("partial", 3)
    assert answer["counts"]["included"] == ISSUED_IN_Q3 - 1
    assert beel.preferences == ["wait=0"]
    assert fake_time.slept.total_seconds() == 0


async def test_a_pdf_that_never_comes_ends_with_the_time_for_it_and_not_the_package(
    connect: Connect, sandbox: Starlette, fake_time: FakeTime
) -> None:
    beel = Retold(sandbox, 2)
    async with connect(beel, timing=Timing(now=fake_time.now, sleep=fake_time.sleep)) as client:  # type: ignore[arg-type]
        answer = await call(client, **Q3)
    assert (answer["status"], answer["counts"]["included"]) == ("partial", ISSUED_IN_Q3 - 1)
    assert fake_time.slept.total_seconds() <= 25


async def test_a_beel_that_cannot_say_when_is_not_waited_for(connect: Connect) -> None:
    app = create_app(SandboxOptions(generation="legacy"))
    async with connect(app, routes="flat") as client:
        answer = await call(client, **Q3)
    [missing] = answer["missing"]
    assert missing["remedy"] == "BeeL has no PDF yet; ask once more in a while."
    assert "retry_after_s" not in answer
