"""Invoices as PDF: plain text on A4 pages, and many of them in one ZIP.

The same text gives the same bytes. What has no PDF is left out of a ZIP without a word in it.
"""

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from itertools import accumulate
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from beel_mcp.sandbox.calls import COMPANY, UUID, Call, route
from beel_mcp.sandbox.responses import ApiError, ApiResponse, Problem, mistyped, refuse
from beel_mcp.sandbox.store import Record

from .invoice_shapes import as_invoice, has_pdf, lines_of
from .invoices import find_invoice, find_invoices

LINES_PER_PAGE = 54
LEFT, TOP, LEADING, SIZE = 56, 786, 13.5, 10
HEADER = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"  # the second line says that the file is binary
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
    shape = as_invoice(record, call)
    issuer, recipient, totals = shape["issuer"], shape["recipient"], shape["totals"]
    title = f"Factura {record['invoice_number']}"
    lines = [
        title,
        f"Fecha: {record['issue_date']}",
        "",
        f"{issuer['legal_name']}  NIF {issuer['nif']}",
        "",
        f"Cliente: {recipient['legal_name']}  {recipient.get('nif', '')}".rstrip(),
        "",
        *(
            f"{line.quantity} x {line.description}: {line.unit_price} € (IVA {line.vat_percent} %)"
            for line in lines_of(record)
        ),
        "",
        f"Base imponible: {record['taxable_base']} €",
        *(
            f"IVA {part['type']:g} % de {part['base']:.2f}: {part['amount']:.2f} €"
            for part in totals["vat_breakdown"]
        ),
        *(
            f"IRPF {part['type']:g} % de {part['base']:.2f}: -{part['amount']:.2f} €"
            for part in totals["irpf_breakdown"]
        ),
        f"Total: {record['total']} €",
    ]
    return write_pdf(title, lines)


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


def write_pdf(title: str, lines: Sequence[str]) -> bytes:
    """Write text in Helvetica; what Windows-1252 does not have becomes a question mark."""
    pages = [
        lines[start : start + LINES_PER_PAGE]
        for start in range(0, max(len(lines), 1), LINES_PER_PAGE)
    ]
    # Objects are numbered from 1: catalogue, tree of pages, font, facts, then two for each page.
    first = 5
    kids = b" ".join(b"%d 0 R" % (first + 2 * number) for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count %d /Kids [%b] >>" % (len(pages), kids),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Title <FEFF%b> >>" % title.encode("utf-16-be").hex().upper().encode(),
    ]
    for number, page in enumerate(pages):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842]"
            b" /Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>"
            % (first + 2 * number + 1)
        )
        text = _text(page)
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(text), text))
    return _file(objects)


def _text(lines: Sequence[str]) -> bytes:
    text = b"\n".join(b"(%b) Tj T*" % _escaped(line) for line in lines)
    start = f"BT /F1 {SIZE} Tf {LEADING} TL {LEFT} {TOP} Td".encode()
    return start + b"\n" + text + b"\nET"


def _escaped(line: str) -> bytes:
    raw = line.encode("cp1252", "replace")
    for special in (b"\\", b"(", b")"):
        raw = raw.replace(special, b"\\" + special)
    return raw.replace(b"\r", b" ").replace(b"\n", b" ")


def _file(objects: Sequence[bytes]) -> bytes:
    """Give the objects their numbers, and a table of where each of them begins."""
    bodies = [b"%d 0 obj\n%b\nendobj\n" % item for item in enumerate(objects, start=1)]
    *begins, end = accumulate(map(len, bodies), initial=len(HEADER))
    table = b"".join(b"%010d 00000 n \n" % begin for begin in begins)
    count = len(objects) + 1
    return b"".join(
        [
            HEADER,
            *bodies,
            b"xref\n0 %d\n0000000000 65535 f \n" % count,
            table,
            b"trailer\n<< /Size %d /Root 1 0 R /Info 4 0 R >>\n" % count,
            b"startxref\n%d\n%%%%EOF\n" % end,
        ]
    )
