"""Wire models of invoices: both generations of BeeL's bodies -> one internal model."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, field_validator

from beel_mcp.api.models import AlternativeId, Id, Pagination, Wire

# More digits than any invoice has; without a limit, 1E+999999 would be a fine number.
Amount = Annotated[Decimal, Field(max_digits=24)]


class InvoiceRecipient(Wire):
    """Whom an invoice is made out to. A simplified invoice may name nobody."""

    customer_id: str | None = None
    legal_name: str | None = None
    trade_name: str | None = None
    nif: str | None = None
    alternative_id: AlternativeId | None = None


class InvoiceSeries(Wire):
    """The series a number belongs to."""

    code: str | None = None


class RateAmount(Wire):
    """A base and what a rate in percent makes of it. BeeL calls the rate a type."""

    rate: Amount = Field(validation_alias="type")
    base: Amount
    amount: Amount


class InvoiceTotals(Wire):
    """The sums of an invoice in euros, as BeeL gives them.

    The breakdowns are () where BeeL gives none. `irpf` is the withholding, a positive number
    that the total has gone down by.
    """

    taxable_base: Amount
    by_rate: tuple[RateAmount, ...] = Field(default=(), validation_alias="vat_breakdown")
    total_tax: Amount = Field(validation_alias="total_vat")
    surcharge_by_rate: tuple[RateAmount, ...] = Field(
        default=(), validation_alias="surcharge_breakdown"
    )
    total_surcharge: Amount = Field(
        default=Decimal(), validation_alias="total_equivalence_surcharge"
    )
    irpf_by_rate: tuple[RateAmount, ...] = Field(default=(), validation_alias="irpf_breakdown")
    total_irpf: Amount
    total: Amount = Field(validation_alias="invoice_total")

    @field_validator("by_rate", "surcharge_by_rate", "irpf_by_rate", mode="before")
    @classmethod
    def _none_is_none(cls, value: Any) -> Any:
        return () if value is None else value


class LineTax(Wire):
    """The tax of a line: IVA, IGIC, IPSI or another, and its rate in percent."""

    type: str | None = None
    percentage: Amount | None = None


class InvoiceLine(Wire):
    """A line of an invoice."""

    description: str | None = None
    quantity: Amount | None = None
    unit_price: Amount | None = None
    discount_percentage: Amount | None = None
    main_tax: LineTax | None = None
    irpf_rate: Amount | None = None
    taxable_base: Amount | None = None
    line_total: Amount | None = None


class Invoice(Wire):
    """An invoice as BeeL has it. Types and statuses are open sets.

    A draft has no `number` yet. `has_pdf` is None where BeeL does not say.
    """

    id: Id
    number: str | None = Field(default=None, validation_alias="invoice_number")
    series: InvoiceSeries | None = None
    type: str
    status: str
    issue_date: date
    due_date: date | None = None
    payment_date: date | None = None
    scheduled_for: date | None = None
    recipient: InvoiceRecipient = Field(default_factory=InvoiceRecipient)
    lines: tuple[InvoiceLine, ...] = ()
    totals: InvoiceTotals
    notes: str | None = None
    rectified_invoice_id: str | None = None
    source_proforma_id: str | None = None
    converted_invoice_id: str | None = None
    has_pdf: bool | None = Field(default=None, validation_alias="pdf_download_url")
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def is_draft(self) -> bool:
        """Tell whether it may still be deleted."""
        return self.status == "DRAFT" and self.deleted_at is None

    @field_validator("recipient", mode="before")
    @classmethod
    def _nobody_is_nobody(cls, value: Any) -> Any:
        return InvoiceRecipient() if value is None else value

    @field_validator("has_pdf", mode="before")
    @classmethod
    def _keep_no_address(cls, value: Any) -> bool:
        # A signed address is as good as a key: only whether there is one is kept.
        return isinstance(value, str) and bool(value.strip())


class InvoicesData(Wire):
    """A page of invoices."""

    invoices: tuple[Invoice, ...]
    pagination: Pagination


class InvoiceOwner(Wire):
    """As much of an invoice as it takes to count it."""

    id: Id
    recipient: InvoiceRecipient | None = None


class InvoiceOwnersData(Wire):
    """A page of invoices that are only counted."""

    invoices: tuple[InvoiceOwner, ...]
    pagination: Pagination
