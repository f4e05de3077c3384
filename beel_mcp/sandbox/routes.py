"""The routes table: every endpoint the sandbox serves, on both families."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .calls import (
    AMOUNT,
    DATE,
    FLAG,
    LIMIT,
    PAGE,
    TEXT,
    UUID,
    Endpoint,
    Handler,
    Parameter,
    choice,
)
from .endpoints import bulk, customers, identity, invoices, pdf

FLAT = "/v1"
COMPANY = "/v1/companies/{company_id}"
LEGACY_STATUSES = (
    "SCHEDULED",
    "DRAFT",
    "ISSUED",
    "SENT",
    "PAID",
    "OVERDUE",
    "RECTIFIED",
    "VOIDED",
)
STATUSES = (*LEGACY_STATUSES, "CONVERTED", "ACTIVE", "EXPIRED")  # the last are those of proformas

Parameters = Mapping[str, Parameter]
PAGES: Parameters = {"page": PAGE, "limit": LIMIT, "search": TEXT}
CUSTOMERS: Parameters = {
    **PAGES,
    "active": FLAG,
    **dict.fromkeys(customers.CONTAINS, TEXT),
    "sort_by": choice(tuple(customers.COLUMNS)),
    "sort_order": choice(("asc", "desc")),
}
INVOICES: Parameters = {
    **PAGES,
    # The legacy generation knows one status, today's API a list of them.
    "status": choice(STATUSES, LEGACY_STATUSES, listed=("current",)),
    "type": choice(invoices.TYPES["current"], invoices.TYPES["legacy"]),
    "customer_id": UUID,
    "date_from": DATE,
    "date_to": DATE,
    **dict.fromkeys(invoices.CONTAINS, TEXT),
    **dict.fromkeys(("taxable_base_min", "taxable_base_max", "total_min", "total_max"), AMOUNT),
    "sort_by": choice(tuple(invoices.ORDERS)),
    "sort_order": choice(("asc", "desc")),
}
DRY_RUN: Parameters = {"dry_run": replace(FLAG, default=False)}
IDS: Parameters = {"ids": replace(UUID, listed=("current", "legacy"), required=True)}
KEYED = {"takes_body": True, "takes_key": True}
ZIP = {"takes_body": True, "produces": pdf.ZIP, "scope": "invoices:read"}
CSV = {"produces": bulk.CSV, "scope": "customers:read", "in_company": False}


def _flat(name: str, route: str, handler: Handler, **more: Any) -> Endpoint:
    method, path = route.split()
    traits: dict[str, Any] = {"scope": _scope(path, method), "successor": COMPANY + path} | more
    return Endpoint(name, method, FLAT + path, "flat", handler, **traits)


def _company(name: str, route: str, handler: Handler, **more: Any) -> Endpoint:
    method, path = route.split()
    traits: dict[str, Any] = {"scope": _scope(path, method), "in_legacy": False} | more
    return Endpoint(name, method, COMPANY + path, "company", handler, **traits)


def _both(flat: str, company: str, route: str, handler: Handler, **more: Any) -> list[Endpoint]:
    return [_flat(flat, route, handler, **more), _company(company, route, handler, **more)]


def _shared(name: str, route: str, handler: Handler, **more: Any) -> Endpoint:
    method, path = route.split()
    return Endpoint(name, method, path, "shared", handler, **{**more, "in_company": False})


def _scope(path: str, method: str) -> str:
    return f"{path.split('/')[1]}:{'read' if method == 'GET' else 'write'}"


ENDPOINTS = (
    *_both(
        "listCustomers",
        "listCompanyCustomers",
        "GET /customers",
        customers.list_customers,
        query=CUSTOMERS,
    ),
    *_both(
        "createCustomer",
        "createCompanyCustomer",
        "POST /customers",
        customers.create_customer,
        **KEYED,
    ),
    *_both(
        "createCustomersBulk",
        "createCompanyCustomersBulk",
        "POST /customers/bulk",
        bulk.create_customers_bulk,
        query=DRY_RUN,
        **KEYED,
    ),
    *_both(
        "deactivateCustomersBulk",
        "deleteCompanyCustomersBulk",
        "DELETE /customers/bulk",
        bulk.delete_customers_bulk,
        query=IDS,
    ),
    *_both(
        "getCustomer", "getCompanyCustomer", "GET /customers/{customer_id}", customers.get_customer
    ),
    # PATCH keeps what PUT clears, so it is no successor.
    _flat(
        "updateCustomer",
        "PUT /customers/{customer_id}",
        customers.update_customer,
        takes_body=True,
        successor=None,
    ),
    *_both(
        "patchCustomer",
        "patchCompanyCustomer",
        "PATCH /customers/{customer_id}",
        customers.patch_customer,
        takes_body=True,
        in_legacy=False,
    ),
    *_both(
        "deactivateCustomer",
        "deleteCompanyCustomer",
        "DELETE /customers/{customer_id}",
        customers.delete_customer,
    ),
    _flat("listInvoices", "GET /invoices", invoices.list_invoices, query=INVOICES),
    _company(
        "listCompanyInvoices",
        "GET /invoices",
        invoices.list_invoices,
        query={**INVOICES, "rectified_invoice_id": UUID},
    ),
    *_both(
        "createInvoice",
        "createCompanyInvoice",
        "POST /invoices",
        invoices.create_invoice,
        query={"wait_for_pdf": FLAG},
        **KEYED,
    ),
    _flat(
        "downloadInvoicesPdfBulk",
        "POST /invoices/bulk/pdf",
        pdf.download_archive,
        successor=COMPANY + "/invoices/pdf-archive",
        **ZIP,
    ),
    _company(
        "createCompanyInvoicePdfArchive", "POST /invoices/pdf-archive", pdf.download_archive, **ZIP
    ),
    *_both("getInvoice", "getCompanyInvoice", "GET /invoices/{invoice_id}", invoices.get_invoice),
    *_both(
        "deleteInvoice",
        "deleteCompanyInvoice",
        "DELETE /invoices/{invoice_id}",
        invoices.delete_invoice,
    ),
    _flat(
        "downloadCustomerTemplateCsv",
        "POST /customers/templates/csv",
        bulk.download_template,
        successor="/v1/templates/customer-import",
        **CSV,
    ),
    _shared(
        "downloadCustomerImportTemplate",
        "GET /v1/templates/customer-import",
        bulk.download_template,
        in_legacy=False,
        **CSV,
    ),
    _shared(
        "validateNif",
        "POST /v1/nif/validate",
        identity.validate_nif,
        scope="nif:validate",
        takes_body=True,
    ),
    _shared("getIdentity", "GET /v1/me/identity", identity.get_identity, in_legacy=False),
    _shared(
        "listCompanies",
        "GET /v1/accounts/{account_id}/companies",
        identity.list_companies,
        scope="companies:list",
        query={**PAGES, "include": TEXT},
        in_legacy=False,
    ),
)
