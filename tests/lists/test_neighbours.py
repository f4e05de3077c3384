"""What programs put beside a value: a country, a second line, telephone or e-mail."""

from typing import Any

import pytest

from beel_mcp.countries import country_of
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.edits import Correction, derive
from beel_mcp.lists.files.rows import ReadRows, read_list
from beel_mcp.lists.inline import read_inline
from beel_mcp.lists.model import Row
from tests.lists.test_left_out import of_shared_case
from tests.support.list_files import text, xlsx
from tests.support.program_exports import beel


def read_one(**cells: Any) -> tuple[Row, ReadRows]:
    """Read BeeL's own columns with other cells, or other columns beside them."""
    read = read_list(text(beel(**cells)), "clientes.csv")
    (row,) = read.rows
    return row, read


def told(read: ReadRows) -> dict[str, str]:
    return {change.field: change.change.text() for change in read.values_changed}


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("ES", "ES es ESP esp 724 España ESPAÑA Espana Spain Espanya Espainia base.es"),
        ("DE", "DE DEU 276 Alemania Germany Alemanya Alemaña Deutschland"),
        ("FR", "FR FRA 250 Francia France França Frantzia"),
        ("PT", "PT PRT 620 Portugal"),
        ("GB", "GB UK GBR 826 Inglaterra England Anglaterra"),
        ("GR", "GR EL GRC 300 Grecia Greece Grècia Grezia"),
        ("US", "US USA 840 EEUU EE.UU. U.S.A."),
        ("AF", "AF AFG Afganistán"),
    ],
)
def test_a_country_is_known_by_its_codes_and_by_its_names_in_five_languages(code, names):
    assert {name: country_of(name) for name in names.split()} == dict.fromkeys(names.split(), code)


def test_names_of_several_words_are_known_with_or_without_articles_and_brackets():
    names = ["Reino Unido", "Reino Unido (UK)", "United Kingdom", "Regne Unit", "Erresuma Batua"]
    assert {country_of(name) for name in names} == {"GB"}
    assert country_of("Los Países Bajos") == country_of("Holanda") == "NL"
    assert [country_of(name) for name in ("", "nada", "Madrid", "X", "ESPA")] == [None] * 5


def test_what_could_be_two_countries_is_none():
    # Spain, Germany and Portugal to its census, Germany and Portugal to its customs.
    numbers = ["108", "126", "123", "004", "4", "010"]
    assert [country_of(name) for name in (*numbers, "Congo", "Corea")] == [None] * 8


@pytest.mark.parametrize(
    ("column", "cell", "address"),
    [
        ("codpais", "ESP", {"country_code": "ES"}),
        ("codpais", "724", {"country_code": "ES"}),
        ("codpais", "España", {"country_code": "ES"}),
        ("pais", "ESP", {"country_code": "ES"}),
        ("pais", "E", {"country_code": "ES"}),
        ("pais", "Espainia", {"country": "Espainia"}),
        ("country_id/id", "base.es", {"country_code": "ES"}),
    ],
)
def test_spain_in_any_writing_is_spain(column, cell, address):
    row, _ = read_one(**{column: cell})
    found = row.payload()["address"]
    assert {name: found[name] for name in found if name.startswith("country")} == address
    assert row.problems == ()


def test_another_country_gets_its_code_and_no_remark_that_it_lacks_one():
    row, read = read_one(
        pais="Francia", direccion_codigo_postal="75001", direccion_provincia="Paris"
    )
    address = row.payload()["address"]
    assert (address["country"], address["country_code"]) == ("Francia", "FR")
    assert told(read)["address.country_code"] == "the code of the country"
    assert read.values_changed[-1][3:] == ("Francia", "FR")
    assert row.problems == ()


def test_a_country_that_nobody_knows_stays_as_it_is():
    row, _ = read_one(codpais="XYZ")
    assert row.payload()["address"]["country_code"] == "XYZ"


@pytest.mark.parametrize(
    ("written", "province"),
    [
        ("Madrid (ES)", "Madrid"),
        ("A Coruña (La Coruña) (ES)", "A Coruña"),
        ("A Coruña (La Coruña)", "A Coruña"),
        ("Bizkaia (Vizcaya) (ES)", "Bizkaia"),
        ("Madrid (Alcalá)", "Madrid (Alcalá)"),
    ],
)
def test_a_province_stands_without_its_country_and_second_name(written, province):
    row, _ = read_one(direccion_provincia=written)
    assert row.payload()["address"]["province"] == province


def test_a_state_abroad_gives_its_country():
    row, read = read_one(direccion_provincia="Texas (US)", direccion_codigo_postal="73301")
    address = row.payload()["address"]
    assert (address["province"], address["country_code"]) == ("Texas", "US")
    assert "address.country_code" in told(read)


