"""Lists of public reports, that were read wrongly or not at all: each is one of a kind.

They are not a part of the project. TESTS_CASES names their folder; what is behind each of them is
tried with lists of our own in the other tests of this folder.
"""

import os
from pathlib import Path

import pytest

from beel_mcp.lists.files.columns import read_table
from beel_mcp.lists.files.rows import ReadRows, read_file_rows

CASES = Path(os.environ.get("TESTS_CASES") or Path(__file__).parents[2].parent / "shared" / "cases")


@pytest.fixture
def cases() -> Path:
    if not CASES.is_dir():
        pytest.skip("TESTS_CASES names no folder with the lists of public reports: none was tried")
    return CASES


def read(cases: Path, name: str) -> ReadRows:
    return read_file_rows(read_table((cases / name).read_bytes(), name))


def names(found: ReadRows) -> list[str]:
    return [str(row.values["legal_name"]) for row in found.rows]


def test_the_text_of_an_old_mac_is_read_and_told(cases: Path) -> None:
    found = read(cases, "macroman.csv")
    assert names(found) == ["Talleres Peña SL", "Frutas Núñez SA"]
    assert found.read_as == 'Mac Roman text, such as "Talleres Peña SL"'


def test_the_capitals_of_ms_dos_are_read_and_told(cases: Path) -> None:
    found = read(cases, "dos850-upper.csv")
    assert names(found) == ["CONSTRUCCIONES MARTÍN LÓPEZ SL", "JESÚS SÁNCHEZ SL"]
    assert str(found.read_as).startswith("MS-DOS (850) text, such as ")


def test_a_line_of_totals_is_left_out_and_named(cases: Path) -> None:
    found = read(cases, "totals-row.xlsx")
    assert names(found) == ["Cinco SL", "Seis SL"]
    assert found.rows_left_out == (("6", "Total clientes: 2"),)


def test_bars_separate_cells(cases: Path) -> None:
    assert names(read(cases, "pipes.csv")) == ["Nueve SL"]


def test_two_in_one_cell_are_kept_or_told(cases: Path) -> None:
    ten, eleven = read(cases, "two-in-one-cell.csv").rows
    assert (ten.values["phone"], "911234567" in str(ten.advice)) == ("600 11 22 33", True)
    assert [*eleven.values["billing_emails"]] == ["b@example.com"]


def test_an_export_of_facturascripts_is_read(cases: Path) -> None:
    (row,) = read(cases, "facturascripts.csv").rows
    assert (row.values["trade_name"], row.values["legal_name"]) == (
        "Bar Pepe",
        "Pepe Hostelería SL",
    )
    assert row.values["address"]["country_code"] == "ES"


def test_an_export_of_odoo_is_read(cases: Path) -> None:
    (row,) = read(cases, "odoo.csv").rows
    address = row.values["address"]
    parts = (address["floor"], address["door"], address["province"])
    assert parts == ("2º", "B", "Madrid")
