"""Operations on invoices: one short method each."""

import re
from collections.abc import AsyncIterator, Sequence
from http import HTTPStatus
from typing import Final, Protocol

from beel_mcp.api import invoice_lists
from beel_mcp.api import zip as archives
from beel_mcp.api.http.responses import ApiResponse
from beel_mcp.api.http.wire import Sink
from beel_mcp.api.invoice_lists import InvoiceFilter, InvoiceLists, InvoicePage
from beel_mcp.api.models import DeletedData, Invoice, InvoiceOwnersData
from beel_mcp.api.new_draft import NewDraft
from beel_mcp.api.routes import (
    CREATE_INVOICE,
    DELETE_INVOICE,
    DOWNLOAD_INVOICES,
    GET_INVOICE,
    LIST_INVOICES,
    Call,
)
from beel_mcp.api.zip import ZipAnswer
from beel_mcp.errors import CallerError, InternalError, InvalidRequestError, TooLargeError

MOST_IN_ZIP: Final = 500  # that any contract lets through; ask zip_chunk_size() for less
_CHUNKS: Final = {"flat": 20, "company": 100}
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EVERY: Final = InvoiceFilter()


class Beel(invoice_lists.Beel, Protocol):
    """Whoever can send a call, and can take a ZIP in."""

    async def download(self, call: Call, sink: Sink) -> ApiResponse:
        """Send a call that is answered with a ZIP, and write that to the sink."""
        ...


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

    async def create_draft(self, draft: NewDraft, *, idempotency_key: str) -> Invoice:
        """Create a draft, which issues nothing: POST /invoices.

        Raises:
            InvalidRequestError: BeeL does not take it (400, 422).
            ConflictError: the key was used before, or its first request is not over.
            UnknownOutcomeError: no answer that can be trusted, or another invoice's.

        """
        call = Call(CREATE_INVOICE, body=lambda _: draft.body(), idempotency_key=idempotency_key)
        answer = await self._beel.send(call)
        invoice = answer.read_as(Invoice)
        if invoice_lists.is_anothers(invoice, draft.customer_id):
            raise answer.unexpected("BeeL answered with an invoice of another customer.")
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

    async def zip_chunk_size(self) -> int:
        """Tell how many invoices to ask for at once: 20 on flat routes, 100 on company routes."""
        return _CHUNKS[(await self._beel.active_company()).family]

    async def download_zip(self, invoice_ids: Sequence[str], sink: Sink) -> ZipAnswer:
        """Write a ZIP of PDFs to the sink: POST /invoices/bulk/pdf or /invoices/pdf-archive.

        BeeL leaves out without a word what it has no PDF of. The ZIP is whole at both ends and
        at most 50 MB; what is in it has not been looked at. After an error the sink is as before.

        Raises:
            NoPdfError: BeeL has a PDF of none of them.
            TooLargeError: BeeL, or we, do not take that much at once: ask for half of it.
            UnknownOutcomeError: no whole ZIP came, three times.
            OSError: the sink takes no more.

        """
        ids = tuple(invoice_ids)
        if len({invoice_id.lower() for invoice_id in ids}) != len(ids):
            raise InternalError("A ZIP is asked to hold an invoice twice.")
        if not 1 <= len(ids) <= MOST_IN_ZIP:
            raise InternalError(f"A ZIP takes 1 to {MOST_IN_ZIP} invoices.")
        if not all(map(_UUID.fullmatch, ids)):
            raise CallerError("invoice_ids must be ids as BeeL gives them.")
        call = Call(DOWNLOAD_INVOICES, body=lambda _: {"invoice_ids": ids})
        try:
            answer = await self._beel.download(call, sink)
        except (InvalidRequestError, TooLargeError) as error:
            raise archives.explained(error, len(ids)) from None
        beside: ZipAnswer = answer.data
        return archives.about(beside, ids)

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
