"""One HTTP exchange: connections, time limits, size caps. The only importer of httpx."""

import functools
import logging
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any, Final

import anyio
import certifi
import httpx
from pydantic import SecretStr

from beel_mcp.api import zip as zips
from beel_mcp.api.http.wire import Incoming, Outgoing
from beel_mcp.api.zip import RollbackFile
from beel_mcp.errors import ApiError, NotSentError, UnknownOutcomeError
from beel_mcp.settings import Settings

JSON_CAP_BYTES: Final = 10_000_000
ERROR_CAP_BYTES: Final = 65_536
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_BROKEN_OFF: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
ASGIApp = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]
logger = logging.getLogger(__name__)


class KeyAuth(httpx.Auth):
    """Adds the key to a request at the last moment, so that it stands in no other object."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request


class Transport:
    """Two httpx clients: reads keep connections, writes never meet one that has gone stale."""

    def __init__(
        self,
        settings: Settings,
        key: SecretStr,
        *,
        sandbox_app: ASGIApp | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        if sandbox_app is not None:
            transport = httpx.ASGITransport(app=sandbox_app, raise_app_exceptions=False)
        context = None if transport else tls_context(settings)
        self._clients = [
            httpx.AsyncClient(
                auth=KeyAuth(key),
                transport=transport,
                verify=context or True,
                proxy=_proxy(settings, context),
                limits=httpx.Limits(max_connections=10, max_keepalive_connections=kept),
                trust_env=False,
                follow_redirects=False,
            )
            for kept in (5, 0)
        ]

    async def aclose(self) -> None:
        for client in self._clients:
            await client.aclose()

    async def exchange(
        self, request: Outgoing, seconds: float, file: RollbackFile | None = None
    ) -> Incoming:
        """Send a request and take its answer in, within so many seconds; a ZIP into the file.

        Raises:
            NotSentError: it never left.
            UnknownOutcomeError: it left, and no whole answer came back.
            OSError: the file takes no more.
        """
        problem: ApiError | OSError | None = None
        response: Incoming | None = None
        with anyio.move_on_after(seconds):
            try:
                response = await self._exchange(request, file)
            except zips.FileWriteError as error:
                problem = error.reason
            except Exception as error:  # noqa: BLE001 - its text may hold the key: only its type is used
                logger.info("no answer: %s", type(error).__name__)
                problem = _problem(error, request)
        # Raised outside the handler: not even as a context may the foreign exception travel.
        if response is None:
            raise problem or _lost("BeeL did not answer in time.", request)
        return response

    async def _exchange(self, request: Outgoing, file: RollbackFile | None) -> Incoming:
        client = self._clients[1 if request.is_write else 0]
        async with client.stream(
            request.method,
            request.url,
            params=request.query or None,
            headers=dict(request.headers),
            content=request.body,
            timeout=httpx.Timeout(connect=5.0, pool=5.0, write=30.0, read=request.read_timeout_s),
        ) as response:
            client.cookies.clear()
            return await _take(response, file)


def tls_context(settings: Settings) -> ssl.SSLContext:
    """Trust the public authorities, or those of BEEL_CA_BUNDLE instead."""
    return context_for(settings.ca_bundle or Path(certifi.where()))


@functools.cache
def context_for(bundle: Path) -> ssl.SSLContext:
    """Load a bundle of authorities; once per process, because that takes 30 to 40 ms.

    Built by hand, because ssl.create_default_context obeys SSLKEYLOGFILE.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=bundle)
    return context


def _proxy(settings: Settings, context: ssl.SSLContext | None) -> httpx.Proxy | None:
    if context is None or settings.proxy is None:
        return None
    secure = settings.proxy.startswith("https:")
    return httpx.Proxy(settings.proxy, ssl_context=context if secure else None)


async def _take(response: httpx.Response, file: RollbackFile | None) -> Incoming:
    status, headers = response.status_code, {k.lower(): v for k, v in response.headers.items()}
    if 300 <= status < 400:
        return Incoming(status, headers, None, "redirect")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        return Incoming(status, headers, None, "content encoding")
    if file is not None and zips.may_be_zip(status, headers):
        size, fault = await zips.stream(response.aiter_raw(), file, headers)
        return Incoming(status, headers, None, fault, streamed_bytes=size)
    cap = JSON_CAP_BYTES if status < 400 else ERROR_CAP_BYTES
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > cap:
            return Incoming(status, headers, None, "too large")
    return Incoming(status, headers, bytes(body))


def _problem(error: Exception, request: Outgoing) -> ApiError:
    if isinstance(error, _NEVER_SENT):
        if _is_distrusted(error):
            return NotSentError(
                "The certificate of BeeL's server could not be trusted; the request was not sent.",
                code="tls_failed",
                remedy="If your own proxy inspects traffic, set BEEL_CA_BUNDLE to its certificate.",
            )
        return NotSentError(
            "BeeL could not be reached; the request was not sent.",
            retryable=True,
            remedy="Check the network (and BEEL_PROXY, if set), then call again.",
        )
    late = isinstance(error, httpx.TimeoutException)
    return _lost("BeeL did not answer in time." if late else "BeeL's answer was lost.", request)


def _lost(message: str, request: Outgoing) -> UnknownOutcomeError:
    return UnknownOutcomeError(
        message, changed=request.changed_if_lost, retryable=not request.is_write
    )


def _is_distrusted(error: BaseException | None) -> bool:
    """Tell a server that TLS will not accept from a handshake that merely broke off."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:  # contexts can go round in a circle
        if isinstance(error, ssl.SSLError):
            return not isinstance(error, _BROKEN_OFF)
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False
