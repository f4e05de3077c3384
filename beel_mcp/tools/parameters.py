"""Argument types that tools share, described once, for the model that reads them."""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema

from beel_mcp.cleaning import no_account
from beel_mcp.lists.edits import CustomerChanges
from beel_mcp.lists.model import CustomerRow
from beel_mcp.tools.declare import flatten
from beel_mcp.usecases.customer_search.customer_filter import CustomerField


def _without_description(schema: dict[str, Any]) -> None:
    """Take out what a model need not read: the list's own description says it."""
    schema.pop("description", None)


_CLOSED: Final = ConfigDict(extra="forbid", json_schema_extra=_without_description)


def _bare(schema: Any) -> Any:
    """Take out the descriptions, which a model has read with the rows of validate_customers."""
    if not isinstance(schema, dict):
        return schema
    return {name: _bare(value) for name, value in schema.items() if name != "description"}


# Rows are taken as they come and read by lists/inline.py: a row that is wrong is a problem of
# that row, reported with its number, and not a reason to refuse the other 499.
Customers = Annotated[
    list[Any],
    WithJsonSchema({"type": "array", "items": flatten(CustomerRow.model_json_schema())}),
    Field(description="1 to 500 customers; every field optional here, problems come back by row."),
]
InlineCustomers = Annotated[
    list[Any],
    WithJsonSchema({"type": "array", "items": _bare(flatten(CustomerRow.model_json_schema()))}),
]
SourcePath = Annotated[
    str,
    Field(description="CSV, XLSX, XLS or ODS file, in a folder get_status names."),
]


class ColumnChoice(BaseModel):
    """A column of a file, and the field that it fills."""

    model_config = _CLOSED

    header: str
    field: str


Sheet = Annotated[str, Field(description="Sheet of the file, if several could be the list.")]
Columns = Annotated[
    list[ColumnChoice],
    Field(description="Only where headers were misread; field such as address.city, or ignore."),
]


class RowCorrection(BaseModel):
    """Another value for one field of one row."""

    model_config = _CLOSED

    row: int
    field: str
    value: str


EarlierBatch = Annotated[str, Field(description="Of an earlier answer: corrects or continues it.")]
Corrections = Annotated[
    list[RowCorrection],
    Field(description='field such as nif or address.city; value "" empties it.'),
]
DropRows = Annotated[list[int], Field(description="Numbers of rows to leave out.")]
RowKind = Annotated[
    Literal["valid", "warning", "error", "duplicate", "nif_invalid", "unchecked"],
    Field(description="Only rows of this class."),
]
BatchId = Annotated[str, Field(description="From validate_customers.")]
ExpectedCount = Annotated[
    int,
    Field(description="How many rows will be created; refused if it is not the right number."),
]
SkipProblems = Annotated[
    bool, Field(description="Create the importable rows and leave out the others.")
]
# Checked, and not shown: nine times the pattern costs more tokens than it tells a model.
Id = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9-]{1,64}$"),
    AfterValidator(no_account),
    WithJsonSchema({"type": "string"}),
]
CustomerIds = Annotated[
    list[Id],
    Field(max_length=500, description="From find_customers; or selection_id."),
]
UpdateIds = Annotated[
    list[Id],
    Field(max_length=100, description="From find_customers; or selection_id."),
]
# Read by lists/edits.py, which says better than a schema what cannot be.
Changes = Annotated[
    Any,
    WithJsonSchema(_bare(flatten(CustomerChanges.model_json_schema()))),
    Field(description="Only what is named changes. clear empties: notes, address.floor."),
]
Undo = Annotated[
    str,
    Field(description="operation_id of an update or deactivation of the last 24 h, alone."),
]
DeactivationMode = Annotated[
    Literal["delete", "inactive"], Field(description="inactive hides them and can be undone.")
]
# An empty list, or text, counts as absent: whoever fills in everything means the other one.
SelectionId = str
CustomerId = Id
InvoiceIds = Annotated[
    list[Id],
    Field(max_length=50, description="From find_invoices; or selection_id."),
]
# How many a mail takes is said better by usecases/mailing.py, which knows what to do instead.
MailIds = Annotated[list[Id], Field(description="At most 200; or selection_id.")]
Recipients = Annotated[list[str], Field(description="E-mail addresses; with cc at most 10.")]
PackageIds = Annotated[
    list[Id],
    Field(max_length=2_000, description="From find_invoices."),
]
FileName = Annotated[str, Field(description="For the ZIP; a name only, no path.")]
MonthFolders = Annotated[bool, Field(description="Sort the PDFs into folders by month.")]
Resume = Annotated[
    str, Field(description="From an answer that was partial; nothing else beside it.")
]


class InvoiceLine(BaseModel):
    """A line of an invoice; the decimals are text."""

    model_config = ConfigDict(json_schema_extra=_without_description)

    description: str
    quantity: str
    unit_price: str
    tax_rate: str
    tax_type: Literal["IVA", "IGIC", "IPSI", "OTHER"] = Field(description="Default IVA.")
    discount_percentage: str
    withholding_rate: str = Field(description="IRPF: 0, 1, 2, 7, 15, 19, 21, 24.")


def _lines_schema() -> dict[str, Any]:
    # Lines are read by api/new_draft.py, which names each fault with its remedy.
    line = flatten(InvoiceLine.model_json_schema())
    line["required"] = ["description", "quantity", "unit_price", "tax_rate"]
    return {"type": "array", "items": line}


InvoiceLines = Annotated[
    list[Any],
    WithJsonSchema(_lines_schema()),
    Field(description='1 to 100; decimals are text such as "1250.50", taxes not included.'),
]
InvoiceType = Literal["STANDARD", "SIMPLIFIED"]
OperationDay = Annotated[
    str, Field(description="Of the work: 2026-07-31. The invoice's own is set by BeeL.")
]
Notes = Annotated[str, Field(description="Printed on the invoice.")]
InvoiceStatuses = Annotated[
    list[
        Literal[
            "DRAFT",
            "SCHEDULED",
            "ISSUED",
            "SENT",
            "PAID",
            "OVERDUE",
            "RECTIFIED",
            "VOIDED",
            "ACTIVE",
            "CONVERTED",
            "EXPIRED",
        ]
    ],
    Field(description="OVERDUE: unpaid, past due date; the last three: proformas'."),
]
Quarter = Annotated[str, Field(description="Calendar quarter, 2026-Q3; or give dates.")]
Day = Annotated[str, Field(description="2026-07-31")]
# Never empty: BeeL would take it for no filter, and give everything.
Wanted = Annotated[str, Field(pattern=r"\S"), WithJsonSchema({"type": "string"})]
Search = Annotated[Wanted, Field(description="Part of a name, NIF or e-mail.")]
Missing = Annotated[
    list[CustomerField],
    Field(description="Who lacks any of these; email: billing_emails too; address: a whole one."),
]
HasInvoices = Annotated[bool, Field(description="Drafts and proformas count.")]
SelectAll = Annotated[bool, Field(description="Counts all, and keeps their ids as selection_id.")]
Active = Annotated[bool, Field(description="false lists inactive customers instead.")]
Page = Annotated[int, Field(ge=1)]
Limit = Annotated[int, Field(ge=1, le=50)]
