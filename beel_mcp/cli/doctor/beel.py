"""What only BeeL can tell: key, company, scopes, routes, clock. Nothing is sent but reads."""

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import anyio

from beel_mcp.api.client import BeelClient
from beel_mcp.cli.doctor.machine import Finding, check_unsettled, passed
from beel_mcp.errors import (
    BeelMcpError,
    CompanyChoiceError,
    ForbiddenError,
    InternalError,
    NotFoundError,
    NotSentError,
    RateLimitedError,
    RouteRetiredError,
    UnauthorizedError,
    UnknownOutcomeError,
)
from beel_mcp.language import Sentence
from beel_mcp.settings import Settings

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
_NO_KEY: Final = Finding(
    "key",
    Sentence("none is set", "no hay ninguna puesta"),
    "settings",
    Sentence(
        "Set BEEL_API_KEY to a key from BeeL's dashboard, or try without: doctor --sandbox.",
        "Ponga en BEEL_API_KEY una clave del panel de BeeL, o pruebe sin ella: doctor --sandbox.",
    ),
)
_CALL_AGAIN: Final = Sentence("Try again later.", "Inténtelo más tarde.")
_TOO_LATE: Final = Finding(
    "beel",
    Sentence("it does not answer in time", "no contesta a tiempo"),
    "environment",
    _CALL_AGAIN,
)
_BY_CODE: Final[dict[str, Finding]] = {
    "no_time_left": _TOO_LATE,
    "environment_mismatch": Finding(
        "key",
        Sentence(
            "BeeL places it in another environment than its beginning does",
            "BeeL la sitúa en un entorno distinto del que indica su comienzo",
        ),
        "settings",
        Sentence(
            "Make a new key in BeeL and set it as BEEL_API_KEY.",
            "Cree otra clave en BeeL y póngala en BEEL_API_KEY.",
        ),
    ),
    "FEATURE_NOT_AVAILABLE": Finding(
        "beel",
        Sentence("the BeeL plan does not include the API", "el plan de BeeL no incluye la API"),
        "finding",
        Sentence("Change the plan in BeeL.", "Cambie de plan en BeeL."),
    ),
    "NO_ACTIVE_ACCOUNT": Finding(
        "beel",
        Sentence("the BeeL account is not active", "la cuenta de BeeL no está activa"),
        "finding",
        Sentence(
            "Sign in to BeeL and finish setting it up.", "Entre en BeeL y termine de configurarla."
        ),
    ),
    "tls_failed": Finding(
        "beel",
        Sentence(
            "the certificate of its server cannot be trusted",
            "el certificado de su servidor no es de fiar",
        ),
        "environment",
        Sentence(
            "If your own proxy inspects traffic, set BEEL_CA_BUNDLE to its certificate.",
            "Si su propio proxy inspecciona el tráfico, ponga su certificado en BEEL_CA_BUNDLE.",
        ),
    ),
    "unexpected_answer": Finding(
        "beel",
        Sentence("what answers is not BeeL", "lo que contesta no es BeeL"),
        "environment",
        Sentence(
            "Check BEEL_BASE_URL, BEEL_PROXY, and whether this Wi-Fi wants a sign-in.",
            "Compruebe BEEL_BASE_URL, BEEL_PROXY y si esta wifi pide identificarse.",
        ),
    ),
}
_BY_CLASS: Final[dict[type[BeelMcpError], Finding]] = {
    UnauthorizedError: Finding(
        "key",
        Sentence("BeeL does not accept it", "BeeL no la acepta"),
        "settings",
        Sentence(
            "See in BeeL's dashboard whether it was revoked, and set the right one.",
            "Mire en el panel de BeeL si está revocada y ponga en BEEL_API_KEY la buena.",
        ),
    ),
    ForbiddenError: Finding(
        "beel",
        Sentence("it does not allow this with this key", "no permite esto con esta clave"),
        "finding",
        Sentence(
            "Check in BeeL what the key may do, and in which company.",
            "Revise en BeeL qué puede hacer la clave y en qué empresa.",
        ),
    ),
    RouteRetiredError: Finding(
        "routes",
        Sentence("BeeL has retired the flat routes", "BeeL ha retirado las rutas antiguas"),
        "settings",
        Sentence(
            "Set BEEL_ROUTES to auto and BEEL_COMPANY_ID to the company's id (a UUID).",
            "Ponga auto en BEEL_ROUTES y el id (UUID) de la empresa en BEEL_COMPANY_ID.",
        ),
    ),
    RateLimitedError: Finding(
        "beel",
        Sentence("it asks to slow down", "pide ir más despacio"),
        "finding",
        _CALL_AGAIN,
    ),
    NotSentError: Finding(
        "beel",
        Sentence("it cannot be reached", "no se puede llegar a su servidor"),
        "environment",
        Sentence(
            "Check the network (and BEEL_PROXY, if it is set).",
            "Compruebe la conexión (y BEEL_PROXY, si está puesta).",
        ),
    ),
    UnknownOutcomeError: Finding(
        "beel",
        Sentence("its server gives no proper answer", "su servidor no contesta como debe"),
        "environment",
        _CALL_AGAIN,
    ),
    InternalError: Finding(
        "installation",
        Sentence("beel-mcp has a defect", "beel-mcp tiene un defecto"),
        "finding",
        Sentence("Please report it.", "Comuníquelo, por favor."),
    ),
}
_OTHER_ERROR: Final = Finding(
    "beel",
    Sentence("it refuses to answer", "se niega a contestar"),
    "finding",
    Sentence("Check BEEL_BASE_URL.", "Compruebe BEEL_BASE_URL."),
)


