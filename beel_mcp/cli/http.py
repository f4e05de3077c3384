"""Streamable HTTP: loopback by default, a token always, and our own Host and Origin lists."""

import hmac
import json
import secrets
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import uvicorn
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import AnyHttpUrl, SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from beel_mcp.language import localized
from beel_mcp.redaction import remember
from beel_mcp.server import create_server
from beel_mcp.settings import Settings, SettingsError

if TYPE_CHECKING:
    from starlette.applications import Starlette

LOOPBACK = ("127.0.0.1", "::1", "localhost")
PATH = "/mcp"
_ABOUT_THE_RESOURCE = "/.well-known/oauth-protected-resource"
# Once it is asked to end, calls that are being answered have this long; a write runs on after that
# for as long as after a closed stdin, and then the journal has the last word.
GRACE_S = 5


@dataclass(frozen=True)
class ListenAddress:
    """Where to listen, and whether callers need a token."""

    host: str
    port: int
    needs_token: bool = True

    @property
    def is_loopback(self) -> bool:
        return self.host in LOOPBACK

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class SingleToken:
    """Verifies the one token of this server, in constant time."""

    def __init__(self, token: SecretStr, resource: str) -> None:
        self._token = token
        self._resource = resource

    async def verify_token(self, token: str) -> AccessToken | None:
        wanted = self._token.get_secret_value().encode()
        if not hmac.compare_digest(token.encode(), wanted):
            return None
        return AccessToken(token=token, client_id="operator", scopes=[], resource=self._resource)


def refuse_if_open(settings: Settings, address: ListenAddress) -> None:
    """Refuse an address that others reach, unless names and a token were set for it.

    Raises:
        SettingsError: hosts or token are missing, or no token is asked for.
    """
    if address.is_loopback:
        return
    if settings.confirm == "page":
        raise SettingsError(
            "BEEL_CONFIRM",
            "page is for callers on this computer: its pages are shown nowhere else",
            "page es para quien usa este mismo equipo: sus páginas no se ven desde otros",
        )
    if not address.needs_token:
        raise SettingsError(
            "--no-token",
            "is for development, on loopback only",
            "es para desarrollo, solo en esta máquina",
        )
    if not settings.http_allowed_hosts:
        raise SettingsError(
            "BEEL_HTTP_ALLOWED_HOSTS",
            "must list the host names callers use, off loopback",
            "debe enumerar los nombres con que se llama al servidor desde otras máquinas",
        )
    if settings.http_token is None:
        raise SettingsError(
            "BEEL_HTTP_TOKEN", "must be set off loopback", "es obligatorio desde otras máquinas"
        )


def http_app(
    settings: Settings,
    address: ListenAddress,
    *,
    token: SecretStr | None,
    sandbox_app: ASGIApp | None,
) -> "Starlette":
    """Build the ASGI application; refuses what `refuse_if_open` does."""
    refuse_if_open(settings, address)
    if not address.is_loopback:  # its callers would be led to their own computers
        settings = replace(settings, has_pages=False)
    if token:
        remember(token)
    # What a refused caller is pointed to: a name that it can reach.
    authority = address.authority if address.is_loopback else settings.http_allowed_hosts[0]
    url = f"http://{authority}{PATH}"
    server = create_server(
        settings,
        sandbox_app=sandbox_app,
        token_verifier=SingleToken(token, url) if token else None,
        auth=_auth(url) if token else None,
    )

    server.custom_route("/health", methods=["GET"])(_health)
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        transport_security=_security(settings, address),
        host=address.host,
    )
    app.router.routes[:] = [_without_issuer(route, url) for route in app.routes]
    return app


def serve(
    settings: Settings, address: ListenAddress, *, sandbox_app: ASGIApp | None = None
) -> None:
    """Serve until the process is ended. The address, and a token made here, go to stderr."""
    made = settings.http_token is None and address.needs_token
    token = SecretStr(secrets.token_urlsafe(32)) if made else settings.http_token
    app = http_app(
        settings,
        address,
        token=token if address.needs_token else None,
        sandbox_app=sandbox_app,
    )
    words = localized(settings.language, en="Serving MCP on", es="Atiende por MCP en")
    print(f"{words} http://{address.authority}{PATH}", file=sys.stderr, flush=True)
    if made and token is not None:
        words = localized(
            settings.language,
            en="Token for this run (Authorization: Bearer …):",
            es="Token de esta ejecución (Authorization: Bearer …):",
        )
        print(f"{words} {token.get_secret_value()}", file=sys.stderr, flush=True)
    uvicorn.run(
        app,
        host=address.host,
        port=address.port,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=GRACE_S,
    )


async def _health(_: Request) -> Response:
    return Response(json.dumps({"status": "ok"}), media_type="application/json")


def _without_issuer(route: BaseRoute, url: str) -> BaseRoute:
    """Tell a refused caller of no server that gives out tokens: there is none, only the operator.

    The SDK's page about this resource (RFC 9728) names one, which a client would look for in vain.
    """
    if not isinstance(route, Route) or not route.path.startswith(_ABOUT_THE_RESOURCE):
        return route

    async def about(_: Request) -> Response:
        page = {"resource": url, "resource_name": "BeeL", "bearer_methods_supported": ["header"]}
        return Response(json.dumps(page), media_type="application/json")

    return Route(route.path, about, methods=["GET"])


def _auth(url: str) -> AuthSettings:
    return AuthSettings(
        issuer_url=AnyHttpUrl(url),
        resource_server_url=AnyHttpUrl(url),
        required_scopes=[],
        validate_token_resource=True,
    )


def _security(settings: Settings, address: ListenAddress) -> TransportSecuritySettings:
    """Exact names and port only: a wildcard port also matches `localhost:1.evil.example`."""
    names = ("127.0.0.1", "localhost", "[::1]") if address.is_loopback else ()
    # Callers leave HTTP's own port out.
    port = "" if address.port == 80 else f":{address.port}"
    hosts = [f"{name}{port}" for name in names]
    hosts += settings.http_allowed_hosts
    return TransportSecuritySettings(
        allowed_hosts=hosts,
        allowed_origins=[f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")],
    )
