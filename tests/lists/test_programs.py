"""Lists as programs export and people damage them become the customers that were meant."""

import pytest

from beel_mcp.lists.files.columns import read_table
from beel_mcp.lists.files.rows import ReadRows, read_file_rows
from tests.support.program_exports import DAMAGED, FILES, PROGRAMS, File


def read(file: File) -> ReadRows:
    return read_file_rows(read_table(file.make(), file.name))


@pytest.mark.parametrize("kind", FILES)
def test_a_list_of_each_program_and_damage_gives_the_customer_that_was_meant(kind):
    file = FILES[kind]
    row = next(row for row in read(file).rows if row.number == file.first_row)
    assert row.payload() == file.customer
    assert not row.errors


@pytest.mark.parametrize("kind", FILES)
def test_every_change_made_to_a_value_is_told_with_its_row(kind):
    file = FILES[kind]
    told = {
        change.field: change.change.text()
        for change in read(file).values_changed
        if change.row == file.first_row
    }
    assert told == file.changes


@pytest.mark.parametrize("kind", FILES)
def test_what_was_changed_shows_what_stood_there_and_what_stands_there_now(kind):
    for change in read(FILES[kind]).values_changed:
        hidden = change.field.endswith("iban") or change.change.code == "change.merged"
        assert change.before != change.after or hidden


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
    assert sage.columns_ignored == ("Código",)
