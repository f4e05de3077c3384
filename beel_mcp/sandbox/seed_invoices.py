"""The year 2026 of the small Spanish firm in invoices; all made up, all fixed."""

import json
from decimal import Decimal
from typing import Any, NamedTuple

CENT = Decimal("0.01")


def invoice_id(number: int) -> str:
    """Name the id of a seeded invoice."""
    return f"f0000000-0000-4000-8000-{number:012d}"


class Line(NamedTuple):
    """A line of an invoice; money and percentages are decimal text. `vat` is any main tax."""

    description: str
    quantity: str
    unit_price: str
    vat_percent: str = "21"
    irpf_percent: str = "0"
    discount_percent: str = "0"
    tax_type: str = "IVA"

    @property
    def base(self) -> Decimal:
        """What is taxed of it, in whole cents."""
        gross = Decimal(self.quantity) * Decimal(self.unit_price)
        return (gross * (100 - Decimal(self.discount_percent)) / 100).quantize(CENT)


class Bill(NamedTuple):
    """A seeded invoice."""

    number: int
    customer: int
    series: str
    in_series: int | None
    status: str
    issue_date: str
    due_date: str | None
    lines: tuple[Line, ...]
    more: dict[str, Any]


REPAIR = Line("Reparación de torno CNC", "1", "480.00")
SERVICE = Line("Mantenimiento preventivo", "2", "150.00")
PARTS = Line("Juego de rodamientos", "4", "36.50")
DESIGN = Line("Diseño de utillaje a medida", "1", "1250.00")
MANUALS = Line("Manual de uso impreso", "3", "30.00", vat_percent="4")
TRANSPORT = Line("Transporte del grupo", "2", "135.00", vat_percent="10")
EXPORT = Line("Utillaje, entrega intracomunitaria", "1", "2150.00", vat_percent="0")
ADVICE = Line("Asesoría técnica", "6", "75.00", irpf_percent="15")

BILLS = (
    Bill(1, 1, "F26", 1, "PAID", "2026-01-15", "2026-02-14", (REPAIR,),
         {"payment_date": "2026-02-10"}),
    Bill(2, 2, "F26", 2, "PAID", "2026-02-03", "2026-04-04", (PARTS, SERVICE),
         {"payment_date": "2026-04-02"}),
    Bill(3, 9, "F26", 3, "PAID", "2026-02-20", "2026-03-22", (SERVICE,),
         {"payment_date": "2026-03-20"}),
    Bill(4, 3, "F26", 4, "RECTIFIED", "2026-03-11", "2026-04-10", (DESIGN,), {}),
    Bill(5, 3, "R26", 1, "PAID", "2026-03-18", "2026-04-17",
         (Line("Abono parcial de F26-0004", "1", "-250.00"),),
         {"type": "CORRECTIVE", "rectified_invoice_id": invoice_id(4),
          "payment_date": "2026-04-17"}),
    Bill(6, 4, "F26", 5, "PAID", "2026-04-09", "2026-05-09", (REPAIR, PARTS),
         {"payment_date": "2026-05-09"}),
    Bill(7, 5, "F26", 6, "VOIDED", "2026-04-28", "2026-05-28", (SERVICE,),
         {"void_reason": "Trabajo anulado por el cliente"}),
    Bill(8, 6, "F26", 7, "OVERDUE", "2026-05-14", "2026-06-13", (REPAIR,), {}),
    Bill(9, 1, "F26", 8, "PAID", "2026-06-22", "2026-07-22", (DESIGN,),
         {"payment_date": "2026-07-15", "source_proforma_id": invoice_id(18)}),
    Bill(10, 2, "F26", 9, "SENT", "2026-07-07", "2026-09-05", (PARTS,), {}),
    Bill(11, 7, "F26", 10, "SENT", "2026-08-25", "2026-09-24", (DESIGN, SERVICE), {}),
    Bill(12, 6, "F26", 11, "OVERDUE", "2026-09-10", "2026-10-10", (SERVICE,), {}),
    Bill(13, 4, "F26", 12, "ISSUED", "2026-10-06", "2026-11-05", (REPAIR,), {}),
    Bill(14, 5, "F26", 13, "ISSUED", "2026-11-12", "2026-12-12", (PARTS,), {}),
    Bill(15, 1, "F26", None, "SCHEDULED", "2026-12-30", "2027-01-29", (SERVICE,),
         {"scheduled_for": "2026-12-30"}),
    Bill(16, 2, "F26", None, "DRAFT", "2026-03-02", None, (PARTS,), {}),
    Bill(17, 5, "F26", None, "DRAFT", "2026-11-16", None, (DESIGN,),
         {"source_proforma_id": invoice_id(19)}),
    Bill(18, 1, "P26", 1, "CONVERTED", "2026-06-01", None, (DESIGN,),
         {"type": "PROFORMA", "valid_until": "2026-07-01"}),
    Bill(19, 5, "P26", 2, "CONVERTED", "2026-11-02", None, (DESIGN,),
         {"type": "PROFORMA", "valid_until": "2026-12-02"}),
    Bill(20, 4, "P26", 3, "ACTIVE", "2026-11-18", None, (REPAIR,),
         {"type": "PROFORMA", "valid_until": "2026-12-18"}),
    Bill(21, 3, "P26", 4, "EXPIRED", "2026-01-20", None, (PARTS,),
         {"type": "PROFORMA", "valid_until": "2026-02-19"}),
    Bill(22, 4, "T26", 1, "PAID", "2026-02-11", "2026-03-13", (REPAIR, TRANSPORT, MANUALS),
         {"payment_date": "2026-03-13"}),
    Bill(23, 5, "T26", 2, "PAID", "2026-05-20", "2026-06-19", (ADVICE,),
         {"payment_date": "2026-06-01"}),
    Bill(24, 6, "S26", 1, "PAID", "2026-06-30", None, (MANUALS,),
         {"type": "SIMPLIFIED", "payment_date": "2026-06-30"}),
    Bill(25, 7, "T26", 3, "ISSUED", "2026-07-14", "2026-08-13", (EXPORT,), {}),
    Bill(26, 4, "T26", 4, "RECTIFIED", "2026-08-03", "2026-09-02", (TRANSPORT,), {}),
    Bill(27, 4, "R26", 2, "ISSUED", "2026-09-02", None,
         (Line("Abono total de T26-0004", "2", "-135.00", vat_percent="10"),),
         {"type": "CORRECTIVE", "rectified_invoice_id": invoice_id(26)}),
    # BeeL is still making the PDFs of these two.
    Bill(28, 3, "T26", 5, "SENT", "2026-09-30", "2026-10-30", (ADVICE, PARTS), {"pdf_ready": 0}),
    Bill(29, 6, "T26", 6, "ISSUED", "2026-11-19", "2026-12-19", (SERVICE,), {"pdf_ready": 0}),
    Bill(30, 4, "T26", None, "DRAFT", "2026-08-20", None, (REPAIR, ADVICE), {}),
)  # fmt: skip


