"""Streamable HTTP: who is let in, by which name, and what it costs to knock."""

import re
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from pydantic import SecretStr
from starlette.applications import Starlette

from beel_mcp.cli import _is_free
from beel_mcp.cli.http import ListenAddress, http_app, refuse_if_open
from beel_mcp.settings import Settings, SettingsError
from tests.conftest import TEST_KEY, Era
from tests.support.servers.process import Served, serving_process

PORT = 8931
LOOPBACK = ListenAddress("127.0.0.1", PORT)
TOKEN = "0123456789abcdefghijklmnopqrstuv"
OPEN = ListenAddress("0.0.0.0", PORT)
VERSION = "2026-07-28"


@dataclass
class Caller:
    """Knocks at an app without a socket, and counts what came through to BeeL."""

    client: httpx.AsyncClient
    sandbox: Starlette

    @property
    def executed(self) -> int:
        return len(self.sandbox.state.store.requests())

    async def call_tool(self, **headers: str) -> httpx.Response:
        """Make one call of the newer era, which needs no session."""
        meta = {
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        params = {"name": "find_customers", "arguments": {}, "_meta": meta}
        sent = {
            "authorization": f"Bearer {TOKEN}",
            "accept": "application/json, text/event-stream",
            "mcp-protocol-version": VERSION,
            "mcp-method": "tools/call",
            "mcp-name": "find_customers",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return await self.client.post(
            "/mcp",
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
            headers={
                name.encode(): value.encode("latin-1")
                for name, value in sent.items()
                if value != "-"
            },
        )


@asynccontextmanager
async def listening(
    settings: Settings,
    sandbox: Starlette,
    address: ListenAddress = LOOPBACK,
    token: str | None = TOKEN,
) -> AsyncIterator[Caller]:
    secret = SecretStr(token) if token else None
    app = http_app(settings, address, token=secret, sandbox_app=sandbox)
    url = f"http://127.0.0.1:{PORT}"
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=url) as client,
    ):
        yield Caller(client, sandbox)


@pytest.mark.anyio
@pytest.mark.parametrize(
    "authorization",
    [
        "-",
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer  {TOKEN}",
        f"Bearer {TOKEN.upper()}",
        f"Bearer {TEST_KEY}",
        f"Basic {TOKEN}",
        f"Token {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}, Bearer x",
        "Bearer null",
        "Bearer ñ",
    ],
)
async def test_a_caller_without_the_token_is_told_so_and_nothing_runs(
    settings: Settings, sandbox: Starlette, authorization: str
) -> None:
    async with listening(settings, sandbox) as caller:
        answer = await caller.call_tool(authorization=authorization)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert caller.executed == 0
    assert TOKEN not in answer.text


@pytest.mark.anyio
async def test_the_right_token_is_let_in(settings: Settings, sandbox: Starlette) -> None:
    async with listening(settings, sandbox) as caller:
        answer = await caller.call_tool()
        assert answer.status_code == 200
        assert (await caller.call_tool(authorization=f"bearer {TOKEN}")).status_code == 200
    assert caller.executed > 0


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "OPTIONS", "HEAD"])
async def test_no_method_gets_past_the_token(
    settings: Settings, sandbox: Starlette, method: str
) -> None:
    async with listening(settings, sandbox) as caller:
        answer = await caller.client.request(method, "/mcp")
    assert answer.status_code in (401, 405)
    assert caller.executed == 0


FOREIGN_HOSTS = (
    "evil.example",
    "evil.example:8931",
    "127.0.0.1",
    "127.0.0.1:80",
    "127.0.0.1:8932",
    "127.0.0.1:08931",
    "127.0.0.1:8931.evil.example",
    "127.0.0.1.evil.example:8931",
    "127.0.0.1.:8931",
    "127.1:8931",
    "127.0.0.2:8931",
    "127.000.000.001:8931",
    "0177.0.0.1:8931",
    "0x7f.0.0.1:8931",
    "0x7f000001:8931",
    "2130706433:8931",
    "0.0.0.0:8931",
    "0:8931",
    "localhost",
    "localhost:8931.evil.example",
    "localhost:*",
    "localhost.evil.example:8931",
    "localhost.:8931",
    "localhost@evil.example:8931",
    "user@localhost:8931",
    "evil.example, localhost:8931",
    "localhost:8931,evil.example",
    "xlocalhost:8931",
    "[::1]",
    "[::1]:80",
    "[::1].evil.example:8931",
    "[::]:8931",
    "[::ffff:127.0.0.1]:8931",
    "[0:0:0:0:0:0:0:1%25eth0]:8931",
    "::1:8931",
    "null",
    "http://localhost:8931",
    "localhost:8931/mcp",
)
FOREIGN_ORIGINS = (
    "null",
    "file://",
    "*",
    "https://evil.example",
    "http://evil.example:8931",
    "http://localhost",
    "http://localhost:80",
    "http://localhost:8932",
    "http://localhost:8931.evil.example",
    "http://localhost.evil.example:8931",
    "http://localhost.:8931",
    "http://LOCALHOST.evil.example:8931",
    "http://127.0.0.1:8931@evil.example",
    "http://127.0.0.1",
    "http://127.1:8931",
    "http://2130706433:8931",
    "http://0x7f000001:8931",
    "http://0.0.0.0:8931",
    "http://[::1]",
    "http://[::ffff:7f00:1]:8931",
    "http://localhost:8931/",
    "http://localhost:8931, https://evil.example",
    "ftp://localhost:8931",
    "chrome-extension://abcdefghijklmnop",
    "vscode-webview://evil",
)


