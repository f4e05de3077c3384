"""What only BeeL can tell: key, company, scopes, routes, clock. Nothing is sent but reads."""

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio

from beel_mcp.api.client import BeelClient
from beel_mcp.cli.doctor.explaining import NO_KEY, TOO_LATE, explained
from beel_mcp.cli.doctor.findings import Finding, well
from beel_mcp.cli.doctor.unsettled import look_for_unsettled
from beel_mcp.errors import BeelMcpError, CompanyChoiceError, ForbiddenError, NotFoundError
from beel_mcp.settings import Sentence, Settings

if TYPE_CHECKING:
    from starlette.applications import Starlette

LIMIT_S: Final = 45
# A dry run needs the scope to write as well, so a read-only server wants it, too.
_NEEDED: Final = ("customers:read", "customers:write", "invoices:read")
_NEEDED_TO_WRITE: Final = ("invoices:write",)
_LARGEST_DIFFERENCE_S: Final = 120
_KEYS: Final = {
    "sandbox": ("the sandbox needs none", "el BeeL de prueba no la necesita"),
    "test": ("a test key; BeeL accepts it", "de pruebas; BeeL la acepta"),
    "live": (
        "a live key; BeeL accepts it; what it does is real",
        "real; BeeL la acepta; lo que se haga con ella va en serio",
    ),
}


async def ask_beel(settings: Settings, sandbox_app: "Starlette | None") -> list[Finding]:
    """Ask BeeL a handful of questions; the first that fails ends it."""
    if settings.environment == "none":
        return [NO_KEY]
    found: list[Finding] = []
    beel = BeelClient(settings, sandbox_app=sandbox_app)
    try:
        with anyio.fail_after(LIMIT_S):
            await _ask(beel, settings, found)
    except CompanyChoiceError as error:
        found.append(explained(error, await _reached(beel)))
    except BeelMcpError as error:
        found.append(explained(error))
    except TimeoutError:
        found.append(TOO_LATE)
    finally:
        await beel.aclose()
    return [*found, *_clock(beel)]


async def _ask(beel: BeelClient, settings: Settings, found: list[Finding]) -> None:
    active = await beel.active_company()
    found.append(well("key", *_KEYS[settings.environment]))
    if active.company:
        found.append(well("company", active.company.label, active.company.label))
    else:
        found.append(well("company", "whichever the key belongs to", "la que tenga la clave"))
    missing = await _missing_scopes(beel, settings)
    if missing:
        found.append(_lacks(missing))
    else:
        found.append(well("scopes", "all that the tools need", "todos los que hacen falta"))
    # One page of one row of each: whether the routes answer, and what they announce.
    for needed, look in (
        ("customers:read", beel.customers.list),
        ("invoices:read", beel.invoices.list),
    ):
        if needed not in missing:
            await look(limit=1)
    found.append(_routes(beel, settings, active.family))
    found.extend(look_for_unsettled(settings, await beel.account()))


async def _missing_scopes(beel: BeelClient, settings: Settings) -> list[str]:
    """Name what the key lacks; an older BeeL does not tell, and refuses when it comes to it."""
    try:
        scopes = (await beel.identity.get()).scopes
    except (NotFoundError, ForbiddenError):
        return []
    needed = (*_NEEDED, *(() if settings.read_only else _NEEDED_TO_WRITE))
    return [scope for scope in needed if scope not in scopes]


def _lacks(scopes: list[str]) -> Finding:
    listed = ", ".join(scopes)
    return Finding(
        "scopes",
        Sentence(f"the key lacks {listed}", f"a la clave le falta {listed}"),
        "finding",
        Sentence(
            "Make a key in BeeL that has them, and set it as BEEL_API_KEY.",
            "Cree en BeeL una clave que los tenga y póngala en BEEL_API_KEY.",
        ),
    )


def _routes(beel: BeelClient, settings: Settings, family: str) -> Finding:
    if family == "company":
        return well(
            "routes", "the company's, which stay", "las de la empresa, que son las vigentes"
        )
    if not beel.notices.deprecated and not beel.notices.sunset:
        return well("routes", "the flat ones", "las antiguas, sin empresa")
    day = str(beel.notices.sunset or "")
    return Finding(
        "routes",
        Sentence(
            f"the flat ones, which BeeL retires {f'on {day}' if day else 'one day'}",
            f"las antiguas, que BeeL retira {f'el {day}' if day else 'algún día'}",
        ),
        "finding",
        Sentence("Remove BEEL_ROUTES.", "Quite BEEL_ROUTES.")
        if settings.routes == "flat"
        else Sentence(
            "Set BEEL_COMPANY_ID to the company's id, or make a key with companies:list.",
            "Ponga en BEEL_COMPANY_ID el id de la empresa, o cree una clave con companies:list.",
        ),
    )


def _clock(beel: BeelClient) -> list[Finding]:
    """Hold this machine's clock against the last answer; the sandbox inside has none."""
    ahead_s = beel.notices.clock_ahead_s
    if ahead_s is None:
        return []
    if abs(ahead_s) <= _LARGEST_DIFFERENCE_S:
        return [well("clock", "agrees with BeeL's", "coincide con el de BeeL")]
    minutes = round(abs(ahead_s) / 60)
    return [
        Finding(
            "clock",
            Sentence(
                f"{minutes} minutes {'ahead of' if ahead_s > 0 else 'behind'} BeeL's",
                f"va {minutes} minutos {'adelantado' if ahead_s > 0 else 'atrasado'}",
            ),
            "environment",
            Sentence(
                "Have this machine set its clock by itself.",
                "Haga que este equipo ponga su reloj en hora solo.",
            ),
        )
    ]


async def _reached(beel: BeelClient) -> tuple[str, ...]:
    """Name the companies to choose from, as far as BeeL tells."""
    with anyio.move_on_after(10), suppress(BeelMcpError):
        account_id = (await beel.identity.get()).account_id
        companies = await beel.identity.companies(account_id)
        return tuple(f"{one.label}, id {one.id}" for one in companies)
    return ()
