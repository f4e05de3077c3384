"""BeeL's refusals, and what lies between, in a person's words; the model's are in errors."""

from typing import Final

from beel_mcp.cli.doctor.findings import Fault, Finding, Topic
from beel_mcp.errors import (
    BeelMcpError,
    CompanyChoiceError,
    ForbiddenError,
    InternalError,
    NotSentError,
    RateLimitedError,
    RouteRetiredError,
    UnauthorizedError,
    UnknownOutcomeError,
)
from beel_mcp.settings import Sentence

NO_KEY: Final = Finding(
    "key",
    Sentence("none is set", "no hay ninguna puesta"),
    "settings",
    Sentence(
        "Set BEEL_API_KEY to a key from BeeL's dashboard, or try without: doctor --sandbox.",
        "Ponga en BEEL_API_KEY una clave del panel de BeeL, o pruebe sin ella: doctor --sandbox.",
    ),
)
_Row = tuple[Topic, Fault, Sentence, Sentence]
_CALL_AGAIN: Final = Sentence("Try again later.", "Inténtelo más tarde.")
_TOO_LATE: Final[_Row] = (
    "beel",
    "environment",
    Sentence("it does not answer in time", "no contesta a tiempo"),
    _CALL_AGAIN,
)
TOO_LATE: Final = Finding(_TOO_LATE[0], _TOO_LATE[2], _TOO_LATE[1], _TOO_LATE[3])
_BY_CODE: Final[dict[str, _Row]] = {
    "no_time_left": _TOO_LATE,
    "environment_mismatch": (
        "key",
        "settings",
        Sentence(
            "BeeL places it in another environment than its beginning does",
            "BeeL la sitúa en un entorno distinto del que indica su comienzo",
        ),
        Sentence(
            "Make a new key in BeeL and set it as BEEL_API_KEY.",
            "Cree otra clave en BeeL y póngala en BEEL_API_KEY.",
        ),
    ),
    "FEATURE_NOT_AVAILABLE": (
        "beel",
        "finding",
        Sentence("the BeeL plan does not include the API", "el plan de BeeL no incluye la API"),
        Sentence("Change the plan in BeeL.", "Cambie de plan en BeeL."),
    ),
    "NO_ACTIVE_ACCOUNT": (
        "beel",
        "finding",
        Sentence("the BeeL account is not active", "la cuenta de BeeL no está activa"),
        Sentence(
            "Sign in to BeeL and finish setting it up.", "Entre en BeeL y termine de configurarla."
        ),
    ),
    "tls_failed": (
        "beel",
        "environment",
        Sentence(
            "the certificate of its server cannot be trusted",
            "el certificado de su servidor no es de fiar",
        ),
        Sentence(
            "If your own proxy inspects traffic, set BEEL_CA_BUNDLE to its certificate.",
            "Si su propio proxy inspecciona el tráfico, ponga su certificado en BEEL_CA_BUNDLE.",
        ),
    ),
    "unexpected_answer": (
        "beel",
        "environment",
        Sentence("what answers is not BeeL", "lo que contesta no es BeeL"),
        Sentence(
            "Check BEEL_BASE_URL, BEEL_PROXY, and whether this Wi-Fi wants a sign-in.",
            "Compruebe BEEL_BASE_URL, BEEL_PROXY y si esta wifi pide identificarse.",
        ),
    ),
}
_BY_KIND: Final[tuple[tuple[type[BeelMcpError], _Row], ...]] = (
    (
        UnauthorizedError,
        (
            "key",
            "settings",
            Sentence("BeeL does not accept it", "BeeL no la acepta"),
            Sentence(
                "See in BeeL's dashboard whether it was revoked, and set the right one.",
                "Mire en el panel de BeeL si está revocada y ponga en BEEL_API_KEY la buena.",
            ),
        ),
    ),
    (
        ForbiddenError,
        (
            "beel",
            "finding",
            Sentence("it does not allow this with this key", "no permite esto con esta clave"),
            Sentence(
                "Check in BeeL what the key may do, and in which company.",
                "Revise en BeeL qué puede hacer la clave y en qué empresa.",
            ),
        ),
    ),
    (
        RouteRetiredError,
        (
            "routes",
            "settings",
            Sentence("BeeL has retired the flat routes", "BeeL ha retirado las rutas antiguas"),
            Sentence(
                "Set BEEL_ROUTES to auto and BEEL_COMPANY_ID to the company's id (a UUID).",
                "Ponga auto en BEEL_ROUTES y el id (UUID) de la empresa en BEEL_COMPANY_ID.",
            ),
        ),
    ),
    (
        RateLimitedError,
        (
            "beel",
            "finding",
            Sentence("it asks to slow down", "pide ir más despacio"),
            _CALL_AGAIN,
        ),
    ),
    (
        NotSentError,
        (
            "beel",
            "environment",
            Sentence("it cannot be reached", "no se puede llegar a su servidor"),
            Sentence(
                "Check the network (and BEEL_PROXY, if it is set).",
                "Compruebe la conexión (y BEEL_PROXY, si está puesta).",
            ),
        ),
    ),
    (
        UnknownOutcomeError,
        (
            "beel",
            "environment",
            Sentence("its server gives no proper answer", "su servidor no contesta como debe"),
            _CALL_AGAIN,
        ),
    ),
    (
        InternalError,
        (
            "installation",
            "finding",
            Sentence("beel-mcp has a defect", "beel-mcp tiene un defecto"),
            Sentence("Please report it.", "Comuníquelo, por favor."),
        ),
    ),
)
_REST: Final[_Row] = (
    "beel",
    "finding",
    Sentence("it refuses to answer", "se niega a contestar"),
    Sentence("Check BEEL_BASE_URL.", "Compruebe BEEL_BASE_URL."),
)


def explained(error: BeelMcpError, reached: tuple[str, ...] = ()) -> Finding:
    """Say what an error means and what to do; `reached` are the companies to choose from."""
    if isinstance(error, CompanyChoiceError):
        return _choice(reached)
    by_kind = (row for kind, row in _BY_KIND if isinstance(error, kind))
    topic, fault, fact, remedy = _BY_CODE.get(error.code) or next(by_kind, _REST)
    code = f" ({error.code})" if error.code.isupper() else ""  # BeeL's own, for its support
    return Finding(topic, Sentence(fact.en + code, fact.es + code), fault, remedy)


def _choice(reached: tuple[str, ...]) -> Finding:
    listed = "; ".join(reached[:10]) + (" …" if len(reached) > 10 else "")
    if not reached:
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
