"""The routes table: every operation the sandbox serves, on both families."""

from collections.abc import Mapping
from typing import Any

from . import bulk, customers, drafts, invoices
from .call import Handler, Kind, Operation
from .identity import get_identity, list_companies
from .nif import validate_nif
from .pdf_archive import ZIP, download_archive
from .templates import MEDIA_TYPE, download_template

FLAT = "/v1"
COMPANY = "/v1/companies/{company_id}"
CUSTOMERS = "/customers"
INVOICES = "/invoices"
ONE = "/{customer_id}"
ONE_INVOICE = "/{invoice_id}"
TEMPLATE = "/v1/templates/customer-import"

LIST: Mapping[str, Kind] = {
    "page": "page",
    "limit": "limit",
    "active": "flag",
    "search": "text",
    **dict.fromkeys(customers.CONTAINS, "text"),
    "sort_by": "sort",
    "sort_order": "order",
}
LIST_INVOICES: Mapping[str, Kind] = {
    "page": "page",
    "limit": "limit",
    "search": "text",
    "status": "invoice_status",
    "type": "invoice_type",
    "customer_id": "uuid",
    "date_from": "date",
    "date_to": "date",
    **dict.fromkeys(invoices.CONTAINS, "text"),
    **dict.fromkeys(("taxable_base_min", "taxable_base_max", "total_min", "total_max"), "amount"),
    "sort_by": "invoice_sort",
    "sort_order": "order",
}
LIST_COMPANY_INVOICES: Mapping[str, Kind] = {**LIST_INVOICES, "rectified_invoice_id": "uuid"}
DRY_RUN: Mapping[str, Kind] = {"dry_run": "flag"}
IDS: Mapping[str, Kind] = {"ids": "ids"}
NEW_INVOICE: Mapping[str, Kind] = {"wait_for_pdf": "flag"}
COMPANIES: Mapping[str, Kind] = {
    "page": "page",
    "limit": "limit",
    "search": "text",
    "include": "text",
}


def _flat(
    name: str, method: str, rest: str, handler: Handler, *, of: str = CUSTOMERS, **more: Any
) -> Operation:
    traits: dict[str, Any] = {"scope": _scope(of, method), "successor": COMPANY + of + rest} | more
    return Operation(name, method, FLAT + of + rest, "flat", handler, **traits)


def _company(
    name: str, method: str, rest: str, handler: Handler, *, of: str = CUSTOMERS, **more: Any
) -> Operation:
    traits: dict[str, Any] = {"scope": _scope(of, method), "in_seeds": False} | more
    return Operation(name, method, COMPANY + of + rest, "company", handler, **traits)


def _scope(of: str, method: str) -> str:
    return f"{of[1:]}:{'read' if method == 'GET' else 'write'}"


OPERATIONS = (
    _flat("listCustomers", "GET", "", customers.list_customers, query=LIST),
    _flat(
        "createCustomer",
        "POST",
        "",
        customers.create_customer,
        takes_body=True,
        takes_key=True,
    ),
    _flat(
        "createCustomersBulk",
        "POST",
        "/bulk",
        bulk.create_customers_bulk,
        query=DRY_RUN,
        takes_body=True,
        takes_key=True,
    ),
    _flat("deactivateCustomersBulk", "DELETE", "/bulk", bulk.delete_customers_bulk, query=IDS),
    _flat(
        "downloadCustomerTemplateCsv",
        "POST",
        "/templates/csv",
        download_template,
        scope="customers:read",
        produces=MEDIA_TYPE,
        successor=TEMPLATE,
        in_company=False,
    ),
    _flat("getCustomer", "GET", ONE, customers.get_customer),
    # PATCH keeps what PUT clears, so it is no successor.
    _flat("updateCustomer", "PUT", ONE, customers.update_customer, takes_body=True, successor=None),
    _flat("patchCustomer", "PATCH", ONE, customers.patch_customer, takes_body=True, in_seeds=False),
    _flat("deactivateCustomer", "DELETE", ONE, customers.delete_customer),
    _company("listCompanyCustomers", "GET", "", customers.list_customers, query=LIST),
    _company(
        "createCompanyCustomer",
        "POST",
        "",
        customers.create_customer,
        takes_body=True,
        takes_key=True,
    ),
    _company(
        "createCompanyCustomersBulk",
        "POST",
        "/bulk",
        bulk.create_customers_bulk,
        query=DRY_RUN,
        takes_body=True,
        takes_key=True,
    ),
    _company(
        "deleteCompanyCustomersBulk", "DELETE", "/bulk", bulk.delete_customers_bulk, query=IDS
    ),
    _company("getCompanyCustomer", "GET", ONE, customers.get_customer),
    _company("patchCompanyCustomer", "PATCH", ONE, customers.patch_customer, takes_body=True),
    _company("deleteCompanyCustomer", "DELETE", ONE, customers.delete_customer),
    _flat("listInvoices", "GET", "", invoices.list_invoices, of=INVOICES, query=LIST_INVOICES),
    _flat(
        "createInvoice",
        "POST",
        "",
        drafts.create_invoice,
        of=INVOICES,
        query=NEW_INVOICE,
        takes_body=True,
        takes_key=True,
    ),
    _flat("getInvoice", "GET", ONE_INVOICE, invoices.get_invoice, of=INVOICES),
    _flat("deleteInvoice", "DELETE", ONE_INVOICE, invoices.delete_invoice, of=INVOICES),
    _flat(
        "downloadInvoicesPdfBulk",
        "POST",
        "/bulk/pdf",
        download_archive,
        of=INVOICES,
        scope="invoices:read",
        takes_body=True,
        produces=ZIP,
        successor=COMPANY + INVOICES + "/pdf-archive",
    ),
    _company(
        "listCompanyInvoices",
        "GET",
        "",
        invoices.list_invoices,
        of=INVOICES,
        query=LIST_COMPANY_INVOICES,
    ),
    _company(
        "createCompanyInvoicePdfArchive",
        "POST",
        "/pdf-archive",
        download_archive,
        of=INVOICES,
        scope="invoices:read",
        takes_body=True,
        produces=ZIP,
    ),
    _company(
        "createCompanyInvoice",
        "POST",
        "",
        drafts.create_invoice,
        of=INVOICES,
        query=NEW_INVOICE,
        takes_body=True,
        takes_key=True,
    ),
    _company("getCompanyInvoice", "GET", ONE_INVOICE, invoices.get_invoice, of=INVOICES),
    _company("deleteCompanyInvoice", "DELETE", ONE_INVOICE, invoices.delete_invoice, of=INVOICES),
    Operation(
        "downloadCustomerImportTemplate",
        "GET",
        TEMPLATE,
        "shared",
        download_template,
        scope="customers:read",
        produces=MEDIA_TYPE,
        in_seeds=False,
        in_company=False,
    ),
    Operation(
        "validateNif",
        "POST",
        "/v1/nif/validate",
        "shared",
        validate_nif,
        scope="nif:validate",
        takes_body=True,
        in_company=False,
    ),
    Operation(
        "getIdentity",
        "GET",
        "/v1/me/identity",
        "shared",
        get_identity,
        in_seeds=False,
        in_company=False,
    ),
    Operation(
        "listCompanies",
        "GET",
        "/v1/accounts/{account_id}/companies",
        "shared",
        list_companies,
        scope="companies:list",
        query=COMPANIES,
        in_seeds=False,
        in_company=False,
    ),
)
