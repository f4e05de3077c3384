"""Operations on customers: one short method each."""

import csv
import io
import re
from codecs import BOM_UTF8
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final

from beel_mcp.api import bulk
from beel_mcp.api import customer_bodies as bodies
from beel_mcp.api.bulk import BulkCreation, BulkDeletion, BulkReport, Rows
from beel_mcp.api.company import Client
from beel_mcp.api.customer_bodies import Changes, needs_record, patch_body, put_body, shows
from beel_mcp.api.http import responses
from beel_mcp.api.http.responses import ApiResponse
from beel_mcp.api.http.wire import Incoming
from beel_mcp.api.models import Customer, CustomersData, DeletedData, RecordPage
from beel_mcp.api.routes import (
    CREATE_CUSTOMERS,
    DELETE_CUSTOMER,
    DELETE_CUSTOMERS,
    GET_CUSTOMER,
    GET_TEMPLATE,
    LIST_CUSTOMERS,
    REPLACE_CUSTOMER,
    UPDATE_CUSTOMER,
    VALIDATE_CUSTOMERS,
    Call,
    Endpoint,
    Family,
)
from beel_mcp.cleaning import clean
from beel_mcp.errors import InternalError, InvalidRequestError

MOST_ROWS: Final = 500
MOST_DELETED: Final = 100  # ids of 36 characters in one address
MOST_PAGES: Final = 200
PAGE_SIZE: Final = 100
_IDEMPOTENCY_KEY: Final = re.compile(r"[a-zA-Z0-9_-]{1,255}")
CAP_BYTES: Final = 1_000_000  # of the CSV template
_MOST_COLUMNS: Final = 100
_SEPARATORS: Final = (";", ",", "\t")
# How a page or a JSON text begins, whatever it is called.
_NO_TABLES: Final = (b"<", b"{", b"[")


@dataclass(frozen=True)
class CustomerTemplate:
    """BeeL's template: its bytes, the headers in them (cleaned), and the rows below."""

    content: bytes
    columns: tuple[str, ...]
    example_rows: int


class CustomersApi:
    """Customers of the active company."""

    def __init__(self, beel: Client) -> None:
        self._beel = beel
        self._has_patch = True  # until a flat route says otherwise

    async def list(
        self,
        *,
        page: int = 1,
        limit: int = 20,
        search: str | None = None,
        nif: str | None = None,
        email: str | None = None,
        city: str | None = None,
        active: bool | None = None,
    ) -> RecordPage[Customer]:
        """List customers: GET /customers. Without `active`, BeeL decides.

        Raises:
            UnknownOutcomeError: the answer holds something else than was asked for.
        """
        query = {"page": page, "limit": limit, "active": active}
        texts = {"search": search, "nif": nif, "email": email, "city": city}
        response = await self._beel.send(Call(LIST_CUSTOMERS, query={**query, **texts}))
        data = response.read_as(CustomersData)
        pages = data.pagination
        is_another = pages.current_page != page and data.customers
        if len(data.customers) > limit or is_another:
            raise response.unexpected("BeeL answered with another page than the one asked for.")
        if pages.total_items < len(data.customers):
            raise response.unexpected("BeeL counts fewer customers than it shows.")
        return RecordPage(data.customers, pages.total_items, page, pages.has_more)

    async def get(self, customer_id: str) -> Customer:
        """Read a customer: GET /customers/{customer_id}.

        Raises:
            NotFoundError: there is none with this id.
        """
        response = await self._beel.send(Call(GET_CUSTOMER, ids={"customer_id": customer_id}))
        return _read_one(response, customer_id)

    async def list_all(self, customer_ids: set[str]) -> dict[str, Customer]:
        """Find many customers through the lists, active ones first, at most 200 pages of 100.

        The keys are the ids as asked for. One that is missing was not seen in a list, which
        proves nothing: lists move while they are read, and end for us after those pages.
        """
        wanted = {customer_id.lower(): customer_id for customer_id in customer_ids}
        found: dict[str, Customer] = {}
        page, active = 1, True
        for _ in range(MOST_PAGES):
            if len(found) == len(wanted):
                break
            listed = await self.list(page=page, limit=PAGE_SIZE, active=active)
            for customer in listed.items:
                if asked := wanted.get(customer.id.lower()):
                    found[asked] = customer
            if listed.items and listed.has_more:
                page += 1
            elif active:
                page, active = 1, False
            else:
                break
        return found

    async def update_fields(
        self, customer_id: str, changes: Changes, *, current: Customer | None = None
    ) -> Customer:
        """Change the named fields of a customer and nothing else: PATCH, or else PUT.

        A flat route of the legacy generation has no PATCH and says so with a 405, which did
        nothing. Its PUT is sent the whole record, so that it can clear nothing even where it
        replaces; `current` saves reading that first, and must be fresh: it is written back.

        Raises:
            NotFoundError: there is none with this id.
            UnknownOutcomeError: the answer does not show the customer as asked for.
        """
        ids = {"customer_id": customer_id}
        if self._has_patch:
            if needs_record(changes):
                current = current or await self.get(customer_id)
            body = patch_body(current, changes)
            try:
                call = Call(UPDATE_CUSTOMER, ids=ids, body=lambda _: body)
                response = await self._beel.send(call)
                return _read_one(response, customer_id, changes)
            except InvalidRequestError as error:
                if error.status != HTTPStatus.METHOD_NOT_ALLOWED:
                    raise
                if (await self._beel.active_company()).family != "flat":
                    raise
            self._has_patch = False
        record = current or await self.get(customer_id)
        call = Call(REPLACE_CUSTOMER, ids=ids, body=partial(put_body, record, changes))
        response = await self._beel.send(call)
        return _read_one(response, customer_id, changes)

    async def delete(self, customer_id: str) -> None:
        """Delete a customer, or mark it inactive, as the generation has it: DELETE, one id.

        Raises:
            NotFoundError: there is none with this id, or no longer.
            ConflictError: it has invoices (409 CLIENT_HAS_INVOICES).
            InvalidRequestError: it has invoices, in the legacy words (400).
        """
        response = await self._beel.send(Call(DELETE_CUSTOMER, ids={"customer_id": customer_id}))
        if response.status != HTTPStatus.NO_CONTENT:
            response.read_as(DeletedData)

    async def delete_bulk(self, customer_ids: Sequence[str]) -> BulkDeletion:
        """Delete 1 to 100 customers, each on its own: DELETE /customers/bulk.

        Raises:
            UnknownOutcomeError: the answer says nothing about any of them.
        """
        ids = tuple(customer_ids)
        if len({customer_id.lower() for customer_id in ids}) != len(ids):
            raise InternalError("A bulk deletion names a customer twice.")
        if not 1 <= len(ids) <= MOST_DELETED:
            raise InternalError(f"A bulk deletion takes 1 to {MOST_DELETED} ids.")
        response = await self._beel.send(Call(DELETE_CUSTOMERS, query={"ids": ids}))
        return bulk.read_deletion(response, ids)

    async def validate_bulk(self, rows: Rows) -> BulkReport:
        """Check up to 500 customers without writing: POST /customers/bulk?dry_run=true.

        Raises:
            DryRunNotHonouredError: the answer does not say that nothing was written.
        """
        # No idempotency key: bound to the body alone, it would make the creation replay this.
        response = await self._beel.send(_bulk_call(VALIDATE_CUSTOMERS, rows, dry_run=True))
        return bulk.read_report(response, len(rows))

    async def create_bulk(self, rows: Rows, *, idempotency_key: str) -> BulkCreation:
        """Create up to 500 customers, all or none: POST /customers/bulk?dry_run=false.

        Raises:
            UnknownOutcomeError: the answer does not say that exactly these were created.
        """
        if not _IDEMPOTENCY_KEY.fullmatch(idempotency_key):
            raise InternalError("An idempotency key has a form that BeeL does not take.")
        response = await self._beel.send(
            _bulk_call(CREATE_CUSTOMERS, rows, dry_run=False, idempotency_key=idempotency_key)
        )
        return bulk.read_creation(response, rows)

    async def template(self) -> CustomerTemplate:
        """Read the CSV template: POST /customers/templates/csv or GET /templates/customer-import.

        Raises:
            UnknownOutcomeError: what came is no such template.
        """
        template: CustomerTemplate = (await self._beel.send(Call(GET_TEMPLATE))).data
        return template

    wire_problems = staticmethod(bodies.wire_problems)


