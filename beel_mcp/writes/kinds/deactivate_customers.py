"""Deletes customers for good, or marks them as inactive."""

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Final

from beel_mcp.api.customers import MOST_DELETED
from beel_mcp.api.models import Customer
from beel_mcp.errors import ConflictError, InvalidRequestError, NotFoundError
from beel_mcp.language import localized
from beel_mcp.settings import Language
from beel_mcp.writes.consent.statement import again_words, compose, inactive_es
from beel_mcp.writes.journal.plan import Affected, LeftOut, LeftOutCode, Preview, digest_of
from beel_mcp.writes.journal.records import Chunk, RowOutcome, Verdict, WriteRow
from beel_mcp.writes.kinds.protocol import (
    Change,
    OutcomeWords,
    WriteContext,
    for_each_limited,
    unique_ids,
)

IDS_IN_A_REQUEST: Final = MOST_DELETED
# More than this many are found in the list of all customers, and their invoices not counted.
READ_ONE_BY_ONE: Final = 10
_VERDICTS: Final[Mapping[str, Verdict]] = {
    "deleted": "done",
    "not_found": "done",
    "unknown": "unknown",
}


# What BeeL does not delete, and never will while it is so.
_BILLED: Final = ("has_invoices", "has_recurring_invoice")


class CustomerDeactivation(Change):
    """Some customers, to be deleted or marked as inactive."""

    name = "deactivate_customers"
    words: ClassVar = OutcomeWords(
        "deactivated",
        "customer",
        "customer_id",
        remedies={
            "has_invoices": "BeeL does not delete customers with invoices; mode inactive works for"
            " them.",
            "has_recurring_invoice": "BeeL does not delete customers whom a recurring invoice is"
            " for: the person ends or changes that one in BeeL first.",
            "not_found": "find_customers gives the ids of customers that exist.",
            "already_inactive": "There is nothing to do.",
            "not_done": "Ask for it again if the person still wants it.",
        },
    )

    @classmethod
    def removes(cls, terms: Mapping[str, str]) -> bool:
        """Tell whether BeeL deletes with these terms; the legacy generation marks as inactive."""
        return terms.get("mode") == "delete" and terms.get("generation") != "legacy"

    @classmethod
    def words_of(cls, terms: Mapping[str, str]) -> OutcomeWords:
        done = "deleted" if terms.get("mode") == "delete" else cls.words.done
        effect = "deleted for good" if cls.removes(terms) else "marked as inactive"
        return replace(cls.words, done=done, effect=effect)

    def __init__(self, context: WriteContext, arguments: Mapping[str, Any]) -> None:
        self._ids = unique_ids(arguments.get("customer_ids", ()))
        self._mode = arguments.get("mode", "delete")
        super().__init__(context, {"customer_ids": self._ids, "mode": self._mode})
        self._customers: dict[str, Customer] = {}

    async def preview(self) -> Preview:
        """Read the customers, and for a few whether they have invoices."""
        few = len(self._ids) <= READ_ONE_BY_ONE
        found = {} if few else await self.beel.customers.list_all(set(self._ids))
        left_out: dict[str, LeftOut] = {}

        async def read(record_id: str) -> None:
            customer = found.get(record_id) or await self._read(record_id)
            if customer is None:
                left_out[record_id] = LeftOut(record_id, "", "not_found")
                return
            found[record_id] = customer
            if code := await self._refusal(customer, count_invoices=few):
                left_out[record_id] = LeftOut(record_id, customer.legal_name, code)

        await for_each_limited(read, self._ids)
        self._customers = found
        affected = [record_id for record_id in self._ids if record_id not in left_out]
        return Preview(
            tuple(_affected(record_id, found[record_id]) for record_id in affected),
            tuple(left_out[record_id] for record_id in self._ids if record_id in left_out),
            {
                "mode": self._mode,
                "generation": self.beel.generation_seen or "",
                "invoices": "counted" if few else "not counted",
            },
        )

    def statement(self, preview: Preview, environment: str, language: Language) -> str:
        opening, ending = _phrases(preview, language)
        return compose(environment, opening, preview, ending, language)

    def requests(self, preview: Preview) -> list[Sequence[Affected]]:
        """Divide them: 100 ids in one address to delete, one by one to mark."""
        size = IDS_IN_A_REQUEST if self._mode == "delete" else 1
        affected = preview.affected
        return [affected[start : start + size] for start in range(0, len(affected), size)]

    def row(self, number: int, affected: Affected) -> WriteRow:
        payload = {"mode": self._mode}
        return WriteRow(number, payload, affected.record_id, affected.name, affected.identifier)

    async def back_up(self, preview: Preview) -> str | None:
        if self._mode != "delete":
            return None
        customers = [self._customers[affected.record_id] for affected in preview.affected]
        return await self.context.save_backup(customers)

    async def send(self, chunk: Chunk, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        if self._mode == "inactive":
            return [await self._outcome(self._mark(row.record_id)) for row in rows]
        if len(self._ids) == 1:
            delete = self.beel.customers.delete
            return [await self._outcome(delete(row.record_id)) for row in rows]
        answer = await self.beel.customers.delete_bulk([row.record_id for row in rows])
        return [
            RowOutcome(
                _VERDICTS.get(row.status, "failed"),
                row.status if row.status in _BILLED else row.code or "",
                row.message,
                answer.request_id,
            )
            for row in answer.rows
        ]

    async def find_row(self, row: WriteRow) -> RowOutcome | None:
        """Read a customer: gone, or inactive where that is what was asked for."""
        mode = row.payload["mode"]
        customer: Customer | None
        try:
            customer = await self.beel.customers.get(row.record_id)
        except NotFoundError:
            customer = None
        keeps = mode == "inactive" or self.beel.generation_seen == "legacy"
        if customer is None:
            # Its plan saw it alive: somebody has deleted it, and most likely we have.
            return RowOutcome("done") if mode == "delete" else RowOutcome("failed", "not_found")
        return RowOutcome("done") if keeps and not customer.active else None

    async def _mark(self, record_id: str) -> None:
        await self.beel.customers.update_fields(record_id, {"active": False})

    async def _outcome(self, request: Awaitable[None]) -> RowOutcome:
        try:
            await request
        except NotFoundError as error:
            if self._mode == "delete":  # the preview right before this saw it alive
                return RowOutcome("done", "not_found", request_id=error.request_id)
            return RowOutcome("failed", "not_found", request_id=error.request_id)
        except (ConflictError, InvalidRequestError) as error:
            return RowOutcome("failed", _code_of(error), error.message, error.request_id)
        return RowOutcome("done")

    async def _read(self, record_id: str) -> Customer | None:
        """Read a customer; an id that BeeL does not take is nobody's."""
        try:
            return await self.beel.customers.get(record_id)
        except (NotFoundError, InvalidRequestError):
            return None

    async def _refusal(self, customer: Customer, *, count_invoices: bool) -> LeftOutCode | None:
        """Say why a customer stays as it is: what BeeL would refuse, or what is so already."""
        if self._mode == "inactive":
            return None if customer.active else "already_inactive"
        if not customer.active and self.beel.generation_seen == "legacy":
            return "already_inactive"
        if count_invoices and await self.beel.invoices.count_for(customer.id):
            return "has_invoices"
        return None


def _code_of(error: ConflictError | InvalidRequestError) -> str:
    """Name what keeps a customer, in one word for both generations."""
    if "INVOICE" not in error.code:
        return error.code
    return "has_recurring_invoice" if "RECURRING" in error.code else "has_invoices"


def _affected(record_id: str, customer: Customer) -> Affected:
    number = customer.alternative_id.number if customer.alternative_id else ""
    return Affected(
        record_id=record_id,
        name=customer.legal_name,
        identifier=customer.nif or number,
        state=digest_of(customer.model_dump(mode="json")),
    )


def _phrases(preview: Preview, language: Language) -> tuple[str, list[str]]:
    """Give the verb with its object, and what has to be known about its end."""
    number = len(preview.affected)
    is_single = number == 1
    customers = localized(
        language,
        en=f"{number} customer{'' if is_single else 's'}",
        es=f"{number} cliente{'' if is_single else 's'}",
    )
    refuses = (
        localized(
            language,
            en="BeeL will refuse those that have invoices.",
            es="BeeL dejará como están los que tengan facturas.",
        )
        if preview.terms["invoices"] == "not counted"
        else ""
    )
    if preview.terms["mode"] == "inactive":
        en = f"mark {customers} as inactive"
        return localized(language, en=en, es=inactive_es(number)), [again_words(number, language)]
    if preview.terms["generation"] == "legacy":
        them = "it" if is_single else "them"
        en = f"mark {customers} as inactive (BeeL keeps {them}, with the NIF)"
        es = f"{inactive_es(number)} (BeeL {'lo' if is_single else 'los'} conserva, con su NIF)"
        return localized(language, en=en, es=es), [refuses]
    undo = localized(
        language, en="A deletion cannot be undone.", es="La eliminación no se puede deshacer."
    )
    en = f"delete {customers} for good and free {'its NIF' if is_single else 'their NIFs'}"
    es = f"eliminar definitivamente {customers} y liberar {'su' if is_single else 'sus'} NIF"
    return localized(language, en=en, es=es), [undo, refuses]
