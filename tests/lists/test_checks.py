"""Local advice: what it says, and what it leaves alone."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.cleaning import mask_iban
from beel_mcp.identity import bare_nif
from beel_mcp.lists.checks.fields import advise
from beel_mcp.lists.checks.identifiers import nif_advice
from beel_mcp.lists.checks.places import prefixes_of, province_of
from beel_mcp.lists.model import Problem
from beel_mcp.messages import read_data, verbatim

# Written by hand from the published rules, not with the library that the product uses.
DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
VALID = ["12345678Z", "00000000T", "X1234567L", "Y1234567X", "Z1234567R", "K1234567L", "M1234567L"]
VALID += ["A12345674", "B12345674", "Q1234567D", "P1234567D", "G12345674", "G1234567D"]
VALID += ["W1234567D", "N1234567D", "A0012345E", "A00123455"]
WRONG = {
    "12345678A": "12345678A: the letter would be Z if the rest is right",
    "X1234567A": "X1234567A: the letter would be L if the rest is right",
    "L1234567A": "L1234567A: the letter would be L if the rest is right",
    "B12345678": "B12345678: the digit would be 4 if the rest is right",
    "B1234567D": "B1234567D: the digit would be 4 if the rest is right",
    "Q12345674": "Q12345674: the letter would be D if the rest is right",
    "G12345670": "G12345670: the last character would be 4 or D if the rest is right",
    "12345678": "12345678: the letter would be Z if the rest is right",
    "B1234567": "B1234567: the digit would be 4 if the rest is right",
    "12.345.678-Z": "12345678Z",
    "esb12345674": "B12345674",
    "1234567L": "01234567L",
}
STREET = {"street": "Calle Mayor", "number": "1", "city": "X"}
WHOLE = {
    "legal_name": "Prueba SL",
    "nif": "B12345674",
    "address": {**STREET, "postal_code": "28001", "province": "Madrid"},
}
IBAN = "ES9121000418450200051332"


def at(postal_code: str, province: str = "", **more: str) -> list[Problem]:
    address = {**STREET, "postal_code": postal_code, **({"province": province} if province else {})}
    found = advise({**WHOLE, "address": {**address, **more}})
    return [problem for problem in found if problem.field == "address.postal_code"]


def fields(values: dict) -> list[str]:
    return [problem.field for problem in advise({**WHOLE, **values})]


def test_a_complete_customer_gets_no_advice():
    assert advise(WHOLE) == ()


def test_a_right_control_character_is_left_alone():
    assert [nif for nif in VALID if nif_advice(nif)] == []


@pytest.mark.parametrize(("nif", "suggestion"), WRONG.items())
def test_a_wrong_nif_comes_with_what_it_would_be(nif, suggestion):
    problem = nif_advice(nif)
    assert problem
    assert (problem.value, problem.hint(), problem.severity) == (nif, suggestion, "advice")
    assert nif not in problem.text()


@pytest.mark.parametrize(
    "nif", ["FR12345678901", "hola", "1", "\uff11\uff12345678Z", "I1234567A", "T00000001"]
)
def test_what_is_no_spanish_number_gets_no_guess(nif):
    problem = nif_advice(nif)
    assert problem
    assert problem.hint() is None
    assert "alternative_id" in problem.text()


@given(st.integers(0, 99_999_999))
def test_every_dni_has_exactly_one_letter(number):
    letter = DNI_LETTERS[number % 23]
    assert nif_advice(f"{number:08}{letter}") is None
    other = DNI_LETTERS[(number + 1) % 23]
    assert (
        nif_advice(f"{number:08}{other}").hint().endswith(f"would be {letter} if the rest is right")
    )


@given(st.text(max_size=12))
def test_no_text_breaks_the_checks(text):
    address = {**STREET, "postal_code": text, "province": text, "country": text}
    method = {"iban": text}
    values = {"nif": text, "email": text, "phone": text, "billing_emails": (text,)}
    for problem in advise({**values, "address": address, "preferred_payment_method": method}):
        assert len(problem.text()) <= 140
        assert problem.severity == "advice"


def test_an_identifier_is_wanted_and_only_one():
    other = {"type": "PASSPORT", "number": "AB1", "country_code": "DE"}
    without = {name: value for name, value in WHOLE.items() if name != "nif"}
    assert [problem.field for problem in advise(without)] == ["nif"]
    assert advise({**without, "alternative_id": other}) == ()
    assert fields({"alternative_id": other}) == ["alternative_id"]
    assert [p.field for p in advise({**without, "alternative_id": {"number": "1"}})] == [
        "alternative_id"
    ]


def test_missing_parts_are_named():
    assert [problem.field for problem in advise({})] == ["legal_name", "nif", "address"]
    assert fields({"address": {**STREET, "postal_code": "28001"}}) == ["address.province"]
    (problem,) = advise({**WHOLE, "address": {"street": "Calle Mayor", "postal_code": "48001"}})
    assert problem.field == "address"
    assert problem.text() == "The address lacks number, city and province: BeeL needs them."
    assert problem.text("es").startswith("En la dirección faltan el número, la población y la")
    assert problem.hint() == "the province would be Bizkaia"


PROVINCES = [
    ("48001", "Vizcaya"),
    ("48001", "BIZKAIA"),
    ("15001", "La Coruña"),
    ("15001", "Coruña, A"),
    ("07001", "Illes Balears"),
    ("07001", "Baleares"),
    ("17001", "Gerona"),
    ("25001", "Lerida"),
    ("32001", "Orense"),
    ("20001", "Guipúzcoa / Gipuzkoa"),
    ("01001", "Araba/Álava"),
    ("46001", "València"),
    ("12001", "Castelló"),
    ("03001", "Alacant"),
    ("38001", "Santa Cruz de Tenerife"),
    ("35001", "Palmas, Las"),
    ("28001", "Comunidad de Madrid"),
    ("28001", "somewhere that is no province"),
]


def test_a_postal_code_fits_its_province_in_every_language():
    assert [(code, province) for code, province in PROVINCES if at(code, province)] == []


def test_a_postal_code_of_another_province_is_pointed_out():
    (problem,) = at("08001", "Madrid")
    assert problem.hint() == "08 is Barcelona; Madrid is 28"


def test_a_postal_code_that_lost_its_zero_gets_it_back_as_a_suggestion():
    assert at("8001", "Barcelona")[0].hint() == "08001"
    assert at("800")[0].hint() is None
    assert at("99001")[0].hint() is None


def test_postal_codes_abroad_are_nobodys_business():
    assert at("SW1A 1AA", country="United Kingdom") == []
    assert at("1000-205", country_code="PT") == []
    assert at("1000", country="España", country_code="ES") != []


def test_every_name_of_a_province_means_one_prefix():
    for prefix, names in read_data("provinces").items():
        assert province_of(prefix + "001")
        for name in names:
            assert prefixes_of(name) == {prefix}, name
    assert len(read_data("provinces")) == 52


@pytest.mark.parametrize("email", ["a@b.es", "ana.p+x@sub.ejemplo.example", "ñ@español.example"])
def test_good_addresses_pass(email):
    assert fields({"email": email, "billing_emails": (email,)}) == []


@pytest.mark.parametrize(
    "email", ["a@b", "a.b.es", "a@@b.es", "a@b.es; c@d.es", "a @b.es", "a@b..es"]
)
def test_bad_addresses_are_pointed_out(email):
    assert fields({"email": email, "billing_emails": ("a@b.es", email)}) == [
        "email",
        "billing_emails",
    ]


@pytest.mark.parametrize("phone", ["600112233", "+34 600 11 22 33", "(91) 555-12-34"])
def test_good_phones_pass(phone):
    assert fields({"phone": phone}) == []


def test_a_phone_with_dots_is_rewritten_as_a_suggestion():
    (problem,) = advise({**WHOLE, "phone": "91.555.12.34"})
    assert problem.hint() == "91 555 12 34"


def test_a_phone_that_a_spreadsheet_rounded_is_not_guessed():
    (problem,) = advise({**WHOLE, "phone": "6,00112E+08"})
    assert "rounded" in problem.text()
    assert problem.hint() is None


@pytest.mark.parametrize("iban", ["ES9121000418450200051333", "XX", "ES91", IBAN.lower()])
def test_a_wrong_iban_is_pointed_out_and_never_shown(iban):
    (problem,) = advise({**WHOLE, "preferred_payment_method": {"iban": iban}})
    assert iban not in repr(problem)
    assert iban[4:18] not in repr(problem) or len(iban) < 5


def test_a_right_iban_passes():
    assert fields({"preferred_payment_method": {"iban": IBAN}}) == []


def test_a_problem_masks_an_iban_wherever_it_stands():
    spaced = "ES91 2100 0418 4502 0005 1332"
    message, hint = verbatim(f"the value {spaced} is no good"), verbatim(f"not {IBAN.lower()}")
    problem = Problem("notes", message, IBAN, hint)
    assert "2100" not in repr(problem) + problem.text() + str(problem.hint())
    said = verbatim("ES91 210 is too short")
    short = Problem("preferred_payment_method.iban", said, "ES91 210")
    assert "210" not in repr(short) + short.text()


def test_a_problem_is_cleaned():
    problem = Problem("x" * 100, verbatim("a\n\u202eb" * 500), "v" * 500)
    assert "\n" not in problem.text()
    assert "\u202e" not in problem.text()
    assert len(problem.text()) <= 300
    assert len(problem.value) <= 80


@given(st.text(max_size=60))
def test_masking_and_normalising_twice_is_doing_it_once(text):
    assert mask_iban(mask_iban(text)) == mask_iban(text)
    said = verbatim(text)
    problem = Problem("preferred_payment_method.iban", said, text, said)
    again = Problem(problem.field, problem.message, problem.value, problem.suggestion)
    assert again == problem
    assert bare_nif(bare_nif("ESB12345674")) == "B12345674"


def test_the_checks_do_not_change_what_they_look_at():
    values = {**WHOLE, "nif": random.Random(1).choice(list(WRONG))}
    before = repr(values)
    advise(values)
    assert repr(values) == before


def vat(number: str, country: str) -> str:
    where = f"type NIF_IVA, number {number}, country_code {country}"
    return f"alternative_id: {where}, in place of nif, if the customer is from there"


@pytest.mark.parametrize(
    ("nif", "suggestion"),
    [
        ("DE136695976", vat("DE136695976", "DE")),
        (
            "pt 501 964 843",
            vat("PT501964843", "PT"),
        ),
        # Eleven digits: with another word behind them it would look like an IBAN, and be masked.
        (
            "FR40303265045",
            vat("FR40303265045", "FR"),
        ),
        ("EL094259216", vat("EL094259216", "GR")),
        ("GR094259216", vat("EL094259216", "GR")),
        ("XI432525179", None),
        ("ESB12345674X", None),
        ("DE123456789", None),
        ("XX12345678", None),
    ],
)
def test_a_number_of_another_country_of_the_union_is_recognised(nif, suggestion):
    problem = nif_advice(nif)
    assert problem
    assert (problem.value, problem.hint()) == (nif, suggestion)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"type": "NIF_IVA", "number": "B12345674", "country_code": "ES"}, "only PASSPORT"),
        ({"type": "NOT_REGISTERED", "number": "1", "country_code": "DE"}, "ES only"),
        ({"type": "NIF_IVA", "number": "DE123456789", "country_code": "DE"}, "check digits"),
        ({"type": "NIF_IVA", "number": "123456789", "country_code": "DE"}, "check digits"),
        ({"type": "NIF_IVA", "number": "136695976", "country_code": "DE"}, "Not the form of"),
        ({"type": "NIF_IVA", "number": "EL 094259216", "country_code": "GR"}, "Not the form of"),
        ({"type": "NIF_IVA", "number": "EL094259216", "country_code": "GR"}, None),
        ({"type": "NIF_IVA", "number": "123", "country_code": "US"}, "member states"),
        ({"type": "NOT_REGISTERED", "number": "12345678Z"}, None),
        ({"type": "PASSPORT", "number": "X1", "country_code": "ES"}, None),
        ({"type": "PASSPORT", "number": "X1"}, "passport to be Spanish"),
        ({"type": "OTHER_DOCUMENT", "number": "X1"}, "country is missing"),
    ],
)
def test_a_foreign_document_is_held_against_what_beel_takes(document, words):
    without = {name: value for name, value in WHOLE.items() if name != "nif"}
    found = advise({**without, "alternative_id": document})
    assert [words in problem.text() for problem in found] == ([True] if words else [])


def test_a_missing_province_comes_with_the_one_of_the_postal_code():
    address = {**STREET, "postal_code": "48001"}
    (problem,) = advise({**WHOLE, "address": address})
    assert (problem.field, problem.hint()) == ("address.province", "Bizkaia")
    abroad = {**address, "country": "Alemania", "country_code": "DE"}
    (problem,) = advise({**WHOLE, "address": abroad})
    hint = "abroad: the region, or else the city again; ask the person"
    assert (problem.field, problem.hint()) == ("address.province", hint)


def test_a_country_by_no_known_name_is_asked_for_its_code():
    address = {**STREET, "postal_code": "10115", "province": "Berlin", "country": "Freedonia"}
    (problem,) = advise({**WHOLE, "address": address})
    assert problem.field == "address.country"
    assert advise({**WHOLE, "address": {**address, "country_code": "DE"}}) == ()
    assert advise({**WHOLE, "address": {**address, "country": "Alemanya"}}) == ()
