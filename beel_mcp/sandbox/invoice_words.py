"""Invoices: what each generation calls them, and how they may be ordered."""

from .options import Generation

SEED_TYPES = ("STANDARD", "CORRECTIVE", "SIMPLIFIED")
SEED_STATUSES = (
    "SCHEDULED",
    "DRAFT",
    "ISSUED",
    "SENT",
    "PAID",
    "OVERDUE",
    "RECTIFIED",
    "VOIDED",
)
PROFORMA = "PROFORMA"
PROFORMA_STATUSES = ("CONVERTED", "ACTIVE", "EXPIRED")

# By the API's names; the values are columns of invoices joined with their customers. The contract
# leaves the names open.
INVOICE_ORDERS = {
    "issue_date": "invoices.issue_date",
    "due_date": "invoices.due_date",
    "created_at": "invoices.created_at",
    "invoice_number": "invoices.invoice_number",
    "status": "invoices.status",
    "total": "CAST(invoices.total AS REAL)",
    "recipient_name": "customers.legal_name",
}


def invoice_types(generation: Generation) -> tuple[str, ...]:
    """List the types; the seed pages know no proformas."""
    return SEED_TYPES if generation == "seeds" else (*SEED_TYPES, PROFORMA)


def invoice_statuses(generation: Generation) -> tuple[str, ...]:
    """List the statuses; the seed pages have none of the proformas'."""
    return SEED_STATUSES if generation == "seeds" else (*SEED_STATUSES, *PROFORMA_STATUSES)
