"""Bytes of a CSV file become rows with the numbers that a person sees."""

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.errors import CallerError
from beel_mcp.lists.files.columns import read_table
from beel_mcp.lists.files.sheet import MAX_BYTES, MAX_ROWS

HEADER = "nombre_fiscal;nif;direccion_calle"


def refusal(data: bytes) -> CallerError:
    with pytest.raises(CallerError) as caught:
        read_table(data, "clientes.csv")
    assert "clientes.csv" in caught.value.message
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["no mark", "byte order mark"])
@pytest.mark.parametrize("separator", [";", ","])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_the_template_is_read_with_either_separator_and_any_line_end(mark, separator, end):
    text = end.join([HEADER, "Peña SL;B12345674;Calle Mayor", ""]).replace(";", separator)
    table = read_table(mark + text.encode(), "clientes.csv")
    assert table.headers == ("nombre_fiscal", "nif", "direccion_calle")
    assert [(row.number, row.cells) for row in table.rows] == [
        (2, ("Peña SL", "B12345674", "Calle Mayor"))
    ]


def test_blank_rows_are_left_out_but_counted():
    text = f"\n{HEADER}\nUno;1;a\n\n;;\nDos;2;b\n"
    table = read_table(text.encode(), "clientes.csv")
    assert [(row.number, row.cells[0]) for row in table.rows] == [(3, "Uno"), (6, "Dos")]


def test_a_line_break_inside_quotes_stays_in_its_row_and_does_not_shift_numbers():
    text = f'{HEADER}\nUno;1;"Calle Mayor\nbajo"\nDos;2;b\n'
    table = read_table(text.encode(), "clientes.csv")
    assert table.rows[0].cells[2] == "Calle Mayor\nbajo"
    assert table.rows[1].number == 3


def test_short_rows_are_filled_and_surplus_cells_stay_visible():
    table = read_table(f"{HEADER}\nUno\nDos;2;b;c\nTres;3;c;;\n".encode(), "clientes.csv")
    assert [row.cells for row in table.rows] == [
        ("Uno", "", ""),
        ("Dos", "2", "b", "c"),
        ("Tres", "3", "c"),
    ]


def test_a_comma_in_a_quoted_header_does_not_decide_the_separator():
    table = read_table(b'nombre_fiscal;"a,b,c,d";nif\nUno;x;1\n', "clientes.csv")
    assert table.headers == ("nombre_fiscal", "a,b,c,d", "nif")


def test_a_single_column_may_hold_commas():
    table = read_table("nombre_fiscal\nGarcía, SL\n".encode(), "clientes.csv")
    assert table.rows[0].cells == ("García, SL",)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file_empty"),
        (b"\xef\xbb\xbf\r\n \n", "file_empty"),
        (HEADER.encode(), "file_empty"),
        (b";;;\n;;\n", "file_empty"),
        (b"\xff\xfe" + f"{HEADER}\nUno;1;a".encode("utf-16-le")[:-1], "file_encoding"),
        (f"{HEADER}\nJos\u00e9;1;\u0141".encode() + b"\xf1", "file_encoding"),
        (f"{HEADER}\nUno;1;a".encode("utf-16-le"), "file_encoding"),
        (b"PK\x03\x04rest", "file_damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "file_wrong_type"),
        (b"%PDF-1.7", "file_wrong_type"),
        (b"\x1f\x8brest", "file_wrong_type"),
        (b"\n <!DOCTYPE html><html>", "file_wrong_type"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "file_wrong_type"),
        (f'{HEADER}\n"Uno;1;a\n'.encode(), "file_not_csv"),
        (f'{HEADER}\n"Uno" dos;1;a\n'.encode(), "file_not_csv"),
        (f"{HEADER}\n{'x' * 200_000};1;a\n".encode(), "file_not_csv"),
        ((HEADER + '\n"' + "x\n" * 100_000 + '";1;a').encode(), "file_not_csv"),
        ((";".join(["x"] * 201) + "\na\n").encode(), "file_no_header"),
        (b"x" * (MAX_BYTES + 1), "file_too_large"),
        ((HEADER + "\nUno;1;a" * (MAX_ROWS + 1)).encode(), "too_many_rows"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused_by_name_with_a_remedy(data, code):
    assert refusal(data).code == code


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("cp1252", "Windows-1252 text"),
        ("latin-1", "Windows-1252 text"),
        ("utf-16", "UTF-16 text"),
        ("utf-8", None),
        ("utf-8-sig", None),
    ],
)
def test_an_encoding_other_than_utf_8_is_read_and_said(encoding, said):
    table = read_table(f"{HEADER}\nPe\u00f1a \u00c7am\u00f3;1;a".encode(encoding), "clientes.csv")
    assert table.rows[0].cells[0] == "Pe\u00f1a \u00c7am\u00f3"
    assert table.read_as == said


