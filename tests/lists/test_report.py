"""The report of a list: all of it is there, nothing in it is live, and it comes back as it was."""

import io
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from beel_mcp.lists.batches import Batch, new_batch
from beel_mcp.lists.checks import Problem
from beel_mcp.lists.customers import read_inline
from beel_mcp.lists.fields import COLUMNS
from beel_mcp.lists.headers import meaning_of
from beel_mcp.lists.headings import heading, own_headings
from beel_mcp.lists.imports import read_list
from beel_mcp.lists.report import report_of
from beel_mcp.lists.rows import ValueChange, Verdict
from beel_mcp.settings import Language
from tests.rows import customer

TODAY = date(2026, 11, 21)
LANGUAGES: list[Language] = ["es", "en"]


def made(*rows: dict[str, Any], **verdicts: Verdict) -> Batch:
    batch = new_batch("local", "clientes.xlsx", read_inline(list(rows)))
    return batch.judged({int(number[1:]): verdict for number, verdict in verdicts.items()})


def sheets(batch: Batch, language: Language = "es") -> Any:
    return load_workbook(io.BytesIO(report_of(batch, language, TODAY)))


def texts(sheet: Any) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_is_understood_again(column: str, language: Language) -> None:
    meaning = meaning_of(heading(column, language))
    assert meaning == (column, 0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_our_own_columns_are_no_fields_and_nobody_is_told_of_them(language: Language) -> None:
    batch = made(customer(1))
    read = read_list(report_of(batch, language, TODAY), "a.xlsx")
    assert not any(meaning_of(name) for name in own_headings(language))
    assert read.columns_ignored == ()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_list_with_every_field_comes_back_as_it_was(language: Language) -> None:
    row = customer(
        1,
        trade_name="=cmd()",
        phone="+34 912 345 678",
        website="https://example.com",
        billing_emails=["a@example.com", "b@example.com"],
        contact_person="@Marta",
        notes="una línea\notra",
        general_discount=7.5,
        preferred_payment_method={
            "method": "BANK_TRANSFER",
            "iban": "ES9121000418450200051332",
            "swift": "CAIXESBBXXX",
            "payment_term_days": 30,
        },
    )
    row["address"] |= {"floor": "03", "door": "-1", "postal_code": "08001"}
    batch = made(row)
    [back] = read_list(report_of(batch, language, TODAY), "a.xlsx").rows
    assert back.payload() == batch.rows[0].payload()


WORDS = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=30
).map(lambda text: " ".join(text.split()))


@settings(max_examples=60, deadline=None)
@given(WORDS.filter(bool), WORDS.filter(bool), st.sampled_from(["=", "+", "-", "@", "\uff1d", "'"]))
def test_any_text_comes_back_as_it_was_and_is_no_formula(
    name: str, street: str, first: str
) -> None:
    row = customer(1, legal_name=f"{first}{name}", contact_person=street)
    batch = made(row)
    data = report_of(batch, "es", TODAY)
    for cells in load_workbook(io.BytesIO(data))["Clientes"].iter_rows():
        for cell in cells:
            assert cell.data_type in ("s", "n", "inlineStr")
            assert cell.value is None or isinstance(cell.value, str)
    [back] = read_list(data, "a.xlsx").rows
    assert back.values["legal_name"] == batch.rows[0].values["legal_name"]
    assert back.values["contact_person"] == batch.rows[0].values["contact_person"]


def test_problems_stand_beside_their_row_and_colour_their_cell() -> None:
    wrong = Problem(
        "email",
        "Not the shape of an e-mail address: one @, a domain with a dot, no blanks.",
        "nope",
    )
    letter = Problem(
        "nif",
        "El dígito de control no es correcto",
        "12345678A",
        "12345678A: the letter would be Z",
    )
    twin = Verdict("duplicate", (Problem("nif", "Ya existe"),), (), "c-77")
    batch = made(
        customer(1, email="nope"),
        customer(2, nif="12345678A"),
        customer(3),
        customer(4),
        r1=Verdict("error", (wrong,)),
        r2=Verdict("nif_invalid", (letter,)),
        r3=twin,
        r4=Verdict("valid"),
    )
    sheet = sheets(batch)["Clientes"]
    header, *rows = texts(sheet)
    result, problems, hints = (header.index(name) for name in own_headings("es")[1:])
    assert [row[result] for row in rows] == [
        "por corregir",
        "NIF por corregir",
        "repetida, o ya es cliente",
        "correcta",
    ]
    assert rows[0][problems].startswith("Correo electrónico: No es un correo electrónico")
    assert rows[1][problems] == "NIF: El dígito de control no es correcto"
    assert rows[1][hints] == "NIF: 12345678A: la letra sería Z"
    assert "c-77" in rows[2][hints]
    colours = [
        sheet.cell(2, header.index("Correo electrónico") + 1).fill.fgColor.rgb,
        sheet.cell(2, result + 1).fill.fgColor.rgb,
        sheet.cell(3, header.index("NIF") + 1).fill.fgColor.rgb,
    ]
    assert colours == ["FFF8CBAD"] * 3
    assert sheet.cell(5, result + 1).fill.fill_type is None


def test_the_summary_counts_and_says_what_to_do_and_the_changes_are_listed() -> None:
    change = ValueChange(
        5, "address.postal_code", "the lost zero put back in front", "8021", "08021"
    )
    batch = new_batch("local", "lista.xlsx", read_inline([customer(1)]), values_changed=(change,))
    book = sheets(batch)
    said = str(texts(book["Resumen"]))
    assert "lista.xlsx" in said
    assert "borre las filas que no quiera" in said
    assert texts(book["Cambios"])[1] == [
        "5",
        "Código postal",
        "el cero perdido, repuesto delante",
        "8021",
        "08021",
    ]


def test_an_account_number_stands_in_its_column_and_nowhere_else() -> None:
    iban = "ES9121000418450200051332"
    batch = made(customer(1, preferred_payment_method={"method": "BANK_TRANSFER", "iban": iban}))
    book = sheets(batch)
    assert iban in str(texts(book["Clientes"]))
    assert iban not in str(texts(book["Resumen"]))


def test_the_report_names_neither_a_user_nor_a_machine() -> None:
    facts = sheets(made(customer(1))).properties
    assert not facts.creator
    assert not facts.lastModifiedBy
