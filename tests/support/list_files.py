"""Lists written as Excel, old Excel, LibreOffice and text programs write them."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

import xlsxwriter
import xlwt
from odf.opendocument import OpenDocumentSpreadsheet
from odf.style import Style, TableProperties
from odf.table import CoveredTableCell, Table, TableCell, TableColumn, TableRow
from odf.text import P

Rows = Sequence[Sequence[Any]]


class Formula(NamedTuple):
    """A formula, and the result that was saved with it; None if none was."""

    text: str
    result: Any


class Merge(NamedTuple):
    """A value in a cell that is merged with those below it."""

    value: Any
    rows: int


def xlsx(
    rows: Rows,
    *,
    name: str = "Clientes",
    hidden: Sequence[int] = (),
    others: dict[str, Rows] | None = None,
    unseen: Sequence[str] = (),
    hidden_columns: Sequence[int] = (),
) -> bytes:
    file = io.BytesIO()
    options = {"in_memory": True, "default_date_format": "dd/mm/yyyy"}
    with xlsxwriter.Workbook(file, options) as book:
        for title, lines in {name: rows, **(others or {})}.items():
            sheet = book.add_worksheet(title)
            for number, row in enumerate(lines):
                for column, cell in enumerate(row):
                    _xlsx_cell(sheet, number, column, cell)
            for column in hidden_columns if title == name else ():
                sheet.set_column(column, column, None, None, {"hidden": True})
            if title in unseen:
                sheet.hide()
            for number in hidden if title == name else ():
                sheet.set_row(number - 1, None, None, {"hidden": True})
    return file.getvalue()


def _xlsx_cell(sheet: Any, row: int, column: int, cell: Any) -> None:
    match cell:
        case None:
            pass
        case Formula(text, result):
            sheet.write_formula(row, column, text, None, "" if result is None else result)
        case Merge(value, rows):
            sheet.merge_range(row, column, row + rows - 1, column, value)
        case date():
            sheet.write_datetime(row, column, cell)
        case str():
            sheet.write_string(row, column, cell)
        case _:
            sheet.write(row, column, cell)


def xls(
    rows: Rows,
    *,
    name: str = "Clientes",
    hidden: Sequence[int] = (),
    hidden_columns: Sequence[int] = (),
) -> bytes:
    book = xlwt.Workbook()
    sheet = book.add_sheet(name)
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            if isinstance(cell, Merge):
                sheet.write_merge(number, number + cell.rows - 1, column, column, cell.value)
            elif isinstance(cell, date):
                style = xlwt.easyxf(num_format_str="DD/MM/YYYY")
                sheet.write(number, column, cell, style)
            elif cell is not None:
                sheet.write(number, column, cell)
    for number in hidden:
        sheet.row(number - 1).hidden = True
    for column in hidden_columns:
        sheet.col(column).hidden = True
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def ods(
    rows: Rows,
    *,
    name: str = "Clientes",
    hidden: Sequence[int] = (),
    hidden_columns: Sequence[int] = (),
) -> bytes:
    book = OpenDocumentSpreadsheet()
    shown = Style(name="ta1", family="table")
    shown.addElement(TableProperties(display="true"))
    book.automaticstyles.addElement(shown)
    table = Table(name=name, stylename=shown)
    for column in range(max(hidden_columns, default=-1) + 1):
        seen = "collapse" if column in hidden_columns else "visible"
        table.addElement(TableColumn(visibility=seen))
    covered: dict[tuple[int, int], bool] = {}
    for number, row in enumerate(rows):
        line = TableRow(visibility="filter" if number + 1 in hidden else "visible")
        for column, cell in enumerate(row):
            if covered.get((number, column)):
                line.addElement(CoveredTableCell())
                continue
            if isinstance(cell, Merge):
                covered |= {(number + below, column): True for below in range(1, cell.rows)}
            line.addElement(_ods_cell(cell))
        table.addElement(line)
    # The blank end of a sheet, as LibreOffice writes it.
    end = TableRow(numberrowsrepeated=1_048_576 - len(rows))
    end.addElement(TableCell(numbercolumnsrepeated=16_384))
    table.addElement(end)
    book.spreadsheet.addElement(table)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _ods_cell(cell: Any) -> TableCell:
    match cell:
        case None | "":
            return TableCell()
        case Merge(value, rows):
            made = TableCell(valuetype="string", numberrowsspanned=rows, numbercolumnsspanned=1)
            made.addElement(P(text=value))
        case bool():
            made = TableCell(valuetype="boolean", booleanvalue=str(cell).lower())
        case int() | float():
            made = TableCell(valuetype="float", value=cell)
            made.addElement(P(text=str(cell)))
        case _:
            made = TableCell(valuetype="string")
            made.addElement(P(text=str(cell)))
    return made


def text(rows: Rows, *, separator: str = ";", encoding: str = "utf-8", end: str = "\r\n") -> bytes:
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=separator, lineterminator=end)
    writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    return file.getvalue().encode(encoding)
