"""Many invoices as one ZIP of PDFs: what has no PDF is left out without a word in it."""

import json
from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from .call import Call
from .envelope import Answer, ApiError
from .fields import wrong_type
from .invoice_shapes import as_invoice, has_pdf, lines_of
from .invoices import find_invoices
from .pdf import write_pdf
from .query import read_uuid
from .store import Record

ZIP = "application/zip"
MOST_IDS = {"current": 500, "seeds": 20}


def download_archive(call: Call) -> Answer:
    """POST invoices/bulk/pdf, or invoices/pdf-archive."""
    asked = _read_ids(call)
    found = {record["id"]: record for record in find_invoices(call, asked)}
    ready = [record for record in found.values() if has_pdf(record)]
    if not ready:
        message = "None of the invoices has a PDF"
        raise ApiError(400, "VALIDATION_ERROR", message, details={"invoice_ids": message})
    content = _pack(ready, call)
    _check_size(len(content), call.options.zip_cap_bytes)
    headers = {
        "Content-Disposition": 'attachment; filename="facturas.zip"',
        "X-Bulk-Total": str(len(asked)),
        "X-Bulk-Successful": str(len(ready)),
        "X-Bulk-Failed": str(len(asked) - len(ready)),
    }
    if call.is_seeds and len(ready) < len(asked):
        headers["X-Bulk-Failures"] = _failures(asked, found)
    return Answer(200, content, ZIP, headers)


def _read_ids(call: Call) -> list[str]:
    ids = call.body.get("invoice_ids", [])
    if not isinstance(ids, list):
        raise wrong_type("invoice_ids", ids, "array")
    most = MOST_IDS[call.options.generation]
    if not 1 <= len(ids) <= most:
        message = f"Must have 1 to {most} ids"
        details = {"invoice_ids": message}
        raise ApiError(422, "VALIDATION_ERROR", "The list cannot be accepted", details=details)
    for place, invoice_id in enumerate(ids):
        if not isinstance(invoice_id, str):
            raise wrong_type(f"invoice_ids[{place}]", invoice_id, "uuid")
    # An id that stands there twice is one invoice.
    return list(dict.fromkeys(read_uuid("invoice_ids", invoice_id) for invoice_id in ids))


def _pack(records: Sequence[Record], call: Call) -> bytes:
    file = BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        for record in records:
            year, month, day = map(int, record["issue_date"].split("-"))
            entry = ZipInfo(f"factura_{record['invoice_number']}.pdf", (year, month, day, 0, 0, 0))
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, _pdf(record, call))
    return file.getvalue()


def _pdf(record: Record, call: Call) -> bytes:
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


def _check_size(size: int, cap: int) -> None:
    if size > cap:
        details = {"max_size_bytes": str(cap), "max_size_formatted": f"{cap // 1024**2} MB"}
        raise ApiError(413, "FILE_TOO_LARGE", "The ZIP would be too large", details=details)


def _failures(asked: Sequence[str], found: dict[str, Record]) -> str:
    failures: list[dict[str, Any]] = []
    for invoice_id in asked:
        if invoice_id not in found:
            code, message = "NOT_FOUND", "There is no such invoice"
        elif not has_pdf(found[invoice_id]):
            code, message = "PDF_NOT_GENERATED", "The invoice has no PDF yet"
        else:
            continue
        failures.append({"invoice_id": invoice_id, "error_code": code, "error_message": message})
    return b64encode(json.dumps(failures).encode()).decode()