def test_at_least_40_forms_are_tried() -> None:
    assert len(set(FOREIGN_HOSTS)) + len(set(FOREIGN_ORIGINS)) >= 40


@pytest.mark.anyio
async def test_a_foreign_host_runs_nothing(settings: Settings, sandbox: Starlette) -> None:
    async with listening(settings, sandbox, token=None) as caller:
        answers = {host: (await caller.call_tool(host=host)).status_code for host in FOREIGN_HOSTS}
    assert answers == dict.fromkeys(FOREIGN_HOSTS, 421)
    assert caller.executed == 0


@pytest.mark.anyio
async def test_a_foreign_origin_runs_nothing(settings: Settings, sandbox: Starlette) -> None:
    async with listening(settings, sandbox, token=None) as caller:
        answers = {
            origin: (await caller.call_tool(origin=origin)).status_code
            for origin in FOREIGN_ORIGINS
        }
    assert answers == dict.fromkeys(FOREIGN_ORIGINS, 403)
    assert caller.executed == 0


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["127.0.0.1:8931", "localhost:8931", "[::1]:8931"])
async def test_our_own_names_are_let_in(settings: Settings, sandbox: Starlette, host: str) -> None:
    async with listening(settings, sandbox, token=None) as caller:
        assert (await caller.call_tool(host=host)).status_code == 200
        assert (await caller.call_tool(host=host, origin=f"http://{host}")).status_code == 200
    assert caller.executed > 0


@pytest.mark.anyio
async def test_off_loopback_only_the_listed_names_are_let_in(
    settings: Settings, sandbox: Starlette
) -> None:
    listed = replace(
        settings, http_allowed_hosts=("mcp.gestoria.example",), http_token=SecretStr(TOKEN)
    )
    async with listening(listed, sandbox, OPEN) as caller:
        for host in (*FOREIGN_HOSTS, "localhost:8931", "127.0.0.1:8931", "0.0.0.0:8931"):
            assert (await caller.call_tool(host=host)).status_code == 421, host
        assert caller.executed == 0
        assert (await caller.call_tool(host="mcp.gestoria.example")).status_code == 200
        stranger = await caller.call_tool(host="mcp.gestoria.example", authorization="Bearer x")
        assert stranger.status_code == 401
        assert "http://mcp.gestoria.example/" in stranger.headers["www-authenticate"]
        assert "0.0.0.0" not in stranger.headers["www-authenticate"]


@pytest.mark.anyio
async def test_a_refused_caller_is_pointed_to_what_exists_and_to_no_server_of_tokens(
    settings: Settings, sandbox: Starlette
) -> None:
    async with listening(settings, sandbox) as caller:
        refused = await caller.call_tool(authorization="Bearer x")
        named = re.findall(r'https?://[^"]+', refused.headers["www-authenticate"])
        assert len(named) == 1
        about = await caller.client.get(named[0])
        assert about.status_code == 200
        assert about.json()["resource"].endswith("/mcp")
        assert "authorization_servers" not in about.json()


@pytest.mark.anyio
async def test_on_port_80_our_names_have_no_port(settings: Settings, sandbox: Starlette) -> None:
    async with listening(settings, sandbox, ListenAddress("127.0.0.1", 80), token=None) as caller:
        assert (await caller.call_tool(host="localhost")).status_code == 200
        assert (await caller.call_tool(host="localhost:8931")).status_code == 421


@pytest.mark.parametrize(
    ("changes", "needs_token", "variable"),
    [
        ({}, True, "BEEL_HTTP_ALLOWED_HOSTS"),
        ({"http_token": SecretStr(TOKEN)}, True, "BEEL_HTTP_ALLOWED_HOSTS"),
        ({"http_allowed_hosts": ("mcp.local",)}, True, "BEEL_HTTP_TOKEN"),
        (
            {"http_allowed_hosts": ("mcp.local",), "http_token": SecretStr(TOKEN)},
            False,
            "--no-token",
        ),
        (
            {
                "http_allowed_hosts": ("mcp.local",),
                "http_token": SecretStr(TOKEN),
                "confirm": "page",
            },
            True,
            "BEEL_CONFIRM",
        ),
    ],
)
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "127.0.0.2", "mcp.local", ""])
def test_off_loopback_names_and_a_token_are_needed(
    settings: Settings, host: str, changes: dict[str, Any], variable: str, *, needs_token: bool
) -> None:
    address = ListenAddress(host, PORT, needs_token=needs_token)
    with pytest.raises(SettingsError) as caught:
        refuse_if_open(replace(settings, **changes), address)
    assert caught.value.variable == variable
    with pytest.raises(SettingsError):
        http_app(replace(settings, **changes), address, token=None, sandbox_app=None)


