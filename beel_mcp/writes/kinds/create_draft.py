"""Creates a draft invoice, once, and finds it again when the answer was lost.

BeeL keeps no draft unique, so each sending knows which drafts its customer had before: one that
is new, and says what was sent, is ours.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar, Final

from beel_mcp.api.invoice_lists import InvoiceFilter
from beel_mcp.api.models import Customer, Invoice, InvoiceLine, InvoiceTotals
from beel_mcp.api.new_draft import DraftLine, NewDraft, read_draft
from beel_mcp.cleaning import Said, joined, quoted
from beel_mcp.errors import BeelMcpError, ConflictError, InvalidRequestError
from beel_mcp.language import localized
from beel_mcp.settings import Language
from beel_mcp.writes.consent.statement import NAME_LIMIT, compose, day_of, money, named
from beel_mcp.writes.journal.plan import Affected, Preview, digest_of
from beel_mcp.writes.journal.records import Chunk, PlannedChunk, RowOutcome, WriteRow
from beel_mcp.writes.journal.remarks import Remark
from beel_mcp.writes.kinds.draft_remarks import draft_remarks
from beel_mcp.writes.kinds.protocol import (
    Detail,
    Found,
    OutcomeWords,
    Write,
    WriteContext,
    refused_or_unknown,
)
from beel_mcp.writes.kinds.value_words import detail

MOST_DRAFTS: Final = 2000
_CENT: Final = Decimal("0.01")


class DraftCreation(Write):
    """One draft. The same draft is the same request, however its decimals were written.

    Without arguments it only finds what was sent before.
    """

    name = "create_draft_invoice"
    words: ClassVar = OutcomeWords("created", "draft invoice", "invoice_id", "refused")
    all_or_none = True
    may_change_key = True

    def __init__(self, context: WriteContext, arguments: Mapping[str, Any]) -> None:
        super().__init__(context, arguments)
        self._known: Sequence[Invoice] = ()  # the drafts that the customer has already

    @property
    def draft(self) -> NewDraft:
        return read_draft(self.arguments)

    @property
    def request(self) -> str:
        return digest_of(self.draft.body())

    async def preview(self) -> Preview:
        """Show whom the draft is for, and what it comes to.

        Raises:
            BeelMcpError: the customer cannot be read.
        """
        draft = self.draft
        customer = await self.beel.customers.get(draft.customer_id)
        facts = {
            "type": draft.type,
            "lines": str(len(draft.lines)),
            "first": draft.lines[0].description,
            "base": f"{draft.base:.2f}",
            "date": draft.day.isoformat() if draft.day else "",
        }
        other = customer.alternative_id
        nif = customer.nif or (other.number if other else "")
        state = digest_of([customer.legal_name, nif])  # what a person knows them by
        affected = Affected(customer.id, customer.legal_name, nif, state, facts)
        await self.list_known()
        return Preview((affected,), (), {"draft": self.request}, self._doubts(customer))

    async def remarks(self) -> tuple[Remark, ...]:
        """Say what is doubtful about a draft that was made; what cannot be read is left out."""
        customer: Customer | None = None
        with suppress(BeelMcpError):
            customer = await self.beel.customers.get(self.draft.customer_id)
        return self._doubts(customer)

    def _doubts(self, customer: Customer | None) -> tuple[Remark, ...]:
        """Say what is doubtful; what BeeL takes as a foreign number today is asked when issuing."""
        found = draft_remarks(self.draft, customer, self._known, self._today)
        if customer is None or customer.nif or not customer.alternative_id:
            return found
        about = self.context.advice.remarks(customer.model_dump(), ("alternative_id",))
        return (*found, *about)

    @property
    def _today(self) -> date:
        return datetime.fromtimestamp(self.journal.time(), UTC).date()

    def statement(self, preview: Preview, environment: str, language: Language) -> str:
        [affected] = preview.affected
        is_simplified = affected.facts["type"] == "SIMPLIFIED"
        opening = localized(
            language,
            en=f"create 1 draft {'simplified ' if is_simplified else ''}invoice",
            es=f"crear 1 borrador de factura{' simplificada' if is_simplified else ''}",
        )
        ending = localized(language, en="It is not issued.", es="Queda sin emitir.")
        labels = [_label(affected, language)]
        return compose(environment, opening, preview, [ending], language, labels=labels)

    def details(self, affected: Affected, language: Language) -> Sequence[Detail]:
        facts = affected.facts
        return [
            detail("first_line", facts["first"], language),
            detail("lines", facts["lines"], language),
            detail("base", money(Decimal(facts["base"]), language), language),
            detail("date", _day_words(facts["date"], language), language),
        ]

    async def list_known(self) -> None:
        """Note the drafts that the customer has now: what is new after the request is ours.

        Raises:
            BeelMcpError: they cannot be listed, or are too many.
        """
        self._known = await self._drafts_of(self.draft.customer_id)

    def chunks(self, _: Preview | None = None) -> list[PlannedChunk]:
        name = self.draft.lines[0].description
        known = [invoice.id.lower() for invoice in self._known]
        payload = {"draft": dict(self.arguments), "known": known}
        return [PlannedChunk([WriteRow(1, payload, name=name)])]

    async def send(self, chunk: Chunk, rows: Sequence[WriteRow]) -> list[RowOutcome]:
        """Send the draft; what counts is what BeeL keeps, if it can be read now."""
        [row] = rows
        try:
            invoice = await self.beel.invoices.create_draft(
                _draft_in(row), idempotency_key=chunk.idempotency_key
            )
        except (InvalidRequestError, ConflictError) as error:
            raise refused_or_unknown(chunk, error) from error
        with suppress(BeelMcpError):
            invoice = await self.beel.invoices.get(invoice.id)
        return [_outcome(invoice, _draft_in(row))]

    async def find(self, chunk: Chunk, rows: Sequence[WriteRow]) -> Found:
        """Look among the drafts that are new: one is ours, several say nothing."""
        [row] = rows
        draft, known = _draft_in(row), set(row.payload["known"])
        drafts = await self._drafts_of(draft.customer_id)
        new = [
            await self.beel.invoices.get(listed.id)
            for listed in drafts
            if listed.id.lower() not in known
        ]
        found = [invoice for invoice in new if is_made_of(invoice, draft)]
        if len(found) > 1:
            return Found("mixed", {row.number: RowOutcome("unknown", is_found=True)})
        if not found:
            return Found("none")
        return Found("all", {row.number: _outcome(found[0], draft)})

    async def _drafts_of(self, customer_id: str) -> list[Invoice]:
        drafts = InvoiceFilter(("DRAFT",), customer_id=customer_id)
        listed = self.beel.invoices.list_all(drafts, most=MOST_DRAFTS)
        return [invoice async for invoice in listed]


def invoice_facts(invoice: Invoice, draft: NewDraft) -> dict[str, str]:
    """Give what an answer tells of a draft, as BeeL has it; the work's date if one was given."""
    worked = draft.day and (invoice.operation_date or draft.day)
    return {
        **({"work_date": worked.isoformat()} if worked else {}),
        "invoice_id": invoice.id,
        "invoice_status": invoice.status,
        "date": invoice.issue_date.isoformat(),
        "amount": f"{invoice.totals.total:.2f}",
        "made_of": _made_of(invoice.totals),
    }


