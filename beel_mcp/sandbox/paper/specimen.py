"""What says on each page that the invoice is a specimen, and its QR code to nowhere."""

from functools import cache
from typing import Final

import segno

from .sheet import BOTTOM, GREY, LEFT, RED, RIGHT, TOP, Sheet

NOTICE: Final = "Factura de prueba – sin validez"  # noqa: RUF001 - a dash of Spanish
MAKER: Final = "Simulación incluida en beel-mcp"
NOTHING_REAL: Final = (
    "VERI*FACTU de muestra: esta factura no está registrada en la Agencia Tributaria, y el código"
    " QR no lleva a ninguna parte."
)
ABOVE: Final = "QR tributario (muestra):"
BELOW: Final = "VERI*FACTU – sin validez"  # noqa: RUF001
QR_SIDE: Final = 86.0  # 30 mm, the least that the tax agency allows
QUIET: Final = 13.0  # what stays white around it, almost four of its modules
# Nobody can own a name in .invalid, and in capitals the code is a small one. All invoices have the
# same: to make one takes up to 20 ms, and a package holds hundreds of invoices.
NOWHERE: Final = "HTTPS://SANDBOX.INVALID/SIN-VALIDEZ"


def begin_page(sheet: Sheet) -> None:
    """Put the notice on a new page."""
    sheet.frame(LEFT, TOP + 14, RIGHT - LEFT, 20, RED)
    centre = (LEFT + RIGHT) / 2
    sheet.write(centre, NOTICE, y=TOP + 20.5, size=10, bold=True, colour=RED, align="centre")
    sheet.write(LEFT, f"{NOTICE} · {MAKER}", y=BOTTOM - 26, size=7.5, colour=GREY)


def draw_qr(sheet: Sheet, top: float) -> float:
    """Draw the code at the right, with what it is above and below it; tells where that ends."""
    x = RIGHT - QR_SIDE
    pixels, rows = _qr()
    bottom = top - 8 - QUIET - QR_SIDE
    sheet.picture(x, bottom, QR_SIDE, pixels=pixels, rows=rows)
    for text, y in ((ABOVE, top - 8), (BELOW, bottom - QUIET - 5)):
        sheet.write(x + QR_SIDE / 2, text, y=y, size=7.5, align="centre", most=QR_SIDE)
    return bottom - QUIET - 5


@cache
def _qr() -> tuple[int, bytes]:
    """Give the side of the code in modules, and the rows of a picture with a pixel for each."""
    matrix = segno.make(NOWHERE, error="m", micro=False).matrix
    side = len(matrix)
    rows = ("".join("0" if is_dark else "1" for is_dark in row) for row in matrix)
    wide = -(-side // 8)  # bytes; a row ends with one
    return side, b"".join(int(row.ljust(8 * wide, "1"), 2).to_bytes(wide, "big") for row in rows)
