"""Customers of BeeL as a list that this server reads again: every field, nothing cut."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from beel_mcp.lists.fields import COLUMNS, cell_text


def backup_csv(customers: Iterable[Mapping[str, Any]]) -> bytes:
    """Write customers as CSV, UTF-8 with a BOM, one column for each field of a customer."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for customer in customers:
        writer.writerow([cell_text(customer, column) for column in COLUMNS])
    return text.getvalue().encode("utf-8-sig")
