"""An invoice as it is laid out in Spain: who, to whom, what, which taxes, how much, how to pay."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import zip_longest
from typing import Final

from beel_mcp.sandbox.amounts import Line

from .facts import Facts, Party, TaxRow, money, number, percent, tax_label
from .letters import wrapped
from .sheet import BOTTOM, GREY, LEFT, PALE, RIGHT, Sheet
from .specimen import NOTHING_REAL, NOTICE, QR_SIDE, begin_page, draw_qr

# The right edge of each column of figures, and how wide it may be.
COLUMNS: Final = (
    ("Cantidad", 322, 50),
    ("Precio", 388, 62),
    ("Dto.", 424, 33),
    ("Impuesto", 480, 53),
    ("Importe", RIGHT - 4, 60),
)
DESCRIPTION_WIDTH: Final = 216
HALF: Final = 300  # what stands at the left of it, and what at the right
LEADING: Final = 11.5
ROW: Final = 14


def print_invoice(facts: Facts) -> bytes:
    """Write an invoice as PDF."""
    sheet = Sheet(begin_page)
    _write_head(sheet, facts)
    _write_parties(sheet, facts)
    _write_lines(sheet, facts)
    _write_sums(sheet, facts)
    _write_rest(sheet, facts)
    _number_pages(sheet, facts)
    return sheet.to_pdf(f"{facts.title} {facts.number}", NOTICE)


def _write_head(sheet: Sheet, facts: Facts) -> None:
    """Write who issues it at the left, and which invoice it is at the right."""
    top = sheet.y
    sheet.write_wrapped(LEFT, facts.issuer.name, 260, size=13, leading=16, bold=True)
    for line in facts.issuer.details:
        sheet.write_wrapped(LEFT, line, 260, colour=GREY)
    left_end, sheet.y = sheet.y, top - 16
    sheet.write(RIGHT, facts.title, size=16, bold=True, align="right", most=220)
    facts_of_it = [("Número", facts.number), *facts.dates]
    for label, value in facts_of_it:
        sheet.y -= ROW
        sheet.write(RIGHT - 80, label, colour=GREY, align="right")
        sheet.write(RIGHT, value, bold=label == "Número", align="right", most=76)
    sheet.y = min(left_end, sheet.y) - 8
    if facts.rectified:
        sheet.write_wrapped(LEFT, facts.rectified, RIGHT - LEFT, bold=True)
        sheet.y -= 4
    sheet.rule()


def _write_parties(sheet: Sheet, facts: Facts) -> None:
    """Write whom it is for at the left, and the code at the right."""
    top = sheet.y = sheet.y - 8
    _write_party(sheet, "Cliente", facts.recipient)
    if facts.is_registered:
        sheet.y = min(sheet.y, draw_qr(sheet, top))
    sheet.y -= 14


def _write_party(sheet: Sheet, label: str, party: Party) -> None:
    sheet.y -= 10
    sheet.write(LEFT, label, size=8, colour=GREY)
    width = RIGHT - QR_SIDE - LEFT - 24
    sheet.write_wrapped(LEFT, party.name, width, size=11, leading=15, bold=True)
    for line in party.details:
        sheet.write_wrapped(LEFT, line, width)


def _write_lines(sheet: Sheet, facts: Facts) -> None:
    _write_columns(sheet)
    for line in facts.lines:
        _write_line(sheet, line)


def _write_columns(sheet: Sheet) -> None:
    sheet.y -= 16
    sheet.box(LEFT, sheet.y, RIGHT - LEFT, 16, PALE)
    sheet.y += 5
    sheet.write(LEFT + 4, "Descripción", size=8, bold=True)
    for label, right, _ in COLUMNS:
        sheet.write(right, label, size=8, bold=True, align="right")
    sheet.y -= 7


def _write_line(sheet: Sheet, line: Line) -> None:
    """Write a line; a long description goes on upon the next page."""
    texts = wrapped(line.description, DESCRIPTION_WIDTH * 1000 / 9) or ("",)
    figures = (
        number(Decimal(line.quantity)),
        number(Decimal(line.unit_price), least=2) + " €",
        percent(line.discount_percent) if Decimal(line.discount_percent) else "",
        f"{tax_label(line.tax_type)} {percent(line.vat_percent)}",
        money(line.base),
    )
    for index, text in enumerate(texts):
        # A line is not parted unless it is a long one.
        if sheet.room_for(LEADING * (min(len(texts), 8) if index == 0 else 1) + 4):
            _write_columns(sheet)
        sheet.y -= LEADING
        sheet.write(LEFT + 4, text)
        if index == 0:
            for (_, right, most), figure in zip(COLUMNS, figures, strict=True):
                sheet.write(right, figure, align="right", most=most)
    sheet.y -= 4
    sheet.rule()


def _write_sums(sheet: Sheet, facts: Facts) -> None:
    """Write the taxes by rate at the left, and what it all comes to at the right."""
    taxes = [*facts.taxes, *facts.withholdings]
    sums = _sums(facts)
    # They stay together, unless they are longer than half a page.
    sheet.room_for(min((max(len(taxes) + 1, len(sums)) + 2) * ROW + 20, 400))
    sheet.y -= 26
    _write_tax_row(sheet, ("Impuesto", "Base", "Cuota"), bold=True)
    sheet.y += ROW
    for row, total in zip_longest([None, *taxes], sums):
        sheet.room_for(ROW)
        sheet.y -= ROW
        if row is not None:
            _write_tax_row(sheet, (row.tax, money(row.base), money(row.amount)))
        if total is not None:
            sheet.write(HALF + 60, total[0], colour=GREY, most=110)
            sheet.write(RIGHT - 4, total[1], align="right", most=74)
    _write_total(sheet, facts)


def _sums(facts: Facts) -> Sequence[tuple[str, str]]:
    kinds = {line.tax_type for line in facts.lines}
    tax = f"Total {tax_label(*kinds)}" if len(kinds) == 1 else "Total impuestos"
    added = [
        ("Base imponible", facts.base),
        (tax, _amount_of(facts.taxes)),
        ("Recargo de equivalencia", facts.surcharge),
        ("Retención IRPF", _amount_of(facts.withholdings)),
    ]
    # What most invoices do not have is named by those that have it.
    return [(label, money(amount)) for label, amount in (*added[:2], *filter(_is_some, added[2:]))]


def _is_some(row: tuple[str, Decimal]) -> bool:
    return bool(row[1])


def _amount_of(rows: Sequence[TaxRow]) -> Decimal:
    return sum((row.amount for row in rows), Decimal())


def _write_tax_row(sheet: Sheet, row: tuple[str, str, str], *, bold: bool = False) -> None:
    size = 8 if bold else 9
    sheet.write(LEFT + 4, row[0], size=size, bold=bold, most=110)
    sheet.write(LEFT + 184, row[1], size=size, bold=bold, align="right", most=64)
    sheet.write(HALF - 4, row[2], size=size, bold=bold, align="right", most=60)


def _write_total(sheet: Sheet, facts: Facts) -> None:
    sheet.room_for(30)
    sheet.y -= 30
    sheet.box(HALF + 54, sheet.y, RIGHT - HALF - 54, 22, PALE)
    sheet.y += 7
    sheet.write(HALF + 60, "Total", size=12, bold=True)
    sheet.write(RIGHT - 4, money(facts.total), size=12, bold=True, align="right", most=120)
    sheet.y -= 12


def _write_rest(sheet: Sheet, facts: Facts) -> None:
    """Write how it is paid, what was noted, and that nothing was registered."""
    for title, paragraphs in (("Forma de pago", facts.payment), ("Observaciones", [facts.notes])):
        if any(paragraphs):
            sheet.room_for(40)
            sheet.y -= 18
            sheet.write(LEFT, title, size=8, bold=True)
            for paragraph in paragraphs:
                sheet.write_wrapped(LEFT, paragraph, RIGHT - LEFT)
    if facts.is_registered:
        sheet.y -= 14
        sheet.write_wrapped(LEFT, NOTHING_REAL, RIGHT - LEFT, size=7.5, leading=10, colour=GREY)


def _number_pages(sheet: Sheet, facts: Facts) -> None:
    """Write on each page which of how many it is; only now it is known how many there are."""
    count = len(sheet.pages)
    for index in range(count):
        sheet.turn_to(index)
        label = f"{facts.number} · Página {index + 1} de {count}"
        y = BOTTOM - 26
        sheet.write(RIGHT, label, y=y, size=7.5, colour=GREY, align="right", most=200)
