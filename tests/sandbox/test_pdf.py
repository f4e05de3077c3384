"""PDFs hold together: every object is where the table says, every stream as long as it says."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.sandbox.endpoints.pdf import LINES_PER_PAGE, write_pdf


def objects_of(pdf):
    """Find the objects through the table at the end, as a reader does."""
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n\Z", pdf)[1])
    table = re.match(rb"xref\n0 (\d+)\n0000000000 65535 f \n((?:\d{10} 00000 n \n)*)", pdf[start:])
    count, places = int(table[1]), [int(line[:10]) for line in table[2].splitlines()]
    assert len(places) == count - 1
    assert f"/Size {count} ".encode() in pdf[start:]
    found = []
    for number, place in enumerate(places, start=1):
        head = b"%d 0 obj\n" % number
        assert pdf[place:].startswith(head)
        found.append(pdf[place + len(head) :].partition(b"\nendobj\n")[0])
    assert all(int(number) < count for number in re.findall(rb"(\d+) 0 R", b" ".join(found)))
    return found


def text_of(pdf):
    lines = []
    for item in objects_of(pdf):
        stream = re.match(rb"<< /Length (\d+) >>\nstream\n(.*)\nendstream\Z", item, re.DOTALL)
        if stream:
            assert int(stream[1]) == len(stream[2])
            shown = re.findall(rb"^\((.*)\) Tj T\*$", stream[2], re.MULTILINE)
            lines += [re.sub(rb"\\(.)", rb"\1", line).decode("cp1252") for line in shown]
    return lines


TEXT = st.text(st.characters(codec="cp1252", exclude_characters="\r\n"), max_size=40)


@pytest.mark.slow
@given(st.lists(TEXT, max_size=2 * LINES_PER_PAGE + 1), st.text(max_size=10))
def test_what_is_written_stands_in_it_whatever_the_text(lines, title):
    assert text_of(write_pdf(title, lines)) == lines


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (54, 1), (55, 2), (109, 3)])
def test_there_are_as_many_pages_as_the_lines_need(count, pages):
    pdf = write_pdf("Factura", ["Línea"] * count)
    assert sum(b"/Type /Page " in item for item in objects_of(pdf)) == pages
    assert b"/Count %d " % pages in objects_of(pdf)[1]


def test_letters_that_the_font_lacks_and_ends_of_line_break_nothing():
    assert text_of(write_pdf("漢", ["漢 ñ €", "a\nb\rc", "(\\)"])) == ["? ñ €", "a b c", "(\\)"]


def test_the_same_text_gives_the_same_bytes():
    assert write_pdf("T", ["a"]) == write_pdf("T", ["a"])
    assert write_pdf("T", ["a"]).startswith(b"%PDF-1.4\n")
