"""Which company we work in, and which route family follows from it. Found once."""

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Literal, Protocol

import anyio
from pydantic import SecretStr

from beel_mcp.api.http.responses import ApiResponse
from beel_mcp.api.models import CompaniesData, Company, IdentityData
from beel_mcp.api.routes import GET_IDENTITY, LIST_COMPANIES, Call, Family
from beel_mcp.cleaning import clean
from beel_mcp.errors import (
    CompanyChoiceError,
    ForbiddenError,
    NotFoundError,
    OperatorError,
    RateLimitedError,
    UnknownOutcomeError,
)
from beel_mcp.settings import Environment, Settings

Generation = Literal["current", "legacy"]
_PAGE_SIZE: Final = 100
_MOST_PAGES: Final = 10
_ENVIRONMENTS: Final = {"TEST": "test", "PROD": "live"}
_MOST_LISTED: Final = 20
_NAMING_S: Final = 10
# A plan without the API refuses every call alike: that is no hint about companies.
_FATAL: Final = ("FEATURE_NOT_AVAILABLE", "NO_ACTIVE_ACCOUNT")


@dataclass(frozen=True)
class Account:
    """The environment, the company if it is known, and a hash of the key and where it is sent."""

    environment: str
    company_id: str | None
    key_fingerprint: str

    @property
    def ledger_id(self) -> str:
        """What locks and the journal go by: the company, whichever the key; else the key."""
        return f"{self.environment}-{self.company_id or self.key_fingerprint}"


