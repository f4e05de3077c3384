"""Operations on invoices: one short method each."""

import builtins
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO, Final

from beel_mcp.api import invoice_lists
from beel_mcp.api import zip as zips
from beel_mcp.api.company import Client
from beel_mcp.api.invoice_lists import PAGE_SIZE, InvoiceFilter, InvoiceLists
from beel_mcp.api.models import (
    DeletedData,
    Invoice,
    InvoiceOwner,
    InvoiceOwnersData,
    RecordPage,
)
from beel_mcp.api.new_draft import NewDraft
from beel_mcp.api.routes import (
    CREATE_INVOICE,
    DELETE_INVOICE,
    DOWNLOAD_INVOICES,
    GET_INVOICE,
    GET_PDF,
    LIST_INVOICES,
    Call,
)
from beel_mcp.api.zip import ZipAnswer
from beel_mcp.errors import (
    CallerError,
    InternalError,
    InvalidRequestError,
    TooLargeError,
    UnknownOutcomeError,
)

MOST_IN_ZIP: Final = 500  # that any contract lets through; ask zip_chunk_size() for less
_CHUNKS: Final = {"flat": 20, "company": 100}
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EVERY: Final = InvoiceFilter()
_MOST_WALKED: Final = 20_000  # beyond, a walk through all of them is no answer in time


@dataclass(frozen=True)
class PdfState:
    """Whether there is a PDF; if not, after how many seconds to ask again, where BeeL says it."""

    is_there: bool
    retry_after_s: int | None = None


