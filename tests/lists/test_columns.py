"""Headers are recognised however they are written, and never guessed between."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.errors import CallerError
from beel_mcp.lists.files.columns import Table, check_chosen, read_table
from beel_mcp.lists.files.rows import read_file_rows
from beel_mcp.lists.headers import TEMPLATE, key_of, meaning_of
from beel_mcp.lists.model import FIELDS
from beel_mcp.messages import read_data
from tests.support.list_files import text

EVERY = [
    (name, field)
    for field, groups in read_data("headers").items()
    for group in groups
    for name in group
]


def table(*rows: list, chosen: dict[str, str] | None = None) -> Table:
    return read_table(text(rows), "clientes.csv", None, chosen)


def used(read: Table) -> dict[str, str]:
    return {column.header: column.field for column in read.layout.used}


def refusal(*rows: list, chosen: dict[str, str] | None = None) -> CallerError:
    with pytest.raises(CallerError) as caught:
        table(*rows, chosen=chosen)
    assert caught.value.remedy
    return caught.value


def test_every_name_means_one_field_and_every_field_is_one_of_a_customer():
    keys = [key_of(name) for name, _ in EVERY]
    assert len(set(keys)) == len({(key_of(name), field) for name, field in EVERY})
    assert {field for _, field in EVERY if not field.startswith("+")} <= set(FIELDS)
    assert "" not in keys


@given(
    st.sampled_from(EVERY),
    st.sampled_from([str.upper, str.title, str.lower]),
    st.sampled_from(["{}", " {} ", "{}:", "{} *", "{} (obligatorio)", "*{}*", "{}."]),
    st.booleans(),
)
def test_case_accents_blanks_and_punctuation_do_not_matter(name_and_field, case, frame, decomposed):
    name, field = name_and_field
    written = frame.format(case(name))
    if decomposed:
        written = unicodedata.normalize("NFD", written)
    found = meaning_of(written)
    assert found
    assert found[0] == field


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("RAZÓN SOCIAL", "legal_name"),
        ("N.I.F.", "nif"),
        ("C.I.F./N.I.F.", "nif"),
        ("C. P.", "address.postal_code"),
        ("Cód. Postal", "address.postal_code"),
        ("Població", "address.city"),
        ("E-Mail", "email"),
        ("Teléfono (fijo)", "phone"),
        ("Adreça electrònica", "email"),
    ],
)
def test_headers_as_people_write_them(header, field):
    assert (meaning_of(header) or ("", 0))[0] == field


@given(st.text(max_size=30))
def test_any_text_is_a_header_or_is_not(header):
    found = meaning_of(header)
    assert found is None or found[1] >= 0


def test_beels_own_template_is_recognised_as_a_whole():
    assert all(meaning_of(name) for name in TEMPLATE)


def test_a_weaker_name_counts_only_where_there_is_no_better_one():
    both = table(["Nombre", "Razón social", "Teléfono", "Móvil"], ["a", "b", "1", "2"])
    assert used(both) == {
        "Razón social": "legal_name",
        "Nombre": "trade_name",
        "Teléfono": "phone",
        "Móvil": "+phone",
    }
    contact = table(["Customer", "Contact"], ["a", "b"])
    assert used(contact) == {"Customer": "legal_name", "Contact": "contact_person"}
    person = table(["Razón social", "Nombre", "Apellidos"], ["Acme SL", "Ana", "Ruiz"])
    assert used(person) == {
        "Razón social": "legal_name",
        "Nombre": "+first_name",
        "Apellidos": "+surname",
    }
    alone = table(["Nombre", "Móvil"], ["a", "2"])
    assert used(alone) == {"Nombre": "legal_name", "Móvil": "phone"}


@pytest.mark.parametrize(
    "rows",
    [
        [["Listado de clientes"], [], ["Cliente", "NIF"], ["Acme", "1"]],
        [["Empresa", "Gestoría Ruiz"], ["Cliente", "NIF", "CP"], ["Acme", "1", "2"]],
        [["Fecha:", "1/7/2026"], ["Nombre", "CIF"], ["Acme", "1"]],
    ],
)
def test_the_headers_are_found_under_a_title(rows):
    read = read_file_rows(table(*rows))
    assert [row.values["legal_name"] for row in read.rows] == ["Acme"]
    assert "headers in row" in str(read.read_as)


def test_a_number_counts_rows_unless_a_street_stands_before_it():
    first = table(["Nº", "Nombre", "Dirección"], ["1", "Acme", "Calle Mayor"])
    assert "Nº" in [column.what for column in first.columns_ignored()]
    behind = table(["Nombre", "Dirección", "Nº"], ["Acme", "Calle Mayor", "1"])
    assert used(behind)["Nº"] == "address.number"


def test_two_headers_of_one_meaning_name_a_remedy_that_works():
    rows = [["Nombre", "Dirección", "Domicilio"], ["Acme", "a", "b"]]
    error = refusal(*rows)
    assert error.code == "file_header_repeated"
    assert '"Dirección" (column 2) and "Domicilio" (column 3)' in error.message
    column = json.loads(error.remedy[error.remedy.index("{") : error.remedy.index("}") + 1])
    assert used(table(*rows, chosen=check_chosen([(column["header"], column["field"])])))


def test_two_headers_of_the_same_words_are_told_apart_by_their_column():
    rows = [["Nombre", "NIF", "NIF"], ["Acme", "1", "2"]]
    error = refusal(*rows)
    assert '"header": "column 2"' in error.remedy
    read = table(*rows, chosen={"column 3": "nif"})
    assert read.layout.used[-1].cell == 2
    assert refusal(*rows, chosen={"NIF": "nif"}).code == "file_header_repeated"


def test_columns_that_the_caller_names_go_first():
    rows = [["Kunde", "Nombre", "NIF"], ["Acme", "b", "1"]]
    assert used(table(*rows, chosen={"Kunde": "legal_name"})) == {
        "Kunde": "legal_name",
        "NIF": "nif",
    }
    ignored = table(*rows, chosen={"NIF": "ignore"})
    assert used(ignored) == {"Nombre": "legal_name"}


def test_a_named_column_helps_to_find_the_headers_of_an_unknown_language():
    rows = [["Kundenliste"], ["Kunde", "Ort"], ["Acme", "Vigo"]]
    read = table(*rows, chosen={"Kunde": "legal_name", "Ort": "address.city"})
    assert used(read) == {"Kunde": "legal_name", "Ort": "address.city"}
    assert [row.cells[0] for row in read.rows] == ["Acme"]


def test_a_list_without_a_name_says_what_it_found_and_how_to_go_on():
    error = refusal(["Kunde", "NIF"], ["Acme", "1"])
    assert error.code == "file_no_header"
    assert '"Kunde", "NIF"' in error.message
    assert '"field": "legal_name"' in error.remedy


def test_a_column_that_is_not_there_is_named_with_those_that_are():
    error = refusal(["Nombre", "NIF"], ["Acme", "1"], chosen={"Telf": "phone"})
    assert error.code == "file_column"
    assert '"Nombre", "NIF"' in error.remedy


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ([("a", "postcode")], "did you mean address.postal_code?"),
        ([("a", "zzz")], 'unknown field "zzz"'),
        ([("a", "nif"), ("a", "email")], "again"),
        ([("a", "nif"), ("b", "nif")], "again"),
    ],
)
def test_a_choice_that_cannot_be_meant_is_refused_before_the_file_is_read(chosen, words):
    with pytest.raises(CallerError) as caught:
        check_chosen(chosen)
    assert words in caught.value.field_errors[0].message


HEADERS = st.sampled_from([name for name, field in EVERY if field in FIELDS])


@given(st.lists(HEADERS, min_size=1, max_size=12, unique=True), st.randoms())
def test_any_mixture_of_headers_fills_each_field_at_most_once_or_is_refused(headers, random):
    random.shuffle(headers)
    # Named, because one header alone, with a comma in it, looks like two.
    data = b"sep=;\r\n" + text([headers, ["x"] * len(headers)])
    try:
        read = read_table(data, "clientes.csv")
    except CallerError:
        return
    fields = [column.field for column in read.layout.used]
    assert len(set(fields)) == len(fields)
    assert len(read.layout.used) + len(read.layout.ignored) == len(headers)