def is_made_of(invoice: Invoice, draft: NewDraft) -> bool:
    """Tell whether an invoice says what was sent."""
    return (
        invoice.type == draft.type
        and len(invoice.lines) == len(draft.lines)
        and all(map(_is_line, invoice.lines, draft.lines))
    )


def _draft_in(row: WriteRow) -> NewDraft:
    return read_draft(row.payload["draft"])


def _outcome(invoice: Invoice, draft: NewDraft) -> RowOutcome:
    name = invoice.recipient.legal_name or ""
    facts = invoice_facts(invoice, draft)
    return RowOutcome("done", record_id=invoice.id, name=name, facts=facts)


def _made_of(totals: InvoiceTotals) -> str:
    """Say what the total is made of: a rate that was meant otherwise shows here."""
    parts = [
        f"base {totals.taxable_base:.2f}",
        f"tax {totals.total_tax + totals.total_surcharge:.2f}",
    ]
    return ", ".join([*parts, f"withheld {totals.total_irpf:.2f}"] if totals.total_irpf else parts)


def _is_line(line: InvoiceLine, sent: DraftLine) -> bool:
    """Compare text, quantity and price; BeeL may keep fewer decimals than it was given."""
    return (
        (line.description or "").strip() == sent.description.strip()
        and _cents(line.quantity) == _cents(sent.quantity)
        and _cents(line.unit_price) == _cents(sent.unit_price)
    )


def _cents(value: Decimal | None) -> Decimal:
    return (value or Decimal()).quantize(_CENT)


def _label(affected: Affected, language: Language) -> str:
    facts = affected.facts
    more = int(facts["lines"]) - 1
    others = localized(
        language,
        en=f" and {more} more line{'' if more == 1 else 's'}",
        es=f" y {more} línea{'' if more == 1 else 's'} más",
    )
    base = money(Decimal(facts["base"]), language)
    return joined(
        named(affected),
        Said(quoted(facts["first"], NAME_LIMIT) + (others if more else "")),
        Said(_day_words(facts["date"], language)),
        Said(localized(language, en=f"{base} before taxes", es=f"{base} sin impuestos")),
    )


def _day_words(day: str, language: Language) -> str:
    if not day:
        return localized(language, en="dated by BeeL", es="la fecha la pone BeeL")
    said = day_of(date.fromisoformat(day), language)
    return localized(language, en=f"date of the work {said}", es=f"fecha de la operación {said}")