@pytest.mark.parametrize(
    ("street", "line", "expected"),
    [
        ("Calle Mayor, 3", "2º B", {"number": "3", "floor": "2º", "door": "B"}),
        ("Calle Mayor, 3", "Planta 2, puerta 4", {"number": "3", "floor": "2", "door": "4"}),
        ("Calle Mayor, 3", "bajo", {"number": "3", "floor": "bajo"}),
        ("Calle Mayor", "3, 2º izq", {"number": "3", "floor": "2º", "door": "izq"}),
        ("Calle Mayor, 3", "Polígono Sur", {"street": "Calle Mayor, Polígono Sur", "number": "3"}),
        ("Calle Mayor, 3, 1º A", "2º B", {"street": "Calle Mayor, 2º B", "floor": "1º"}),
    ],
)
def test_a_second_line_becomes_floor_and_door_or_goes_behind_the_street(street, line, expected):
    row, read = read_one(direccion_calle=street, direccion_numero="", street2=line)
    address = row.payload()["address"]
    assert {name: address.get(name) for name in expected} == expected
    assert any("second line" in change.change.text() for change in read.values_changed)


@pytest.mark.parametrize(
    ("cell", "first", "others"),
    [
        ("600 11 22 33 / 911234567", "600 11 22 33", "911234567"),
        ("600112233 911234567", "600112233", "911234567"),
        ("Tel. 931234567; móvil 600112233", "931234567", "600112233"),
        ("+34 931234567, +34 600112233", "+34 931234567", "+34 600112233"),
        ("931234567 y 600112233", "931234567", "600112233"),
    ],
)
def test_of_two_telephones_the_first_is_taken_and_the_other_has_a_correction_ready(
    cell, first, others
):
    row, read = read_one(telefono=cell, notas="paga tarde")
    assert row.values["phone"] == first
    assert told(read)["phone"].startswith("only the first phone number")
    (remark,) = row.advice
    assert (remark.field, remark.value) == ("notes", others)
    notes = f"paga tarde\nOtro teléfono: {others}"
    assert notes.replace("\n", " ") in str(remark.hint())
    other = derive(Batch("local", "a.csv", *read), [Correction(2, "legal_name", "Otra SL")])
    assert other.rows[0].advice == row.advice, "another correction does not lose the telephone"
    kept = derive(other, [Correction(2, "notes", notes)])
    assert (kept.rows[0].values["notes"], kept.rows[0].advice) == (notes, ())


@pytest.mark.parametrize("cell", ["931234567/68", "931234567 (Ana)", "93 123 45 67 ext 12"])
def test_a_telephone_with_something_that_is_none_is_left_as_it_is(cell):
    row, _ = read_one(telefono=cell)
    assert row.values["phone"] == cell


@pytest.mark.parametrize(
    "cell",
    [
        "a@example.com; b@example.com",
        "a@example.com, b@example.com",
        "a@example.com b@example.com",
        "a@example.com / b@example.com",
        "a@example.com y b@example.com",
        "<a@example.com>; <b@example.com>",
        "mailto:a@example.com, mailto:b@example.com",
    ],
)
def test_of_two_emails_the_second_is_for_the_invoices(cell):
    row, read = read_one(email=cell)
    assert row.values["email"] == "a@example.com"
    assert row.payload()["billing_emails"] == ["b@example.com"]
    assert {"email", "billing_emails"} <= told(read).keys()
    assert row.problems == ()


@pytest.mark.parametrize("cell", ["a@example.com; nada", "Ana <a@example.com>", "a@example"])
def test_an_email_with_something_that_is_none_is_left_as_it_is(cell):
    row, _ = read_one(email=cell)
    assert row.values["email"] == cell
    assert row.advice


def test_a_second_column_counts_where_the_first_is_blank_and_is_named_where_it_is_not():
    header, row = beel()
    rows = [
        [*header, "Móvil", "Email 2"],
        [*row, "600112233", "b@example.com"],
        ["Otra SL", "A58818501", "", "", *row[4:], "600112244", "c@example.com"],
    ]
    read = read_list(text(rows), "a.csv")
    first, second = (each.payload() for each in read.rows)
    assert (first["phone"], first["billing_emails"]) == ("931234567", ["b@example.com"])
    assert (second["phone"], second["email"]) == ("600112244", "c@example.com")
    assert read.columns_ignored == (("Móvil", "600112233"),)
    assert "Móvil → phone, where there is no other" in read.columns_used


def test_a_second_column_of_emails_gives_each_of_them_and_leaves_out_what_is_none():
    rows = [
        ["Nombre", "Email", "Email 2"],
        ["Uno", "a@example.com", "b@example.com, c@example.com"],
    ]
    read = read_list(text([*rows, ["Dos", "d@example.com", "no tiene"]]), "a.csv")
    emails = [row.values.get("billing_emails") for row in read.rows]
    assert emails == [["b@example.com", "c@example.com"], None]
    assert read.columns_ignored == (("Email 2", "no tiene"),)


