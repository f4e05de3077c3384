"""Where this server works."""

from beel_mcp import __version__
from beel_mcp.answers.answer import capped, next_steps
from beel_mcp.answers.operations import open_operation, over, today
from beel_mcp.answers.status import Limits, Problem, RoutesInUse, StatusAnswer
from beel_mcp.api.client import BeelClient
from beel_mcp.cleaning import clean
from beel_mcp.context import Beel, Caller, Config, HowToAsk, InFlight, Records
from beel_mcp.errors import BeelMcpError, NextCall, NotConfiguredError
from beel_mcp.lists.batch_store import BATCH_TTL
from beel_mcp.lists.files.sheet import MAX_BYTES, MAX_ROWS
from beel_mcp.lists.inline import MAX_INLINE_ROWS
from beel_mcp.settings import Settings
from beel_mcp.tools.declare import CALL_LIMIT_S, read

UNSETTLED_CAP = 5
_PLACES = {
    "sandbox": "the built-in sandbox; nothing here is real",
    "test": "BeeL's test environment",
    "live": "BeeL's live environment; invoices and customers here are real",
    "none": "no environment",
}


async def get_status(
    beel: Beel,
    settings: Config,
    journal: Records,
    writes: InFlight,
    asking: HowToAsk,
    caller: Caller,
) -> StatusAnswer:
    """Tell the environment, company, key scopes, routes, folders and limits in use.

    Works without a key and says what is missing. Call it first, or when another tool reports
    a settings or permission problem.
    """
    answer = _own_facts(settings)
    answer.confirmation = asking.way
    try:
        await _ask_beel(answer, beel, _PLACES[settings.environment])
        account = await beel.account()
        if not settings.read_only:
            await journal.check()
        unsettled = await journal.not_over(account, caller, writes.running)
    except BeelMcpError as error:
        return _with_problem(answer, error)
    answer.today = today(over(await journal.recent(caller), account.ledger_id))
    shown, answer.more_unsettled = capped(unsettled, UNSETTLED_CAP)
    answer.unsettled = [open_operation(one, running=running) for one, running in shown] or None
    step = NextCall("check_operation", {}, "settles what is unsettled, by reading")
    answer.next = next_steps(step if unsettled else None)
    return answer


def _own_facts(settings: Settings) -> StatusAnswer:
    return StatusAnswer(
        status="done",
        read_only=settings.read_only,
        language=settings.language,
        files_folder=str(settings.files_dir),
        state_folder=str(settings.state_dir),
        import_folders=[str(folder) for folder in settings.import_dirs],
        limits=_limits(),
        warnings=[clean(warning.en, 200) for warning in settings.warnings] or None,
        version=__version__,
    )


async def _ask_beel(answer: StatusAnswer, beel: BeelClient, place: str) -> None:
    active = await beel.active_company()
    identity = await beel.identity.get() if active.family == "company" else None
    end = beel.retirement if active.family == "flat" else None
    answer.routes = RoutesInUse(
        family=active.family, reason=active.reason, retirement=str(end) if end else None
    )
    answer.scopes = list(identity.scopes) if identity else None
    answer.warnings = [*(answer.warnings or []), *beel.notices.beel_warnings][:10] or None
    company = active.company.label if active.company else "the company of this key"
    answer.summary = f"Ready: {company}, in {place}."


def _with_problem(answer: StatusAnswer, error: BeelMcpError) -> StatusAnswer:
    answer.status = "partial"
    answer.problem = Problem(code=error.code, message=error.message, remedy=error.remedy or None)
    if isinstance(error, NotConfiguredError):
        answer.summary = "No BeeL key is set."
    elif error.code == "journal_unavailable":
        answer.summary = "BeeL can be read, but not changed: the journal cannot be kept."
    else:
        answer.summary = "BeeL cannot be used as it is set up."
    return answer


def _limits() -> Limits:
    return Limits(
        inline_rows=MAX_INLINE_ROWS,
        file_rows=MAX_ROWS,
        file_megabytes=MAX_BYTES // 1_000_000,
        batch_minutes=int(BATCH_TTL.total_seconds() // 60),
        call_seconds=int(CALL_LIMIT_S),
    )


TOOLS = (read(get_status),)
