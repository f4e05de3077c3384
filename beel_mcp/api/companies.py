"""Which company we work in, and which route family follows from it. Found once."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import anyio

from beel_mcp.api.identity import Company, IdentityApi
from beel_mcp.api.routes import Family
from beel_mcp.errors import (
    CompanyChoiceError,
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    UnknownOutcomeError,
)
from beel_mcp.settings import Settings

_MOST_LISTED: Final = 20
_NAMING_S: Final = 10
# A plan without the API refuses every call alike: that is no hint about companies.
_FATAL: Final = ("FEATURE_NOT_AVAILABLE", "NO_ACTIVE_ACCOUNT")


@dataclass(frozen=True)
class ActiveCompany:
    """The company in use (None: whichever the key belongs to), the routes, and why those."""

    company: Company | None
    family: Family
    reason: str


@dataclass(frozen=True)
class _Reach:
    """What the key let us see; `companies` is None when it may not look."""

    companies: tuple[Company, ...] | None
    why_not: str = ""


class CompanyFinder:
    """Finds the company at the first use, however many ask at once."""

    def __init__(self, settings: Settings, identity: IdentityApi) -> None:
        self._wanted = settings.company_id
        self._routes = settings.routes
        self._identity = identity
        self._lock = anyio.Lock()
        self._found: ActiveCompany | None = None

    @property
    def is_certain(self) -> bool:
        """Tell whether asking BeeL could still change which company is in use."""
        return self._found is not None or bool(self._wanted and "-" in self._wanted)

    @property
    def known(self) -> Company | None:
        """Tell what is known without asking BeeL."""
        if self._found:
            return self._found.company
        return Company(self._wanted) if self._wanted and "-" in self._wanted else None

    async def find(self) -> ActiveCompany:
        """Find the company, or wait for whoever is already looking.

        Raises:
            CompanyChoiceError: the person has to choose one, or chose one out of reach.

        """
        async with self._lock:
            if self._found:
                return self._found
            if self._wanted and "-" in self._wanted:
                company, keep = await self._by_id(self._wanted)
                active = self._place(company, "BEEL_COMPANY_ID names the company")
            else:
                reach, keep = await self._look(), True
                active = (
                    self._place(_by_nif(self._wanted, reach), "BEEL_COMPANY_ID names the company")
                    if self._wanted
                    else self._only(reach)
                )
            if keep:
                self._found = active
            return active

    async def _by_id(self, company_id: str) -> tuple[Company, bool]:
        """Give the company and whether to keep it: a passing fault must not cost its name."""
        reach: _Reach | None = None
        with anyio.move_on_after(_NAMING_S), suppress(RateLimitedError, UnknownOutcomeError):
            reach = await self._look()
        if reach is None:
            return Company(company_id), False
        if reach.companies is None:
            return Company(company_id), True
        for company in reach.companies:
            if company.id.lower() == company_id:
                return company, True
        raise _choice("The key does not reach the company of BEEL_COMPANY_ID.", reach.companies)

    async def _look(self) -> _Reach:
        try:
            identity = await self._identity.get()
        except NotFoundError:
            return _Reach(None, "this BeeL is older than the route that tells who a key is")
        except ForbiddenError as error:
            return _refused(error, "the key may not ask who it is")
        try:
            return _Reach(await self._identity.companies(identity.account_id))
        except NotFoundError:
            return _Reach(None, "this BeeL has no list of companies")
        except ForbiddenError as error:
            return _refused(error, "the key may not list companies (scope companies:list)")

    def _only(self, reach: _Reach) -> ActiveCompany:
        if reach.companies is None:
            return self._place(None, reach.why_not)
        if len(reach.companies) > 1:
            raise _choice("The key reaches several companies.", reach.companies)
        if not reach.companies:
            return self._place(None, "the key's account lists no company")
        return self._place(reach.companies[0], "the key reaches one company")

    def _place(self, company: Company | None, reason: str) -> ActiveCompany:
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
    if reach.companies is None:
        raise CompanyChoiceError(
            f"BEEL_COMPANY_ID is a NIF, which cannot be looked up: {reach.why_not}.",
            remedy="Set BEEL_COMPANY_ID to the company's id (a UUID, shown in BeeL) instead.",
        )
    same = [company for company in reach.companies if (company.nif or "").upper() == nif]
    if len(same) == 1:
        return same[0]
    found = "several companies have" if same else "the key reaches no company with"
    raise _choice(f"{found[0].upper()}{found[1:]} the NIF of BEEL_COMPANY_ID.", reach.companies)


def _choice(what: str, companies: tuple[Company, ...]) -> CompanyChoiceError:
    lines = [f"{company.label}: {company.id}" for company in companies[:_MOST_LISTED]]
    if len(companies) > _MOST_LISTED:
        lines.append(f"and {len(companies) - _MOST_LISTED} more")
    listed = f" It reaches: {'; '.join(lines)}." if lines else ""
    return CompanyChoiceError(
        what + listed,
        remedy="Ask the person which one, and to set BEEL_COMPANY_ID to its id.",
    )


def _refused(error: ForbiddenError, why: str) -> _Reach:
    if error.code in _FATAL:
        raise error
    return _Reach(None, why)
