"""The door: whom it lets in, and by which links."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from beel_mcp.door import door as doors
from beel_mcp.door.door import Door
from beel_mcp.door.links import LINK_TTL, MOST_KEPT, Links, Target
from beel_mcp.door.security import MOST_BYTES

pytestmark = pytest.mark.anyio
BATCH = Target("batch", "bat_1", "local")


class Clock:
    """A time that a test moves."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def go(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_link_is_opened_once_by_whoever_comes_first(clock: Clock) -> None:
    links = Links(clock)
    token = links.offer(BATCH)
    session = links.redeem(token)
    assert session is not None
    assert session != token
    assert links.target(session) == BATCH
    assert links.redeem(token) is None
    assert links.target(token) is None


def test_a_link_that_nobody_opens_is_dead_after_10_minutes(clock: Clock) -> None:
    links = Links(clock)
    tokens = [links.offer(BATCH), links.offer(BATCH)]
    clock.go(minutes=9, seconds=59)
    assert links.redeem(tokens[0])
    clock.go(seconds=1)
    assert links.redeem(tokens[1]) is None


def test_a_session_ends_10_minutes_after_its_last_use(clock: Clock) -> None:
    links = Links(clock)
    session = links.redeem(links.offer(BATCH))
    assert session is not None
    for _ in range(5):
        clock.go(minutes=9)
        assert links.target(session) == BATCH
    clock.go(minutes=10)
    assert links.target(session) is None
    assert links.target(session) is None


def test_a_session_of_a_plan_ends_with_the_plan_whatever_its_use(clock: Clock) -> None:
    links = Links(clock)
    until = clock.at + timedelta(minutes=4)
    session = links.redeem(links.offer(Target("plan", "plan_1", "local", True, until)))
    assert session is not None
    clock.go(minutes=3)
    assert links.target(session)
    clock.go(minutes=1)
    assert links.target(session) is None


def test_links_that_pile_up_push_out_the_eldest(clock: Clock) -> None:
    links = Links(clock)
    tokens = [links.offer(BATCH) for _ in range(MOST_KEPT + 1)]
    assert links.redeem(tokens[0]) is None
    assert links.redeem(tokens[1])


def test_secrets_have_128_bits_and_no_two_are_alike(clock: Clock) -> None:
    links = Links(clock)
    tokens = {links.offer(BATCH) for _ in range(200)}
    assert len(tokens) == 200
    assert {len(token) for token in tokens} == {22}


async def echo(request: Request) -> Response:
    body = await request.body()
    return PlainTextResponse(f"{request.scope['nonce']} {len(body)}")


@asynccontextmanager
async def opened(clock: Callable[[], datetime]) -> AsyncIterator[tuple[str, Door]]:
    """Open a door before an app that echoes; gives its origin."""
    app = Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST", "PUT"])])
    async with anyio.create_task_group() as group:
        door = Door(clock, lambda: app)
        group.start_soon(door.run)
        link = await door.link(BATCH)
        yield link.rpartition("/l/")[0], door
        door.close()


async def ask(origin: str, method: str = "GET", path: str = "/", **more: Any) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        return await client.request(method, origin + path, **more)


async def test_nothing_listens_before_the_first_link_or_after_the_end(clock: Clock) -> None:
    made = []

    def make_app() -> Starlette:
        made.append(1)
        return Starlette()

    async with anyio.create_task_group() as group:
        door = Door(clock, make_app)
        group.start_soon(door.run)
        async with anyio.create_task_group() as callers:
            for _ in range(3):
                callers.start_soon(door.link, BATCH)
        origin = (await door.link(BATCH)).rpartition("/l/")[0]
        assert origin.startswith("http://127.0.0.1:")
        assert (await ask(origin)).status_code == 404
        assert made == [1]
        door.close()
    with pytest.raises(httpx.ConnectError):
        await ask(origin)


async def test_a_door_that_nobody_needs_closes_without_having_been_opened(clock: Clock) -> None:
    async with anyio.create_task_group() as group:
        door = Door(clock, Starlette)
        group.start_soon(door.run)
        door.close()


async def test_every_answer_forbids_scripts_frames_and_what_is_not_in_the_page(
    clock: Clock,
) -> None:
    async with opened(clock) as (origin, _):
        for answer in (await ask(origin), await ask(origin, "PUT"), await ask(origin, "HEAD")):
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; style-src 'nonce-")
            assert "script" not in policy
            assert "frame-ancestors 'none'" in policy
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["cache-control"] == "no-store"
            assert "set-cookie" not in answer.headers
        nonces = {(await ask(origin)).text.split()[0] for _ in range(3)}
        assert len(nonces) == 3


