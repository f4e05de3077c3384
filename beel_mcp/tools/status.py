"""Where this server works."""

from beel_mcp import __version__
from beel_mcp.cleaning import clean
from beel_mcp.context import Beel, Config
from beel_mcp.errors import BeelMcpError, NotConfiguredError
from beel_mcp.lists.batches import KEPT_FOR
from beel_mcp.lists.tables import MAX_BYTES, MAX_ROWS
from beel_mcp.summaries.status import Limits, Problem, RoutesInUse, StatusAnswer
from beel_mcp.tools.declare import CALL_LIMIT_S, read

_PLACES = {
    "sandbox": "the built-in sandbox; nothing here is real",
    "test": "BeeL's test environment",
    "live": "BeeL's live environment; invoices and customers here are real",
    "none": "no environment",
}


async def get_status(beel: Beel, settings: Config) -> StatusAnswer:
    """Tell the environment, company, key scopes, routes, folders and limits in use.

    Works without a key and says what is missing. Call it first, or when another tool reports
    a settings or permission problem.
    """
    answer = StatusAnswer(
        status="done",
        read_only=settings.read_only,
        language=settings.language,
        files_folder=str(settings.files_dir),
        import_folders=[str(folder) for folder in settings.import_dirs],
        limits=_limits(),
        warnings=[clean(warning, 200) for warning in settings.warnings] or None,
        version=__version__,
    )
    try:
        active = await beel.active_company()
        identity = await beel.identity.get() if active.family == "company" else None
    except BeelMcpError as error:
        return _with_problem(answer, error)
    notices = beel.notices
    retirement = str(notices.sunset) if notices.sunset else None
    answer.routes = RoutesInUse(family=active.family, reason=active.reason, retirement=retirement)
    answer.scopes = list(identity.scopes) if identity else None
    answer.warnings = [*(answer.warnings or []), *notices.beel_warnings][:10] or None
    company = active.company.label if active.company else "the company of this key"
    answer.summary = f"Ready: {company}, in {_PLACES[settings.environment]}."
    return answer


def _with_problem(answer: StatusAnswer, error: BeelMcpError) -> StatusAnswer:
    answer.status = "partial"
    answer.problem = Problem(code=error.code, message=error.message, remedy=error.remedy or None)
    missing = isinstance(error, NotConfiguredError)
    answer.summary = "No BeeL key is set." if missing else "BeeL cannot be used as it is set up."
    return answer


def _limits() -> Limits:
    return Limits(
        inline_rows=MAX_ROWS,
        file_rows=MAX_ROWS,
        file_megabytes=MAX_BYTES // 1_000_000,
        batch_minutes=int(KEPT_FOR.total_seconds() // 60),
        call_seconds=int(CALL_LIMIT_S),
    )


TOOLS = (read(get_status),)
