"""The client: one place where calls become requests, and the door to every endpoint."""

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from pydantic import SecretStr

from beel_mcp.api.company import (
    Account,
    ActiveCompany,
    CompanyFinder,
    Generation,
    GenerationDetector,
    IdentityApi,
    fingerprint,
)
from beel_mcp.api.customers import CustomersApi, read_template
from beel_mcp.api.http import responses
from beel_mcp.api.http.responses import ApiResponse
from beel_mcp.api.http.retry import Retries
from beel_mcp.api.http.wire import BY_CONTRACT, Outgoing, Retirement, RouteNotices
from beel_mcp.api.invoices import InvoicesApi
from beel_mcp.api.mails import MailsApi
from beel_mcp.api.models import Company
from beel_mcp.api.routes import ACCEPT_CSV, ACCEPT_JSON, ACCEPT_ZIP, Call
from beel_mcp.api.zip import RollbackFile, read_zip
from beel_mcp.errors import InternalError, NotConfiguredError
from beel_mcp.redaction import remember
from beel_mcp.settings import Settings

if TYPE_CHECKING:  # httpx takes a fifth of a second to load; a server that is idle does without
    import httpx

    from beel_mcp.api.http.transport import ASGIApp, Transport

SANDBOX_URL: Final = "http://sandbox.invalid"
SANDBOX_KEY: Final = SecretStr("beel_sk_test_sandbox00local")
# What an answer is read by depends on what was asked for.
_READERS: Final = {ACCEPT_JSON: responses.read, ACCEPT_ZIP: read_zip, ACCEPT_CSV: read_template}
_SHARED: Final = ActiveCompany(None, "company", "This route is the same for every company.")


class BeelClient:
    """Speaks to BeeL, or to the sandbox. Making one opens nothing."""

    def __init__(
        self,
        settings: Settings,
        *,
        sandbox_app: "ASGIApp | None" = None,
        transport: "httpx.AsyncBaseTransport | None" = None,
        retries: Retries | None = None,
    ) -> None:
        self._settings = settings
        self._sandbox_app = sandbox_app
        self._custom_transport = transport
        self._key = SANDBOX_KEY if settings.sandbox else settings.api_key
        self._base_url = SANDBOX_URL if settings.sandbox else settings.base_url
        self._retries = retries or Retries()
        self.notices = RouteNotices()
        self._generation = GenerationDetector()
        self.identity = IdentityApi(self, settings.environment)
        self.customers = CustomersApi(self)
        self.invoices = InvoicesApi(self)
        self.mails = MailsApi(self, self.identity)
        self._company = CompanyFinder(settings, self.identity)
        if settings.api_key:
            remember(settings.api_key)

    @property
    def known_company(self) -> Company | None:
        return self._company.known

    @property
    def known_account(self) -> Account | None:
        """The account in use, if that is certain without asking."""
        if self._key is None or not self._company.is_certain:
            return None
        return self._account(self._key, self.known_company)

    @property
    def generation_seen(self) -> Generation | None:
        """The generation of BeeL that has been answering; None before its first answer.

        On `current` a deleted customer leaves BeeL's lists for good and frees its NIF; on
        `legacy` it is only marked inactive and keeps it.
        """
        return self._generation.seen

    @property
    def retirement(self) -> Retirement | None:
        """When BeeL retires the flat routes; None of an older BeeL, which does not."""
        if self.notices.sunset:
            return Retirement(str(self.notices.sunset), is_announced=True)
        return None if self.generation_seen == "legacy" else BY_CONTRACT

    async def account(self) -> Account:
        """Find the account in use; asked of BeeL once.

        Raises:
            NotConfiguredError: there is no key.
            ApiError: BeeL, or the way to it.
        """
        key = self._check_ready()
        return self.known_account or self._account(key, (await self.active_company()).company)

    async def active_company(self) -> ActiveCompany:
        """Find the company in use and the routes that follow from it; asked of BeeL once."""
        return await self._company.find()

    async def send(self, call: Call) -> ApiResponse:
        """Send a call and open its answer.

        Raises:
            NotConfiguredError: there is no key.
            ApiError: BeeL, or the way to it.
        """
        return await self._send(call, None)

    async def download(self, call: Call, file: BinaryIO) -> ApiResponse:
        """Send a call that is answered with a ZIP, and write that to the file.

        It is written from where the file stands; what a failed attempt wrote is cut off again.

        Raises:
            NotConfiguredError: there is no key.
            ApiError: BeeL, or the way to it.
            OSError: the file takes no more.
        """
        return await self._send(call, RollbackFile(file))

    async def aclose(self) -> None:
        if "_transport" in self.__dict__:
            await self._transport.aclose()
            del self.__dict__["_transport"]

    async def _send(self, call: Call, file: RollbackFile | None) -> ApiResponse:
        self._check_ready()
        active = await self.active_company() if call.endpoint.needs_company else _SHARED
        endpoint = call.endpoint
        # Made once: whatever is sent again is the same bytes under the same key.
        request = self._request(call, active)

        async def attempt(seconds: float) -> ApiResponse:
            response = await self._transport.exchange(request, seconds, file)
            self.notices.collect(response.headers)
            opened = _READERS[endpoint.accept](response, endpoint, active.family)
            self._generation.collect(opened, response.headers)
            return opened

        return await self._retries.run(attempt, endpoint.retry, request)

    @cached_property
    def _transport(self) -> "Transport":
        from beel_mcp.api.http.transport import Transport  # noqa: PLC0415 - loads httpx

        assert self._key is not None
        return Transport(
            self._settings,
            self._key,
            sandbox_app=self._sandbox_app if self._settings.sandbox else None,
            transport=self._custom_transport,
        )

    def _account(self, key: SecretStr, company: Company | None) -> Account:
        # An id in capitals is the same id: the journal must not see two accounts.
        company_id = company.id.lower() if company else None
        return Account(self._settings.environment, company_id, fingerprint(key, self._base_url))

    def _check_ready(self) -> SecretStr:
        if self._key is None:
            raise NotConfiguredError(
                "No BeeL API key is set, so BeeL cannot be asked.",
                remedy="Set BEEL_API_KEY to a key from BeeL's dashboard (beel_sk_test_… or "
                "beel_sk_live_…) and restart, or set BEEL_SANDBOX=1 to try it without an account.",
            )
        if self._settings.sandbox and not (self._sandbox_app or self._custom_transport):
            raise InternalError("The sandbox was asked for, but none was given.")
        return self._key

    def _request(self, call: Call, active: ActiveCompany) -> Outgoing:
        endpoint = call.endpoint
        route = endpoint.route(active.family)
        company = active.company
        ids = {"company_id": company.id, **call.ids} if company else call.ids
        body = None if call.body is None else _json(call.body(active.family))
        headers = {
            "Accept": endpoint.accept,
            "Accept-Encoding": "identity",
            "Accept-Language": self._settings.language,
            "User-Agent": "beel-mcp",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        if company and active.family == "flat":
            headers["BeeL-Active-Company"] = company.id
        if call.idempotency_key is not None and endpoint.takes_idempotency_key:
            headers["Idempotency-Key"] = call.idempotency_key
        if call.wait_s is not None:
            headers["Prefer"] = f"wait={call.wait_s}"
        return Outgoing(
            method=route.method,
            url=self._base_url + route.fill(ids),
            query=call.query_texts(),
            headers=headers,
            body=body,
            changed_if_lost=endpoint.changed_if_lost,
            read_timeout_s=endpoint.read_timeout_s,
            deadline_s=endpoint.deadline_s,
            is_strict=endpoint.is_strict,
        )


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
