"""Bank accounts are found in any writing, and ids and invoice numbers are not taken for them."""

import io
import uuid
import zipfile

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.lists.checks.fields import has_iban, holds_account

SPANISH = "ES9121000418450200051332"


@pytest.mark.parametrize(
    "text",
    [
        SPANISH,
        SPANISH.lower(),
        "ES91 2100 0418 4502 0005 1332",
        "ES91-2100-0418-4502-0005-1332",
        f"a;{SPANISH};b",
        f"<t>{SPANISH}</t>",
        "cuenta: ES91 2100 0418 4502 0005 1332 Banco de Aquí",
        "DE89370400440532013000",
        "GB29 NWBK 6016 1331 9268 19.",
        "NO9386011117947",
        f"ES12 y después {SPANISH}",
    ],
)
def test_an_account_is_found(text: str) -> None:
    assert has_iban(text)


@pytest.mark.parametrize(
    "text",
    ["", "ES91", "ES9121000418450200051333", "B12345674", "F2026-0123", "2026-07-14", "ES…1332"],
)
def test_what_is_no_account_is_not_found(text: str) -> None:
    assert not has_iban(text)


@given(st.uuids())
def test_an_id_is_no_account(one: uuid.UUID) -> None:
    assert not has_iban(str(one))


def workbook(text: str) -> bytes:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        book.add_worksheet().write_string(0, 0, text)
    return made.getvalue()


def test_a_workbook_is_looked_into() -> None:
    assert holds_account("Clientes.XLSX", workbook(SPANISH))
    assert not holds_account("Clientes.xlsx", workbook("Talleres Ruiz SL"))


def test_a_text_that_is_called_a_workbook_is_looked_into() -> None:
    assert holds_account("a.xlsx", SPANISH.encode())


def test_a_csv_in_any_encoding_is_looked_into() -> None:
    assert holds_account("a.csv", f"señor;{SPANISH}".encode("cp1252"))
    assert not holds_account("a.csv", "señor;B12345674".encode("cp1252"))


def test_a_package_of_pdfs_is_given_as_it_is() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as package:
        package.writestr("a.pdf", SPANISH)
    assert not holds_account("facturas.zip", made.getvalue())