class InvoicesApi:
    """Invoices of the active company."""

    def __init__(self, beel: Client) -> None:
        self._beel = beel
        self._lists = InvoiceLists(beel)

    async def list(
        self, wanted: InvoiceFilter = _EVERY, *, page: int = 1, limit: int = 20
    ) -> RecordPage[Invoice]:
        """List invoices: GET /invoices. Up to 100 to a page.

        Several statuses are one list even where BeeL takes one at a time: it is then in the
        order of the statuses. An invoice may move between two calls.

        Raises:
            UnknownOutcomeError: the answer holds something else than was asked for.
        """
        return await self._lists.page(wanted, page, limit)

    async def parts(self, wanted: InvoiceFilter) -> builtins.list[InvoiceFilter]:
        """Part a filter where BeeL takes one status at a time: the lists, one after the other."""
        return await self._lists.parts(wanted)

    def list_all(self, wanted: InvoiceFilter = _EVERY, *, most: int) -> AsyncIterator[Invoice]:
        """Walk through all invoices of a list, each once; only a walk to its end is complete.

        Raises:
            CallerError: there are more than `most` (too_many_invoices).
            UnknownOutcomeError: the list changed meanwhile (list_moved, worth another try), or
                the answer holds something else than was asked for.
        """
        return self._lists.all(wanted, most)

    async def walk(self, number: int, at_once: int) -> AsyncIterator[Invoice]:
        """Walk through all invoices for the sake of `number` of them, as far as that gets.

        Nowhere if so many are read singly in fewer rounds, `at_once` at a time; not to the end if
        the list grows or moves meanwhile. What was not met is to be read singly.

        Raises:
            UnknownOutcomeError: the answer holds something else than was asked for.
        """
        total = (await self.list(limit=1)).total
        if total > _MOST_WALKED or total / PAGE_SIZE > number / at_once:
            return
        try:
            async for invoice in self.list_all(most=_MOST_WALKED):
                yield invoice
        except CallerError:
            return
        except UnknownOutcomeError as error:
            if error.code != "list_moved":
                raise

    async def get(self, invoice_id: str) -> Invoice:
        """Read an invoice: GET /invoices/{invoice_id}.

        Raises:
            NotFoundError: there is none with this id.
        """
        response = await self._beel.send(Call(GET_INVOICE, ids={"invoice_id": invoice_id}))
        invoice = response.read_as(Invoice)
        if invoice.id.lower() != invoice_id.lower():
            raise response.unexpected("BeeL answered with another invoice than the one asked for.")
        return invoice

    async def create_draft(self, draft: NewDraft, *, idempotency_key: str) -> Invoice:
        """Create a draft, which issues nothing: POST /invoices.

        Raises:
            InvalidRequestError: BeeL does not take it (400, 422).
            ConflictError: the key was used before, or its first request is not over.
            UnknownOutcomeError: no answer that can be trusted, or another invoice's.
        """
        call = Call(CREATE_INVOICE, body=lambda _: draft.body(), idempotency_key=idempotency_key)
        response = await self._beel.send(call)
        invoice = response.read_as(Invoice)
        if invoice_lists.is_anothers(invoice, draft.customer_id):
            raise response.unexpected("BeeL answered with an invoice of another customer.")
        return invoice

    async def delete(self, invoice_id: str) -> None:
        """Delete a draft: DELETE /invoices/{invoice_id}. BeeL refuses anything else.

        Raises:
            NotFoundError: there is none with this id, or no longer.
            InvalidRequestError: it is not a draft (400, 422); the code is not fixed.
            ConflictError: the same, as a 409.
        """
        response = await self._beel.send(Call(DELETE_INVOICE, ids={"invoice_id": invoice_id}))
        if response.status != HTTPStatus.NO_CONTENT:
            response.read_as(DeletedData)

    async def find_pdf(self, invoice_id: str, *, wait_s: int) -> PdfState:
        """Ask whether there is a PDF: GET /invoices/{invoice_id}/pdf.

        BeeL waits up to so many seconds, and at most 10, for one that is being made. Where it
        is does not matter: PDFs come in ZIPs.

        Raises:
            NotFoundError: there is no such invoice.
            InvalidRequestError: it is a draft, or this BeeL has none and cannot say when.
        """
        response = await self._beel.send(
            Call(GET_PDF, ids={"invoice_id": invoice_id}, wait_s=max(0, wait_s))
        )
        is_there = response.status == HTTPStatus.OK
        return PdfState(is_there, None if is_there else response.retry_after_s)

    async def zip_chunk_size(self) -> int:
        """Tell how many invoices to ask for at once: 20 on flat routes, 100 on company routes."""
        return _CHUNKS[(await self._beel.active_company()).family]

    async def download_zip(self, invoice_ids: Sequence[str], file: BinaryIO) -> ZipAnswer:
        """Write a ZIP of PDFs to the file: POST /invoices/bulk/pdf or /invoices/pdf-archive.

        BeeL leaves out without a word what it has no PDF of. The ZIP is whole at both ends and
        at most 50 MB; what is in it has not been looked at. After an error the file is as before.

        Raises:
            NoPdfError: BeeL has a PDF of none of them.
            TooLargeError: BeeL, or we, do not take that much at once: ask for half of it.
            UnknownOutcomeError: no whole ZIP came, three times.
            OSError: the file takes no more.
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
            response = await self._beel.download(call, file)
        except (InvalidRequestError, TooLargeError) as error:
            raise zips.explain(error, len(ids)) from None
        beside: ZipAnswer = response.data
        return zips.keep_requested(beside, ids)

    async def list_owners(self, *, page: int, limit: int) -> RecordPage[InvoiceOwner]:
        """List whose the invoices are, drafts and proformas too: GET /invoices.

        Raises:
            UnknownOutcomeError: the answer holds something else than was asked for.
        """
        response = await self._beel.send(Call(LIST_INVOICES, query={"page": page, "limit": limit}))
        data = response.read_as(InvoiceOwnersData)
        pages = data.pagination
        if len(data.invoices) > limit or (pages.current_page != page and data.invoices):
            raise response.unexpected("BeeL answered with another page than the one asked for.")
        return RecordPage(data.invoices, pages.total_items, page, pages.has_more)

    async def count_for(self, customer_id: str) -> int:
        """Count the invoices of a customer, drafts and proformas too: GET /invoices, one row.

        Raises:
            UnknownOutcomeError: the answer is not about this customer, or counts badly.
        """
        call = Call(LIST_INVOICES, query={"customer_id": (customer_id,), "limit": 1})
        response = await self._beel.send(call)
        data = response.read_as(InvoiceOwnersData)
        if any(invoice_lists.is_anothers(invoice, customer_id) for invoice in data.invoices):
            raise response.unexpected("BeeL answered with the invoices of another customer.")
        if data.pagination.total_items < len(data.invoices):
            raise response.unexpected("BeeL counts fewer invoices than it shows.")
        return data.pagination.total_items
