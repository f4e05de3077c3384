"""Deletes draft invoices for good: BeeL never gives one back."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar, Final

from beel_mcp.api.models import Invoice
from beel_mcp.cleaning import Said, joined, one_word, quoted
from beel_mcp.errors import ConflictError, InvalidRequestError, NotFoundError
from beel_mcp.language import localized
from beel_mcp.settings import Language
from beel_mcp.writes.consent.statement import NAME_LIMIT, compose, day_of, money
from beel_mcp.writes.journal.plan import Affected, LeftOut, LeftOutCode, Preview, digest_of
from beel_mcp.writes.journal.records import Chunk, RowOutcome, WriteRow
from beel_mcp.writes.kinds.protocol import (
    Change,
    Detail,
    OutcomeWords,
    WriteContext,
    for_each_limited,
    unique_ids,
)
from beel_mcp.writes.kinds.value_words import invoice_details

_ISSUED: Final = "An issued invoice is never deleted: the person voids it in BeeL, or issues a"


class DraftDeletion(Change):
    """Some invoices; those that are drafts are to be deleted. There is no bulk route."""

    name = "delete_draft_invoice"
    words: ClassVar = OutcomeWords(
        "deleted",
        "invoice",
        "invoice_id",
        remedies={
            "issued": f"{_ISSUED} corrective one.",
            "issued_meanwhile": f"It was issued meanwhile. {_ISSUED} corrective one.",
            "scheduled": "It issues itself on its date; the person can make it a draft in BeeL.",
            "voided": "Nothing to do: it is void, and stays in the records.",
            "rectified": "Nothing to do: a corrective invoice has replaced it.",
            "proforma": "A proforma is no draft invoice; the person can delete it in BeeL.",
            "not_found": "find_invoices with status DRAFT gives the ids of drafts.",
            "not_done": "Ask for it again if the person still wants it.",
        },
    )

    def __init__(self, context: WriteContext, arguments: Mapping[str, Any]) -> None:
        self._ids = unique_ids(arguments.get("invoice_ids", ()))
        super().__init__(context, {"invoice_ids": self._ids})

    async def preview(self) -> Preview:
        affected: dict[str, Affected] = {}
        left_out: dict[str, LeftOut] = {}

        async def read(record_id: str) -> None:
            try:
                invoice = await self.beel.invoices.get(record_id)
            except (NotFoundError, InvalidRequestError):
                left_out[record_id] = LeftOut(record_id, "", "not_found")
                return
            if invoice.is_draft:
                affected[record_id] = _affected(record_id, invoice)
            else:
                left_out[record_id] = _left_out(record_id, invoice)

        await for_each_limited(read, self._ids)
        return Preview(
            tuple(affected[record_id] for record_id in self._ids if record_id in affected),
            tuple(left_out[record_id] for record_id in self._ids if record_id in left_out),
        )

    def statement(self, preview: Preview, environment: str, language: Language) -> str:
        number = len(preview.affected)
        drafts_en = f"draft invoice{'' if number == 1 else 's'}"
        drafts_es = f"borrador{'' if number == 1 else 'es'} de factura"
        opening = localized(
            language,
            en=f"delete {number} {drafts_en} for good",
            es=f"eliminar definitivamente {number} {drafts_es}",
        )
        undo = localized(language, en="This cannot be undone.", es="No se puede deshacer.")
        labels = [_label(draft, language) for draft in preview.affected]
        ending = [_proformas(preview, language), undo]
        return compose(environment, opening, preview, ending, language, labels=labels)

    def details(self, affected: Affected, language: Language) -> Sequence[Detail]:
        return invoice_details(affected, language)

    def requests(self, preview: Preview) -> list[Sequence[Affected]]:
        return [[affected] for affected in preview.affected]

    def row(self, number: int, affected: Affected) -> WriteRow:
        return WriteRow(number, {}, affected.record_id, affected.name, affected.identifier)

    async def send(self, chunk: Chunk, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        return [await self._delete(row.record_id) for row in rows]

    async def find_row(self, row: WriteRow) -> RowOutcome | None:
        """Read an invoice: gone, still a draft, or issued meanwhile."""
        try:
            invoice = await self.beel.invoices.get(row.record_id)
        except NotFoundError:
            return RowOutcome("done")
        if invoice.is_draft:
            return None
        status = f"Its status is {one_word(invoice.status, 20)}."
        return RowOutcome("failed", "issued_meanwhile", status)

    async def _delete(self, invoice_id: str) -> RowOutcome:
        try:
            await self.beel.invoices.delete(invoice_id)
        except NotFoundError as error:  # the preview right before this saw it there
            return RowOutcome("done", "not_found", request_id=error.request_id)
        except (ConflictError, InvalidRequestError) as error:
            return RowOutcome("failed", error.code, error.message, error.request_id)
        return RowOutcome("done")


def _affected(record_id: str, invoice: Invoice) -> Affected:
    who = invoice.recipient
    facts = {"date": invoice.issue_date.isoformat(), "total": f"{invoice.totals.total:.2f}"}
    if invoice.source_proforma_id:
        facts["proforma"] = "yes"
    return Affected(
        record_id=record_id,
        name=who.legal_name or who.trade_name or "",
        identifier=invoice.number or "",
        state=digest_of(invoice.model_dump(mode="json", exclude={"has_pdf"})),
        facts=facts,
    )


def _left_out(record_id: str, invoice: Invoice) -> LeftOut:
    """Say why an invoice stays: by type for proformas, else by status."""
    who = invoice.recipient
    code: LeftOutCode = (
        "proforma" if invoice.type == "PROFORMA" else _CODES.get(invoice.status, "issued")
    )
    message = f"Its status is {one_word(invoice.status, 20)}."
    return LeftOut(record_id, who.legal_name or "", code, message, invoice.number or "")


def _label(draft: Affected, language: Language) -> str:
    number = one_word(draft.identifier, 40) if draft.identifier else None
    name = quoted(draft.name, NAME_LIMIT) if draft.name else None
    return joined(
        number or Said(localized(language, en="no number", es="sin número")),
        name or Said(localized(language, en="no customer", es="sin cliente")),
        Said(day_of(date.fromisoformat(draft.facts["date"]), language)),
        Said(money(Decimal(draft.facts["total"]), language)),
    )


def _proformas(preview: Preview, language: Language) -> str:
    number = sum("proforma" in draft.facts for draft in preview.affected)
    if not number:
        return ""
    return localized(
        language,
        en=f"{number} came from a proforma, which becomes active again."
        if number == 1
        else f"{number} came from proformas, which become active again.",
        es=f"{number} procede de una proforma, que volverá a estar activa."
        if number == 1
        else f"{number} proceden de proformas, que volverán a estar activas.",
    )


_CODES: Final[Mapping[str, LeftOutCode]] = {
    "SCHEDULED": "scheduled",
    "VOIDED": "voided",
    "RECTIFIED": "rectified",
    "DRAFT": "not_found",  # one that was deleted before
}
