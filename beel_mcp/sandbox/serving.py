"""One path of the API as an ASGI app: log, gates in their order, handler, notices."""

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from urllib.parse import quote
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from . import gates
from .call import Call, Operation
from .envelope import Answer, ApiError, Cause, not_found, wrap_error
from .idempotency import Claim, IdempotencyKeys
from .options import Phase, SandboxOptions
from .query import check_unknown, read_query, read_uuid
from .store import Store

SUNSET = "Wed, 09 Dec 2026 00:00:00 GMT"


class Path:
    """The operations of one path, by method."""

    def __init__(
        self,
        operations: Mapping[str, Operation],
        store: Store,
        options: SandboxOptions,
        window: gates.RateWindow,
    ) -> None:
        self.operations = operations
        self._store = store
        self._options = options
        self._window = window
        self._keys = IdempotencyKeys(store, options.idempotency)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = await self._answer(Request(scope, receive))
        response = Response(
            answer.content, answer.status, dict(answer.headers), media_type=answer.media_type
        )
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Answer:
        operation = self.operations.get(request.method)
        cause = Cause(
            operation=operation.name if operation else "",
            method=request.method,
            path=request.url.path,
            request_id=uuid4().hex,
            time=self._options.now(),
        )
        key = request.headers.get("Idempotency-Key")
        seq = self._store.log_request(cause, request.url.query, key)
        try:
            answer = await self._serve(operation, request, cause)
        except ApiError as error:
            answer = wrap_error(error, cause, self._options.generation)
        self._store.log_status(seq, answer.status)
        return replace(answer, headers=self._notices(operation, request) | dict(answer.headers))

    async def _serve(self, operation: Operation | None, request: Request, cause: Cause) -> Answer:
        api_key = gates.authenticate(request)
        if operation is None:
            if not self.operations:
                raise not_found("There is no such path")
            raise gates.method_not_allowed(self.operations)
        if self._options.flat_retired and operation.family == "flat":
            raise ApiError(410, "GONE", "This route was retired; use the one under a company")
        gates.check_accept(operation, request)
        company_id = gates.find_company(operation, request, self._store, self._options)
        gates.check_scopes(operation, request, self._options)
        self._window.count(api_key, cause.time)
        path = {name: read_uuid(name, text) for name, text in request.path_params.items()}
        warnings = check_unknown(operation, request.query_params, self._options.generation)
        query = read_query(operation, request.query_params, self._options.generation)
        body = await gates.read_body(request) if operation.takes_body else b""
        parsed = gates.parse_body(body) if operation.takes_body else None
        call = Call(operation, self._store, self._options, cause, company_id, path, query, parsed)
        key = request.headers.get("Idempotency-Key")
        if key is None or not operation.takes_key or self._options.idempotency == "ignored":
            answer = await self._act(call)
        else:
            owner = sha256(api_key.encode()).hexdigest()
            answer = await self._act_once(call, Claim(owner, key), body)
        return replace(answer, headers=warnings | dict(answer.headers))

    async def _act_once(self, call: Call, claim: Claim, body: bytes) -> Answer:
        replay = self._keys.take(claim, body, call.cause.time)
        if replay is not None:
            return replay
        try:
            return await self._act(call, claim)
        except BaseException:
            self._keys.release(claim)
            raise

    async def _act(self, call: Call, claim: Claim | None = None) -> Answer:
        await self._pause(call, "before")
        # One transaction: a refusal half-way leaves nothing behind, and a kept answer has its
        # effect beside it.
        with self._store.transaction():
            answer = call.operation.handler(call)
            if claim is not None:
                self._keys.keep(claim, answer)
        await self._pause(call, "after")
        return answer

    async def _pause(self, call: Call, phase: Phase) -> None:
        if self._options.pause is not None:
            await self._options.pause(call.operation.name, phase)

    def _notices(self, operation: Operation | None, request: Request) -> dict[str, str]:
        if operation is None or not operation.is_deprecated or self._options.generation == "seeds":
            return {}
        notices = {"Deprecation": "true", "Sunset": SUNSET}
        if operation.successor is not None:
            names = {"company_id": self._store.companies()[0]["id"]} | request.path_params
            target = operation.successor
            for name, value in names.items():
                target = target.replace(f"{{{name}}}", quote(value))
            notices["Link"] = f'<{target}>; rel="successor-version"'
        return notices