def _read_one(response: ApiResponse, customer_id: str, changes: Changes | None = None) -> Customer:
    customer = response.read_as(Customer)
    if customer.id.lower() != customer_id.lower():
        raise response.unexpected("BeeL answered with another customer than the one asked for.")
    # BeeL may write a value its own way; another value it may not.
    if changes and not shows(customer, changes, roughly=True):
        raise response.unexpected("BeeL's answer does not show the customer as it was to be.")
    return customer


def _bulk_call(
    endpoint: Endpoint, sent: Rows, *, dry_run: bool, idempotency_key: str | None = None
) -> Call:
    if not 1 <= len(sent) <= MOST_ROWS:
        raise InternalError(f"A bulk request takes 1 to {MOST_ROWS} rows.")
    return Call(
        endpoint,
        query={"dry_run": dry_run},
        body=lambda family: {"customers": [bodies.wire_row(row, family) for row in sent]},
        idempotency_key=idempotency_key,
    )


def read_template(response: Incoming, endpoint: Endpoint, family: Family) -> ApiResponse:
    """Give the template; the data is a CustomerTemplate.

    Raises:
        ApiError: BeeL refused, or what came is no CSV text with a header.
    """
    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    if response.status != 200 or response.fault or kind != "text/csv":
        refusal = responses.read(response, endpoint, family)
        raise refusal.unexpected("BeeL answered with something else than a CSV template.")
    # Half a list is a list: where nothing marks its end, nobody can tell that it is whole.
    is_marked = not response.headers.keys().isdisjoint(("content-length", "transfer-encoding"))
    template = _template(response.body or b"") if is_marked else None
    opened = ApiResponse(endpoint, family, response.status, template, None)
    if template is None:
        raise opened.unexpected("BeeL's CSV template does not hold a header that can be read.")
    return opened


def _template(content: bytes) -> CustomerTemplate | None:
    inside = content.removeprefix(BOM_UTF8).lstrip()
    if len(content) > CAP_BYTES or b"\0" in content or inside.startswith(_NO_TABLES):
        return None
    try:
        text = content.decode("utf-8-sig")
        mark = max(_SEPARATORS, key=text.partition("\n")[0].count)
        header, *rows = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    except (ValueError, csv.Error):  # no text, no row at all, or quotes that do not pair up
        return None
    columns = tuple(clean(name, 60) for name in header)
    if not 1 < len(columns) <= _MOST_COLUMNS or not all(columns):
        return None
    return CustomerTemplate(content, columns, sum(any(map(str.strip, row)) for row in rows))
