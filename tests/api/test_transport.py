"""Connections, time limits and what is logged about them."""

import logging
import ssl
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import anyio
import certifi
import httpx
import pytest

from beel_mcp.api.client import BeelClient
from beel_mcp.api.http import retry
from beel_mcp.api.http.transport import Transport, context_for, tls_context
from beel_mcp.errors import BeelMcpError, NotSentError, UnknownOutcomeError
from beel_mcp.redaction import install_redaction
from tests.support.servers.answers import COMPANY, KEY, ROW, envelope, pages

pytestmark = pytest.mark.anyio

EMPTY = envelope({"customers": [], "pagination": pages(0)})


class Silent(httpx.AsyncBaseTransport):
    """Takes a request and never answers; remembers how long it may take."""

    def __init__(self):
        self.asked = []

    async def handle_async_request(self, request):
        self.asked.append(request)
        if request.url.path.endswith("identity"):
            return httpx.Response(404, stream=httpx.ByteStream(b""))
        await anyio.sleep_forever()
        raise AssertionError


def short_deadline(client, seconds):
    """Give every operation of one client a shorter deadline."""
    request = client._request

    def make(call, active):
        outgoing = request(call, active)
        return type(outgoing)(**{**vars(outgoing), "deadline_s": seconds})

    client._request = make


@pytest.mark.parametrize(
    ("use", "changed"),
    [
        (lambda c: c.customers.list(), "nothing"),
        (lambda c: c.customers.validate_bulk([ROW]), "nothing"),
        (lambda c: c.customers.create_bulk([ROW], idempotency_key="k"), "unknown"),
    ],
)
async def test_a_request_ends_at_its_own_deadline(settings, use, changed):
    client = BeelClient(settings(company_id=COMPANY), transport=Silent())
    await client.active_company()
    short_deadline(client, 0.05)
    with anyio.fail_after(30), pytest.raises(UnknownOutcomeError) as caught:
        await use(client)
    assert (caught.value.code, caught.value.changed) == ("no_answer", changed)
    await client.aclose()


async def test_a_read_ends_before_its_call_does(settings, monkeypatch):
    client = BeelClient(settings(company_id=COMPANY), transport=Silent())
    await client.active_company()
    monkeypatch.setattr(retry, "MARGIN_S", 10 - 0.05)
    with anyio.fail_after(10), pytest.raises(UnknownOutcomeError) as caught:
        await client.customers.list()
    assert caught.value.code == "no_answer"
    await client.aclose()


async def test_without_time_left_nothing_is_sent(settings):
    silent = Silent()
    client = BeelClient(settings(company_id=COMPANY), transport=silent)
    await client.active_company()
    with anyio.fail_after(1.5), pytest.raises(NotSentError) as caught:
        await client.customers.list()
    assert (caught.value.code, caught.value.retryable) == ("no_time_left", True)
    assert len(silent.asked) == 1
    await client.aclose()


async def test_a_write_has_its_own_deadline_whatever_is_left_of_the_call(settings):
    silent = Silent()
    client = BeelClient(settings(company_id=COMPANY), transport=silent)
    await client.active_company()
    with anyio.move_on_after(0.05) as call:
        await client.customers.create_bulk([ROW], idempotency_key="k")
    assert call.cancelled_caught
    assert len(silent.asked) == 2
    await client.aclose()


@pytest.mark.parametrize(
    ("use", "limits"),
    [
        (lambda c: c.customers.list(), {"connect": 5, "pool": 5, "write": 30, "read": 30}),
        (
            lambda c: c.customers.create_bulk([ROW], idempotency_key="k"),
            {"connect": 5, "pool": 5, "write": 30, "read": 120},
        ),
    ],
)
async def test_each_chunk_has_its_timeout(settings, use, limits):
    silent = Silent()
    client = BeelClient(settings(company_id=COMPANY), transport=silent)
    await client.active_company()
    short_deadline(client, 0.05)
    with suppress(BeelMcpError):
        await use(client)
    assert silent.asked[-1].extensions["timeout"] == limits
    await client.aclose()