@pytest.mark.parametrize("company", ["Razón social", "Empresa", "Company"])
def test_beside_companies_name_and_surname_are_those_of_people_without_one(company):
    rows = [
        ["Nombre", "Apellidos", company, "NIF"],
        ["Ana", "López Gil", "", "12345678Z"],
        ["Eva", "Ruiz", "Talleres SL", "A58818501"],
        ["", "", "Norte SL", "B12345674"],
    ]
    read = read_list(text(rows), "a.csv")
    names = [row.payload()["legal_name"] for row in read.rows]
    assert names == ["Ana López Gil", "Talleres SL", "Norte SL"]
    assert read.columns_ignored == (("Nombre", "Eva Ruiz"),)
    assert "Apellidos → legal_name, behind the name" in read.columns_used


def test_beside_a_number_of_the_customer_name_and_surname_are_the_name():
    rows = [["Cliente", "Nombre", "Apellidos", "Contacto"], ["1001", "Ana", "López", "Eva"]]
    (row,) = read_list(text(rows), "a.csv").rows
    assert row.payload() == {"legal_name": "Ana López", "contact_person": "Eva"}


@pytest.mark.parametrize("written", ["30", "30 días", "30 dias", "30 d.", "30 days"])
def test_a_term_is_read_with_the_word_for_its_days(written):
    row, _ = read_one(**{"plazo de pago": written})
    assert row.payload()["preferred_payment_method"] == {"payment_term_days": 30}


@pytest.mark.parametrize(
    ("column", "cell", "is_told"),
    [
        ("debaja", "1", True),
        ("debaja", "0", False),
        ("fecha de baja", "2024-01-31", True),
        ("fecha de baja", "00/00/0000", False),
        ("activo", "False", True),
        ("activo", "Sí", False),
        ("active", "True", False),
    ],
)
def test_a_customer_whom_the_list_counts_out_has_a_remark(column, cell, is_told):
    row, _ = read_one(**{column: cell})
    assert bool(row.advice) == is_told
    assert all("no longer active" in advice.text() for advice in row.advice)


def test_a_check_box_of_a_sheet_is_read_as_such():
    rows = [[*beel()[0], "Activo"], [*beel()[1], False]]
    (row,) = read_list(xlsx(rows), "a.xlsx").rows
    assert "no longer active" in row.advice[0].text()


@pytest.mark.parametrize(
    ("kind", "number", "expected"),
    [
        ("Pasaporte", "X123456", {"type": "PASSPORT", "number": "X123456"}),
        (
            "VAT",
            "DE129274202",
            {"type": "NIF_IVA", "number": "DE129274202", "country_code": "DE"},
        ),
    ],
)
def test_a_number_that_the_list_calls_foreign_is_a_foreign_number(kind, number, expected):
    row, read = read_one(nif=number, tipoidfiscal=kind)
    assert row.payload()["alternative_id"] == expected
    assert "nif" not in row.values
    assert "alternative_id.number" in told(read)


def test_a_nif_stays_one_whatever_kind_the_list_calls_it():
    row, _ = read_one(tipoidfiscal="Pasaporte")
    assert row.values["nif"] == "B12345674"


def test_a_trade_name_that_only_repeats_the_name_is_none():
    rows = [["razonsocial", "nombre", "cifnif"], ["Acme SL", "Acme SL", "B65120347"]]
    read = read_list(text(rows), "a.csv")
    assert read.rows[0].payload() == {"legal_name": "Acme SL", "nif": "B65120347"}


def test_the_reported_exports_lose_nothing():
    (row,) = of_shared_case("facturascripts.csv").rows
    assert (row.values["trade_name"], row.values["address"]["country_code"]) == ("Bar Pepe", "ES")
    (row,) = of_shared_case("odoo.csv").rows
    address = row.values["address"]
    assert (address["floor"], address["door"], address["province"]) == ("2º", "B", "Madrid")
    two = of_shared_case("two-in-one-cell.csv")
    assert two.rows[0].advice[0].value == "911234567"
    assert two.rows[1].payload()["billing_emails"] == ["b@example.com"]


def test_a_row_given_inline_has_the_first_of_several_as_its_suggestion():
    several = {"phone": "931234567 / 600112233", "email": "a@example.com; b@example.com"}
    (row,) = read_inline([{"legal_name": "Acme SL", "nif": "B65120347", **several}])
    hints = {problem.field: problem.hint() for problem in row.advice}
    assert hints["phone"] == "931234567"
    assert hints["email"] == "a@example.com; in billing_emails: b@example.com"
