"""Customers to deactivate, the calls that do it, and what an answer about it must always keep."""

import json
from collections.abc import Sequence
from typing import Any

from mcp import Client
from starlette.applications import Starlette

from beel_mcp.sandbox.seed import DEMO_COMPANY_ID
from beel_mcp.sandbox.store import JSON_COLUMNS
from tests.support.customers import customer

DONE = {"delete": "deleted", "inactive": "deactivated"}  # what a mode's class is called
CLASSES = [{done, "failed", "unknown", "not_attempted"} for done in DONE.values()]
EFFECTS = ("customer_deleted", "customer_deactivated", "customer_updated")
EXTRAS = {
    "trade_name": "La tienda",
    "website": "https://tienda.example",
    "billing_emails": ["facturas@tienda.example", "copia@tienda.example"],
    "contact_person": "Ana Gil",
    "notes": "Paga el día 10; «ojo»",
    "general_discount": 5.5,
    "preferred_payment_method": {
        "method": "DIRECT_DEBIT",
        "payment_term_days": 30,
        "iban": "ES9121000418450200051332",
    },
}


def crowd_id(number: int) -> str:
    """Name a customer of the crowd."""
    return f"d1000000-0000-4000-8000-{number:012d}"


def crowd(app: Starlette, count: int, **changes: Any) -> list[str]:
    """Put customers without invoices into a sandbox, past its ledger; give their ids."""
    made = "2026-01-02T09:00:00.000000Z"
    for number in range(count):
        row = {
            "id": crowd_id(number),
            "company_id": DEMO_COMPANY_ID,
            "active": 1,
            **customer(number, **changes),
            "created_at": made,
            "updated_at": made,
        }
        marks = ", ".join("?" * len(row))
        app.state.store.execute(
            f"INSERT INTO customers ({', '.join(row)}) VALUES ({marks})",
            *(
                json.dumps(one, ensure_ascii=False) if isinstance(one, dict | list) else one
                for one in row.values()
            ),
        )
    return [crowd_id(number) for number in range(count)]


def bill(app: Starlette, ids: Sequence[str]) -> None:
    """Give customers an invoice each, past the ledger."""
    store = app.state.store
    model = store.rows("SELECT * FROM invoices WHERE status = 'PAID' LIMIT 1")[0]
    for record_id in ids:
        row = {**model, "id": f"f1{record_id[2:]}", "customer_id": record_id}
        marks = ", ".join("?" * len(row))
        store.execute(f"INSERT INTO invoices VALUES ({marks})", *row.values())


def row_of(app: Starlette, record_id: str) -> dict[str, Any]:
    """Give all that the sandbox has of a customer, deleted or not."""
    [row] = app.state.store.rows("SELECT * FROM customers WHERE id = ?", record_id.lower())
    return {
        name: json.loads(row[name]) if row[name] and name in JSON_COLUMNS else row[name]
        for name in row
    }


def is_there(app: Starlette, record_id: str) -> bool:
    """Tell whether a customer is neither deleted nor inactive."""
    row = row_of(app, record_id)
    return row["deleted_at"] is None and bool(row["active"])


def effects(app: Starlette) -> list[str]:
    """List the ids that were really changed, in order, as often as they were."""
    return [one["customer_id"] for one in app.state.store.ledger() if one["kind"] in EFFECTS]


def guarded_requests(app: Starlette) -> list[dict[str, Any]]:
    """List the requests that could change an existing customer."""
    requests = app.state.store.requests()
    return [one for one in requests if one["method"] in ("DELETE", "PATCH", "PUT")]


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool; whatever it says of records adds up."""
    answer = (await client.call_tool(tool, arguments)).structured_content or {}
    assert answer.get("code") != "internal_error", answer
    adds_up(answer)
    return answer


async def planned(client: Client, ids: Sequence[str], mode: str = "delete") -> dict[str, Any]:
    """Ask for a plan; give what confirms it."""
    answer = await call(client, "deactivate_customers", customer_ids=list(ids), mode=mode)
    assert answer["status"] == "confirmation_required", answer
    assert answer["changed"] == "nothing"
    return {name: answer[name] for name in ("plan_id", "statement")}


async def deactivated(client: Client, ids: Sequence[str], mode: str = "delete") -> dict[str, Any]:
    """Plan and confirm."""
    return await call(client, "confirm_plan", **await planned(client, ids, mode))


def adds_up(answer: dict[str, Any]) -> None:
    """Hold the counts of an answer against its total, and its lists against the counts."""
    counts = answer.get("counts")
    if counts is None or set(counts) not in CLASSES:
        return
    assert sum(counts.values()) == answer.get("requested", answer.get("total"))
    if "rows" in answer or "page" in answer:
        return
    for name in counts:
        shown = answer.get(name) or []
        assert len(shown) <= (5 if name == "failed" else 10)
        assert len(shown) + (answer.get(f"more_{name}") or 0) == counts[name], name


async def whole_record(client: Client, operation_id: str) -> dict[str, list[str]]:
    """Page through the record of an operation: the ids of each class, each id once."""
    found: dict[str, list[str]] = {}
    page, seen = 1, 0
    while True:
        answer = await call(client, "check_operation", operation_id=operation_id, page=page)
        for row in answer.get("rows") or ():
            seen += 1
            assert row["row"] == seen
            found.setdefault(row["outcome"], []).append(row["customer_id"])
        if not answer["has_more"]:
            break
        page += 1
    found = {name: found.get(name, []) for name in answer["counts"]} | found
    assert {name: len(ids) for name, ids in found.items()} == answer["counts"]
    everyone = [one for ids in found.values() for one in ids]
    assert len(everyone) == len({one.lower() for one in everyone}) == answer["total"]
    return found