def test_tabs_separate_and_excels_own_line_names_the_separator():
    assert (
        read_table(HEADER.replace(";", "\t").encode() + b"\na\tb\tc", "x.tsv").rows[0].number == 2
    )
    table = read_table(b"sep=|\r\n" + HEADER.replace(";", "|").encode() + b"\r\na|b|c", "x.csv")
    assert (table.rows[0].number, table.rows[0].cells) == (2, ("a", "b", "c"))


def test_a_foreign_character_is_named_by_its_line():
    error = refusal(b"\xef\xbb\xbf" + f"{HEADER}\r\nUno;1;a\r\nPe\u00f1a;1;a".encode("cp1252"))
    assert "line 3" in error.message


def test_too_many_rows_are_counted():
    error = refusal((HEADER + "\nUno;1;a" * 5_812).encode())
    assert "5812" in error.message


@pytest.mark.slow
def test_the_rows_of_a_file_that_has_far_too_many_are_counted_and_not_kept():
    import tracemalloc

    data = b"nombre_fiscal\n" + b"x\n" * 1_000_000
    tracemalloc.start()
    assert "1000000" in refusal(data).message
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000_000  # a million rows kept would take far more


def test_as_many_rows_as_allowed_are_read():
    table = read_table((HEADER + "\nUno;1;a" * MAX_ROWS).encode(), "clientes.csv")
    assert len(table.rows) == MAX_ROWS


def test_a_row_with_broken_quotes_is_named():
    assert "row 3" in refusal(f'{HEADER}\nUno;1;a\n"Dos" 2;1;a\n'.encode()).message


def test_a_hostile_file_name_is_quoted_and_cut():
    with pytest.raises(CallerError) as caught:
        read_table(b"", "a\n\u202eb" + "x" * 500)
    assert len(caught.value.message) < 150
    assert "\n" not in caught.value.message
    assert "\u202e" not in caught.value.message


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=20)


@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=8), st.sampled_from(";,"))
def test_what_a_csv_writer_writes_is_read_back(rows, separator):
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writerow(("name", "nif", "street"))
    writer.writerows(rows)
    kept = [
        (number, row) for number, row in enumerate(rows, 2) if any(cell.strip() for cell in row)
    ]
    if not kept:
        return
    table = read_table(buffer.getvalue().encode(), "clientes.csv")
    # Blank cells at the end are as good as none.
    expected = [(number, tuple(cell for cell in row)) for number, row in kept]
    read = [(row.number, row.cells) for row in table.rows]
    assert [(n, tuple(c if c.strip() else "" for c in cells)) for n, cells in read] == [
        (n, tuple(c if c.strip() else "" for c in cells)) for n, cells in expected
    ]


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reader(data):
    with suppress(CallerError):
        read_table(data, "clientes.csv")


@pytest.mark.parametrize("mark", [*";,\t|^~¦#*:!$%&§/\\-=+?€<`·'", "\x1f", "\x1e", "\u2502", "||"])
def test_any_sign_that_splits_all_lines_alike_separates_cells(mark):
    lines = (["nombre fiscal", "nif", "telefono"], ["Acme", "B61992475", "931234567"])
    data = "\n".join(mark.join(line) for line in lines).encode()
    (row,) = read_table(data, "a.csv").rows
    assert [cell for cell in row.cells if cell] == ["Acme", "B61992475", "931234567"]


@pytest.mark.parametrize("mark", [*";|^~", "\x1f"])
def test_what_the_error_of_unknown_headers_proposes_works_with_any_separator(mark):
    lines = (["Bezeichnung", "Steuer", "Nr"], ["Acme", "B61992475", "7"])
    data = "\n".join(mark.join(line) for line in lines).encode()
    with pytest.raises(CallerError) as caught:
        read_table(data, "a.csv")
    assert '"Bezeichnung", "Steuer", "Nr"' in caught.value.message
    (row,) = read_table(data, "a.csv", chosen={"Bezeichnung": "legal_name"}).rows
    assert row.cells[0] == "Acme"
