"""Customers of BeeL as a list that this server reads again: every field, nothing cut."""

import csv
import io
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

from beel_mcp.lists.fields import NAMES, PARTS

# The fields of a customer, one for each column, in the order of a row.
COLUMNS: Final = tuple(
    column
    for name in NAMES
    for column in ([f"{name}.{part}" for part in PARTS[name]] if name in PARTS else [name])
)


def backup_csv(customers: Iterable[Mapping[str, Any]]) -> bytes:
    """Write customers as CSV, UTF-8 with a BOM, one column for each field of a customer."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for customer in customers:
        writer.writerow([cell_text(customer, column) for column in COLUMNS])
    return text.getvalue().encode("utf-8-sig")


def cell_text(customer: Mapping[str, Any], column: str) -> str:
    """Write a customer's value of a column as the reader of lists takes it; nothing if absent."""
    name, _, part = column.partition(".")
    value = customer.get(name)
    if part:
        value = (value or {}).get(part)
    if isinstance(value, list | tuple):
        return ";".join(map(str, value))
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"  # no list has an exponent
    return "" if value is None else str(value)
