"""Lists as programs export and people damage them become the customers that were meant."""

import pytest

from beel_mcp.lists.files.columns import read_table
from beel_mcp.lists.files.rows import ReadRows, read_file_rows
from tests.support.program_exports import DAMAGED, FILES, PROGRAMS, File


def read(file: File) -> ReadRows:
    return read_file_rows(read_table(file.make(), file.name))


@pytest.mark.parametrize("kind", FILES)
def test_a_list_of_each_program_and_damage_gives_the_customer_that_was_meant_and_tells(kind):
    file = FILES[kind]
    found = read(file)
    row = next(row for row in found.rows if row.number == file.first_row)
    assert row.payload() == file.customer
    assert not row.errors
    mine = [change for change in found.values_changed if change.row == file.first_row]
    assert {change.field: change.change.text() for change in mine} == file.changes
    for change in found.values_changed:
        is_hidden = change.field.endswith("iban") or change.change.code == "change.merged"
        assert change.before != change.after or is_hidden


def test_there_are_at_least_twenty_such_lists_and_every_kind_of_file():
    assert len(FILES) >= 20
    assert {"holded", "contaplus", "sage", "a3", "factusol", "quipu", "billin", "beel"} <= {
        *PROGRAMS
    }
    assert {file.name.rpartition(".")[2] for file in FILES.values()} == {
        "csv",
        "xlsx",
        "xls",
        "ods",
    }
    assert len(DAMAGED) >= 10


def test_what_was_understood_names_the_sheet_the_headers_and_the_columns():
    sage = read(PROGRAMS["sage"])
    assert sage.read_as == 'sheet "Clientes", headers in row 4'
    assert sage.columns_used[0] == "Razón social → legal_name"
    assert sage.columns_ignored == (("Código", "430.1"),)