def fingerprint(key: SecretStr, base_url: str) -> str:
    """Give 64 bits that stand for a key at a base URL; too few to be it, enough to tell two apart.

    What was agreed to for one BeeL is not to be sent to another that takes the same key.
    """
    secret = f"beel-mcp:{key.get_secret_value()}@{base_url}"
    return hashlib.sha256(secret.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Identity:
    """The key's account, what the key may do, and where."""

    account_id: str
    environment: str | None
    scopes: tuple[str, ...]
    name: str | None


@dataclass(frozen=True)
class ActiveCompany:
    """The company in use (None: whichever the key belongs to), the routes, and why those."""

    company: Company | None
    family: Family
    reason: str


class Client(Protocol):
    """What the parts of the API need of the client."""

    @property
    def generation_seen(self) -> Generation | None: ...
    async def active_company(self) -> ActiveCompany: ...
    async def send(self, call: Call) -> ApiResponse: ...
    async def download(self, call: Call, file: BinaryIO) -> ApiResponse: ...


class GenerationDetector:
    """Watches the successful answers of one process.

    `current` has company routes, tells who a key is, announces the end of its flat routes in
    every answer of theirs, and says `website` and `customers_deletion`. One such sign settles it
    for good. A flat answer without any is from `legacy`, until a sign turns up: a proxy may strip
    headers, but none adds them.
    """

    def __init__(self) -> None:
        self.seen: Generation | None = None

    def collect(self, response: ApiResponse, headers: Mapping[str, str]) -> None:
        """Take in an answer that was not an error, with its headers (names in lower case)."""
        is_current = (
            response.family == "company"
            or not response.endpoint.needs_company
            or not headers.keys().isdisjoint(("deprecation", "sunset"))
            or _has_current_words(response.data)
        )
        if is_current:
            self.seen = "current"
        elif self.seen is None:
            self.seen = "legacy"


def _has_current_words(data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    customers = data.get("customers")
    holders = [data, *(customers if isinstance(customers, list) else ())]
    return "customers_deletion" in data or any(
        isinstance(holder, dict) and "website" in holder for holder in holders
    )


class IdentityApi:
    """Operations that are the same in both route families."""

    def __init__(self, beel: Client, environment: Environment) -> None:
        self._beel = beel
        self._expected = "test" if environment == "sandbox" else environment

    async def get(self) -> Identity:
        """Ask who the key is: GET /v1/me/identity.

        Raises:
            OperatorError: BeeL places the key elsewhere than its prefix does.
        """
        response = await self._beel.send(Call(GET_IDENTITY))
        data = response.read_as(IdentityData)
        environment = _ENVIRONMENTS.get(data.credential.environment or "")
        if environment and environment != self._expected:
            raise OperatorError(
                f"The API key looks like a {self._expected} key, but BeeL says that it is a "
                f"{environment} key; nothing more is sent with it.",
                code="environment_mismatch",
                remedy="Make a new key in BeeL and set it as BEEL_API_KEY.",
                request_id=response.request_id,
            )
        scopes = tuple(clean(scope, 60) for scope in data.credential.scopes)
        name = clean(data.name, 120) if data.name else None
        return Identity(data.account_id, environment, scopes, name)

    async def companies(self, account_id: str) -> tuple[Company, ...]:
        """List all companies: GET /v1/accounts/{account_id}/companies, at most 1,000."""
        found: dict[str, Company] = {}
        for page in range(1, _MOST_PAGES + 1):
            query = {"page": page, "limit": _PAGE_SIZE}
            call = Call(LIST_COMPANIES, ids={"account_id": account_id}, query=query)
            response = await self._beel.send(call)
            data = response.read_as(CompaniesData)
            found |= {company.id: company for company in data.companies}
            if not data.companies or not data.pagination.has_more:
                break
        return tuple(found.values())


# The companies that the key lets us see, or why it may not look.
_Reach = tuple[Company, ...] | str


class CompanyFinder:
    """Finds the company at the first use, however many ask at once."""

    def __init__(self, settings: Settings, identity: IdentityApi) -> None:
        wanted = settings.company_id
        self._id = wanted if wanted and "-" in wanted else None
        self._nif = None if self._id else wanted
        self._routes = settings.routes
        self._identity = identity
        self._lock = anyio.Lock()
        self._found: ActiveCompany | None = None

    @property
    def is_certain(self) -> bool:
        """Tell whether asking BeeL could no longer change which company is in use."""
        return bool(self._found or self._id)

    @property
    def known(self) -> Company | None:
        """The company as far as it is known without asking BeeL."""
        if self._found:
            return self._found.company
        return Company(self._id) if self._id else None

    async def find(self) -> ActiveCompany:
        """Find the company, or wait for whoever is already looking.

        Raises:
            CompanyChoiceError: the person has to choose one, or chose one out of reach.
        """
        async with self._lock:
            if self._found:
                return self._found
            reason, keep = "BEEL_COMPANY_ID names the company", True
            if self._id:
                company, keep = await self._by_id(self._id)
                active = self._choose(company, reason)
            elif self._nif:
                active = self._choose(_by_nif(self._nif, await self._reachable()), reason)
            else:
                active = self._only(await self._reachable())
            if keep:
                self._found = active
            return active

    async def _by_id(self, company_id: str) -> tuple[Company, bool]:
        """Give the company and whether to keep it: a passing fault must not cost its name."""
        reach: _Reach | None = None
        with anyio.move_on_after(_NAMING_S), suppress(RateLimitedError, UnknownOutcomeError):
            reach = await self._reachable()
        if not isinstance(reach, tuple):
            return Company(company_id), reach is not None
        for company in reach:
            if company.id.lower() == company_id:
                return company, True
        raise _choice("The key does not reach the company of BEEL_COMPANY_ID.", reach)

    async def _reachable(self) -> _Reach:
        try:
            identity = await self._identity.get()
        except NotFoundError:
            return "this BeeL is older than the route that tells who a key is"
        except ForbiddenError as error:
            return _refused(error, "the key may not ask who it is")
        try:
            return await self._identity.companies(identity.account_id)
        except NotFoundError:
            return "this BeeL has no list of companies"
        except ForbiddenError as error:
            return _refused(error, "the key may not list companies (scope companies:list)")

    def _only(self, reach: _Reach) -> ActiveCompany:
        match reach:
            case str(why_not):
                return self._choose(None, why_not)
            case ():
                return self._choose(None, "the key's account lists no company")
            case (company,):
                return self._choose(company, "the key reaches one company")
        raise _choice("The key reaches several companies.", reach)

    def _choose(self, company: Company | None, reason: str) -> ActiveCompany:
        if company is None and self._routes == "company":
            raise CompanyChoiceError(
                f"BEEL_ROUTES=company needs a company, and none is known: {reason}.",
                remedy="Set BEEL_COMPANY_ID to the company's id (a UUID, shown in BeeL).",
            )
        if self._routes != "auto":
            return ActiveCompany(company, self._routes, f"BEEL_ROUTES={self._routes} is set.")
        family: Family = "company" if company else "flat"
        return ActiveCompany(company, family, f"{reason[0].upper()}{reason[1:]}.")


def _by_nif(nif: str, reach: _Reach) -> Company:
    if isinstance(reach, str):
        raise CompanyChoiceError(
            f"BEEL_COMPANY_ID is a NIF, which cannot be looked up: {reach}.",
            remedy="Set BEEL_COMPANY_ID to the company's id (a UUID, shown in BeeL) instead.",
        )
    same = [company for company in reach if (company.nif or "").upper() == nif]
    if len(same) == 1:
        return same[0]
    found = "several companies have" if same else "the key reaches no company with"
    raise _choice(f"{found[0].upper()}{found[1:]} the NIF of BEEL_COMPANY_ID.", reach)


def _choice(what: str, companies: tuple[Company, ...]) -> CompanyChoiceError:
    lines = [f"{company.label}: {company.id}" for company in companies[:_MOST_LISTED]]
    if len(companies) > _MOST_LISTED:
        lines.append(f"and {len(companies) - _MOST_LISTED} more")
    listed = f" It reaches: {'; '.join(lines)}." if lines else ""
    return CompanyChoiceError(
        what + listed,
        remedy="Ask the person which one, and to set BEEL_COMPANY_ID to its id.",
    )


def _refused(error: ForbiddenError, why: str) -> str:
    if error.code in _FATAL:
        raise error
    return why
