"""One spelling for what people write: certain things are written anew, doubtful ones never."""

import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beel_mcp.messages import read_data
from beel_mcp.server.tool_calls import as_meant
from beel_mcp.spelling import SPELLINGS, folded, read_day, read_decimal, spelt

METHODS = {
    "BANK_TRANSFER": ["transferencia", "Transferència", "TRANSFERENCIA BANCARIA", "bank transfer"],
    "DIRECT_DEBIT": ["domiciliación", "domiciliacion", "Recibo", "recibo domiciliado", "Giro"],
    "CASH": ["efectivo", "Contado", "al contado", "metalico", "cash"],
    "CARD": ["tarjeta", "Tarjeta de crédito", "credit card"],
    "CHECK": ["cheque", "talón", "talon", "check"],
    "BIZUM": ["bizum", "Bizum"],
}
WRITTEN = [
    ("nif", "b-50.000.041", "B50000041"),
    ("nif", "ES B50000041", "B50000041"),
    ("nif", " 12 345 678 z", "12345678Z"),
    ("preferred_payment_method.iban", "IBAN: es91 2100 0418 4502 0005 1332", None),
    ("preferred_payment_method.iban", "ES91-2100-0418-45-0200051332", None),
    ("preferred_payment_method.swift", "caix es bb", "CAIXESBB"),
    ("phone", "931.234.567", "931 234 567"),
    ("phone", "+34 93.123.45.67", "+34 93 123 45 67"),
    ("phone", "+34.931.23.45.67", "+34 931 23 45 67"),
    ("alternative_id.type", "Pasaporte", "PASSPORT"),
    ("alternative_id.type", "nif-iva", "NIF_IVA"),
]


@pytest.mark.parametrize(("field", "written", "read"), WRITTEN)
def test_what_people_write_is_read_as_beel_takes_it(field, written, read):
    assert spelt(field, written) == (read or "ES9121000418450200051332")


def test_payment_methods_are_known_by_their_names_in_spain():
    for method, words in METHODS.items():
        for word in words:
            assert spelt("preferred_payment_method.method", word) == method, word


def test_no_word_means_two_things():
    for table in read_data("cell_words").values():
        meanings = [{folded(word) for word in (name, *every)} for name, every in table.items()]
        assert sum(map(len, meanings)) == len(set().union(*meanings))


@pytest.mark.parametrize(
    ("field", "written"),
    [
        ("nif", "DE 136 695 976"),
        ("nif", "12.345"),
        ("phone", "931234567/600123456"),
        ("phone", "1.5"),
        ("preferred_payment_method.iban", "0049 1500 05"),
        ("preferred_payment_method.method", "a convenir"),
        ("legal_name", "Recibo"),
        ("preferred_payment_method.swift", "."),
        ("website", "."),
        ("notes", "es91 2100"),
    ],
)
def test_what_is_not_certain_stays_as_it_was_written(field, written):
    assert spelt(field, written) == written


@given(st.sampled_from(sorted(SPELLINGS)), st.text(max_size=40))
def test_what_was_read_once_is_read_the_same_again(field, written):
    once = spelt(field, written)
    assert spelt(field, once) == once


MARKS = st.sampled_from([" ", ".", "-", ""])
CHARACTERS = st.text("ABCXYZ0123456789", min_size=9, max_size=26)


@settings(max_examples=50)
@given(st.sampled_from(["", "ES", "es", "IBAN "]), CHARACTERS, MARKS, st.sampled_from([2, 3, 4]))
def test_no_letter_or_digit_of_a_number_is_lost_or_added(prefix, number, mark, size):
    groups = [number[start : start + size] for start in range(0, len(number), size)]
    written = prefix + mark.join(groups)

    def bare(text):
        kept = "".join(re.findall("[A-Z0-9]", text.upper()))
        return kept.removeprefix("IBAN").removeprefix("ES")

    for field in ("nif", "preferred_payment_method.iban"):
        assert bare(spelt(field, written)) == bare(written)


@given(st.lists(st.integers(10, 9999), min_size=3, max_size=5), st.sampled_from([".", ". ", " "]))
def test_no_digit_of_a_phone_is_lost_or_added(groups, mark):
    written = mark.join(map(str, groups))
    digits = "".join(filter(str.isdigit, written))
    assert "".join(filter(str.isdigit, spelt("phone", written))) == digits


