"""Who the key is, and which companies it reaches."""

from dataclasses import dataclass
from typing import Final, Protocol

from beel_mcp.api.envelope import Answer
from beel_mcp.api.models import CompaniesData, IdentityData
from beel_mcp.api.routes import GET_IDENTITY, LIST_COMPANIES, Call
from beel_mcp.cleaning import clean
from beel_mcp.errors import OperatorError
from beel_mcp.settings import Environment

_PAGE_SIZE: Final = 100
_MOST_PAGES: Final = 10
_ENVIRONMENTS: Final = {"TEST": "test", "PROD": "live"}


class Sends(Protocol):
    """Whoever can send a call to BeeL."""

    async def send(self, call: Call) -> Answer:
        """Send a call and open its answer."""
        ...


@dataclass(frozen=True)
class Company:
    """A company in BeeL."""

    id: str
    legal_name: str | None = None
    nif: str | None = None

    @property
    def label(self) -> str:
        """Name the company for readers, such as `Demo Taller SL (B12345674)`."""
        name, nif = clean(self.legal_name or "", 120), clean(self.nif or "", 20)
        if name and nif:
            return f"{name} ({nif})"
        return name or nif or clean(self.id, 64)


@dataclass(frozen=True)
class Identity:
    """The key's account, what the key may do, and where."""

    account_id: str
    environment: str | None
    scopes: tuple[str, ...]
    name: str | None


class IdentityApi:
    """Operations that are the same in both route families."""

    def __init__(self, beel: Sends, environment: Environment) -> None:
        self._beel = beel
        self._expected = "test" if environment == "sandbox" else environment

    async def get(self) -> Identity:
        """Ask who the key is: GET /v1/me/identity.

        Raises:
            OperatorError: BeeL places the key elsewhere than its prefix does.

        """
        answer = await self._beel.send(Call(GET_IDENTITY))
        data = answer.read_as(IdentityData)
        environment = _ENVIRONMENTS.get(data.credential.environment or "")
        if environment and environment != self._expected:
            raise OperatorError(
                f"The API key looks like a {self._expected} key, but BeeL says that it is a "
                f"{environment} key; nothing more is sent with it.",
                code="environment_mismatch",
                remedy="Make a new key in BeeL and set it as BEEL_API_KEY.",
                request_id=answer.request_id,
            )
        scopes = tuple(clean(scope, 60) for scope in data.credential.scopes)
        name = clean(data.name, 120) if data.name else None
        return Identity(data.account_id, environment, scopes, name)

    async def companies(self, account_id: str) -> tuple[Company, ...]:
        """List all companies: GET /v1/accounts/{account_id}/companies, at most 1,000."""
        found: dict[str, Company] = {}
        for page in range(1, _MOST_PAGES + 1):
            answer = await self._beel.send(
                Call(
                    LIST_COMPANIES,
                    ids={"account_id": account_id},
                    query={"page": page, "limit": _PAGE_SIZE},
                )
            )
            data = answer.read_as(CompaniesData)
            for company in data.companies:
                found[company.id] = Company(company.id, company.legal_name, company.nif)
            if not data.companies or not data.pagination.has_more:
                break
        return tuple(found.values())
