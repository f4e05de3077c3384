"""Wire models: both generations of BeeL's bodies -> one internal model."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from beel_mcp.api.http.wire import code_of, sanitized
from beel_mcp.cleaning import clean

# What may stand in a path later on.
Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}\z")]
# More digits than any invoice has; without a limit, 1E+999999 would be a fine number.
Amount = Annotated[Decimal, Field(max_digits=24)]
T = TypeVar("T")
NONE_IS_EMPTY = BeforeValidator(lambda value: () if value is None else value)
NONE_IS_BLANK = BeforeValidator(lambda value: {} if value is None else value)


class Wire(BaseModel):
    """Reads only what we use; statuses and types are open sets, so they are plain strings."""

    model_config = ConfigDict(extra="ignore", frozen=True, defer_build=True)


class Group(Wire):
    """Fields that BeeL replaces together: those that we do not know are written back, too."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)


class Address(Group):
    """Where a customer is."""

    street: str | None = None
    number: str | None = None
    floor: str | None = None
    door: str | None = None
    postal_code: str | None = None
    city: str | None = None
    province: str | None = None
    country: str | None = None
    country_code: str | None = None


class AlternativeId(Group):
    """An identifier that is not a NIF."""

    type: str
    number: str
    country_code: str | None = None


class PaymentInfo(Group):
    """How a customer prefers to pay. The account number never goes into an answer."""

    method: str | None = None
    iban: str | None = Field(default=None, repr=False)
    swift: str | None = None
    payment_term_days: int | None = None


class Customer(Wire):
    """A customer as BeeL has it, in the current generation's words."""

    id: Id
    legal_name: str
    trade_name: str | None = None
    nif: str | None = None
    alternative_id: AlternativeId | None = None
    address: Address | None = None
    phone: str | None = None
    email: str | None = None
    website: str | None = Field(default=None, validation_alias=AliasChoices("website", "web"))
    billing_emails: tuple[str, ...] | None = None
    contact_person: str | None = None
    notes: str | None = None
    preferred_payment_method: PaymentInfo | None = None
    general_discount: Amount | None = None
    active: bool = True
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Pagination(Wire):
    """Where a page stands among all pages."""

    current_page: int
    total_pages: int
    total_items: int
    has_next: bool | None = None

    @property
    def has_more(self) -> bool:
        return self.current_page < self.total_pages if self.has_next is None else self.has_next


@dataclass(frozen=True)
class RecordPage(Generic[T]):
    """One page of a list, and how many records there are in all."""

    items: tuple[T, ...]
    total: int
    page: int
    has_more: bool


class CustomersData(Wire):
    """A page of customers."""

    customers: tuple[Customer, ...]
    pagination: Pagination


class BulkMetadata(Wire):
    """What a bulk request was; only a real boolean says whether it was a dry run."""

    is_dry_run: StrictBool | None = None
    processing_time_ms: int | None = None


class RowProblem(Wire):
    """What BeeL says about one field of a row; every text is sanitized."""

    field: Annotated[str, BeforeValidator(lambda text: sanitized(text, 60))] = ""
    message: Annotated[str, BeforeValidator(sanitized)] = ""
    value: Annotated[str, BeforeValidator(lambda text: sanitized(text, 120))] = ""
    code: Annotated[str | None, BeforeValidator(code_of)] = None

    @field_validator("value")
    @classmethod
    def _without_account(cls, value: str, info: ValidationInfo) -> str:
        # What BeeL found wrong with an account number is told without the number.
        return "" if "iban" in info.data["field"].lower() else value


class BulkEcho(Wire):
    """The customer of a row as BeeL gives it back, wholly or in part."""

    id: str | None = None
    nif: str | None = None
    legal_name: str | None = None
    alternative_id: AlternativeId | None = None


class RowReport(Wire):
    """What BeeL says about one row.

    `status` is an open set; so far: VALID, WARNING, ERROR, DUPLICATE, NIF_INVALID.
    """

    index: int
    status: Annotated[str, AfterValidator(lambda text: sanitized(text, 40))]
    errors: Annotated[tuple[RowProblem, ...], NONE_IS_EMPTY] = ()
    warnings: Annotated[tuple[RowProblem, ...], NONE_IS_EMPTY] = ()
    customer: BulkEcho | None = None
    customer_id: Id | None = None


class BulkData(Wire):
    """The report of a validation or of a creation, in either generation's shape."""

    metadata: Annotated[BulkMetadata, NONE_IS_BLANK] = Field(default_factory=BulkMetadata)
    customers_validation: tuple[RowReport, ...] | None = None
    statistics: dict[str, Any] | None = None
    customers: tuple[BulkEcho, ...] | None = None
    total_created: int | None = None


class DeletedData(Wire):
    """The answer to one deletion, where there is one: a sentence."""

    message: str


class DeletionData(Wire):
    """The report of a bulk deletion, in either generation's shape; its items are read one by one.

    `deactivated_ids` and `errors` are the legacy words; today's BeeL repeats itself in them.
    """

    metadata: Annotated[BulkMetadata, NONE_IS_BLANK] = Field(default_factory=BulkMetadata)
    customers_deletion: tuple[Any, ...] | None = None
    deleted_ids: tuple[Any, ...] | None = None
    deactivated_ids: tuple[Any, ...] | None = None
    errors: tuple[Any, ...] | None = None


class Credential(Wire):
    """The key that asked."""

    environment: str | None = None
    scopes: tuple[str, ...] = ()


class IdentityData(Wire):
    """Who the key is."""

    account_id: Id
    name: str | None = None
    credential: Credential


@dataclass(frozen=True)
class Company:
    """A company in BeeL."""

    id: Id
    legal_name: str | None = None
    nif: str | None = None

    @property
    def label(self) -> str:
        """Name the company for readers, such as `Demo Taller SL (B12345674)`."""
        name, nif = clean(self.legal_name or "", 120), clean(self.nif or "", 20)
        if name and nif:
            return f"{name} ({nif})"
        return name or nif or clean(self.id, 64)


class CompaniesData(Wire):
    """A page of companies."""

    companies: tuple[Company, ...]
    pagination: Pagination


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


RateAmounts = Annotated[tuple[RateAmount, ...], NONE_IS_EMPTY]


class InvoiceTotals(Wire):
    """The sums of an invoice in euros, as BeeL gives them.

    The breakdowns are () where BeeL gives none. `irpf` is the withholding, a positive number
    that the total has gone down by.
    """

    taxable_base: Amount
    by_rate: RateAmounts = Field(default=(), validation_alias="vat_breakdown")
    total_tax: Amount = Field(validation_alias="total_vat")
    surcharge_by_rate: RateAmounts = Field(default=(), validation_alias="surcharge_breakdown")
    total_surcharge: Amount = Field(
        default=Decimal(), validation_alias="total_equivalence_surcharge"
    )
    irpf_by_rate: RateAmounts = Field(default=(), validation_alias="irpf_breakdown")
    total_irpf: Amount
    total: Amount = Field(validation_alias="invoice_total")
    total_to_pay: Amount | None = None

    @property
    def owed(self) -> Decimal:
        """What the customer has to pay: with what was laid out for them, where BeeL says so."""
        return self.total if self.total_to_pay is None else self.total_to_pay


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
    operation_date: date | None = None
    due_date: date | None = None
    payment_date: date | None = None
    scheduled_for: date | None = None
    recipient: Annotated[InvoiceRecipient, NONE_IS_BLANK] = Field(default_factory=InvoiceRecipient)
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
        return self.status == "DRAFT" and self.deleted_at is None

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
