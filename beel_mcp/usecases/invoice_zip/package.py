"""The state of one package: which invoices, what is known of each, which PDFs have arrived."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from beel_mcp.api.models import Invoice
from beel_mcp.cleaning import clean
from beel_mcp.files.invoice_package import ManifestRow
from beel_mcp.files.staging import Staging

Reason = Literal["draft", "not_found", "pdf_not_ready", "another_invoice", "unknown"]
# Nothing was issued yet, so nothing has a PDF; a proforma is no invoice.
UNISSUED: Final = ("DRAFT", "SCHEDULED")
_SELECTION: Final = "selection"
_RESULTS: Final = "results"


class Selection(BaseModel):
    """Which invoices, for whom, into which file. All ids are lower-case, each stands once."""

    model_config = ConfigDict(defer_build=True)

    caller: str
    ledger_id: str
    file_name: str
    month_folders: bool
    drafts_left_out: int | None = None
    ids: list[str] = []
    facts: dict[str, ManifestRow] = {}  # what BeeL says of an invoice, once it was read
    without_pdf: set[str] = set()  # BeeL says that it has none of these yet
    numbers: dict[str, str] = {}  # of invoices elsewhere that some here rectify


class PdfResult(BaseModel):
    """A PDF that has arrived, by SHA-256 and bytes, or why there is none."""

    missing: Reason | None = None
    sha256: str = ""
    size_bytes: int = 0
    retry_after_s: int | None = None  # BeeL is making it, and says so


class _Results(BaseModel):
    model_config = ConfigDict(defer_build=True)

    results: dict[str, PdfResult] = {}
    is_miscounted: bool = False


class Package:
    """A selection, and the results so far by invoice id; kept in a staging folder.

    `is_miscounted` says that BeeL's own counters once differed from what arrived; `failed_before`
    are the invoices whose PDF another package lacked.
    """

    def __init__(self, selection: Selection, staging: Staging) -> None:
        self.selection = selection
        self.staging = staging
        self._numbers = {invoice_id: at for at, invoice_id in enumerate(selection.ids)}
        self.results: dict[str, PdfResult] = {}
        self.is_miscounted = False
        self.failed_before: frozenset[str] = frozenset()

    @classmethod
    def load(cls, staging: Staging) -> "Package | None":
        """Read what was kept of a package; a PDF that is gone has no result any more.

        None if nothing was kept, or another version of the program kept it.
        """
        try:
            package = cls(Selection.model_validate_json(staging.load(_SELECTION)), staging)
            kept = _Results.model_validate_json(staging.load(_RESULTS) or b"{}")
        except ValidationError:
            return None
        package.is_miscounted = kept.is_miscounted
        package.results = {
            invoice_id: result
            for invoice_id, result in kept.results.items()
            if result.missing or staging.size(package._numbers[invoice_id]) == result.size_bytes
        }
        return package

    def save_selection(self) -> None:
        self.staging.save(_SELECTION, self.selection.model_dump_json().encode())

    def save_results(self) -> None:
        kept = _Results(results=self.results, is_miscounted=self.is_miscounted)
        self.staging.save(_RESULTS, kept.model_dump_json().encode())

    def add_facts(self, invoice: Invoice) -> None:
        """Take in what BeeL says of an invoice; one that is not selected is passed over."""
        invoice_id = invoice.id.lower()
        if invoice_id not in self._numbers:
            return
        facts = _facts_of(invoice)
        self.selection.facts[invoice_id] = facts
        if invoice.has_pdf is False:
            self.selection.without_pdf.add(invoice_id)
        if invoice.deleted_at is not None:
            self.set_missing("not_found", [invoice_id])
        elif facts.status in UNISSUED or facts.type == "PROFORMA":
            self.set_missing("draft", [invoice_id])

    def add_pdf(self, invoice_id: str, pieces: Iterable[bytes]) -> PdfResult:
        """Keep a PDF on disk; its result counts when it stands in `results`."""
        digest, size = self.staging.add(self._numbers[invoice_id], pieces)
        return PdfResult(sha256=digest, size_bytes=size)

    def read_pdf(self, invoice_id: str) -> Iterable[bytes]:
        return self.staging.read(self._numbers[invoice_id])

    def set_missing(
        self, reason: Reason, ids: Iterable[str], retry_after_s: int | None = None
    ) -> None:
        for invoice_id in ids:
            self.results[invoice_id] = PdfResult(missing=reason, retry_after_s=retry_after_s)

    def unread(self) -> list[str]:
        """List the invoices of which neither facts nor a result are known."""
        return [id_ for id_ in self._without_result() if id_ not in self.selection.facts]

    def waiting(self) -> list[str]:
        """List the invoices whose PDF is still to be asked for, in the order of the manifest."""
        return self._ordered(self._without_result())

    def included(self) -> list[str]:
        """List the invoices whose PDF has arrived, in the order of the manifest."""
        return self._ordered(id_ for id_, result in self.results.items() if not result.missing)

    def repeated(self, arrived: Mapping[str, PdfResult]) -> set[str]:
        """Find those of what arrived that have the very bytes of another invoice's PDF."""
        results = {**self.results, **arrived}
        owners: dict[str, list[str]] = {}
        for invoice_id, result in results.items():
            if not result.missing:
                owners.setdefault(result.sha256, []).append(invoice_id)
        return {
            invoice_id
            for same in owners.values()
            if len(same) > 1
            for invoice_id in same
            if invoice_id in arrived
        }

    def missing(self) -> list[str]:
        results = self.results
        return [id_ for id_ in self.selection.ids if id_ in results and results[id_].missing]

    def failed(self) -> list[str]:
        """List those that there should be a PDF of, and none came."""
        reasons = ("pdf_not_ready", "another_invoice", "unknown")
        return [id_ for id_ in self.missing() if self.results[id_].missing in reasons]

    def _without_result(self) -> list[str]:
        return [id_ for id_ in self.selection.ids if id_ not in self.results]

    def _ordered(self, ids: Iterable[str]) -> list[str]:
        facts = self.selection.facts
        return sorted((id_ for id_ in ids if id_ in facts), key=lambda id_: facts[id_].order)


def _facts_of(invoice: Invoice) -> ManifestRow:
    """Take out of an invoice what a package says of it; texts are cleaned."""
    recipient, totals = invoice.recipient, invoice.totals
    rates: tuple[tuple[Decimal | None, Decimal, Decimal], ...] = tuple(
        (part.rate, part.base, part.amount) for part in totals.by_rate
    )
    if not rates and (totals.taxable_base or totals.total_tax):
        rates = ((None, totals.taxable_base, totals.total_tax),)
    other_number = recipient.alternative_id.number if recipient.alternative_id else None
    return ManifestRow(
        invoice_id=invoice.id.lower(),
        day=invoice.issue_date,
        number=clean(invoice.number or "", 60),
        type=clean(invoice.type, 20),
        rectifies=(invoice.rectified_invoice_id or "").lower(),
        customer=clean(recipient.legal_name or recipient.trade_name or "", 200),
        nif=clean(recipient.nif or other_number or "", 30),
        rates=rates,
        surcharge=totals.total_surcharge,
        withholding=totals.total_irpf,
        total=totals.total,
        status=clean(invoice.status, 20),
    )
