"""Operations on invoices: one short method each."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

from beel_mcp.api import invoice_lists
from beel_mcp.api.invoice_lists import Beel, InvoiceFilter, InvoiceLists, InvoicePage
from beel_mcp.api.invoice_models import Invoice, InvoiceOwnersData
from beel_mcp.api.models import DeletedData
from beel_mcp.api.routes import DELETE_INVOICE, GET_INVOICE, LIST_INVOICES, Call

_EVERY: Final = InvoiceFilter()


class InvoicesApi:
    """Invoices of the active company."""

    def __init__(self, beel: Beel) -> None:
        self._beel = beel
        self._lists = InvoiceLists(beel)

    async def list(
        self, wanted: InvoiceFilter = _EVERY, *, page: int = 1, limit: int = 20
    ) -> InvoicePage:
        """List invoices: GET /invoices. Up to 100 to a page.

        Several statuses are one list even where BeeL takes one at a time: it is then in the
        order of the statuses. An invoice may move between two calls.

        Raises:
            UnknownOutcomeError: the answer holds something else than was asked for.

        """
        return await self._lists.page(wanted, page, limit)

    def list_all(self, wanted: InvoiceFilter = _EVERY, *, most: int) -> AsyncIterator[Invoice]:
        """Walk through all invoices of a list, each once; only a walk to its end is complete.

        Raises:
            CallerError: there are more than `most` (too_many_invoices).
            UnknownOutcomeError: the list changed meanwhile (list_moved, worth another try), or
                the answer holds something else than was asked for.

        """
        return self._lists.all(wanted, most)

    async def get(self, invoice_id: str) -> Invoice:
        """Read an invoice: GET /invoices/{invoice_id}.

        Raises:
            NotFoundError: there is none with this id.

        """
        answer = await self._beel.send(Call(GET_INVOICE, ids={"invoice_id": invoice_id}))
        invoice = answer.read_as(Invoice)
        if invoice.id.lower() != invoice_id.lower():
            raise answer.unexpected("BeeL answered with another invoice than the one asked for.")
        return invoice

    async def delete(self, invoice_id: str) -> None:
        """Delete a draft: DELETE /invoices/{invoice_id}. BeeL refuses anything else.

        Raises:
            NotFoundError: there is none with this id, or no longer.
            InvalidRequestError: it is not a draft (400, 422); the code is not fixed.
            ConflictError: the same, as a 409.

        """
        answer = await self._beel.send(Call(DELETE_INVOICE, ids={"invoice_id": invoice_id}))
        if answer.status != HTTPStatus.NO_CONTENT:
            answer.read_as(DeletedData)

    async def count_for(self, customer_id: str) -> int:
        """Count the invoices of a customer, drafts and proformas too: GET /invoices, one row.

        Raises:
            UnknownOutcomeError: the answer is not about this customer, or counts badly.

        """
        answer = await self._beel.send(
            Call(LIST_INVOICES, query={"customer_id": (customer_id,), "limit": 1})
        )
        data = answer.read_as(InvoiceOwnersData)
        if any(invoice_lists.is_anothers(invoice, customer_id) for invoice in data.invoices):
            raise answer.unexpected("BeeL answered with the invoices of another customer.")
        if data.pagination.total_items < len(data.invoices):
            raise answer.unexpected("BeeL counts fewer invoices than it shows.")
        return data.pagination.total_items
