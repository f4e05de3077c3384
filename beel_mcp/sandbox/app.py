"""The app: one route per path of the table, in the generation that is asked for."""

from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .call import Operation
from .envelope import JSON, ApiError, Cause, wrap_error
from .gates import RateWindow
from .options import SandboxOptions
from .routes import OPERATIONS
from .serving import Path
from .store import Store


def create_app(options: SandboxOptions | None = None) -> Starlette:
    """Make a sandbox; `app.state.store` has its rows, its ledger and its request log.

    Raises:
        ValueError: the state file was written by another version of the sandbox.

    """
    options = options or SandboxOptions()
    store = Store(options.state, companies=options.companies)
    window = RateWindow(options.rate_limit)
    paths: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        if operation.in_seeds or options.generation == "current":
            paths.setdefault(operation.path, {})[operation.method] = operation
    # The last route catches every other path, so that a stranger is told nothing either.
    routes = [
        Route(path, Path(operations, store, options, window))
        for path, operations in [*paths.items(), ("/{path:path}", {})]
    ]

    async def answer_crash(request: Request, error: Exception) -> Response:
        crash = ApiError(500, "INTERNAL_ERROR", "The sandbox failed; this is a defect of its own")
        cause = Cause("", request.method, request.url.path, uuid4().hex, options.now())
        answer = wrap_error(crash, cause, options.generation)
        return Response(answer.content, answer.status, media_type=JSON)

    app = Starlette(routes=routes, exception_handlers={Exception: answer_crash})
    app.state.store = store
    return app