@given(st.dates(date(1900, 1, 1), date(2999, 12, 31)), st.sampled_from("/-."))
def test_a_day_is_the_same_however_a_spaniard_writes_it(day, mark):
    written = [
        f"{day.day}{mark}{day.month}{mark}{day.year}",
        f"{day:%d}{mark}{day:%m}{mark}{day:%Y}",
    ]
    for text in (*written, day.isoformat(), f" {day.isoformat()} "):
        assert read_day(text) == day


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("01/02/26", "which could be 2026-02-01 or 2001-02-26"),
        ("05/05/05", "which could be 2005-05-05: ask the person"),
        ("31/12/26", "2026-12-31 or 2031-12-26"),
        ("2026-13-01", 'is "2026-13-01", which is no day; write it as 2026-07-31 or 31/07/2026'),
        ("07/31/2026", "no day"),
        ("31/02/2026", "no day"),
        ("99/99/99", "no day"),
        ("20260731", "no day"),
        ("1/7-2026", "no day"),
        ("mañana", "no day"),
        (20260731, "no day"),
    ],
)
def test_a_day_that_could_be_two_or_none_is_never_guessed(written, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        read_day(written)


@given(st.integers(-999_999_999, 999_999_999))
def test_a_whole_number_is_a_decimal(number):
    assert read_decimal(number) == read_decimal(str(number)) == Decimal(number)


@given(st.decimals(-99_999, 99_999, places=2, allow_nan=False))
def test_a_decimal_of_cents_is_the_number_that_it_shows(number):
    assert read_decimal(f"{number:.2f}") == read_decimal(f" {number:.2f} ") == number


@given(st.integers(1, 999), st.integers(0, 999), st.integers(0, 99))
def test_an_amount_as_a_spaniard_writes_it_is_refused_with_what_to_send(high, low, cents):
    with pytest.raises(ValueError, match=re.escape(f'send "{high}{low:03}.{cents:02}"')):
        read_decimal(f"{high}.{low:03},{cents:02} €")


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("1.200", 'send "1.20" or "1200", whichever is meant'),
        ("1,200", 'send "1200" or "1.20", whichever is meant'),
        ("1,200.50", 'send "1200.50"'),
        ("21%", 'send "21"'),
        (39.9, 'as text: "39.9"'),
        (True, "as text"),
        ("doce", '"1250.50"'),
        ("", '"1250.50"'),
    ],
)
def test_a_number_that_is_none_here_is_refused_with_what_to_send(written, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        read_decimal(written)


def test_arguments_take_the_shape_and_the_spelling_of_their_schema():
    kinds = {"enum": ["email", "billing_emails"]}
    schema = {
        "properties": {
            "missing": {"type": "array", "items": {"type": "string", **kinds}},
            "kind": {"type": "string", **kinds},
            "rows": {"type": "array", "items": {"type": "integer"}},
            "fixes": {"type": "array", "items": {"type": "object"}},
            "nif": {"type": "string"},
        }
    }
    table = [
        ({"missing": "EMAIL"}, {"missing": ["email"]}),
        ({"missing": "email, Billing e-mails"}, {"missing": ["email", "Billing e-mails"]}),
        ({"missing": ["Billing Emails"]}, {"missing": ["billing_emails"]}),
        ({"missing": ""}, {}),
        ({"missing": '["Email"]'}, {"missing": ["email"]}),
        ({"missing": '["email"'}, {"missing": '["email"'}),
        ({"missing": None}, {}),
        ({"kind": "Billing-Emails"}, {"kind": "billing_emails"}),
        ({"kind": "phone"}, {"kind": "phone"}),
        ({"rows": 5}, {"rows": [5]}),
        ({"rows": True}, {"rows": True}),
        ({"fixes": {"row": 1}}, {"fixes": [{"row": 1}]}),
        ({"nif": "EMAIL"}, {"nif": "EMAIL"}),
        ({"unknown": "x"}, {"unknown": "x"}),
    ]
    assert [as_meant(schema, sent) for sent, _ in table] == [wanted for _, wanted in table]
