"""What a list holds beside its customers is named with a value, and nobody is made of it."""

from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from beel_mcp.errors import CallerError
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.export.report import report_of
from beel_mcp.lists.files.columns import read_table
from beel_mcp.lists.files.rows import ReadRows, read_list
from beel_mcp.lists.inline import read_inline
from tests.support.list_files import text, xls, xlsx
from tests.support.program_exports import BEEL, beel

CASES = Path(__file__).parents[2].parent / "shared" / "cases"


def with_row(*cells: Any) -> ReadRows:
    return read_list(text([*beel(), [], list(cells)]), "clientes.csv")


@pytest.mark.parametrize(
    "cells",
    [
        ["Total"],
        ["TOTAL:", "", "", "", "", "", "", "", "1.200,50 €"],
        ["Total clientes: 688"],
        ["Total de registros", 688],
        ["", "", "Suma", "", "12.345,67"],
        ["Sumas totales"],
        ["Suma y sigue"],
        ["Subtotal", "3"],
        ["Nº de registros: 12"],
        ["Número de registros", "12"],
        ["12 registros"],
        ["128 clientes en total"],
        ["Página 1 de 3"],
        ["Pág. 2"],
        ["Fecha: 01/07/2026"],
        ["01/07/2026 10:35"],
        ["Impreso el 1 de julio de 2026", "", "Página 1/2"],
        ["Fin del listado"],
        ["Fin"],
        ["Listado generado el 01/07/2026 10:35"],
        ["-----------", "-----"],
        ["Total clients: 5"],
        ["Guztira", "5"],
        ["Grand total", "5"],
    ],
)
def test_totals_counts_pages_and_dates_are_left_out_and_named(cells):
    read = with_row(*cells)
    assert [row.number for row in read.rows] == [2]
    first = next(str(cell) for cell in cells if cell != "")
    assert read.rows_left_out == (("4", first[:40]),)


def test_a_telephone_that_a_sheet_keeps_as_a_number_is_no_amount():
    read = read_list(xlsx([*beel(), ["Total", "", "", 931234567]]), "clientes.xlsx")
    assert [row.values["legal_name"] for row in read.rows][1:] == ["Total"]


@pytest.mark.parametrize(
    "cells",
    [
        ["Total Energies SL"],
        ["Total", "B65120347"],
        ["Total", "", "info@total.example"],
        ["Total", "", "", "931234567"],
        ["Suma Capital SL", "", "", "", "Calle Mayor"],
        ["Registros y Archivos SL"],
        ["Página Doce SL"],
        ["Fecha Límite SL", "B65120347"],
        ["3 Registros Musicales SL"],
        ["2026 Eventos SL"],
    ],
)
def test_a_customer_who_is_called_so_stays_one(cells):
    read = with_row(*cells)
    assert [row.number for row in read.rows] == [2, 4]
    assert read.rows_left_out == ()


def test_a_date_cell_and_a_sum_below_a_sheet_are_left_out():
    rows = [[*BEEL[0], "Saldo"], [*BEEL[1], 12.5], [date(2026, 7, 1)], [*[None] * 9, 12.5]]
    for data, name in ((xlsx(rows), "a.xlsx"), (xls(rows), "a.xls")):
        read = read_list(data, name)
        assert len(read.rows) == 1
        assert [row.what for row in read.rows_left_out] == ["3", "4"]
        assert read.rows_left_out[1].value == "12.5"
        assert read.columns_ignored == (("Saldo", "12.5"),)


def test_a_list_of_totals_alone_has_no_rows():
    with pytest.raises(CallerError) as caught:
        read_table(text([BEEL[0], ["Total", "0"]]), "a.csv")
    assert caught.value.code == "file_empty"


def test_a_column_is_named_with_its_first_value_and_no_account():
    iban = "ES91 2100 0418 4502 0005 1332"
    rows = [[*BEEL[0], "Ruta", "Cuenta vieja", "Fax"], [*BEEL[1], "", iban, ""]]
    rows.append(["Otra SL", "A58818501", *BEEL[1][2:], "Norte", "", ""])
    read = read_list(text(rows), "a.csv")
    assert read.columns_ignored == (("Ruta", "Norte"), ("Cuenta vieja", "ES…1332"), ("Fax", ""))
    assert [column.words(20, 20) for column in read.columns_ignored] == [
        'Ruta (such as "Norte")',
        'Cuenta vieja (such as "ES…1332")',
        "Fax (empty)",
    ]


