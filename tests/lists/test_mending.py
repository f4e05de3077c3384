"""Damage to a value is undone where that is certain, and left where it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.lists.checks.places import mended
from beel_mcp.lists.files.cells import repaired
from beel_mcp.lists.files.columns import read_table
from beel_mcp.lists.files.rows import read_file_rows
from beel_mcp.spelling import SPELLINGS
from tests.support.customers import dni
from tests.support.list_files import text
from tests.support.program_exports import beel


def mend(**address: str) -> dict[str, str]:
    """Give what becomes of an address."""
    for _, parts in mended(address):
        address.update(parts)
    return address


@pytest.mark.parametrize(
    ("field", "written", "taken"),
    [
        ("nif", "12.345.678-Z", "12345678Z"),
        ("nif", "esb12345674", "B12345674"),
        ("nif", "B 12 345 674", "B12345674"),
        ("nif", "x-1234567-l", "X1234567L"),
        ("phone", "9,31234567E+08", "931234567"),
        ("phone", "3.4931234567e10", "34931234567"),
        ("phone", "931234567,0", "931234567"),
        ("phone", "+34931234567.0", "+34931234567"),
        ("phone", "'+34931234567", "+34931234567"),
        ("address.postal_code", "28001.0", "28001"),
        ("website", "www.acme.example", "https://www.acme.example"),
        ("preferred_payment_method.method", "Recibo domiciliado", "DIRECT_DEBIT"),
        ("preferred_payment_method.swift", "caixesbb", "CAIXESBB"),
        ("address.postal_code", '="08001"', "08001"),
        ("nif", '="12.345.678-Z"', "12345678Z"),
    ],
)
def test_what_is_certain_is_undone(field, written, taken):
    repair = repaired(field, written)
    assert repair
    assert repair.value == taken


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("nif", "1234567L"),
        ("nif", "12345678A"),
        ("nif", "DE 136 695 976"),
        ("phone", "6,00E+08"),
        ("phone", "9,3123E+08"),
        ("phone", "93 123 45 67"),
        ("phone", "+34 931 234 567"),
        ("address.postal_code", "8001"),
        ("website", "hola@acme.example"),
        ("website", "http://acme.example"),
        ("preferred_payment_method.method", "BANK_TRANSFER"),
        ("preferred_payment_method.method", "NONE"),
        ("legal_name", "=1+1"),
        ("legal_name", "3.0"),
    ],
)
def test_what_is_not_certain_is_left(field, written):
    assert repaired(field, written) is None


@given(st.sampled_from(sorted(SPELLINGS)), st.text(max_size=30))
def test_repairing_twice_is_repairing_once(field, written):
    if repair := repaired(field, written):
        assert repaired(field, repair.value) is None
        assert repair.value != written


@given(st.integers(0, 5_000), st.sampled_from([" ", ".", "-", ""]), st.booleans(), st.booleans())
def test_a_nif_comes_back_however_it_was_written(number, mark, prefix, lower):
    nif = dni(number)
    written = f"{nif[:2]}{mark}{nif[2:5]}{mark}{nif[5:8]}{mark}{nif[8]}"
    written = f"ES{mark}{written}" if prefix else written
    written = written.lower() if lower else written
    read = read_file_rows(read_table(text(beel(nif=written)), "a.csv"))
    assert read.rows[0].values["nif"] == nif
    assert [change.field for change in read.values_changed] == (["nif"] if written != nif else [])


@given(st.integers(1, 52), st.integers(0, 999))
def test_a_spanish_postal_code_comes_back_without_its_zero(province, rest):
    code = f"{province:02}{rest:03}"
    assert mend(postal_code=str(int(code)))["postal_code"] == code


@pytest.mark.parametrize(
    "address",
    [
        {"postal_code": "8001", "province": "Madrid"},
        {"postal_code": "8001", "country": "Austria"},
        {"postal_code": "8001", "country_code": "CH"},
        {"postal_code": "801"},
        {"postal_code": "99999"},
        {"postal_code": "0001"},
    ],
)
def test_a_postal_code_that_may_be_another_is_left(address):
    assert mend(**address) == address


@pytest.mark.parametrize(
    ("street", "parts"),
    [
        ("Calle Mayor, 5", ("Calle Mayor", "5")),
        ("Calle Mayor 5", ("Calle Mayor", "5")),
        ("C/ Mayor 5", ("C/ Mayor", "5")),
        ("C/Mayor nº 5", ("C/Mayor", "5")),
        ("Avda. de la Constitución, 12 bis", None),
        ("Avda. de la Constitución, 12 B", ("Avda. de la Constitución", "12 B")),
        ("Plaza 2 de Mayo, 3", ("Plaza 2 de Mayo", "3")),
        ("Paseo de Gracia 12-14", ("Paseo de Gracia", "12-14")),
        ("Gran Vía, s/n", ("Gran Vía", "S/N")),
        ("Gran Vía 28", ("Gran Vía", "28")),
        ("Calle Mayor, 5, 2º B", ("Calle Mayor", "5", "2º", "B")),
        ("Calle Mayor 5 bajo", ("Calle Mayor", "5", "bajo")),
        ("Calle Mayor 5, 3º izq.", ("Calle Mayor", "5", "3º", "izq.")),
        ("Carretera de Vigo km 12", None),
        ("Polígono Norte, nave 5", None),
        ("Pol. Ind. Norte, parcela 12", None),
        ("Calle 14 de abril", None),
        ("Carretera N-340", None),
        ("Apartado 125", None),
        ("Mayor 5", None),
        ("Calle Mayor", None),
        ("5", None),
    ],
)
def test_a_number_is_taken_out_of_a_street_only_where_that_is_safe(street, parts):
    found = mend(street=street, postal_code="28001", province="Madrid")
    names = ("street", "number", "floor", "door")
    expected = dict(zip(names, parts or (street,), strict=False))
    assert {name: found[name] for name in names if name in found} == expected


@pytest.mark.parametrize(
    ("street", "parts"),
    [
        ("Calle Mayor, 5, 28001 Madrid", ("Calle Mayor", "5", "28001", "Madrid", "Madrid")),
        (
            "Calle Mayor 5 - 36201 - Vigo (Pontevedra)",
            ("Calle Mayor", "5", "36201", "Vigo", "Pontevedra"),
        ),
        (
            "Carrer Nou 5, 08001 Barcelona, España",
            ("Carrer Nou", "5", "08001", "Barcelona", "Barcelona"),
        ),
        ("Calle Mayor 5, 28001 Madrid (Vigo)", None),
        ("Calle Mayor 5, 99001 Madrid", None),
        ("Calle Mayor 28001", None),
    ],
)
def test_a_whole_address_in_one_column_is_split_where_that_is_safe(street, parts):
    found = mend(street=street)
    if parts is None:
        assert "city" not in found
        return
    names = ("street", "number", "postal_code", "city", "province")
    assert found == dict(zip(names, parts, strict=True))


def test_an_address_abroad_is_left_as_it_is():
    address = {"street": "Hauptstraße 5, 10115 Berlin", "country_code": "DE"}
    assert mend(**address) == address


@given(st.text(max_size=400), st.text(max_size=40))
def test_no_street_or_town_breaks_the_mending(street, city):
    mend(street=street or "x", city=city or "x")
    mend(street=street or "x")


def test_a_street_that_never_ends_costs_nothing():
    street = "1 , - " * 20_000
    assert mend(street=street) == {"street": street}


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=25
)
FIELDS = st.sampled_from(
    ["nombre_fiscal", "nif", "telefono", "direccion_calle", "direccion_codigo_postal"]
)


@given(st.dictionaries(FIELDS, TEXT, min_size=1))
def test_no_value_is_changed_without_being_told(cells):
    rows = beel(**cells)
    (row,) = read_file_rows(table := read_table(text(rows), "a.csv")).rows or (None,)
    told = {change.field for change in read_file_rows(table).values_changed}
    values = row.payload()
    flat = {
        **values,
        **{f"address.{name}": part for name, part in values.get("address", {}).items()},
    }
    for column in table.layout.used:
        stood = rows[1][column.cell]
        if stood.strip() and flat.get(column.field, "") != stood:
            assert column.field in told or row.errors or not flat.get(column.field)


@pytest.mark.parametrize("nif", ["ATU13585627", "atu 135 856 27"])
def test_the_address_of_a_customer_with_a_foreign_number_is_left(nif):
    rows = beel(nif=nif, direccion_codigo_postal="1010", direccion_provincia="")
    read = read_file_rows(read_table(text(rows), "a.csv"))
    assert read.rows[0].values["address"]["postal_code"] == "1010"
    assert "province" not in read.rows[0].values["address"]
    assert read.values_changed == ()
