"""What breaks the schema of a family's requests, and what the body becomes."""

from decimal import Decimal

import pytest

from beel_mcp.api.customer_bodies import wire_problems, wire_row
from tests.support.servers.answers import ADDRESS, ROW

FULL = {
    **ROW,
    "trade_name": "Ñandú",
    "alternative_id": {"type": "PASSPORT", "number": "X1", "country_code": "FR"},
    "address": {**ADDRESS, "floor": "2º A", "door": "B", "country": "España", "country_code": "ES"},
    "phone": "+34 (612) 345-678",
    "email": "a@nandu.example",
    "billing_emails": ["b@nandu.example"],
    "contact_person": "Ana",
    "notes": "x" * 5000,
    "preferred_payment_method": {
        "method": "BANK_TRANSFER",
        "iban": "ES9121000418450200051332",
        "swift": "ABCDESMMXXX",
        "payment_term_days": 30,
    },
    "general_discount": 12.5,
}


@pytest.mark.parametrize("family", ["flat", "company"])
@pytest.mark.parametrize("row", [ROW, FULL])
def test_a_good_row_has_no_problem(row, family):
    assert wire_problems(row, family) == ()


@pytest.mark.parametrize("family", ["flat", "company"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("legal_name", None),
        ("legal_name", " leading"),
        ("legal_name", "a\nb"),
        ("legal_name", "a" * 121),
        ("legal_name", "half \ud83d"),
        ("legal_name", 5),
        ("trade_name", "a" * 121),
        ("nif", "b12345674"),
        ("nif", "B1234567"),
        ("nif", "B12345674\n"),
        ("nif", "B1234567٤"),
        ("alternative_id.type", "DRIVING_LICENCE"),
        ("alternative_id.type", None),
        ("alternative_id.number", "1" * 21),
        ("alternative_id.country_code", "st"),
        ("address", None),
        ("address.street", ""),
        ("address.street", "Calle <b>"),
        ("address.number", "1" * 21),
        ("address.postal_code", "1" * 21),
        ("address.city", "Madrid!"),
        ("address.province", "Madrid!"),
        ("address.country", "España!"),
        ("address.country_code", "ESP"),
        ("address.floor", "a" * 11),
        ("phone", "12345678"),
        ("phone", "612 345 678 ext 2"),
        ("email", "nobody"),
        ("website", "nandu.example"),
        ("billing_emails", ["a@b.es", "no"]),
        ("billing_emails", "a@b.es"),
        ("contact_person", "a" * 201),
        ("general_discount", 101),
        ("general_discount", -1),
        ("general_discount", "ten"),
        ("general_discount", float("nan")),
        ("general_discount", True),
        ("preferred_payment_method.method", "BITCOIN"),
        ("preferred_payment_method.iban", "ES91 2100 0418"),
        ("preferred_payment_method.swift", "ABC"),
        ("preferred_payment_method.payment_term_days", 1.5),
        ("preferred_payment_method.payment_term_days", 366),
        ("surname", "Ruiz"),
        ("address.planet", "Earth"),
    ],
)
def test_what_breaks_the_schema_is_named(field, value, family):
    group, _, name = field.rpartition(".")
    row = {**FULL, group: {**FULL[group], name: value}} if group else {**FULL, name: value}
    problems = wire_problems(row, family)
    assert {p.field for p in problems if p.field.startswith(field)}
    missing = 5 if family == "flat" else 4
    assert len(problems) == (missing if field == "address" else 1)
    assert all(p.message for p in problems)


@pytest.mark.parametrize(
    ("row", "flat", "company"),
    [
        ({**ROW, "nif": "O12345678"}, 0, 1),
        ({**ROW, "nif": "ABCDEFGHI"}, 0, 1),
        ({**ROW, "preferred_payment_method": {"method": "BIZUM"}}, 1, 0),
        ({**ROW, "address": {**ADDRESS, "number": None}}, 1, 0),
        ({**ROW, "address": {**ADDRESS, "city": 'Getafe: sector 3 #2; "Los Álamos" & cía'}}, 1, 0),
        ({**ROW, "address": {**ADDRESS, "province": "Madrid (M)", "country": "España (ES)"}}, 2, 0),
        ({**ROW, "address": {**ADDRESS, "country": "Freedonia"}}, 0, 1),
        ({**ROW, "address": {**ADDRESS, "country": "Freedonia", "country_code": "FR"}}, 0, 0),
        ({**ROW, "address": {**ADDRESS, "country": "Freedonia", "country_code": "ES"}}, 0, 1),
        ({**ROW, "address": {**ADDRESS, "country": "Francia", "country_code": "DE"}}, 0, 1),
        ({**ROW, "address": {**ADDRESS, "country": "España", "country_code": "DE"}}, 0, 0),
        ({**ROW, "address": {**ADDRESS, "country_code": "XX"}}, 0, 1),
    ],
)
def test_the_families_differ_where_their_contracts_do(row, flat, company):
    assert len(wire_problems(row, "flat")) == flat
    assert len(wire_problems(row, "company")) == company


@pytest.mark.parametrize(
    ("given", "country", "code", "today"),
    [
        ({}, "España", "ES", (None, None)),
        ({"country_code": "ES"}, "España", "ES", (None, "ES")),
        ({"country_code": "FR"}, "FR", "FR", ("FR", "FR")),
        ({"country": "Francia"}, "Francia", "FR", ("FR", "FR")),
        ({"country": "Frantzia"}, "Frantzia", "FR", ("FR", "FR")),
        ({"country": "Freedonia"}, "Freedonia", None, ("Freedonia", None)),
        ({"country": "Spain"}, "Spain", "ES", ("España", "ES")),
        ({"country": "España", "country_code": "DE"}, "España", "DE", ("DE", "DE")),
        ({"country": "", "country_code": None}, "España", "ES", (None, None)),
    ],
)
def test_a_country_has_its_code_and_today_no_name_that_beel_may_not_know(
    given, country, code, today
):
    row = {**ROW, "address": {**ADDRESS, **given}}
    flat = wire_row(row, "flat")["address"]
    assert (flat["country"], flat.get("country_code")) == (country, code)
    company = wire_row(row, "company")["address"]
    assert (company.get("country"), company.get("country_code")) == today
    assert row["address"] == {**ADDRESS, **given}


def test_what_is_empty_is_not_sent_and_numbers_are_numbers():
    row = {
        **ROW,
        "email": "",
        "notes": None,
        "billing_emails": [],
        "alternative_id": {},
        "general_discount": Decimal("10.50"),
        "preferred_payment_method": {"payment_term_days": "30", "iban": ""},
    }
    assert wire_row(row, "company") == {
        **ROW,
        "general_discount": 10.5,
        "preferred_payment_method": {"payment_term_days": 30},
    }