REFUSED: list[tuple[str, dict[str, str], int]] = [
    ("GET", {"Host": "localhost:{port}"}, 421),
    ("GET", {"Host": "127.0.0.1"}, 421),
    ("GET", {"Host": "127.0.0.1:{port}.evil.example"}, 421),
    ("GET", {"Sec-Fetch-Dest": "iframe"}, 403),
    ("GET", {"Sec-Fetch-Dest": "object"}, 403),
    ("GET", {"Sec-Purpose": "prefetch;prerender"}, 403),
    ("GET", {"Purpose": "prefetch"}, 403),
    ("HEAD", {}, 405),
    ("OPTIONS", {}, 405),
    ("PUT", {"Origin": "{origin}"}, 405),
    ("POST", {"Origin": ""}, 403),
    ("POST", {"Origin": "null"}, 403),
    ("POST", {"Origin": "https://evil.example"}, 403),
    ("POST", {"Origin": "http://127.0.0.1:1"}, 403),
    ("POST", {"Origin": "{origin}", "Sec-Fetch-Site": "same-site"}, 403),
    ("POST", {"Origin": "{origin}", "Sec-Fetch-Site": "cross-site"}, 403),
    ("POST", {"Origin": "{origin}", "Content-Type": "text/plain"}, 415),
    ("POST", {"Origin": "{origin}", "Content-Type": "application/json"}, 415),
]


@pytest.mark.parametrize(("method", "headers", "status"), REFUSED)
async def test_what_no_page_of_ours_would_send_is_refused(
    clock: Clock, method: str, headers: dict[str, str], status: int
) -> None:
    async with opened(clock) as (origin, _):
        port = origin.rpartition(":")[2]
        form = {"Content-Type": "application/x-www-form-urlencoded"} if method == "POST" else {}
        sent = {name: value.format(port=port, origin=origin) for name, value in headers.items()}
        body = {"content": b"yes=1"} if method == "POST" else {}
        answer = await ask(origin, method, headers=form | sent, **body)
        assert answer.status_code == status


async def test_our_own_form_is_let_through(clock: Clock) -> None:
    async with opened(clock) as (origin, _):
        answer = await ask(
            origin, "POST", headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"},
            data={"yes": "1"},
        )  # fmt: skip
        assert answer.status_code == 200
        assert answer.text.endswith(" 5")


async def test_a_body_without_a_length_or_of_more_than_a_megabyte_is_not_read(clock: Clock) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 10

    async with opened(clock) as (origin, _):
        headers = {"Origin": origin, "Content-Type": "application/x-www-form-urlencoded"}
        for content in (pieces(), b"x" * (MOST_BYTES + 1)):
            answer = await ask(origin, "POST", headers=headers, content=content)
            assert answer.status_code == 413


def test_a_link_lasts_as_long_as_a_plan() -> None:
    assert timedelta(minutes=10) == LINK_TTL


async def test_a_door_that_is_cancelled_leaves_its_socket_to_nobody(clock: Clock) -> None:
    """Else the loop takes the next socket of that number for this one, and it never answers."""
    for _ in range(3):
        door = Door(clock, lambda: Starlette(routes=[Route("/l/{token}", lambda _: Response())]))
        async with anyio.create_task_group() as group, httpx.AsyncClient(timeout=5) as client:
            group.start_soon(door.run)
            assert (await client.get(await door.link(BATCH))).status_code == 200
            group.cancel_scope.cancel()


async def test_a_browser_has_opened_a_page_once_the_link_was_opened(clock: Clock) -> None:
    async with opened(clock) as (_, door):
        door._open_browser = lambda link: door.links.redeem(link.rpartition("/")[2]) is not None
        assert await door.browse(BATCH)


async def test_a_link_that_no_browser_opened_leads_nowhere(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doors, "_BROWSE_S", 0.05)
    given: list[str] = []

    def pretends(link: str) -> bool:
        given.append(link.rpartition("/")[2])
        return True

    async with opened(clock) as (_, door):
        for refuses in (False, True):
            door._open_browser = (lambda link: given.append(link[-22:])) if refuses else pretends
            assert not await door.browse(BATCH)
            assert door.links.redeem(given[-1]) is None


@pytest.mark.slow
def test_a_browser_that_cannot_be_started_writes_the_link_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    tells = tmp_path / "xdg-open"
    tells.write_text('#!/bin/sh\necho "cannot open $1"; echo "cannot open $1" >&2; exit 3\n')
    tells.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(tells))
    doors.start_browser("http://127.0.0.1:1/l/secret")
    assert capfd.readouterr() == ("", "")


def test_views_never_push_out_where_a_person_answers(clock: Clock) -> None:
    links = Links(clock)
    token = links.offer(Target("plan", "plan_1", "local", may_answer=True))
    views = [links.offer(BATCH) for _ in range(MOST_KEPT + 1)]
    session = links.redeem(token)
    assert session is not None
    for view in views:
        links.redeem(view)
    assert links.target(session)
