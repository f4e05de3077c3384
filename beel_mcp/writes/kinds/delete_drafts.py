"""Deleting draft invoices: looked up, said, sent and looked after. BeeL never gives one back."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from beel_mcp.api.client import BeelClient
from beel_mcp.api.models import Invoice
from beel_mcp.cleaning import clean, quoted
from beel_mcp.errors import ConflictError, InvalidRequestError, NotFoundError, RouteRetiredError
from beel_mcp.language import localized
from beel_mcp.settings import Language
from beel_mcp.writes.consent.statement import NAME_LIMIT, compose, day_of, money
from beel_mcp.writes.journal.plan import Affected, LeftAlone, Look, digest_of
from beel_mcp.writes.journal.records import PlannedRow
from beel_mcp.writes.kinds.protocol import Outcome
from beel_mcp.writes.run.concurrency import at_once

KIND: Final = "delete_draft_invoice"


class DraftDeletion:
    """Some invoices; those that are drafts are to go."""

    kind = KIND

    def __init__(self, beel: BeelClient, arguments: Mapping[str, Any]) -> None:
        self._beel = beel
        ids = {one.lower(): one for one in arguments.get("invoice_ids", ())}
        self._ids = list(ids.values())
        self.terms: Mapping[str, Any] = {}
        self.arguments: Mapping[str, Any] = {"invoice_ids": self._ids}

    @property
    def request(self) -> Mapping[str, Any]:
        """The arguments, which are the same for the same request."""
        return self.arguments

    async def look(self) -> Look:
        """Read each invoice; what is no draft stays as it is."""
        affected: dict[str, Affected] = {}
        left: dict[str, LeftAlone] = {}

        async def read(record_id: str) -> None:
            try:
                invoice = await self._beel.invoices.get(record_id)
            except RouteRetiredError:
                raise
            except (NotFoundError, InvalidRequestError):
                left[record_id] = LeftAlone(record_id, "", "not_found")
                return
            if invoice.is_draft:
                affected[record_id] = _affected(record_id, invoice)
            else:
                left[record_id] = _refused(record_id, invoice)

        await at_once(read, self._ids)
        return Look(
            tuple(affected[one] for one in self._ids if one in affected),
            tuple(left[one] for one in self._ids if one in left),
        )

    def say(self, look: Look, place: str, language: Language) -> str:
        """Say which drafts would go, each as the person knows it."""
        one = len(look.affected) == 1
        number = len(look.affected)
        opening = localized(
            language,
            en=f"delete {number} draft invoice{'' if one else 's'} for good",
            es=f"eliminar definitivamente {number} borrador{'' if one else 'es'} de factura",
        )
        undo = localized(language, en="This cannot be undone.", es="No se puede deshacer.")
        labels = [_label(draft, language) for draft in look.affected]
        ending = [_proformas(look, language), undo]
        return compose(place, opening, look, ending, language, labels=labels)

    def parts(self, look: Look) -> list[Sequence[Affected]]:
        """Divide them: there is no bulk route."""
        return [[one] for one in look.affected]

    async def prepare(self, _: Look) -> str | None:
        """Keep nothing: a draft has no effect outside of BeeL."""
        return None

    async def send(self, rows: Sequence[PlannedRow]) -> list[Outcome]:
        """Delete them one by one."""
        return [await self._delete(_id(row)) for row in rows]

    async def check(self, row: PlannedRow) -> Outcome | None:
        """Read an invoice: gone, still a draft, or issued meanwhile."""
        try:
            invoice = await self._beel.invoices.get(_id(row))
        except RouteRetiredError:
            raise
        except NotFoundError:
            return Outcome("done")
        if invoice.is_draft:
            return None
        return Outcome("failed", "issued_meanwhile", f"Its status is {clean(invoice.status, 20)}.")

    async def _delete(self, invoice_id: str) -> Outcome:
        try:
            await self._beel.invoices.delete(invoice_id)
        except RouteRetiredError:
            raise
        except NotFoundError as error:  # the look right before this saw it there
            return Outcome("done", "not_found", request_id=error.request_id)
        except (ConflictError, InvalidRequestError) as error:
            return Outcome("failed", error.code, error.message, error.request_id)
        return Outcome("done")


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


def _refused(record_id: str, invoice: Invoice) -> LeftAlone:
    """Say why an invoice stays: by type for proformas, else by status."""
    who = invoice.recipient
    code = "proforma" if invoice.type == "PROFORMA" else _CODES.get(invoice.status, "issued")
    message = f"Its status is {clean(invoice.status, 20)}."
    return LeftAlone(record_id, who.legal_name or "", code, message, invoice.number or "")


def _label(draft: Affected, language: Language) -> str:
    number = draft.identifier and clean(draft.identifier, 40)
    name = quoted(draft.name, NAME_LIMIT) if draft.name else ""
    parts = [
        number or localized(language, en="no number", es="sin número"),
        name or localized(language, en="no customer", es="sin cliente"),
        day_of(date.fromisoformat(draft.facts["date"]), language),
        money(Decimal(draft.facts["total"]), language),
    ]
    return " · ".join(parts)


def _proformas(look: Look, language: Language) -> str:
    number = sum("proforma" in one.facts for one in look.affected)
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


def _id(row: PlannedRow) -> str:
    return str(row.values["record_id"])


_CODES: Final[Mapping[str, str]] = {
    "SCHEDULED": "scheduled",
    "VOIDED": "voided",
    "RECTIFIED": "rectified",
    "DRAFT": "not_found",  # one that was deleted before
}
