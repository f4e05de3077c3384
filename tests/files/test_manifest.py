"""manifest.csv: what went in comes out, and no cell of it runs in a spreadsheet."""

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.files.invoice_package import ManifestRow, manifest_csv, safe

DAY = date(2026, 7, 14)
ROW = ManifestRow(
    "id-1",
    DAY,
    "F-1",
    "STANDARD",
    customer="Ruiz SL",
    nif="B12345674",
    rates=((Decimal(21), Decimal(100), Decimal(21)),),
    withholding=Decimal(15),
    total=Decimal(106),
    status="PAID",
    file="a.pdf",
    sha256="0" * 64,
)
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
amounts = st.decimals(-(10**9), 10**9, places=2)
rates = st.sampled_from([Decimal(0), Decimal(4), Decimal("10.0"), Decimal("5.2"), None])
texts = st.text(max_size=40) | st.sampled_from(
    [
        "=1+1",
        "+34 600",
        "-2",
        "@SUM(A1)",
        "\t=1",
        " =1",
        "\u200b=1",
        "\uff1d1",
        "a;b",
        'a"b',
        "a\nb",
    ]
)
rows = st.builds(
    ManifestRow,
    invoice_id=st.uuids().map(str),
    day=st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    number=texts,
    type=st.sampled_from(["STANDARD", "CORRECTIVE", "=HYPERLINK()"]),
    rectifies=texts,
    customer=texts,
    nif=texts,
    rates=st.lists(st.tuples(rates, amounts, amounts), max_size=4).map(tuple),
    surcharge=amounts,
    withholding=amounts,
    total=amounts,
    status=st.sampled_from(["PAID", "ISSUED", "+OTHER"]),
    file=texts,
    sha256=st.just("0" * 64),
    missing=st.sampled_from(["", "draft", "unknown"]),
)


def read(data: bytes, language: str = "en") -> list[dict[str, str]]:
    text = data.decode("utf-8-sig")
    delimiter = ";" if language == "es" else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    return list(reader)


def amount(text: str) -> Decimal:
    return Decimal(text.replace(",", ".") or 0)


def test_the_columns_are_the_ones_an_accountant_expects() -> None:
    header, line = manifest_csv([ROW], "en").decode("utf-8-sig").splitlines()
    assert header.split(",") == [
        *("date", "number", "type", "rectifies", "customer", "NIF", "base 21%", "tax 21%"),
        *("withholding", "total", "status", "file", "sha256", "missing because"),
    ]
    money = "100.00,21.00,15.00,106.00"
    assert line == f"2026-07-14,F-1,standard,,Ruiz SL,B12345674,{money},paid,a.pdf,{'0' * 64},"


def test_in_spanish_it_opens_in_a_spanish_spreadsheet_as_it_is() -> None:
    data = manifest_csv([ROW], "es")
    assert data.startswith(b"\xef\xbb\xbf")
    header, line = data.decode("utf-8-sig").splitlines()
    assert header.split(";") == [
        *("fecha", "número", "tipo", "rectifica a", "cliente", "NIF", "base 21 %", "cuota 21 %"),
        *("retención", "total", "estado", "archivo", "sha256", "falta porque"),
    ]
    money = "100,00;21,00;15,00;106,00"
    assert line == f"14/07/2026;F-1;ordinaria;;Ruiz SL;B12345674;{money};cobrada;a.pdf;{'0' * 64};"


@pytest.mark.slow
@given(st.lists(rows, max_size=8), st.sampled_from(["es", "en"]))
def test_no_cell_is_a_formula_and_every_amount_comes_back(
    given_rows: list[ManifestRow], language: Any
) -> None:
    found = read(manifest_csv(given_rows, language), language)
    assert len(found) == len(given_rows)
    ordered = sorted(given_rows, key=lambda row: row.order)
    for cells, row in zip(found, ordered, strict=True):
        assert amount(cells["total"]) == row.total
        parts = [
            amount(text)
            for name, text in cells.items()
            if name.startswith(("base", "tax", "cuota")) and text
        ]
        assert sum(parts) == sum((base + tax for _, base, tax in row.rates), Decimal())
        for text in cells.values():
            if text.startswith(FORMULAS):
                assert amount(text) < 0  # digits and a sign: a number, not a formula


@given(texts)
def test_a_cell_shows_the_cleaned_text_with_a_mark_only_where_it_could_run(text: str) -> None:
    cell = safe(text)
    assert not cell.startswith(FORMULAS)
    assert "\n" not in cell
    assert safe(cell) == cell


@pytest.mark.slow
@given(st.lists(rows, min_size=2, max_size=6, unique_by=lambda row: row.invoice_id), st.randoms())
def test_the_order_is_by_date_and_number_whatever_the_order_given(
    given_rows: list[ManifestRow], chance: Any
) -> None:
    shuffled = list(given_rows)
    chance.shuffle(shuffled)
    assert manifest_csv(shuffled, "es") == manifest_csv(given_rows, "es")


def test_two_lines_of_one_rate_are_added_and_other_rates_stay_empty() -> None:
    twice = ManifestRow(
        "id-2",
        DAY,
        "F-2",
        rates=(
            (Decimal(21), Decimal(1), Decimal("0.21")),
            (Decimal("21.0"), Decimal(2), Decimal("0.42")),
            (Decimal(4), Decimal(5), Decimal("0.2")),
        ),
    )
    first, second = read(manifest_csv([ROW, twice], "en"))
    assert (second["base 21%"], second["tax 21%"]) == ("3.00", "0.63")
    assert (first["base 4%"], first["tax 4%"]) == ("", "")


def test_sums_without_a_rate_and_a_surcharge_have_columns_only_where_there_are_some() -> None:
    other = ManifestRow(
        "id-2",
        DAY,
        "F-2",
        rates=((None, Decimal(10), Decimal(2)),),
        surcharge=Decimal("0.52"),
        total=Decimal("12.52"),
    )
    [header, *_] = manifest_csv([ROW, other], "es").decode("utf-8-sig").splitlines()
    assert "base 21 %;cuota 21 %;base;cuota;recargo de equivalencia;retención" in header
    assert "recargo" not in manifest_csv([ROW], "es").decode()
    [_, cells] = read(manifest_csv([ROW, other], "en"))
    assert (cells["base"], cells["tax"], cells["equivalence surcharge"]) == (
        "10.00",
        "2.00",
        "0.52",
    )


@pytest.mark.parametrize("reason", ["draft", "not_found", "pdf_not_ready", "unknown"])
def test_an_invoice_of_which_nothing_is_known_is_named_by_its_id(reason: str) -> None:
    [cells] = read(manifest_csv([ManifestRow("id-9", missing=reason)], "en"))
    filled = {name: text for name, text in cells.items() if text}
    assert filled.keys() == {"number", "missing because"}
    assert filled["number"] == "id-9"
    assert "_" not in filled["missing because"]


def test_a_word_that_beel_may_invent_is_shown_as_it_is() -> None:
    [cells] = read(manifest_csv([ManifestRow("id-9", DAY, type="NEW", status="LOST")], "es"), "es")
    assert (cells["tipo"], cells["estado"]) == ("NEW", "LOST")
