"""Many customers at once: their CSV template, an all-or-nothing creation, a partial deletion."""

from codecs import BOM_UTF8
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

from beel_mcp.sandbox.calls import FLAG, KEYED, UUID, Call, route
from beel_mcp.sandbox.responses import ApiError, ApiResponse, Problem, mistyped, refuse
from beel_mcp.sandbox.rules import check_nif
from beel_mcp.sandbox.store import Record

from .customers import as_customer, as_echo, new_record, read_new_customer, remove

TEMPLATE_NAME = "template_clientes_beel.csv"
CSV = "text/csv"
FREE: dict[str, Any] = {"produces": CSV, "scope": "customers:read", "in_company": False}
TEMPLATE_LINES = """\
nombre_fiscal;nif;email;telefono;direccion_calle;direccion_numero;direccion_codigo_postal;\
direccion_poblacion;direccion_provincia
Ejemplo Servicios SL;B65120347;hola@ejemplo.example;+34931234567;Carrer Major;12;08001;\
Barcelona;Barcelona
Lucía Ejemplo Ruiz;28765431K;lucia@ejemplo.example;600112233;Calle Nueva;3;29005;Málaga;Málaga
"""
# Spreadsheets on Windows, where most lists come from, end their lines with CRLF.
TEMPLATE_CSV = BOM_UTF8 + TEMPLATE_LINES.replace("\n", "\r\n").encode()

MOST_ROWS = 500
COUNTERS = {
    "VALID": "valid",
    "WARNING": "with_warnings",
    "ERROR": "with_errors",
    "DUPLICATE": "duplicates",
    "NIF_INVALID": "invalid_nifs",
}
STATUSES = {
    **dict.fromkeys(
        ("NIF_INVALID", "NIF_INVALID_CONTROL_DIGIT", "NIF_NOT_IN_CENSUS"), "NIF_INVALID"
    ),
    "CLIENT_DUPLICATE": "DUPLICATE",
    "EXTERNAL_SERVICE_ERROR": "ERROR",  # an unanswered question says nothing about the NIF
}
IMPORTABLE = ("VALID", "WARNING")


@dataclass
class Row:
    """The verdict on one row; `record` is there when its fields are right."""

    index: int
    status: str
    record: Record | None
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


@route(
    "POST /customers/templates/csv",
    flat="downloadCustomerTemplateCsv",
    successor="/v1/templates/customer-import",
    **FREE,
)
@route(
    "GET /v1/templates/customer-import",
    shared="downloadCustomerImportTemplate",
    in_legacy=False,
    **FREE,
)
def download_template(_: Call) -> ApiResponse:
    """Give the template of a list of customers."""
    headers = {"Content-Disposition": f'attachment; filename="{TEMPLATE_NAME}"'}
    return ApiResponse(200, TEMPLATE_CSV, f"{CSV}; charset=utf-8", headers)


@route(
    "POST /customers/bulk",
    flat="createCustomersBulk",
    company="createCompanyCustomersBulk",
    query={"dry_run": replace(FLAG, default=False)},
    **KEYED,
)
def create_customers_bulk(call: Call) -> ApiResponse:
    """Create all or none, or say what would become of each."""
    started = perf_counter()
    rows = _check_rows(call, _read_rows(call))
    dry_run = call.query["dry_run"]
    if not dry_run:
        _refuse_bad_rows(rows)
        for row in rows:
            assert row.record is not None
            call.store.insert_customer(row.record, call.request)
        if call.is_legacy:
            made = [as_customer(row.record, call) for row in rows if row.record]
            return call.answer({"customers": made, "total_created": len(made)}, status=201)
    report = {
        "metadata": {
            "total_customers": len(rows),
            "is_dry_run": dry_run,
            "processing_time_ms": round((perf_counter() - started) * 1000),
            "source_type": "BULK_JSON",
        },
        "customers_validation": [_row_shape(row, call, created=not dry_run) for row in rows],
        "statistics": _count(rows, created=not dry_run),
    }
    return call.answer(report, status=200 if dry_run else 201)


