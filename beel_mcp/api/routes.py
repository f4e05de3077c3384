"""The table of BeeL's endpoints; nothing outside `api` knows the two route families."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal
from urllib.parse import quote

from beel_mcp.api.http.retry import DRY_RUN, FILE, KEYED_WRITE, PLAIN_WRITE, READ, RetryRule
from beel_mcp.cleaning import clean
from beel_mcp.errors import CallerError, Changed, OperatorError

Effect = Literal["read", "dry_run", "write"]
Family = Literal["flat", "company"]

ACCEPT_JSON: Final = "application/json, application/problem+json"
ACCEPT_ZIP: Final = "application/zip, application/json"
ACCEPT_CSV: Final = "text/csv, application/json"
_OF_A_RECORD: Final = re.compile(r"{(?!company_id|account_id)\w+}")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True)
class Route:
    """A method and a path with `{names}` of ids in it."""

    method: str
    path: str

    @classmethod
    def of(cls, text: str, start: str) -> "Route":
        """Read a route such as `GET /customers`, with what its path begins with."""
        method, path = text.split()
        return cls(method, start + path)

    @property
    def is_collection(self) -> bool:
        """Tell whether the path names no single record, so that a 404 cannot mean one."""
        return not _OF_A_RECORD.search(self.path)

    def fill(self, ids: Mapping[str, str]) -> str:
        """Put ids into the path.

        Raises:
            CallerError: an id could not be one of BeeL's, and would change the path.
        """
        path = self.path
        for name in re.findall(r"{(\w+)}", self.path):
            path = path.replace(f"{{{name}}}", quote(_checked_id(name, ids[name]), safe=""))
        return path


@dataclass(frozen=True)
class Endpoint:
    """One thing BeeL can do, and how it is asked for in either family; None: not by flat routes.

    `is_strict`: BeeL takes five of its kind in a minute, whatever the key (`http/limits.py`).
    """

    name: str
    effect: Effect
    flat: Route | None
    company: Route
    retry: RetryRule
    statuses: tuple[int, ...] = (200,)
    takes_idempotency_key: bool = False
    read_timeout_s: float = 30
    deadline_s: float = 43
    accept: str = ACCEPT_JSON
    is_strict: bool = False

    @property
    def needs_company(self) -> bool:
        """Tell whether the two families differ; if so, the flat route is being retired."""
        return self.flat != self.company

    @property
    def changed_if_lost(self) -> Changed:
        return "unknown" if self.effect == "write" else "nothing"

    def route(self, family: Family) -> Route:
        """Give the route of a family.

        Raises:
            OperatorError: the flat family has none.
        """
        route = self.flat if family == "flat" else self.company
        if route is None:
            raise OperatorError(
                "BeeL does this by company routes only, and this server uses the flat ones.",
                code="company_routes_needed",
                remedy="The person who set the server up can set BEEL_COMPANY_ID to the company's"
                " id, and BEEL_ROUTES to auto.",
            )
        return route


@dataclass(frozen=True)
class Call:
    """An endpoint with everything that one use of it needs. `body` knows the family.

    A tuple in the query is ids or other plain words, sent as one text with commas.
    """

    endpoint: Endpoint
    ids: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str | int | bool | tuple[str, ...] | None] = field(default_factory=dict)
    body: Callable[[Family], Any] | None = None
    idempotency_key: str | None = None
    wait_s: int | None = None
    """How long BeeL may wait for what is not ready yet, where it does."""

    def query_texts(self) -> dict[str, str]:
        """Spell the query; what is not set is not sent, because BeeL refuses empty values.

        Raises:
            CallerError: an id could not be one of BeeL's.
        """
        texts = {}
        for name, value in self.query.items():
            if isinstance(value, bool):
                texts[name] = "true" if value else "false"
            elif isinstance(value, tuple):
                texts[name] = ",".join(_checked_id(name, part) for part in value)
            elif value is not None and (text := clean(str(value), 255)):
                texts[name] = text
        return texts


def _checked_id(name: str, text: str) -> str:
    if not _ID.fullmatch(text):
        raise CallerError(f"{name} must be an id as BeeL gives it.")
    return text


def _endpoint(
    name: str, effect: Effect, route: str, retry: RetryRule, *, company: str = "", **traits: Any
) -> Endpoint:
    """Make an endpoint; its company route has the same method and path if none is given."""
    flat = Route.of(route, "/v1")
    other = Route.of(company or route, "/v1" if company else "/v1/companies/{company_id}")
    return Endpoint(name, effect, flat, other, retry, **traits)


_CUSTOMER: Final = "/customers/{customer_id}"
_INVOICE: Final = "/invoices/{invoice_id}"
_CREATED: Final[Any] = {"statuses": (200, 201)}
_DELETED: Final[Any] = {"statuses": (200, 204)}
_KEYED: Final[Any] = {**_CREATED, "takes_idempotency_key": True}
_LONG: Final[Any] = {"read_timeout_s": 120, "deadline_s": 180}
LIST_CUSTOMERS: Final = _endpoint("list_customers", "read", "GET /customers", READ)
GET_CUSTOMER: Final = _endpoint("get_customer", "read", f"GET {_CUSTOMER}", READ)
VALIDATE_CUSTOMERS: Final = _endpoint(
    "validate_customers",
    "dry_run",
    "POST /customers/bulk",
    DRY_RUN,
    **{**_CREATED, **_LONG, "deadline_s": 150},
)
CREATE_CUSTOMERS: Final = _endpoint(
    "create_customers", "write", "POST /customers/bulk", KEYED_WRITE, **_KEYED, **_LONG
)
UPDATE_CUSTOMER: Final = _endpoint("update_customer", "write", f"PATCH {_CUSTOMER}", PLAIN_WRITE)
# For a BeeL without PATCH; the company routes have no PUT, and never need it.
REPLACE_CUSTOMER: Final = replace(
    UPDATE_CUSTOMER, name="replace_customer", flat=Route("PUT", f"/v1{_CUSTOMER}")
)
DELETE_CUSTOMER: Final = _endpoint(
    "delete_customer", "write", f"DELETE {_CUSTOMER}", PLAIN_WRITE, **_DELETED
)
DELETE_CUSTOMERS: Final = _endpoint(
    "delete_customers", "write", "DELETE /customers/bulk", PLAIN_WRITE, **_LONG
)
GET_TEMPLATE: Final = _endpoint(
    "get_template",
    "read",
    "POST /customers/templates/csv",
    READ,
    company="GET /templates/customer-import",
    accept=ACCEPT_CSV,
)
LIST_INVOICES: Final = _endpoint("list_invoices", "read", "GET /invoices", READ)
GET_INVOICE: Final = _endpoint("get_invoice", "read", f"GET {_INVOICE}", READ)
GET_PDF: Final = _endpoint("get_pdf", "read", f"GET {_INVOICE}/pdf", READ, statuses=(200, 202))
CREATE_INVOICE: Final = _endpoint(
    "create_invoice", "write", "POST /invoices", KEYED_WRITE, **_KEYED
)
DELETE_INVOICE: Final = _endpoint(
    "delete_invoice", "write", f"DELETE {_INVOICE}", PLAIN_WRITE, **_DELETED
)
DOWNLOAD_INVOICES: Final = _endpoint(
    "download_invoices",
    "read",
    "POST /invoices/bulk/pdf",
    FILE,
    company="POST /companies/{company_id}/invoices/pdf-archive",
    read_timeout_s=120,  # until the first byte; from then on zip.py keeps the pace
    accept=ACCEPT_ZIP,
)
# The flat way to mail retires with the flat routes, and answers differently: it is left alone.
MAIL_INVOICES: Final = replace(
    _endpoint(
        "create_delivery",
        "write",
        "POST /invoices/deliveries",
        PLAIN_WRITE,  # a mail is never sent again by itself, not even under its key
        takes_idempotency_key=True,
        is_strict=True,
        **_LONG,
    ),
    flat=None,
)
_MAILS: Final = "GET /accounts/{account_id}/emails"
LIST_MAILS: Final = _endpoint("list_mails", "read", _MAILS, READ, company=_MAILS)
GET_MAIL: Final = _endpoint(
    "get_mail", "read", f"{_MAILS}/{{email_id}}", READ, company=f"{_MAILS}/{{email_id}}"
)
_WHO: Final = "GET /me/identity"
_COMPANIES: Final = "GET /accounts/{account_id}/companies"
GET_IDENTITY: Final = _endpoint("get_identity", "read", _WHO, READ, company=_WHO)
LIST_COMPANIES: Final = _endpoint("list_companies", "read", _COMPANIES, READ, company=_COMPANIES)
