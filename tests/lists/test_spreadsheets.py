"""Workbooks: the right sheet, what the sheet hides, and files that nobody should open."""

import io
import json
import re
import struct
import subprocess
import sys
import zipfile
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beel_mcp.errors import CallerError
from beel_mcp.lists.files.columns import Table, read_table
from beel_mcp.lists.files.rows import read_file_rows
from beel_mcp.lists.files.sheet import MAX_ROWS
from tests.support.list_files import Formula, Merge, ods, text, xls, xlsx
from tests.support.program_exports import BEEL, beel

WRITERS = {"xlsx": xlsx, "xls": xls, "ods": ods}
kinds = pytest.mark.parametrize("kind", WRITERS)


def refusal(data: bytes, name: str, **how: Any) -> CallerError:
    with pytest.raises(CallerError) as caught:
        read_table(data, name, **how)
    assert name in caught.value.message
    assert caught.value.remedy
    return caught.value


def names(table: Table) -> list[Any]:
    return [row.cells[0] for row in table.rows]


def repacked(data: bytes, change: dict[str, bytes]) -> bytes:
    """Give a ZIP with other parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", 8) as new:
        for name in {**dict.fromkeys(old.namelist()), **dict.fromkeys(change)}:
            new.writestr(name, change[name] if name in change else old.read(name))
    return file.getvalue()


MAIN = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def with_sheet(cells: bytes) -> bytes:
    """Give a workbook whose one sheet has these rows."""
    sheet = b'<worksheet xmlns="%s"><sheetData>%s</sheetData></worksheet>' % (MAIN, cells)
    return repacked(xlsx(beel()), {"xl/worksheets/sheet1.xml": sheet})


@kinds
def test_rows_have_the_numbers_that_the_sheet_shows(kind):
    rows = [[], BEEL[0], [], BEEL[1], [None], BEEL[1]]
    table = read_table(WRITERS[kind](rows), f"a.{kind}")
    assert [row.number for row in table.rows] == [4, 6]
    assert table.layout.line.number == 2


@kinds
def test_hidden_rows_are_read_and_the_person_is_asked_about_them(kind):
    data = WRITERS[kind]([BEEL[0], BEEL[1], BEEL[1]], hidden=[3])
    first, second = read_file_rows(read_table(data, f"a.{kind}")).rows
    assert not [problem for problem in first.problems if problem.field == "row"]
    (asked,) = [problem for problem in second.problems if problem.field == "row"]
    assert "hides this row" in asked.text()
    assert not second.errors


@kinds
def test_hidden_columns_are_read_and_named_as_such(kind):
    table = read_table(WRITERS[kind](BEEL, hidden_columns=[2, 3]), f"a.{kind}")
    assert table.rows[0].cells[2] == BEEL[1][2]
    hidden = f'with what the sheet hides: "{BEEL[0][2]}", "{BEEL[0][3]}"'
    assert hidden in str(table.read_as)
    assert "hides" not in str(read_table(WRITERS[kind](BEEL), f"a.{kind}").read_as)


@kinds
def test_a_cell_merged_downwards_counts_for_each_of_its_rows(kind):
    rows = [
        BEEL[0],
        ["Uno", "1", "", "", "", "", "", Merge("Vigo", 3)],
        ["Dos"],
        ["Tres"],
        ["Cuatro"],
    ]
    read = read_file_rows(read_table(WRITERS[kind](rows), f"a.{kind}"))
    assert [row.values.get("address", {}).get("city") for row in read.rows] == ["Vigo"] * 3 + [None]
    assert [(change.row, change.change.text()) for change in read.values_changed] == [
        (3, "taken from row 2: merged"),
        (4, "taken from row 2: merged"),
    ]


def test_merged_titles_above_the_list_do_no_harm():
    rows = [[Merge("LISTADO", 2)], [None], BEEL[0], BEEL[1]]
    assert len(read_table(xlsx(rows), "a.xlsx").rows) == 1


@kinds
def test_the_only_sheet_that_looks_like_a_list_is_taken(kind):
    if kind != "xlsx":
        assert read_table(WRITERS[kind](beel(), name="Uno"), f"a.{kind}").grid.sheet == "Uno"
        return
    notes = [["Notas"], ["esto no es una lista"]]
    hidden = [BEEL[0], ["Oculto"]]
    data = xlsx(beel(), others={"Notas": notes, "Viejos": hidden}, unseen=["Viejos"])
    table = read_table(data, "a.xlsx")
    assert (table.grid.sheet, len(table.rows)) == ("Clientes", 1)
    assert names(read_table(data, "a.xlsx", " viejos ")) == ["Oculto"]


def test_two_sheets_that_could_be_the_list_are_not_guessed_between():
    data = xlsx(beel(), others={"Clientes 2025": beel()})
    error = refusal(data, "a.xlsx")
    assert error.code == "file_sheet"
    assert '"Clientes", "Clientes 2025"' in error.remedy
    assert read_table(data, "a.xlsx", "Clientes 2025").grid.sheet == "Clientes 2025"


def test_a_sheet_that_is_not_there_is_named_with_those_that_are():
    error = refusal(xlsx(beel()), "a.xlsx", sheet="Hoja1")
    assert (error.code, '"Hoja1"' in error.message) == ("file_sheet", True)
    assert '"Clientes"' in error.remedy
    assert refusal(text(beel()), "a.csv", sheet="Hoja1").code == "file_sheet"


def test_a_formula_gives_its_saved_result():
    data = xlsx(beel(direccion_codigo_postal=Formula('=CONCAT("08","001")', "08001")))
    assert read_table(data, "a.xlsx").rows[0].cells[6] == "08001"


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (Formula("=VLOOKUP(1,A:A,1)", "#N/A"), "shows an error"),
        (Formula("=A1", None), "without a saved result"),
        (date(2026, 5, 3), "made a date"),
        (True, "true or false"),
    ],
)
def test_a_cell_without_a_value_to_read_makes_an_error_row_and_no_silent_gap(cell, words):
    (row,) = read_file_rows(read_table(xlsx(beel(direccion_numero=cell)), "a.xlsx")).rows
    assert [problem.field for problem in row.errors] == ["address.number"]
    assert words in row.errors[0].text()


@pytest.mark.parametrize("written", [b't="e"', b"t='e'", b't = "e"'])
def test_an_error_is_no_silent_gap_however_its_cell_is_written(written):
    part = "xl/worksheets/sheet1.xml"
    data = xlsx(beel(telefono=Formula("=1/0", "#DIV/0!")))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sheet = re.sub(b"<f>[^<]*</f>", b"", archive.read(part)).replace(b't="e"', written)
    (row,) = read_file_rows(read_table(repacked(data, {part: sheet}), "a.xlsx")).rows
    assert [problem.field for problem in row.errors] == ["phone"]


def test_an_error_of_old_excel_or_libreoffice_is_no_silent_gap_either():
    rows = beel(telefono="#N/A")
    (row,) = read_file_rows(read_table(ods(rows), "a.ods")).rows
    assert [problem.field for problem in row.errors] == ["phone"]
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("Clientes")
    for number, line in enumerate(beel()):
        for column, cell in enumerate(line):
            sheet.write(number, column, cell)
    sheet.row(1).set_cell_error(9, "#N/A!")
    sheet.write(0, 9, "Notas")
    file = io.BytesIO()
    book.save(file)
    (row,) = read_file_rows(read_table(file.getvalue(), "a.xls")).rows
    assert [problem.field for problem in row.errors] == ["notes"]


def test_text_that_would_be_a_formula_stays_text():
    for sign in ("=1+1", "+34 931234567", "-5", "@SUM(1)", "\t=1"):
        (row,) = read_file_rows(read_table(xlsx(beel(nombre_fiscal=sign)), "a.xlsx")).rows
        assert row.values["legal_name"] == sign.strip()


def test_the_apostrophe_that_keeps_text_from_being_a_formula_is_no_part_of_it():
    read = read_file_rows(read_table(xlsx(beel(nombre_fiscal="'0045")), "a.xlsx"))
    assert read.rows[0].values["legal_name"] == "0045"
    (change,) = [one for one in read.values_changed if one.field == "legal_name"]
    assert (change.before, change.after) == ("'0045", "0045")


@kinds
def test_notes_beside_the_list_do_not_break_its_rows(kind):
    rows = [BEEL[0], [*BEEL[1], None, "llamar el lunes"]]
    table = read_table(WRITERS[kind](rows), f"a.{kind}")
    assert "column 11 (no header)" in [column.what for column in table.columns_ignored()]
    assert not read_file_rows(table).rows[0].errors


def test_headers_that_stand_again_on_each_page_are_left_out_and_it_is_said():
    table = read_table(xlsx([*beel(), BEEL[0], BEEL[1]]), "a.xlsx")
    assert [row.number for row in table.rows] == [2, 4]
    assert "stand again: 1" in str(table.read_as)


# --- what is refused -------------------------------------------------------------------------

FAR = {
    "a row of the end": b'<row r="1048576"><c r="A1048576"><v>1</v></c></row>',
    "the last column": b'<row r="1"><c r="A1"><v>1</v></c><c r="XFD1"><v>1</v></c></row>',
    "a reference in single quotes": b"<row r='1'><c r='XFD9000'><v>1</v></c></row>",
    "an attribute before the reference": b'<row><c t="n" r="ZZ9000"><v>1</v></c></row>',
    "rows without cells in between": b'<row r="20000"><c><v>1</v></c></row>',
}


@pytest.mark.parametrize("cells", FAR.values(), ids=FAR)
def test_a_sheet_that_would_fill_the_memory_is_not_opened(cells):
    error = refusal(with_sheet(cells), "bomba.xlsx")
    assert error.code == "file_too_large"
    assert "reaches to row" in error.message


def test_formatted_but_empty_cells_far_away_are_no_bomb():
    rows = b"".join(
        b'<row r="%d">%s</row>'
        % (
            number,
            b"".join(
                b'<c r="%c%d" t="inlineStr"><is><t>%s</t></is></c>'
                % (65 + column, number, cell.encode())
                for column, cell in enumerate(line)
            ),
        )
        for number, line in enumerate(beel(), 1)
    )
    data = with_sheet(rows + b'<row r="900000"><c r="XFD900000" s="1"/></row>')
    assert len(read_table(data, "a.xlsx").rows) == 1


def test_a_part_that_unpacks_to_far_more_is_not_unpacked():
    data = repacked(xlsx(beel()), {"xl/sharedStrings.xml": b" " * 60_000_000})
    assert len(data) < 200_000
    error = refusal(data, "bomba.xlsx")
    assert error.code == "file_too_large"
    assert "unpacks to" in error.message


@pytest.mark.parametrize("part", ["mimetype", "content.xml"])
@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_part_packed_in_another_way_is_not_unpacked(part, method):
    import tracemalloc

    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(ods(beel()))) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name), method if name == part else zipfile.ZIP_STORED)
    tracemalloc.start()
    assert refusal(file.getvalue(), "bomba.ods").code in {"file_damaged", "file_wrong_type"}
    assert tracemalloc.get_traced_memory()[1] < 5_000_000
    tracemalloc.stop()


def test_parts_that_no_list_needs_are_not_unpacked_at_all():
    data = repacked(xlsx(beel()), {"xl/media/image1.png": b" " * 60_000_000})
    assert len(read_table(data, "a.xlsx").rows) == 1


def test_a_part_that_is_larger_than_it_says_gives_an_error_and_not_more_memory():
    data = bytearray(xlsx(beel()))
    name = b"xl/worksheets/sheet1.xml"
    at = data.rfind(name) - 46  # its entry in the directory at the end
    (size,) = struct.unpack_from("<I", data, at + 24)
    struct.pack_into("<I", data, at + 24, size // 2)
    assert refusal(bytes(data), "a.xlsx").code == "file_damaged"


BENIGN = b'<worksheet><sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData></worksheet>'


def test_a_second_part_by_the_name_of_the_measured_one_is_not_opened_in_its_place():
    far = with_sheet(FAR["a row of the end"])
    with zipfile.ZipFile(io.BytesIO(far)) as archive:
        bomb = archive.read("xl/worksheets/sheet1.xml")
    data = repacked(far, {"xl/worksheets/sheet1.xml": BENIGN, "xl/worksheets/SHEET1.xml": bomb})
    assert refusal(data, "bomba.xlsx").code == "file_damaged"


def test_of_two_sheets_of_one_name_none_is_opened():
    data = xlsx(beel(), others={"Otra": beel()})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        book = archive.read("xl/workbook.xml").replace(b'"Otra"', b'"Clientes"')
        bomb = archive.read("xl/worksheets/sheet1.xml").replace(b'r="A1"', b'r="XFD1048576"')
    data = repacked(data, {"xl/workbook.xml": book, "xl/worksheets/sheet1.xml": bomb})
    assert refusal(data, "bomba.xlsx").code == "file_damaged"


@pytest.mark.parametrize("attribute", ["rows", "columns"])
def test_repetition_in_an_ods_is_counted_before_it_is_unrolled(attribute):
    data = ods(beel())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = archive.read("content.xml").decode()
    if attribute == "rows":
        old, new = "<table:table-row ", '<table:table-row table:number-rows-repeated="900000" '
    else:
        old, new = "<table:table-cell ", '<table:table-cell table:number-columns-repeated="9000" '
    bomb = repacked(data, {"content.xml": content.replace(old, new, 1).encode()})
    assert refusal(bomb, "bomba.ods").code == "file_too_large"


def test_a_long_text_that_many_cells_share_is_counted_for_each():
    cells = b"".join(
        b'<row r="%d"><c r="A%d" t="s"><v>0</v></c></row>' % (row, row) for row in range(1, 3_000)
    )
    texts = b'<sst xmlns="%s"><si><t>%s</t></si></sst>' % (MAIN, b"x" * 30_000)
    data = repacked(with_sheet(cells), {"xl/sharedStrings.xml": texts})
    error = refusal(data, "bomba.xlsx")
    assert (error.code, "89 MB of text" in error.message) == ("file_too_large", True)


def test_one_long_text_makes_no_bomb_of_a_list():
    rows = [[*BEEL[1][:-1], "x" * 20_000], *[BEEL[1]] * 2_000]
    assert len(read_table(xlsx([BEEL[0], *rows]), "a.xlsx").rows) == 2_001


def test_a_long_text_that_an_ods_repeats_is_counted_for_each_row():
    data = ods(beel())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = archive.read("content.xml").decode()
    content = content.replace("<text:p>", "<text:p>" + "x" * 30_000, 1)
    row = "<table:table-row "
    content = content.replace(row, row + 'table:number-rows-repeated="3000" ', 1)
    error = refusal(repacked(data, {"content.xml": content.encode()}), "bomba.ods")
    assert (error.code, "MB of text" in error.message) == ("file_too_large", True)


def test_a_long_text_that_cells_of_an_old_excel_file_share_is_counted_for_each():
    header = ["nombre_fiscal", "notas"]
    rows = [[f"Cliente {row} {'ñ€'[row % 2] * 9}", "x" * 30_000] for row in range(3_000)]
    error = refusal(xls([header, *rows]), "bomba.xls")
    assert (error.code, "MB of text" in error.message) == ("file_too_large", True)


def test_long_texts_of_an_old_excel_file_are_read_wherever_its_records_end():
    rows = [[f"Cliente {row}", "ñ€"[row % 2] * (3_000 + row)] for row in range(60)]
    table = read_table(xls([["nombre_fiscal", "notas"], *rows]), "a.xls")
    assert [list(row.cells) for row in table.rows] == rows


def test_hidden_rows_that_an_ods_repeats_take_no_memory():
    import tracemalloc

    data = ods(beel())
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = archive.read("content.xml").decode()
    hidden = '<table:table-row table:visibility="filter" table:number-rows-repeated="9999"/>'
    content = content.replace("</table:table>", hidden * 300 + "</table:table>")
    tracemalloc.start()
    table = read_table(repacked(data, {"content.xml": content.encode()}), "a.ods")
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    assert len(table.rows) == 1


def test_merged_cells_that_lie_on_each_other_are_not_filled_for_ever():
    rows = b"".join(b'<row r="%d"><c r="A%d"><v>1</v></c></row>' % (n, n) for n in range(1, 5_000))
    data = with_sheet(rows)
    part = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        merged = b"<mergeCells>%s</mergeCells></worksheet>" % (b'<mergeCell ref="A1:A9000"/>' * 500)
        sheet = archive.read(part).replace(b"</worksheet>", merged)
    error = refusal(repacked(data, {part: sheet}), "bomba.xlsx")
    assert (error.code, "merged cells" in error.message) == ("file_too_large", True)


def test_two_far_cells_of_an_old_excel_file_are_no_rectangle_either():
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet("a")
    sheet.write(0, 0, "nif")
    sheet.write(60_000, 250, "z")
    file = io.BytesIO()
    book.save(file)
    assert refusal(file.getvalue(), "bomba.xls").code == "file_too_large"


def test_a_document_type_in_a_part_is_refused():
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa">]><workbook>&a;</workbook>'
    data = repacked(xlsx(beel()), {"xl/workbook.xml": bomb})
    assert refusal(data, "a.xlsx").code == "file_damaged"


def test_protected_files_are_named_as_such(tmp_path: Path):
    encrypted = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500 + "EncryptedPackage".encode("utf-16-le")
    )
    assert refusal(encrypted, "clientes.xlsx").code == "file_password"
    manifest = b"<manifest:manifest><manifest:encryption-data/></manifest:manifest>"
    data = repacked(ods(beel()), {"META-INF/manifest.xml": manifest})
    assert refusal(data, "a.ods").code == "file_password"


def test_a_protected_old_excel_file_is_named_as_such():
    data = bytearray(xls(beel()))
    # A record that any program skips becomes the one that says "encrypted".
    at = data.find(struct.pack("<HH", 0x0042, 2))
    assert at > 0
    struct.pack_into("<H", data, at, 0x002F)
    assert refusal(bytes(data), "a.xls").code == "file_password"


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (xlsx(beel()), "lista.csv", "file_wrong_type"),
        (xlsx(beel()), "lista.xls", "file_wrong_type"),
        (text(beel()), "lista.xlsx", "file_wrong_type"),
        (text(beel()), "lista.xls", "file_wrong_type"),
        (b"<html><table><tr><td>nif</td></tr></table></html>", "lista.xls", "file_wrong_type"),
        (ods(beel()), "lista.xlsx", "file_wrong_type"),
        (xls(beel()), "lista.xlsx", "file_wrong_type"),
        (b"", "lista.xlsx", "file_empty"),
        (xlsx([]), "lista.xlsx", "file_empty"),
        (xlsx([BEEL[0]]), "lista.xlsx", "file_empty"),
        (xlsx([["a", "b"], ["c", "d"]]), "lista.xlsx", "file_no_header"),
        (xlsx(beel())[:900], "lista.xlsx", "file_damaged"),
        (xls(beel())[:900], "lista.xls", "file_damaged"),
        (xlsx([["x"] * 201, ["y"]]), "lista.xlsx", "file_too_large"),
        (xlsx([BEEL[0], *[["Uno"]] * (MAX_ROWS + 1)]), "lista.xlsx", "too_many_rows"),
    ],
)
def test_a_file_that_is_no_such_list_is_refused_by_name_with_a_remedy(data, name, code):
    assert refusal(data, name).code == code


@pytest.mark.parametrize(
    ("part", "what"),
    [("xl/workbook.bin", "binary Excel"), ("word/document.xml", "a document"), ("a.txt", "a ZIP")],
)
def test_other_zips_are_called_by_their_name(part, what):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(part, b"x")
    error = refusal(file.getvalue(), "lista.xlsx")
    assert (error.code, what in error.message) == ("file_wrong_type", True)


@pytest.mark.parametrize("kind", WRITERS)
@settings(deadline=None)  # the reader in Rust may write a long account of its panic
@given(place=st.floats(0, 1), value=st.integers(0, 255), cut=st.booleans())
def test_no_damaged_byte_breaks_the_reader(kind, place, value, cut):
    data = bytearray(CORPUS[kind])
    at = int(place * (len(data) - 1))
    data[at] = value
    with suppress(CallerError):
        read_file_rows(read_table(bytes(data[:at] if cut else data), f"a.{kind}"))


CORPUS = {kind: write([*beel(), BEEL[1]]) for kind, write in WRITERS.items()}
CELL = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=12
)


@pytest.mark.slow
@kinds
@settings(deadline=None)  # as above
@given(rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=6))
def test_what_is_written_into_a_sheet_is_read_back(kind, rows):
    header = ("nombre_fiscal", "nif", "notas")
    kept = [
        (number, tuple(cell if cell.strip() else "" for cell in row))
        for number, row in enumerate(rows, 2)
        if any(cell.strip() for cell in row)
    ]
    if not kept:
        return
    table = read_table(WRITERS[kind]([header, *rows]), f"a.{kind}")
    read = [
        (row.number, tuple(str(c) if str(c).strip() else "" for c in row.cells))
        for row in table.rows
    ]
    # LibreOffice folds blanks when it writes.
    folded = (lambda cell: " ".join(cell.split())) if kind == "ods" else str
    assert [(n, tuple(map(folded, cells))) for n, cells in read] == [
        (n, tuple(map(folded, cells))) for n, cells in kept
    ]


def test_the_sizes_that_an_old_excel_file_promises_are_not_believed():
    data = bytearray(xls(beel()))
    for offset in (44, 64, 72):  # how many tables its container says it has
        damaged = data.copy()
        damaged[offset : offset + 4] = b"\xff\xff\xff\x7f"
        with suppress(CallerError):
            assert len(read_table(bytes(damaged), "a.xls").rows) == 1
    at = data.find(struct.pack("<HH", 0x0200, 14))
    data[at + 8 : at + 12] = b"\xff\xff\xff\x7f"  # the last row of its one sheet
    assert len(read_table(bytes(data), "a.xls").rows) == 1


def test_a_workbook_of_many_megabytes_fits_into_the_fresh_container():
    from beel_mcp.lists.files.xls import contained, workbook_of

    for size in (0, 4_096, 4_097, 5_000_000):
        book = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        assert workbook_of(contained(book).getvalue()).rstrip(b"\0") == book.rstrip(b"\0")


@pytest.mark.slow
def test_a_server_that_reads_no_file_starts_without_the_readers():
    script = (
        "import sys, beel_mcp.server;"
        "print(sorted({'python_calamine', 'olefile', 'rapidfuzz', 'zipfile', 'stdnum', 'tomllib'}"
        " & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    ours = set(json.loads(done.stdout.replace("'", '"')))
    assert not ours - {"zipfile"}  # the SDK's own dependencies may take that one


@pytest.mark.slow
@pytest.mark.parametrize(
    "start", [b'<c r="A1" ', b'<row r="1" hidden="1" ', b'<c r="A1"><f>', b'<c r="A1" t="e" ']
)
def test_broken_text_that_never_ends_is_not_searched_for_ever(start):
    import time

    started = time.perf_counter()
    with suppress(CallerError):
        read_table(with_sheet(b'<f t="e" hidden="' + start * 200_000), "a.xlsx")
    assert time.perf_counter() - started < 20  # quadratic, and minutes, without bounds
