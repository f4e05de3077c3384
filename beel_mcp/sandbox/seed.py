"""The seeded account of `seed.toml` as rows of the database, the same ids every time."""

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

from .amounts import Line, lines_and_sums

ACCOUNT_ID = "ac000000-0000-4000-8000-000000000001"
DEMO_COMPANY_ID = "c0000000-0000-4000-8000-000000000001"
SECOND_COMPANY_ID = "c0000000-0000-4000-8000-000000000002"
CREATED_AT = "2025-11-03T08:30:00.000000Z"
ADDRESS = ("street", "number", "postal_code", "city", "province", "country", "country_code")
TABLES = tomllib.loads(files(__package__).joinpath("seed.toml").read_text(encoding="utf-8"))
INVOICES: list[dict[str, Any]] = TABLES["invoices"]
CUSTOMERS = [row for row in TABLES["customers"] if "company_id" not in row]
"""Those of the demo company; the second company's one has its company written beside it."""

Row = dict[str, Any]


def customer_id(number: int) -> str:
    """Name the id of a seeded customer."""
    return f"d0000000-0000-4000-8000-{number:012d}"


def invoice_id(number: int) -> str:
    """Name the id of a seeded invoice."""
    return f"f0000000-0000-4000-8000-{number:012d}"


def mail_id(number: int) -> str:
    """Name the id of a seeded mail."""
    return f"e0000000-0000-4000-8000-{number:012d}"


def seeded_rows() -> Iterator[tuple[str, Row]]:
    """Give every row with the name of its table, in an order that keeps the references."""
    for company in TABLES["companies"]:
        yield "companies", _company_row(company)
    for customer in TABLES["customers"]:
        yield "customers", _customer_row(customer)
    # Proformas first: invoices point at them.
    for invoice in sorted(INVOICES, key=lambda invoice: invoice["series"] != "P26"):
        yield "invoices", invoice_row(**invoice)
    yield "mails", _mail_row()


def invoice_row(
    *,
    number: int,
    customer: int,
    series: str,
    status: str,
    issue_date: str,
    lines: list[str],
    in_series: int | None = None,
    **more: str | int,
) -> Row:
    """Complete an invoice of `seed.toml` to a row; `lines` are names of its table of lines."""
    moment = f"{issue_date}T10:00:00.000000Z"
    return {
        "company_id": DEMO_COMPANY_ID,
        "customer_id": customer_id(customer),
        "id": invoice_id(number),
        "series": series,
        "number": in_series,
        "invoice_number": None if in_series is None else f"{series}-{in_series:04d}",
        "type": "STANDARD",
        "status": status,
        "issue_date": issue_date,
        **lines_and_sums(tuple(Line(**TABLES["lines"][name]) for name in lines)),
        "created_at": moment,
        "updated_at": moment,
        **more,
    }


def _mail_row() -> Row:
    """Give the mail of a quarter before, so that the history of mails is not empty."""
    return {
        "id": mail_id(1),
        "company_id": DEMO_COMPANY_ID,
        "email_type": "BULK_INVOICES",
        "recipients": ["gestoria@example.com"],
        "cc": [],
        "subject": "Facturas del segundo trimestre",
        "status": "DELIVERED",
        "sent_at": "2026-07-02T08:15:00.000000Z",
        "invoice_ids": [invoice_id(number) for number in (6, 8, 9)],
    }


def _company_row(company: Mapping[str, Any]) -> Row:
    return {
        **company,
        "account_id": ACCOUNT_ID,
        "entity_type": "LEGAL_ENTITY",
        "is_primary": int(company["id"] == DEMO_COMPANY_ID),
        "address": _address(company["address"]),
        "created_at": CREATED_AT,
    }


def _customer_row(customer: Mapping[str, Any]) -> Row:
    number = customer["number"]
    moment = f"2025-11-{3 + number % 25:02d}T09:00:00.000000Z"
    row = {"company_id": DEMO_COMPANY_ID, "trade_name": customer["legal_name"], **customer}
    del row["number"]
    return {
        **row,
        "id": customer_id(number),
        "address": _address(customer["address"]),
        "created_at": moment,
        "updated_at": moment,
    }


def _address(parts: list[str]) -> dict[str, str]:
    return dict(zip(ADDRESS, [*parts, "España", "ES"], strict=False))
