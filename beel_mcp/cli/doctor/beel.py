"""What only BeeL can tell: key, company, scopes, routes, clock. Nothing is sent but reads."""

import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import anyio

from beel_mcp import errors
from beel_mcp.api.client import BeelClient
from beel_mcp.cli.doctor.findings import Finding, finding
from beel_mcp.cli.doctor.machine import check_unsettled
from beel_mcp.errors import BeelMcpError, CompanyChoiceError, ForbiddenError, NotFoundError
from beel_mcp.language import Sentence
from beel_mcp.settings import Settings

if TYPE_CHECKING:
    from starlette.applications import Starlette

LIMIT_S: Final = 45
# A dry run needs the scope to write as well, so a read-only server wants it, too.
_NEEDED: Final = ("customers:read", "customers:write", "invoices:read")
_NEEDED_TO_WRITE: Final = ("invoices:write",)
_LARGEST_DIFFERENCE_S: Final = 120
_VERSION: Final = re.compile(r"/v[0-9]+$")
# What an error of BeeL means, in a person's words, unlike `errors`: by its code, else its class.
_BY_CODE: Final = {
    "no_time_left": "beel.too_late",
    "environment_mismatch": "key.other_environment",
    "FEATURE_NOT_AVAILABLE": "beel.no_plan",
    "NO_ACTIVE_ACCOUNT": "beel.inactive_account",
    "tls_failed": "beel.wrong_certificate",
    "unexpected_answer": "beel.somebody_else",
}
_BY_CLASS: Final[dict[type[BeelMcpError], str]] = {
    errors.UnauthorizedError: "key.not_accepted",
    errors.ForbiddenError: "beel.forbidden",
    errors.RouteRetiredError: "routes.retired",
    errors.RateLimitedError: "beel.too_often",
    errors.NotSentError: "beel.unreachable",
    errors.UnknownOutcomeError: "beel.no_answer",
    errors.InternalError: "installation.defect",
    BeelMcpError: "beel.refuses",
}


async def check_beel(settings: Settings, sandbox_app: "Starlette | None") -> list[Finding]:
    """Ask BeeL a handful of questions; the first that fails ends it."""
    if settings.environment == "none":
        return [finding("key.none")]
    found: list[Finding] = []
    beel = BeelClient(settings, sandbox_app=sandbox_app)
    try:
        with anyio.fail_after(LIMIT_S):
            await _ask(beel, settings, found)
    except CompanyChoiceError:
        found.append(await _company_choice(beel, settings))
    except BeelMcpError as error:
        found.append(_versioned(settings, error) or _explained(error))
    except TimeoutError:
        found.append(finding("beel.too_late"))
    finally:
        await beel.aclose()
    return [*found, *_clock(beel)]


async def _ask(beel: BeelClient, settings: Settings, found: list[Finding]) -> None:
    active = await beel.active_company()
    found.append(finding(f"key.{settings.environment}"))
    if active.company:
        found.append(finding("company.known", company=active.company.label))
    else:
        found.append(finding("company.of_the_key"))
    missing = await _missing_scopes(beel, settings)
    if missing:
        found.append(finding("scopes.missing", listed=", ".join(missing)))
    else:
        found.append(finding("scopes.all"))
    # One page of one row of each: whether the routes answer, and what they announce.
    for needed, list_page in (
        ("customers:read", beel.customers.list),
        ("invoices:read", beel.invoices.list),
    ):
        if needed not in missing:
            await list_page(limit=1)
    found.append(_routes(beel, settings, active.family))
    found.extend(await check_unsettled(settings, await beel.account()))


async def _missing_scopes(beel: BeelClient, settings: Settings) -> list[str]:
    """Name what the key lacks; an older BeeL does not tell, and refuses when it comes to it."""
    try:
        scopes = (await beel.identity.get()).scopes
    except (NotFoundError, ForbiddenError):
        return []
    needed = (*_NEEDED, *(() if settings.read_only else _NEEDED_TO_WRITE))
    return [scope for scope in needed if scope not in scopes]


def _routes(beel: BeelClient, settings: Settings, family: str) -> Finding:
    if family == "company":
        return finding("routes.company")
    end = beel.retirement
    if end is None:
        return finding("routes.flat")
    day = (
        Sentence(f"on {end.day}", f"el {end.day}")
        if end.is_announced
        else Sentence(f"on {end.day}, by its contract", f"el {end.day}, según su contrato")
    )
    code = "routes.retiring_by_setting" if settings.routes == "flat" else "routes.retiring"
    return finding(code, day=day)


def _clock(beel: BeelClient) -> list[Finding]:
    """Hold this machine's clock against the last answer; the sandbox inside has none."""
    ahead_s = beel.notices.clock_ahead_s
    if ahead_s is None:
        return []
    if abs(ahead_s) <= _LARGEST_DIFFERENCE_S:
        return [finding("clock.right")]
    code = "clock.ahead" if ahead_s > 0 else "clock.behind"
    return [finding(code, minutes=round(abs(ahead_s) / 60))]


async def _company_choice(beel: BeelClient, settings: Settings) -> Finding:
    """Name the companies to choose from, as far as BeeL tells."""
    with anyio.move_on_after(10), suppress(BeelMcpError):
        account_id = (await beel.identity.get()).account_id
        companies = await beel.identity.companies(account_id)
        if companies:
            listed = "; ".join(f"{one.label}, id {one.id}" for one in companies[:10])
            more = " …" if len(companies) > 10 else ""
            code = "company.unreachable" if settings.company_id else "company.several"
            return finding(code, company=settings.company_id, listed=listed + more)
    return finding("company.unknown")


def _versioned(settings: Settings, error: BeelMcpError) -> Finding | None:
    """Name the likeliest fault of an address under which BeeL knows nothing."""
    ending = _VERSION.search(settings.base_url)
    if not ending or isinstance(error, errors.NotSentError):
        return None
    return finding("beel.version_in_address", ending=ending[0])


def _explained(error: BeelMcpError) -> Finding:
    by_class = (code for kind, code in _BY_CLASS.items() if isinstance(error, kind))
    found = finding(_BY_CODE.get(error.code) or next(by_class))
    if not error.code.isupper():
        return found
    # BeeL's own code, for its support.
    fact = Sentence(*(f"{text} ({error.code})" for text in found.fact))
    return replace(found, fact=fact)
