"""A4 pages to write on, from the top down, and the PDF that they become.

Places are in points from the lower left corner. Whoever runs out of a page begins another.
"""

from collections.abc import Callable
from functools import lru_cache
from io import BytesIO
from typing import Final, Literal

import pydyf

from .fonts import OWN, add_fonts
from .letters import readable, runs_of, width_of, wrapped

PAGE: Final = (595, 842)
LEFT, RIGHT, TOP, BOTTOM = 48, 547, 786, 62
BLACK, GREY, LINE, PALE, RED = 0.1, 0.42, 0.75, 0.93, (0.72, 0.11, 0.11)
Colour = float | tuple[float, float, float]
Align = Literal["left", "right", "centre"]
STROKE: Final = 0.02  # of the size; what makes a letter of our own bold


class Sheet:
    """The pages of one document, and the place on the last one where it goes on."""

    def __init__(self, begin_page: Callable[["Sheet"], None]) -> None:
        self.y: float = TOP
        self.pages: list[pydyf.Stream] = []
        self._needs_own_font = False
        self._begin_page = begin_page
        self.new_page()

    def new_page(self) -> None:
        """Begin another page."""
        self.page = pydyf.Stream()
        self.pages.append(self.page)
        self.y = TOP
        self._begin_page(self)

    def turn_to(self, index: int) -> None:
        """Go on with a page that was begun before."""
        self.page = self.pages[index]

    def room_for(self, height: float) -> bool:
        """Make sure of room; tells whether that took another page."""
        if self.y - height >= BOTTOM:
            return False
        self.new_page()
        return True

    def write(
        self,
        x: float,
        text: str,
        *,
        y: float | None = None,
        size: float = 9,
        bold: bool = False,
        colour: Colour = BLACK,
        align: Align = "left",
        most: float | None = None,
    ) -> None:
        """Write one line; what is wider than it may be is written smaller."""
        text = readable(text)
        wide = width_of(text, bold=bold) / 1000
        if most is not None and wide * size > most:
            size = most / wide
        x -= {"left": 0, "right": wide * size, "centre": wide * size / 2}[align]
        self._show(x, self.y if y is None else y, text, size=size, bold=bold, colour=colour)

    def write_wrapped(
        self,
        x: float,
        text: str,
        most: float,
        *,
        size: float = 9,
        leading: float = 12,
        bold: bool = False,
        colour: Colour = BLACK,
    ) -> None:
        """Write a paragraph, and go on below it."""
        for line in wrapped(text, most * 1000 / size, bold=bold):
            self.room_for(leading)
            self.y -= leading
            self.write(x, line, size=size, bold=bold, colour=colour)

    def rule(self, left: float = LEFT, right: float = RIGHT, *, width: float = 0.4) -> None:
        """Draw a line across, where the text is."""
        ink = _inked(LINE, stroke=True)
        line = b"%b %g w %d %.1f m %d %.1f l S" % (ink, width, left, self.y, right, self.y)
        self.page.stream.append(line)

    def box(self, x: float, y: float, width: float, height: float, fill: Colour) -> None:
        """Fill a rectangle; what is written on it comes after."""
        self.page.stream.append(_inked(fill))
        self.page.rectangle(x, y, width, height)
        self.page.fill()

    def frame(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Draw the outline of a rectangle."""
        self.page.stream.append(_inked(colour, stroke=True))
        self.page.set_line_width(0.8)
        self.page.rectangle(x, y, width, height)
        self.page.stroke()

    def picture(self, x: float, y: float, side: float, *, pixels: int, rows: bytes) -> None:
        """Put in a square picture of white and black pixels: a bit each, 1 is white."""
        page = self.page
        page.push_state()
        page.set_matrix(side, 0, 0, side, x, y)
        page.inline_image(pixels, pixels, "Gray", 1, rows)
        page.pop_state()

    def to_pdf(self, title: str, subject: str) -> bytes:
        """Put the pages together."""
        pdf = pydyf.PDF()
        fonts = add_fonts(pdf, with_own=self._needs_own_font)
        for page in self.pages:
            page.stream = [
                b"\n".join(page.stream)
            ]  # at once: it is all bytes, and hundreds of them
            pdf.add_object(page)
            pdf.add_page(
                pydyf.Dictionary(
                    {
                        "Type": "/Page",
                        "Parent": pdf.pages.reference,
                        "MediaBox": pydyf.Array([0, 0, *PAGE]),
                        "Resources": pydyf.Dictionary({"Font": fonts}),
                        "Contents": page.reference,
                    }
                )
            )
        pdf.info["Title"] = _text(title)
        pdf.info["Subject"] = _text(subject)
        pdf.catalog["Lang"] = pydyf.String("es-ES")
        file = BytesIO()
        pdf.write(file, version=b"1.4")  # no id and no date: the same pages are the same bytes
        return file.getvalue()

    def _show(
        self, x: float, y: float, text: str, *, size: float, bold: bool, colour: Colour
    ) -> None:
        shown, needs_own_font = _shown(text, size, colour, bold=bold)
        self._needs_own_font |= needs_own_font
        self.page.stream.append(b"BT %.5g %.5g Td %b ET" % (x, y, shown))


@lru_cache(4096)
def _shown(text: str, size: float, colour: Colour, *, bold: bool) -> tuple[bytes, bool]:
    """Write what shows a text, and whether that needs the font of our own.

    An invoice has dozens of texts, most of them those of every other, and a package hundreds of
    invoices.
    """
    parts, runs = [_inked(colour)], list(runs_of(text))
    for is_plain, run in runs:
        font = OWN if not is_plain else "B" if bold else "R"
        shown = b"/%b %.3g Tf %b Tj" % (font.encode(), size, pydyf.String(run).data)
        if bold and not is_plain:  # its letters are filled and drawn around
            ink = _inked(colour, stroke=True)
            shown = b"%b %.2f w 2 Tr %b 0 Tr" % (ink, size * STROKE, shown)
        parts.append(shown)
    return b" ".join(parts), not all(is_plain for is_plain, _ in runs)


def _inked(colour: Colour, *, stroke: bool = False) -> bytes:
    """Choose a colour, in as few bytes as it takes."""
    parts = colour if isinstance(colour, tuple) else (colour,)
    operator = ("rg" if len(parts) == 3 else "g").encode()
    numbers = b" ".join(b"%.3g" % part for part in parts)
    return b"%b %b" % (numbers, operator.upper() if stroke else operator)


def _text(text: str) -> bytes:
    """Write a text for the facts of a document, whatever letters it has."""
    return b"<FEFF%b>" % text.encode("utf-16-be", "replace").hex().upper().encode()
