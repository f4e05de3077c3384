"""PDF files with plain text on A4 pages: the same text gives the same bytes."""

from collections.abc import Sequence
from itertools import accumulate

LINES_PER_PAGE = 54
LEFT, TOP, LEADING, SIZE = 56, 786, 13.5, 10
HEADER = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"  # the second line says that the file is binary


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
    shown = b"\n".join(b"(%b) Tj T*" % _escaped(line) for line in lines)
    place = f"BT /F1 {SIZE} Tf {LEADING} TL {LEFT} {TOP} Td".encode()
    return place + b"\n" + shown + b"\nET"


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
