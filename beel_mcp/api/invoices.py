"""Operations on invoices: one short method each."""

from beel_mcp.api.identity import Sends
from beel_mcp.api.models import InvoicesData
from beel_mcp.api.routes import LIST_INVOICES, Call


class InvoicesApi:
    """Invoices of the active company."""

    def __init__(self, beel: Sends) -> None:
        self._beel = beel

    async def count_for(self, customer_id: str) -> int:
        """Count the invoices of a customer, drafts and proformas too: GET /invoices, one row.

        Raises:
            UnknownOutcomeError: the answer is not about this customer, or counts badly.

        """
        answer = await self._beel.send(
            Call(LIST_INVOICES, query={"customer_id": (customer_id,), "limit": 1})
        )
        data = answer.read_as(InvoicesData)
        for invoice in data.invoices:
            owner = invoice.recipient and invoice.recipient.customer_id
            if owner and owner.lower() != customer_id.lower():
                raise answer.unexpected("BeeL answered with the invoices of another customer.")
        if data.pagination.total_items < len(data.invoices):
            raise answer.unexpected("BeeL counts fewer invoices than it shows.")
        return data.pagination.total_items
