"""The sandbox as an ASGI app: one route per path, and in each log, gates, handler, notices."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from urllib.parse import quote
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from . import gates
from .calls import UUID, Call, Endpoint
from .endpoints import ENDPOINTS
from .options import Phase, SandboxOptions
from .responses import JSON, ApiError, ApiResponse, RequestInfo, wrap_error
from .store import Store

SUNSET = "Wed, 09 Dec 2026 00:00:00 GMT"


def create_app(options: SandboxOptions | None = None) -> Starlette:
    """Make a sandbox; `app.state.store` has its rows, its ledger and its request log.

    `app.state.options` are the options that it was made with.

    Raises:
        ValueError: the state file was written by another version of the sandbox.
    """
    options = options or SandboxOptions()
    store = Store(options.state, companies=options.companies)
    limits = gates.RateLimits(options)
    paths: dict[str, dict[str, Endpoint]] = {}
    for endpoint in ENDPOINTS:
        if endpoint.in_legacy or options.generation == "current":
            paths.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    # Sorted, a name comes before a parameter in its place. The last route catches every other
    # path, so that a stranger is told nothing either.
    routes = [
        Route(path, PathApp(endpoints, store, options, limits))
        for path, endpoints in [*sorted(paths.items()), ("/{path:path}", {})]
    ]

    async def answer_crash(request: Request, error: Exception) -> Response:
        crash = ApiError(500, "INTERNAL_ERROR", "The sandbox failed; this is a defect of its own")
        info = RequestInfo("", request.method, request.url.path, uuid4().hex, options.now())
        answer = wrap_error(crash, info, options.generation)
        return Response(answer.content, answer.status, media_type=JSON)

    app = Starlette(routes=routes, exception_handlers={Exception: answer_crash})
    app.state.store = store
    app.state.options = options
    return app


class PathApp:
    """The endpoints of one path, by method."""

    def __init__(
        self,
        endpoints: Mapping[str, Endpoint],
        store: Store,
        options: SandboxOptions,
        limits: gates.RateLimits,
    ) -> None:
        self.endpoints = endpoints
        self._store = store
        self._options = options
        self._limits = limits
        self._keys = gates.IdempotencyKeys(store, options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(Request(scope, receive))
        response = Response(
            answer.content, answer.status, dict(answer.headers), media_type=answer.media_type
        )
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> ApiResponse:
        endpoint = self.endpoints.get(request.method)
        info = RequestInfo(
            endpoint=endpoint.name if endpoint else "",
            method=request.method,
            path=request.url.path,
            request_id=uuid4().hex,
            time=self._options.now(),
            prefer=request.headers.get("Prefer", ""),
        )
        key = request.headers.get("Idempotency-Key")
        seq = self._store.log_request(info, request.url.query, key)
        try:
            answer = await self._serve(endpoint, request, info)
        except ApiError as error:
            answer = wrap_error(error, info, self._options.generation)
        self._store.log_status(seq, answer.status)
        return replace(answer, headers=self._notices(endpoint, request) | dict(answer.headers))

    async def _serve(
        self, endpoint: Endpoint | None, request: Request, info: RequestInfo
    ) -> ApiResponse:
        self._limits.count_any(request, info.time)
        api_key = gates.authenticate(request)
        if endpoint is None:
            if not self.endpoints:
                is_legacy = self._options.generation == "legacy"
                code = "NOT_FOUND" if is_legacy else "ENDPOINT_NOT_FOUND"
                raise ApiError(404, code, "There is no such path")
            allow = {"Allow": ", ".join(sorted(self.endpoints))}
            raise ApiError(405, "METHOD_NOT_ALLOWED", "The path has other methods", headers=allow)
        if self._options.flat_retired and endpoint.family == "flat":
            raise ApiError(410, "GONE", "This route was retired; use the one under a company")
        gates.check_accept(endpoint, request)
        gates.check_scopes(endpoint, request, self._options)
        company_id = gates.find_company(endpoint, request, self._store, self._options)
        self._limits.count(endpoint, request, api_key, info.time)
        path = {name: UUID.read(name, text) for name, text in request.path_params.items()}
        endpoint.check_unknown(request.query_params, self._options.generation)
        query = endpoint.read_query(request.query_params, self._options.generation)
        body = await gates.read_body(request) if endpoint.takes_body else b""
        parsed = gates.parse_body(body) if endpoint.takes_body else None
        call = Call(endpoint, self._store, self._options, info, company_id, path, query, parsed)
        key = request.headers.get("Idempotency-Key")
        if key is None or not endpoint.takes_key or self._options.idempotency == "ignored":
            return await self._act(call)
        owner = sha256(api_key.encode()).hexdigest()
        return await self._act_once(call, gates.Claim(owner, key), body)

    async def _act_once(self, call: Call, claim: gates.Claim, body: bytes) -> ApiResponse:
        replay = self._keys.take(claim, body, call.request.time)
        if replay is not None:
            return replay
        try:
            return await self._act(call, claim)
        except ApiError as error:
            if error.status < 500 or call.is_legacy:
                self._keys.release(claim)
                raise
            # A failure is an answer, too: whatever was done by then, the key has no other.
            failure = wrap_error(error, call.request, self._options.generation)
            self._keys.keep(claim, failure)
            return failure
        except BaseException:
            self._keys.release(claim)
            raise

    async def _act(self, call: Call, claim: gates.Claim | None = None) -> ApiResponse:
        await self._pause(call, "before")
        # One transaction: a refusal half-way leaves nothing behind, and a kept answer has its
        # effect beside it.
        with self._store.transaction():
            answer = call.endpoint.handler(call)
            if claim is not None:
                self._keys.keep(claim, answer)
        await self._pause(call, "after")
        return answer

    async def _pause(self, call: Call, phase: Phase) -> None:
        if self._options.pause is not None:
            await self._options.pause(call.endpoint.name, phase)

    def _notices(self, endpoint: Endpoint | None, request: Request) -> dict[str, str]:
        is_legacy = self._options.generation == "legacy"
        if endpoint is None or not endpoint.is_deprecated or is_legacy:
            return {}
        notices = {"Deprecation": "true", "Sunset": SUNSET}
        if endpoint.successor is not None:
            names = {"company_id": self._store.companies()[0]["id"]} | request.path_params
            target = endpoint.successor
            for name, value in names.items():
                target = target.replace(f"{{{name}}}", quote(value))
            notices["Link"] = f'<{target}>; rel="successor-version"'
        return notices
