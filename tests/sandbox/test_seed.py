"""The seeded firm is believable, and the census rule leaves it alone."""

import json
from collections import Counter
from decimal import Decimal

import pytest
from stdnum.es import nif as spanish_nif

from beel_mcp.sandbox import Store
from beel_mcp.sandbox.endpoints.bulk import TEMPLATE_CSV
from beel_mcp.sandbox.rules import is_in_census

STATUSES = {
    "ACTIVE",
    "CONVERTED",
    "DRAFT",
    "EXPIRED",
    "ISSUED",
    "PAID",
    "RECTIFIED",
    "SCHEDULED",
    "SENT",
    "VOIDED",
}


@pytest.fixture
def store():
    opened = Store()
    yield opened
    opened.close()


def test_every_seeded_nif_is_right_and_in_the_census(store):
    rows = store.rows("SELECT nif FROM customers UNION ALL SELECT nif FROM companies")
    nifs = [row["nif"] for row in rows if row["nif"]]
    assert all(spanish_nif.is_valid(nif) and is_in_census(nif) for nif in nifs)
    templates = [line.split(";")[1] for line in TEMPLATE_CSV.decode("utf-8-sig").splitlines()[1:]]
    assert all(spanish_nif.is_valid(nif) and is_in_census(nif) for nif in templates)


def test_invoices_come_in_every_status_that_beel_sets_over_four_quarters(store):
    rows = store.rows("SELECT status, substr(issue_date, 6, 2) AS month FROM invoices")
    assert {row["status"] for row in rows} == STATUSES
    assert {(int(row["month"]) + 2) // 3 for row in rows} == {1, 2, 3, 4}


def test_a_quarter_has_what_makes_a_package_hard(store):
    rows = store.rows(
        "SELECT * FROM invoices WHERE issue_date BETWEEN '2026-07-01' AND '2026-09-30'"
    )
    assert {"DRAFT", "ISSUED", "SENT", "RECTIFIED"} <= {row["status"] for row in rows}
    assert {"STANDARD", "CORRECTIVE"} <= {row["type"] for row in rows}
    lines = [line for row in rows for line in json.loads(row["lines"])]
    assert {"0", "10", "21"} <= {line["vat_percent"] for line in lines}
    assert {row["pdf_ready"] for row in rows} == {0, 1}
    assert any(Decimal(row["total_irpf"]) > 0 for row in rows)
    assert any(Decimal(row["total"]) < 0 for row in rows)


def test_only_issued_invoices_have_a_number_and_no_number_repeats(store):
    rows = store.rows("SELECT status, invoice_number FROM invoices")
    unnumbered = {row["status"] for row in rows if row["invoice_number"] is None}
    assert unnumbered == {"DRAFT", "SCHEDULED"}
    numbers = Counter(row["invoice_number"] for row in rows if row["invoice_number"])
    assert set(numbers.values()) == {1}


def test_the_totals_of_every_invoice_add_up(store):
    names = "taxable_base, total_tax, total_irpf, total"
    for row in store.rows(f"SELECT {names} FROM invoices"):
        base, tax, irpf, total = map(Decimal, row.values())
        assert base + tax - irpf == total


def test_some_customers_have_invoices_and_some_have_none(store):
    counts = store.rows(
        "SELECT count(DISTINCT customer_id) AS n FROM invoices"
        " UNION ALL SELECT count(*) FROM customers"
    )
    assert [row["n"] for row in counts] == [8, 14]