async def check_beel(settings: Settings, sandbox_app: "Starlette | None") -> list[Finding]:
    """Ask BeeL a handful of questions; the first that fails ends it."""
    if settings.environment == "none":
        return [_NO_KEY]
    found: list[Finding] = []
    beel = BeelClient(settings, sandbox_app=sandbox_app)
    try:
        with anyio.fail_after(LIMIT_S):
            await _ask(beel, settings, found)
    except CompanyChoiceError:
        found.append(_company_choice(await _reachable_companies(beel)))
    except BeelMcpError as error:
        found.append(_explained(error))
    except TimeoutError:
        found.append(_TOO_LATE)
    finally:
        await beel.aclose()
    return [*found, *_clock(beel)]


async def _ask(beel: BeelClient, settings: Settings, found: list[Finding]) -> None:
    active = await beel.active_company()
    found.append(passed("key", *_KEYS[settings.environment]))
    if active.company:
        found.append(passed("company", active.company.label, active.company.label))
    else:
        found.append(passed("company", "whichever the key belongs to", "la que tenga la clave"))
    missing = await _missing_scopes(beel, settings)
    if missing:
        found.append(_missing(missing))
    else:
        found.append(passed("scopes", "all that the tools need", "todos los que hacen falta"))
    # One page of one row of each: whether the routes answer, and what they announce.
    for needed, list_page in (
        ("customers:read", beel.customers.list),
        ("invoices:read", beel.invoices.list),
    ):
        if needed not in missing:
            await list_page(limit=1)
    found.append(_routes(beel, settings, active.family))
    found.extend(check_unsettled(settings, await beel.account()))


async def _missing_scopes(beel: BeelClient, settings: Settings) -> list[str]:
    """Name what the key lacks; an older BeeL does not tell, and refuses when it comes to it."""
    try:
        scopes = (await beel.identity.get()).scopes
    except (NotFoundError, ForbiddenError):
        return []
    needed = (*_NEEDED, *(() if settings.read_only else _NEEDED_TO_WRITE))
    return [scope for scope in needed if scope not in scopes]


def _missing(scopes: list[str]) -> Finding:
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
        return passed(
            "routes", "the company's, which stay", "las de la empresa, que son las vigentes"
        )
    if not beel.notices.deprecated and not beel.notices.sunset:
        return passed("routes", "the flat ones", "las antiguas, sin empresa")
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
        return [passed("clock", "agrees with BeeL's", "coincide con el de BeeL")]
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


async def _reachable_companies(beel: BeelClient) -> tuple[str, ...]:
    """Name the companies to choose from, as far as BeeL tells."""
    with anyio.move_on_after(10), suppress(BeelMcpError):
        account_id = (await beel.identity.get()).account_id
        companies = await beel.identity.companies(account_id)
        return tuple(f"{company.label}, id {company.id}" for company in companies)
    return ()


def _explained(error: BeelMcpError) -> Finding:
    """Say what an error of BeeL means and what to do; in a person's words, unlike `errors`."""
    by_class = (finding for kind, finding in _BY_CLASS.items() if isinstance(error, kind))
    finding = _BY_CODE.get(error.code) or next(by_class, _OTHER_ERROR)
    if not error.code.isupper():
        return finding
    # BeeL's own code, for its support.
    fact = Sentence(*(f"{text} ({error.code})" for text in finding.fact))
    return replace(finding, fact=fact)


def _company_choice(reachable: tuple[str, ...]) -> Finding:
    listed = "; ".join(reachable[:10]) + (" …" if len(reachable) > 10 else "")
    if not reachable:
        return Finding(
            "company",
            Sentence("it is not known which one", "no se sabe cuál es"),
            "settings",
            Sentence(
                "Set BEEL_COMPANY_ID to its id in BeeL (a UUID).",
                "Ponga en BEEL_COMPANY_ID su id en BeeL (un UUID).",
            ),
        )
    return Finding(
        "company",
        Sentence(
            f"one of these has to be chosen: {listed}", f"hay que elegir una de estas: {listed}"
        ),
        "settings",
        Sentence(
            "Set BEEL_COMPANY_ID to its NIF or id.", "Ponga en BEEL_COMPANY_ID su NIF o su id."
        ),
    )
