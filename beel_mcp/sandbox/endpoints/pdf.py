"""The PDFs of invoices: where one is, and many of them in one ZIP.

The same invoice gives the same bytes. What has no PDF is left out of a ZIP without a word in it.
"""

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from beel_mcp.sandbox.calls import COMPANY, UUID, Call, route
from beel_mcp.sandbox.responses import ApiError, ApiResponse, Problem, mistyped, refuse
from beel_mcp.sandbox.store import Record

from .invoice_shapes import as_invoice, has_pdf, lines_of
from .invoices import find_invoice, find_invoices

ZIP = "application/zip"
ARCHIVE: dict[str, Any] = {"takes_body": True, "produces": ZIP, "scope": "invoices:read"}
MOST_IDS = {"current": 500, "legacy": 20}
LONGEST_WAIT_S = 10
RETRY_AFTER_S = 30
PREFERRED_WAIT = re.compile(r"wait=(\d{1,6})", re.ASCII)


@route(
    "POST /invoices/bulk/pdf",
    flat="downloadInvoicesPdfBulk",
    successor=COMPANY + "/invoices/pdf-archive",
    **ARCHIVE,
)
@route("POST /invoices/pdf-archive", company="createCompanyInvoicePdfArchive", **ARCHIVE)
def download_archive(call: Call) -> ApiResponse:
    """Give one ZIP of the PDFs of the invoices that have one."""
    ids = _read_ids(call)
    found = {record["id"]: record for record in find_invoices(call, ids)}
    ready = [record for record in found.values() if has_pdf(record)]
    if not ready:
        message = "None of the invoices has a PDF"
        raise ApiError(400, "VALIDATION_ERROR", message, details={"invoice_ids": message})
    content = _pack(ready, call)
    cap = call.options.zip_cap_bytes
    if len(content) > cap:
        details = {"max_size_bytes": str(cap), "max_size_formatted": f"{cap // 1024**2} MB"}
        raise ApiError(413, "FILE_TOO_LARGE", "The ZIP would be too large", details=details)
    headers = {
        "Content-Disposition": 'attachment; filename="facturas.zip"',
        "X-Bulk-Total": str(len(ids)),
        "X-Bulk-Successful": str(len(ready)),
        "X-Bulk-Failed": str(len(ids) - len(ready)),
    }
    if call.is_legacy and len(ready) < len(ids):
        headers["X-Bulk-Failures"] = _failures(ids, found)
    return ApiResponse(200, content, ZIP, headers)


@route("GET /invoices/{invoice_id}/pdf", flat="generateInvoicePdf", company="getCompanyInvoicePdf")
def get_pdf(call: Call) -> ApiResponse:
    """Say where the PDF of an invoice is; today's BeeL waits a while for one that is being made.

    Nothing here takes time: a PDF that would come within the wait is there at once.
    """
    record = find_invoice(call)
    if record["invoice_number"] is None:
        raise ApiError(400, "INVOICE_NOT_ISSUED_NO_PDF", "A draft has no PDF")
    if not has_pdf(record):
        if call.is_legacy:
            raise ApiError(400, "VALIDATION_ERROR", "The PDF was not generated yet")
        wished = PREFERRED_WAIT.fullmatch(call.request.prefer)
        wait_s = min(int(wished[1]), LONGEST_WAIT_S) if wished else LONGEST_WAIT_S
        needed_s = call.options.pdf_wait_s
        if needed_s is None or needed_s > wait_s:
            applied = {"Preference-Applied": f"wait={wait_s}"} if wished else {}
            return ApiResponse(202, headers={"Retry-After": str(RETRY_AFTER_S), **applied})
        call.store.update_invoice(record, {"pdf_ready": 1}, call.request, kind="pdf_made")
    return call.answer(
        {
            "download_url": f"https://sandbox.invalid/{record['id']}.pdf",
            "expires_in_seconds": 300,
            "file_name": f"factura_{record['invoice_number']}.pdf",
        }
    )


def _read_ids(call: Call) -> list[str]:
    ids = call.body.get("invoice_ids", [])
    if not isinstance(ids, list):
        raise mistyped("invoice_ids", ids, "array")
    most = MOST_IDS[call.options.generation]
    if not 1 <= len(ids) <= most:
        refuse([Problem("invoice_ids", "", f"Must have 1 to {most} ids")], "list")
    for index, invoice_id in enumerate(ids):
        if not isinstance(invoice_id, str):
            raise mistyped(f"invoice_ids[{index}]", invoice_id, "uuid")
    # An id that stands there twice is one invoice.
    return list(dict.fromkeys(UUID.read("invoice_ids", invoice_id) for invoice_id in ids))


def _pack(records: Sequence[Record], call: Call) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for record in records:
            year, month, day = map(int, record["issue_date"].split("-"))
            entry = ZipInfo(f"factura_{record['invoice_number']}.pdf", (year, month, day, 0, 0, 0))
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, invoice_pdf(record, call))
    return file.getvalue()


def invoice_pdf(record: Record, call: Call) -> bytes:
    """Write the PDF of an invoice."""
    from beel_mcp.sandbox.paper.facts import read_facts  # noqa: PLC0415 - start-up is measured
    from beel_mcp.sandbox.paper.invoice import print_invoice  # noqa: PLC0415

    rectified = call.store.rows(
        "SELECT invoice_number, issue_date FROM invoices WHERE id = ?",
        record["rectified_invoice_id"],
    )
    [customer] = call.store.rows(
        "SELECT preferred_payment_method FROM customers WHERE id = ?", record["customer_id"]
    )
    payment = customer["preferred_payment_method"]
    facts = read_facts(
        as_invoice(record, call),
        lines_of(record),
        rectified=rectified[0] if rectified else None,
        payment=json.loads(payment) if payment else None,
    )
    return print_invoice(facts)


def _failures(ids: Sequence[str], found: dict[str, Record]) -> str:
    failures: list[dict[str, Any]] = []
    for invoice_id in ids:
        if invoice_id not in found:
            code, message = "NOT_FOUND", "There is no such invoice"
        elif not has_pdf(found[invoice_id]):
            code, message = "PDF_NOT_GENERATED", "The invoice has no PDF yet"
        else:
            continue
        failures.append({"invoice_id": invoice_id, "error_code": code, "error_message": message})
    return b64encode(json.dumps(failures).encode()).decode()
