"""Stored rows in the shapes of the contract."""

from collections.abc import Sequence
from typing import Any

from .call import Call
from .store import CUSTOMER_FIELDS, Record


def as_customer(record: Record, call: Call) -> dict[str, Any]:
    """Show a customer; what it does not have is left out."""
    moments = {name: record[name] for name in ("created_at", "updated_at")}
    return {"id": record["id"]} | as_echo(record, call) | moments


def as_echo(record: Record, call: Call) -> dict[str, Any]:
    """Show what a customer would be, without what only a stored one has."""
    shape = {name: record[name] for name in CUSTOMER_FIELDS if record[name] is not None}
    if call.is_seeds and "website" in shape:
        shape["web"] = shape.pop("website")
    return shape


def as_page(name: str, items: Sequence[Any], total: int, call: Call) -> dict[str, Any]:
    """Show one page of a collection; an empty one has no pages on flat routes, one elsewhere."""
    page, limit = call.query["page"], call.query["limit"]
    pages = -(-total // limit) or (0 if call.operation.family == "flat" else 1)
    pagination = {
        "current_page": page,
        "total_pages": pages,
        "total_items": total,
        "items_per_page": limit,
        "has_next": page < pages,
        "has_previous": page > 1,
    }
    return {name: items, "pagination": pagination}