@route(
    "DELETE /customers/bulk",
    flat="deactivateCustomersBulk",
    company="deleteCompanyCustomersBulk",
    query={"ids": replace(UUID, listed=("current", "legacy"), required=True)},
)
def delete_customers_bulk(call: Call) -> ApiResponse:
    """Give one verdict per submitted id, in the submitted order."""
    rows = [
        {"index": index, "customer_id": customer_id, **_delete(call, customer_id)}
        for index, customer_id in enumerate(call.query["ids"])
    ]
    deleted = [row["customer_id"] for row in rows if row["status"] == "DELETED"]
    failed = [
        {"customer_id": row["customer_id"], "error": row["error"]} for row in rows if "error" in row
    ]
    legacy = {
        "total": len(rows),
        "successful": len(deleted),
        "failed": len(failed),
        "deactivated_ids": deleted,
        "errors": failed,
    }
    if call.is_legacy:
        return call.answer(legacy)
    counted = [row["status"] for row in rows]
    report = {
        "metadata": {
            "total_customers": len(rows),
            "operation": "DELETE_CUSTOMERS",
            "is_dry_run": False,
        },
        "customers_deletion": rows,
        "statistics": {
            "total_processed": len(rows),
            "deleted": counted.count("DELETED"),
            "not_found": counted.count("NOT_FOUND"),
            "has_invoices": counted.count("HAS_INVOICES"),
            "has_recurring_invoice": counted.count("HAS_RECURRING_INVOICE"),
            "errors": 0,
        },
        "deleted_ids": deleted,
    }
    return call.answer(report | legacy)


def _read_rows(call: Call) -> list[Any]:
    body = call.body
    if "customers" not in body:
        refuse([Problem("customers", "", "Is required")], "list")
    rows = body["customers"]
    if not isinstance(rows, list):
        raise mistyped("customers", rows, "array")
    if not 1 <= len(rows) <= MOST_ROWS:
        refuse([Problem("customers", "", f"Must have 1 to {MOST_ROWS} rows")], "list")
    return rows


def _check_rows(call: Call, bodies: list[Any]) -> list[Row]:
    rows: list[Row] = []
    seen: set[str] = set()
    for index, body in enumerate(bodies):
        fields, errors = read_new_customer(call, body, f"customers[{index}].")
        if errors:
            rows.append(Row(index, "ERROR", None, errors))
        else:
            rows.append(_check_row(call, index, new_record(call, fields), seen))
        # The first of two rows with one NIF stands, whatever its verdict.
        if fields.get("nif"):
            seen.add(fields["nif"])
    return rows


def _check_row(call: Call, index: int, record: Record, seen: set[str]) -> Row:
    nif = record["nif"]
    taken = ""
    if nif in seen:
        taken = "An earlier row has this NIF"
    elif nif is not None and call.store.has_nif(call.company_id, nif):
        taken = "A customer has this NIF already"
    if errors := check_nif(nif, call.options, taken):
        return Row(index, STATUSES[errors[0].code], record, errors)
    if record["email"] is None and not record["billing_emails"]:
        warning = Problem("email", "", "Without an e-mail address invoices cannot be sent")
        return Row(index, "WARNING", record, warnings=[warning])
    return Row(index, "VALID", record)


def _refuse_bad_rows(rows: list[Row]) -> None:
    errors = [
        {"index": row.index, "field": error.field, "message": error.message}
        for row in rows
        for error in row.errors
    ]
    if errors:
        count = len({error["index"] for error in errors})
        message = f"{count} of {len(rows)} customers cannot be accepted; none was created"
        raise ApiError(422, "BULK_VALIDATION_ERROR", message, errors=errors)


def _row_shape(row: Row, call: Call, *, created: bool) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "index": row.index,
        "status": row.status,
        "errors": [vars(error) for error in row.errors],
        "warnings": [
            {"field": warning.field, "message": warning.message} for warning in row.warnings
        ],
    }
    # The contract has no shape for a customer whose fields are wrong, nor for a NIF that only
    # the seed pages let through this far.
    if row.record is not None and not (call.is_legacy and row.status == "NIF_INVALID"):
        show = as_customer if call.is_legacy else as_echo
        shape["customer"] = show(row.record, call)
        if created:
            shape["customer_id"] = row.record["id"]
    return shape


def _count(rows: list[Row], *, created: bool) -> dict[str, Any]:
    counts = dict.fromkeys(COUNTERS.values(), 0)
    for row in rows:
        counts[COUNTERS[row.status]] += 1
    importable = sum(row.status in IMPORTABLE for row in rows)
    return {
        "total_processed": len(rows),
        **counts,
        "imported": len(rows) if created else 0,
        "success_rate": importable / len(rows),
        "importable": importable,
        "not_importable": len(rows) - importable,
    }


def _delete(call: Call, customer_id: str) -> dict[str, Any]:
    record = call.store.get_customer(call.company_id, customer_id)
    if record is None:
        error = {"code": "NOT_FOUND", "message": "There is no such customer"}
        return {"status": "NOT_FOUND", "error": error}
    if call.store.has_invoices(customer_id):
        error = {"code": "CLIENT_HAS_INVOICES", "message": "It has invoices"}
        return {"status": "HAS_INVOICES", "error": error}
    if customer_id in call.options.recurring:
        error = {"code": "CLIENT_HAS_RECURRING_INVOICE", "message": "A recurring invoice is for it"}
        return {"status": "HAS_RECURRING_INVOICE", "error": error}
    remove(call, record)
    return {"status": "DELETED"}