async def test_writes_keep_no_connection_and_reads_do(settings):
    transport = Transport(settings(), settings().api_key)
    kept = [client._transport._pool._max_keepalive_connections for client in transport._clients]
    assert kept == [5, 0]
    assert all(
        not client.trust_env and not client.follow_redirects for client in transport._clients
    )
    await transport.aclose()


async def test_the_environment_chooses_no_proxy(settings, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://sink.example:1")
    transport = Transport(settings(), settings().api_key)
    assert all(not client._mounts for client in transport._clients)
    await transport.aclose()
    transport = Transport(settings(proxy="http://proxy.local:3128"), settings().api_key)
    assert all(client._mounts for client in transport._clients)
    await transport.aclose()


def test_tls_is_checked_and_modern_and_writes_no_key_log(settings, monkeypatch, tmp_path):
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    context_for.cache_clear()
    for bundle in (None, Path(certifi.where())):
        context = tls_context(settings(ca_bundle=bundle))
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname is True
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        assert context.keylog_filename is None


def test_a_bundle_of_authorities_is_loaded_once_for_all_clients(settings, tmp_path):
    public = tls_context(settings())
    assert tls_context(settings()) is public
    own = tmp_path / "own.pem"
    own.write_bytes(Path(certifi.where()).read_bytes())
    assert tls_context(settings(ca_bundle=own)) is tls_context(settings(ca_bundle=own))
    assert tls_context(settings(ca_bundle=own)) is not public


async def test_a_certificate_that_is_not_trusted_is_not_worth_trying_again(settings):
    class Distrusting(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            try:
                raise ssl.SSLCertVerificationError
            except ssl.SSLError as error:
                raise httpx.ConnectError("x") from error

    client = BeelClient(settings(), transport=Distrusting())
    with pytest.raises(NotSentError) as caught:
        await client.identity.get()
    assert (caught.value.code, caught.value.retryable) == ("tls_failed", False)
    assert "BEEL_CA_BUNDLE" in caught.value.remedy
    await client.aclose()


async def test_no_url_and_no_key_is_logged(beel, settings, caplog):
    install_redaction()
    caplog.set_level("INFO")
    beel.get(f"/v1/companies/{COMPANY}/customers").respond(json=EMPTY)
    beel.get("/v1/me/identity").respond(404)
    client = BeelClient(settings(company_id=COMPANY))
    await client.customers.list(search="Secreto")
    assert KEY not in caplog.text
    assert "Secreto" not in caplog.text
    assert COMPANY not in caplog.text
    assert logging.getLogger("httpx").level == logging.WARNING
    assert KEY not in repr(vars(client))
    await client.aclose()


async def test_an_answer_cannot_set_cookies(beel, settings):
    route = beel.get("/v1/me/identity").respond(404, headers={"set-cookie": "a=b; path=/"})
    client = BeelClient(settings())
    for _ in range(2):
        with pytest.raises(BeelMcpError):
            await client.identity.get()
    assert "cookie" not in route.calls.last.request.headers
    await client.aclose()


def test_the_margin_is_two_seconds():
    assert retry.MARGIN_S == 2


def test_httpx_is_not_loaded_before_the_first_request():
    code = (
        "import sys; from beel_mcp.api.client import BeelClient; "
        "sys.exit('httpx' in sys.modules or 'ssl' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


async def test_a_client_can_be_closed_unused_and_twice(settings):
    client = BeelClient(settings())
    await client.aclose()
    await client.aclose()


async def test_a_closed_client_opens_again(beel, settings):
    beel.get("/v1/me/identity").respond(404)
    client = BeelClient(settings())
    for _ in range(2):
        with pytest.raises(BeelMcpError):
            await client.identity.get()
        await client.aclose()
