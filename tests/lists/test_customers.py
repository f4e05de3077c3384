"""Rows become customers: what is read, what is forgiven, what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.errors import CallerError
from beel_mcp.lists.checks.contacts import emails_of
from beel_mcp.lists.files.columns import read_table
from beel_mcp.lists.files.rows import read_file_rows
from beel_mcp.lists.inline import read_inline
from beel_mcp.lists.model import CustomerRow
from tests.support.limits import processor_s

TEMPLATE = (
    "nombre_fiscal;nif;email;telefono;direccion_calle;direccion_numero;"
    "direccion_codigo_postal;direccion_poblacion;direccion_provincia"
)
ROW = "Prueba SL;B12345674;hola@prueba.example;600112233;Calle Mayor;1;28001;Madrid;Madrid"


def one(raw: dict):
    (row,) = read_inline([raw])
    return row


def refusal(rows) -> CallerError:
    with pytest.raises(CallerError) as caught:
        read_inline(rows)
    return caught.value


def errors(raw: dict) -> list[str]:
    return [problem.field for problem in one(raw).errors]


def csv_rows(text: str):
    return read_file_rows(read_table(text.encode(), "clientes.csv"))


def test_rows_are_numbered_from_one_by_position():
    rows = read_inline([{"legal_name": "Uno"}, {"legal_name": "Dos"}])
    assert [(row.number, row.name) for row in rows] == [(1, "Uno"), (2, "Dos")]


def test_numbers_are_read_as_text_without_point_or_exponent():
    row = one(
        {
            "legal_name": 365,
            "nif": 12345678.0,
            "phone": 3.4600112233e10,
            "address": {"postal_code": 28001, "number": 4.5, "floor": -0.0},
        }
    )
    assert row.values["legal_name"] == "365"
    assert row.values["nif"] == "12345678"
    assert row.values["phone"] == "34600112233"
    assert row.payload()["address"] == {
        "postal_code": "28001",
        "number": "4.5",
        "floor": "0",
        "province": "Madrid",  # follows from the code
    }
    assert not row.errors


@pytest.mark.parametrize("number", [1e30, float("nan"), float("inf"), 10**50])
def test_a_number_that_cannot_be_exact_makes_an_error_row(number):
    assert errors({"nif": number}) == ["nif"]


@pytest.mark.parametrize("value", [True, False, [], ["x"], {}, {"a": 1}])
def test_what_is_no_text_makes_an_error_row(value):
    assert errors({"legal_name": value}) == ["legal_name"]


@pytest.mark.parametrize("value", ["Calle Mayor 1", 5, True, [], ["x"]])
def test_an_address_that_is_no_object_makes_an_error_row(value):
    row = one({"legal_name": "Prueba", "address": value})
    assert [problem.field for problem in row.errors] == ["address"]
    assert "address" not in [problem.field for problem in row.advice]


def test_null_and_blank_count_as_absent():
    row = one({"legal_name": "Prueba", "nif": None, "email": " \u200b ", "address": {"city": ""}})
    assert row.payload() == {"legal_name": "Prueba"}
    assert one({"address": None, "alternative_id": " "}).payload() == {}


def test_text_is_cleaned_and_composed():
    row = one({"legal_name": "  Pen\u0303a\u200b\n  SL\u202e ", "notes": " uno \r\n\r\ndos\u200b "})
    assert row.values["legal_name"] == "Peña SL"
    assert row.values["notes"] == "uno\n\ndos"


def test_payment_terms_and_discounts_are_numbers_or_numeric_text():
    method = {"payment_term_days": " 30 "}
    row = one({"general_discount": "7,5 %", "preferred_payment_method": method})
    assert row.values["general_discount"] == 7.5
    assert row.payload()["preferred_payment_method"] == {"payment_term_days": 30}
    assert one({"general_discount": 5.0}).values["general_discount"] == 5
    assert one({"general_discount": 0}).values["general_discount"] == 0


@pytest.mark.parametrize("days", ["treinta días", "3.5", 3.5, True, [30], 10**12])
def test_terms_that_are_no_whole_number_make_an_error_row(days):
    raw = {"preferred_payment_method": {"payment_term_days": days}}
    assert errors(raw) == ["preferred_payment_method.payment_term_days"]


@pytest.mark.parametrize("discount", ["mucho", True, [], "1e3", "NaN"])
def test_a_discount_that_is_no_number_makes_an_error_row(discount):
    assert errors({"general_discount": discount}) == ["general_discount"]


@pytest.mark.parametrize("emails", [["a@b.es", "", "c@d.es"], "a@b.es; c@d.es", "a@b.es,c@d.es,"])
def test_billing_emails_are_a_list_or_joined_text(emails):
    assert one({"billing_emails": emails}).payload() == {"billing_emails": ["a@b.es", "c@d.es"]}


@pytest.mark.parametrize("emails", [{"a": 1}, 5, True, ["a@b.es", ["x"]]])
def test_billing_emails_of_another_kind_make_an_error_row(emails):
    assert errors({"billing_emails": emails}) == ["billing_emails"]


def test_advice_stands_beside_the_values_without_changing_them():
    row = one({"legal_name": "Prueba", "nif": "12345678A"})
    assert row.values["nif"] == "12345678A"
    assert [problem.hint() for problem in row.advice][:1] == [
        "12345678A: the letter would be Z if the rest is right"
    ]


@pytest.mark.parametrize(
    ("raw", "asked", "near"),
    [
        ({"legal_nam": "x"}, '"legal_nam"', "legal_name"),
        ({"Legal_Name": "x"}, '"Legal_Name"', "legal_name"),
        ({"nombre_fiscal": "x"}, '"nombre_fiscal"', "legal_name"),
        ({"postal_code": "x"}, '"postal_code"', "address.postal_code"),
        ({"iban": "x"}, '"iban"', "preferred_payment_method.iban"),
        ({"address": {"postcode": "x"}}, '"address.postcode"', "address.postal_code"),
        ({"address": {"street_name": "x"}}, '"address.street_name"', "address.street"),
        ({"web": "x"}, '"web"', "website"),
    ],
)
def test_an_unknown_field_is_refused_with_row_name_and_nearest_field(raw, asked, near):
    error = refusal([{"legal_name": "Uno"}, raw])
    (fault,) = error.field_errors
    assert fault.field == "row 2"
    assert asked in fault.message
    assert fault.message.endswith(f"did you mean {near}?")


@pytest.mark.parametrize("raw", [None, "x", 5, True, ["x"]])
def test_a_row_that_is_no_object_is_refused(raw):
    (fault,) = refusal([{}, raw]).field_errors
    assert fault.field == "row 2"
    assert "not an object" in fault.message


def test_five_faults_are_named_and_the_rest_is_mentioned():
    error = refusal([{"qqqq": 1}] * 400)
    assert len(error.field_errors) == 5
    assert "more than these 5" in error.message


def test_a_hostile_field_name_is_quoted_and_cut():
    (fault,) = refusal([{"x\n\u202e" * 500: 1}]).field_errors
    assert len(fault.message) < 150
    assert "\n" not in fault.message


@pytest.mark.parametrize(("rows", "code"), [([], "empty_list"), ([{}] * 501, "too_many_rows")])
def test_an_empty_or_overlong_list_is_refused_with_what_to_do(rows, code):
    error = refusal(rows)
    assert error.code == code
    assert error.remedy


def test_a_list_that_is_text_is_refused():
    assert refusal("[{}]").code == "invalid_arguments"


def test_the_template_is_read_with_every_field_in_its_place():
    read = csv_rows(f"{TEMPLATE}\n{ROW}\n")
    assert read.rows[0].payload() == {
        "legal_name": "Prueba SL",
        "nif": "B12345674",
        "email": "hola@prueba.example",
        "phone": "600112233",
        "address": {
            "street": "Calle Mayor",
            "number": "1",
            "postal_code": "28001",
            "city": "Madrid",
            "province": "Madrid",
        },
    }
    assert read.rows[0].problems == ()
    assert [used.split(" → ")[0] for used in read.columns_used] == TEMPLATE.split(";")
    assert (read.columns_ignored, read.values_changed) == ((), ())


def test_english_headers_in_any_order_and_case_are_the_same():
    text = "Address_City;NIF;LEGAL_NAME;address_postal_code;phone\nVigo;1;Uno;36201;600112233\n"
    (row,) = csv_rows(text).rows
    address = {"city": "Vigo", "postal_code": "36201", "province": "Pontevedra"}
    assert row.payload() == {
        "legal_name": "Uno",
        "nif": "1",
        "phone": "600112233",
        "address": address,
    }


def test_columns_that_are_not_the_templates_are_ignored_by_name():
    read = csv_rows("nombre_fiscal;Saldo;;nif\nUno;5;x;1\n")
    assert read.columns_used == ("nombre_fiscal → legal_name", "nif → nif")
    assert read.columns_ignored == (("Saldo", "5"), ("column 3 (no header)", "x"))


def test_values_that_were_tidied_are_told():
    read = csv_rows("nombre_fiscal;nif;telefono\n Uno ;B1\u200b2345674;600112233\nPen\u0303a;1;2\n")
    assert [
        (change.row, change.field, change.change.text(), change.before, change.after)
        for change in read.values_changed
    ] == [
        (2, "legal_name", "blanks removed", " Uno ", "Uno"),
        (2, "nif", "invisible characters removed", "B1\u200b2345674", "B12345674"),
        (3, "legal_name", "accents joined to their letters", "Pen\u0303a", "Peña"),
    ]


def test_a_row_with_more_cells_than_headers_is_an_error_row():
    read = csv_rows("nombre_fiscal;nif\nUno;1\nDos;2;3\n")
    assert [(row.number, len(row.errors)) for row in read.rows] == [(2, 0), (3, 1)]


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Kunde;Steuernummer", "file_no_header"),
        ("nif;email", "file_no_header"),
        ("nombre comercial;nif", "file_no_header"),
        ("nombre_fiscal;legal_name", "file_header_repeated"),
        ("nombre_fiscal;nif;NIF", "file_header_repeated"),
    ],
)
def test_headers_that_cannot_be_meant_are_refused(header, code):
    with pytest.raises(CallerError) as caught:
        csv_rows(f"{header}\nUno;1;1\n")
    assert caught.value.code == code
    assert caught.value.remedy


def test_the_schema_has_names_and_types_only():
    schema = CustomerRow.model_json_schema()
    keywords = {"required", "minLength", "maxLength", "pattern", "maximum"}
    assert not keywords & {key for node in [schema, *schema["$defs"].values()] for key in node}
    assert all(
        node["additionalProperties"] is False for node in [schema, *schema["$defs"].values()]
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = tuple(CustomerRow.model_fields)
ADDRESS = st.dictionaries(st.sampled_from(["street", "number", "postal_code", "country"]), JSON)
CUSTOMER = st.dictionaries(st.sampled_from(NAMES), JSON | ADDRESS, max_size=6)


@pytest.mark.slow
@given(st.lists(JSON | CUSTOMER, max_size=5))
def test_any_json_gives_rows_or_a_refusal(rows):
    try:
        read = read_inline(rows)
    except CallerError:
        return
    assert [row.number for row in read] == list(range(1, len(rows) + 1))


@given(CUSTOMER)
def test_reading_what_was_read_changes_nothing_more(raw):
    try:
        (first,) = read_inline([raw])
    except CallerError:
        return
    (second,) = read_inline([first.payload()])
    assert second.payload() == first.payload()


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5))
def test_a_file_and_the_same_rows_inline_give_the_same_customers(pairs):
    quoted = ["nombre_fiscal;nif"]
    quoted += [";".join('"' + cell.replace('"', '""') + '"' for cell in pair) for pair in pairs]
    if not any(cell.strip() for pair in pairs for cell in pair):
        return
    read = csv_rows("\n".join(quoted)).rows
    inline = read_inline([{"legal_name": name, "nif": nif} for name, nif in pairs])
    by_number = {row.number: row.payload() for row in read}
    for row in inline:
        assert by_number.get(row.number + 1, {}) == row.payload()


def test_a_cell_of_any_length_is_read_for_addresses_in_no_time() -> None:
    before = processor_s()
    for text in ("x" * 100_000, "@" * 100_000, "x@" * 50_000, "x " * 50_000):
        assert emails_of(text) == ()
    assert processor_s() - before < 2  # it was minutes
