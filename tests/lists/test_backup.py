"""Customers saved before they are deleted: the same list reads them again, every field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.lists.export.workbook import backup_csv
from beel_mcp.lists.files.rows import read_list
from beel_mcp.lists.inline import read_inline
from beel_mcp.lists.model import FIELDS, NAMES, PARTS

WHOLE = {
    "legal_name": "Prueba; y Compañía SL",
    "nif": "B12345674",
    "trade_name": 'La "Prueba"',
    "address": {
        "street": "Calle Mayor",
        "number": "1",
        "floor": "2",
        "door": "B",
        "postal_code": "08001",
        "city": "Barcelona",
        "province": "Barcelona",
        "country": "España",
        "country_code": "ES",
    },
    "phone": "+34 600 112 233",
    "email": "hola@prueba.example",
    "website": "https://prueba.example",
    "billing_emails": ["a@prueba.example", "b@prueba.example"],
    "contact_person": "Marta Otero",
    "notes": "Llamar antes.\nSolo tardes.",
    "preferred_payment_method": {
        "method": "BANK_TRANSFER",
        "iban": "ES9121000418450200051332",
        "swift": "CAIXESBBXXX",
        "payment_term_days": 30,
    },
    "general_discount": 7.5,
}
ABROAD = {
    "legal_name": "Ferme du Lac",
    "alternative_id": {"type": "NIF_IVA", "number": "FR40303265045", "country_code": "FR"},
}
TEXT = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), max_size=20)


def read_again(customers):
    return read_list(backup_csv(customers), "clientes.csv")


def test_a_saved_customer_is_read_again_with_every_field():
    read = read_again([WHOLE, ABROAD])
    assert [row.payload() for row in read.rows] == [WHOLE, ABROAD]
    assert [column.split(" → ")[1] for column in read.columns_used] == list(FIELDS)
    assert (read.columns_ignored, read.values_changed) == ((), ())
    assert not [problem for row in read.rows for problem in row.errors]


@pytest.mark.slow
@given(st.fixed_dictionaries({"legal_name": st.just("Uno"), "notes": TEXT, "trade_name": TEXT}))
def test_any_text_comes_back_as_the_reader_takes_it_inline(raw):
    assert read_again([raw]).rows[0].payload() == read_inline([raw])[0].payload()


def test_the_columns_are_the_fields():
    outer = {column.partition(".")[0] for column in FIELDS}
    assert outer == set(NAMES)
    assert all(f"{name}.{part}" in FIELDS for name, parts in PARTS.items() for part in parts)


@pytest.mark.parametrize(
    ("column", "cell"),
    [("preferred_payment_method.payment_term_days", "treinta"), ("general_discount", "mucho")],
)
def test_a_cell_of_a_number_that_is_none_makes_an_error_row(column, cell):
    text = f"legal_name;{column}\nUno;{cell}\n"
    read = read_list(text.encode(), "clientes.csv")
    assert [problem.field for problem in read.rows[0].errors] == [column]
