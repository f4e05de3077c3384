"""Operations on customers: one short method each."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from beel_mcp.api import bulk, rows
from beel_mcp.api.bulk import BulkCreation, BulkReport
from beel_mcp.api.identity import Sends
from beel_mcp.api.models import Customer, CustomersData
from beel_mcp.api.routes import (
    CREATE_CUSTOMERS,
    GET_CUSTOMER,
    LIST_CUSTOMERS,
    VALIDATE_CUSTOMERS,
    Call,
    Family,
    Operation,
)
from beel_mcp.errors import FieldError, InternalError

MOST_ROWS: Final = 500
_IDEMPOTENCY_KEY: Final = re.compile(r"[a-zA-Z0-9_-]{1,255}")
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class CustomerPage:
    """One page of a list, and how many there are in all."""

    items: tuple[Customer, ...]
    total: int
    page: int
    has_more: bool


class CustomersApi:
    """Customers of the active company."""

    def __init__(self, beel: Sends) -> None:
        self._beel = beel

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
    ) -> CustomerPage:
        """List customers: GET /customers. Without `active`, BeeL decides."""
        query = {"page": page, "limit": limit, "active": active}
        texts = {"search": search, "nif": nif, "email": email, "city": city}
        answer = await self._beel.send(Call(LIST_CUSTOMERS, query={**query, **texts}))
        data = answer.read_as(CustomersData)
        return CustomerPage(
            data.customers,
            data.pagination.total_items,
            data.pagination.current_page,
            data.pagination.has_more,
        )

    async def get(self, customer_id: str) -> Customer:
        """Read a customer: GET /customers/{customer_id}.

        Raises:
            NotFoundError: there is none with this id.

        """
        answer = await self._beel.send(Call(GET_CUSTOMER, ids={"customer_id": customer_id}))
        customer = answer.read_as(Customer)
        if customer.id.lower() != customer_id.lower():
            raise answer.unexpected("BeeL answered with another customer than the one asked for.")
        return customer

    async def validate_bulk(self, rows: Rows) -> BulkReport:
        """Check up to 500 customers without writing: POST /customers/bulk?dry_run=true.

        Raises:
            DryRunNotHonouredError: the answer does not say that nothing was written.

        """
        # No idempotency key: bound to the body alone, it would make the creation replay this.
        answer = await self._beel.send(_bulk_call(VALIDATE_CUSTOMERS, rows, dry_run=True))
        return bulk.read_report(answer, len(rows))

    async def create_bulk(self, rows: Rows, *, idempotency_key: str) -> BulkCreation:
        """Create up to 500 customers, all or none: POST /customers/bulk?dry_run=false.

        Raises:
            UnknownOutcomeError: the answer does not say that exactly these were created.

        """
        if not _IDEMPOTENCY_KEY.fullmatch(idempotency_key):
            raise InternalError("An idempotency key has a form that BeeL does not take.")
        answer = await self._beel.send(
            _bulk_call(CREATE_CUSTOMERS, rows, dry_run=False, idempotency_key=idempotency_key)
        )
        return bulk.read_creation(answer, rows)

    def wire_problems(self, row: Mapping[str, Any], family: Family) -> tuple[FieldError, ...]:
        """Say what in a row breaks the schema of the family's requests."""
        return rows.wire_problems(row, family)


def _bulk_call(
    operation: Operation, sent: Rows, *, dry_run: bool, idempotency_key: str | None = None
) -> Call:
    if not 1 <= len(sent) <= MOST_ROWS:
        raise InternalError(f"A bulk request takes 1 to {MOST_ROWS} rows.")
    return Call(
        operation,
        query={"dry_run": dry_run},
        body=lambda family: {"customers": [rows.wire_row(row, family) for row in sent]},
        idempotency_key=idempotency_key,
    )