def test_headers_in_two_lines_are_one():
    upper = ["Razón social", "NIF", "Contacto", "", "Dirección", "", "", "", ""]
    lower = ["", "", "Email", "Teléfono", "Calle", "Número", "CP", "Población", "Provincia"]
    read = read_list(text([["Clientes"], upper, lower, BEEL[1]]), "a.csv")
    (row,) = read.rows
    assert row.payload()["address"]["street"] == "Calle Mayor"
    assert (row.values["legal_name"], row.values["nif"]) == (BEEL[1][0], BEEL[1][1])
    assert read.read_as == "headers in row 3"


def test_a_title_above_whole_headers_adds_no_column():
    read = read_list(text([["Cliente"], ["", *BEEL[0]], ["1", *BEEL[1]]]), "a.csv")
    assert len(read.columns_used) == len(BEEL[0])
    assert read.rows[0].values["legal_name"] == BEEL[1][0]


@pytest.mark.parametrize("separator", [";", ",", "\t", "|", "^", "~", "#", "¦"])
def test_any_one_separator_that_splits_every_line_alike_is_read(separator):
    rows = [*beel(), ["Otra SL", "A58818501", *BEEL[1][2:]]]
    read = read_list(text(rows, separator=separator), "a.csv")
    assert [row.values["nif"] for row in read.rows] == ["B12345674", "A58818501"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("line", ["sep=|", '"sep=|"', "SEP=|"])
def test_the_line_that_names_the_separator_is_obeyed_with_any_end(line, end):
    data = text([["Nombre", "A,B"], ["Acme", "1,2"]], separator="|", end=end)
    read = read_list(line.encode() + end.encode() + data, "a.csv")
    assert [row.values["legal_name"] for row in read.rows] == ["Acme"]


def of_shared_case(name: str) -> ReadRows:
    if not (CASES / name).exists():
        pytest.skip(f"{name} of the shared cases is not here; lists like it are made above")
    return read_list((CASES / name).read_bytes(), name)


def test_the_reported_list_with_a_totals_line_has_two_customers():
    read = of_shared_case("totals-row.xlsx")
    assert [row.number for row in read.rows] == [3, 4]
    assert read.rows_left_out == (("6", "Total clientes: 2"),)
    assert ("column 10 (no header)", "extra") in read.columns_ignored


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pipes.csv", ["Nueve SL"]),
        ("macroman.csv", ["Talleres Peña SL", "Frutas Núñez SA"]),
        ("dos850-upper.csv", ["CONSTRUCCIONES MARTÍN LÓPEZ SL", "JESÚS SÁNCHEZ SL"]),
    ],
)
def test_the_reported_texts_have_their_names(name, expected):
    read = of_shared_case(name)
    assert [row.values["legal_name"] for row in read.rows] == expected
    assert not [problem for row in read.rows for problem in row.problems]


def test_the_report_for_the_person_names_it_too():
    rows = [[*BEEL[0], "Ruta"], [*BEEL[1], "Norte"], ["Total", "", "", "", "", "", "", "", "", 1]]
    batch = Batch("local", "a.csv", *read_list(text(rows), "a.csv"))
    report = report_of(batch, "es", datetime(2026, 7, 1, tzinfo=UTC))
    summary = CalamineWorkbook.from_filelike(BytesIO(report)).get_sheet_by_name("Resumen")
    told = [row[:3] for row in summary.to_python()]
    assert ["Fila que no es un cliente", "3", "Total"] in told
    assert ["Columna sin usar", "Ruta", "Norte"] in told


def test_a_row_of_our_own_report_is_a_customer_whatever_it_holds():
    rows = read_inline([{}, {"legal_name": "Total"}])
    report = report_of(Batch("local", "inline", rows), "es", datetime(2026, 7, 1, tzinfo=UTC))
    again = read_list(report, "clientes revisados.xlsx")
    assert [row.values.get("legal_name") for row in again.rows] == [None, "Total"]
    assert again.rows_left_out == ()