@pytest.mark.parametrize("arguments", [("--host", "0.0.0.0"), ("--host", "::", "--no-token")])
def test_a_refused_address_ends_with_2_and_opens_no_socket(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    from beel_mcp import cli

    def no_socket(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", no_socket)
    monkeypatch.setattr("uvicorn.run", no_socket)
    monkeypatch.setenv("BEEL_LANGUAGE", "es")
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["serve", "--http", "--sandbox", *arguments]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(("beel-mcp: BEEL_HTTP_ALLOWED_HOSTS: debe", "beel-mcp: --no-token: es"))


@pytest.mark.anyio
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_4_mib_is_refused(
    settings: Settings, sandbox: Starlette, *, chunked: bool
) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield b" " * 65_536

    async with listening(settings, sandbox) as caller:
        answer = await caller.client.post(
            "/mcp",
            content=parts() if chunked else b" " * (4 * 1024 * 1024 + 1),
            headers={"authorization": f"Bearer {TOKEN}", "content-type": "application/json"},
        )
    assert answer.status_code == 413
    assert caller.executed == 0


@pytest.mark.anyio
async def test_health_says_only_that_it_is_well(settings: Settings, sandbox: Starlette) -> None:
    async with listening(settings, sandbox) as caller:
        answer = await caller.client.get("/health")
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert (await caller.client.post("/health")).status_code == 405
    assert caller.executed == 0


@pytest.mark.anyio
async def test_two_tokens_of_equal_look_are_compared_whole(
    settings: Settings, sandbox: Starlette
) -> None:
    async with listening(settings, sandbox, token="é" * 30) as caller:
        assert (await caller.call_tool()).status_code == 401


# With a process and a socket


def made_token(served: Served) -> str:
    [line] = [line for line in served.said if "Bearer" in line]
    return line.split()[-1]


@pytest.mark.slow
@pytest.mark.anyio
async def test_both_eras_work_over_a_real_socket_with_the_token_that_was_printed() -> None:
    with serving_process("serve", "--http", "--sandbox") as served:
        token = made_token(served)
        eras: tuple[Era, ...] = ("legacy", "auto")
        for era in eras:
            headers = {"Authorization": f"Bearer {token}"}
            # The SDK's HTTP client takes its headers from httpx2.
            with anyio.fail_after(30):
                async with (
                    httpx2.AsyncClient(headers=headers, trust_env=False, timeout=20) as http,
                    Client(
                        streamable_http_client(
                            f"http://127.0.0.1:{served.port}/mcp", http_client=http
                        ),
                        mode=era,
                    ) as client,
                ):
                    answer = await client.call_tool("get_status", {})
                    assert (answer.structured_content or {})["environment"] == "sandbox"
    everything = "\n".join(served.said)
    assert len(token) >= 43  # 256 bits
    assert everything.count(token) == 1
    assert re.search(rf"127\.0\.0\.1:{served.port}/mcp", everything)
    assert "Traceback" not in everything


@pytest.mark.slow
def test_a_token_that_was_set_is_never_printed_and_no_token_needs_none() -> None:
    with serving_process("serve", "--http", "--sandbox", BEEL_HTTP_TOKEN=TOKEN) as served:
        answer = httpx.post(f"http://127.0.0.1:{served.port}/mcp", json={}, trust_env=False)
        assert answer.status_code == 401
    assert TOKEN not in "".join(served.said)


@pytest.mark.slow
@pytest.mark.anyio
async def test_without_a_token_a_caller_on_this_machine_is_let_in_and_a_web_page_is_not() -> None:
    with serving_process("serve", "--http", "--sandbox", "--no-token") as served:
        url = f"http://127.0.0.1:{served.port}/mcp"
        with anyio.fail_after(30):
            async with (
                httpx2.AsyncClient(trust_env=False, timeout=20) as http,
                Client(streamable_http_client(url, http_client=http)) as client,
            ):
                assert (await client.list_tools()).tools
        async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
            page = await http.post(url, json={}, headers={"origin": "https://evil.example"})
        assert page.status_code == 403
    assert not [line for line in served.said if "Bearer" in line]


def test_on_windows_a_port_of_another_program_is_not_shared(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", 0))  # it does not listen yet
        port = other.getsockname()[1]
        with monkeypatch.context() as patch:
            patch.setattr(sys, "platform", "win32")
            assert not _is_free("127.0.0.1", port, "en")