def invoice_row(bill: Bill) -> dict[str, Any]:
    """Complete a seeded invoice to a row, but for whose it is."""
    number = None if bill.in_series is None else f"{bill.series}-{bill.in_series:04d}"
    moment = f"{bill.issue_date}T10:00:00.000000Z"
    return {
        "id": invoice_id(bill.number),
        "series": bill.series,
        "number": bill.in_series,
        "invoice_number": number,
        "type": "STANDARD",
        "status": bill.status,
        "issue_date": bill.issue_date,
        "due_date": bill.due_date,
        **lines_and_sums(bill.lines),
        "created_at": moment,
        "updated_at": moment,
        **bill.more,
    }


def lines_and_sums(lines: tuple[Line, ...]) -> dict[str, str]:
    """Give the columns of an invoice that follow from its lines."""
    base = sum((line.base for line in lines), Decimal())
    tax = sum_of_rates(bases_by_rate(lines, "vat_percent"))
    irpf = sum_of_rates(bases_by_rate(lines, "irpf_percent"))
    return {
        "lines": json.dumps([line._asdict() for line in lines], ensure_ascii=False),
        "taxable_base": f"{base:.2f}",
        "total_tax": f"{tax:.2f}",
        "total_irpf": f"{irpf:.2f}",
        "total": f"{base + tax - irpf:.2f}",
    }


def bases_by_rate(lines: tuple[Line, ...], rate: str) -> dict[str, Decimal]:
    """Add up the bases of the lines by one of their percentages."""
    bases: dict[str, Decimal] = {}
    for line in lines:
        percent = line._asdict()[rate]
        bases[percent] = bases.get(percent, Decimal()) + line.base
    return bases


def sum_of_rates(bases: dict[str, Decimal]) -> Decimal:
    """Add up what the percentages make of their bases, each in whole cents."""
    return sum((share(base, percent) for percent, base in bases.items()), Decimal())


def share(base: Decimal, percent: str) -> Decimal:
    """Take a percentage of a base, in whole cents."""
    return (base * Decimal(percent) / 100).quantize(CENT)
