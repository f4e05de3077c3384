"""Customers to update, the calls that do it, and what the sandbox has of them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mcp import Client
from starlette.applications import Starlette

from beel_mcp.lists.model import NAMES
from tests.support.deactivations import EXTRAS, crowd, row_of
from tests.support.people.evidence import Told, call

IBAN = EXTRAS["preferred_payment_method"]["iban"]  # type: ignore[index]
OTHER_IBAN = "ES7921000813610123456789"
# A generation of BeeL, and the routes it is asked on; the legacy one has the flat ones only.
WORLDS = [("current", "company"), ("current", "flat"), ("legacy", "flat")]


def add(app: Starlette, count: int = 1) -> list[str]:
    """Put customers into the sandbox of whom BeeL knows everything; give their ids."""
    return crowd(app, count, **EXTRAS)


def fields_of(app: Starlette, record_id: str) -> dict[str, Any]:
    """Give the fields of a customer, flat, as the sandbox stores them."""
    row = row_of(app, record_id)
    found: dict[str, Any] = {}
    for name in (*NAMES, "active"):
        value = row.pop(name)
        if isinstance(value, dict):
            found |= {f"{name}.{part}": inner for part, inner in value.items()}
        elif value is not None:
            found[name] = value
    row.pop("updated_at")
    return {name: value for name, value in {**row, **found}.items() if value is not None}


async def planned(client: Client, ids: Sequence[str], changes: dict[str, Any]) -> Told:
    """Have a plan made by an app without forms."""
    plan = await call(client, "update_customers", customer_ids=list(ids), changes=changes)
    assert plan["status"] == "confirmation_required", plan
    assert plan["changed"] == "nothing"
    return plan


async def confirmed(client: Client, plan: Told) -> Told:
    """Say yes as the plan says how."""
    [step] = plan["next"]
    return await call(client, step["tool"], **step["arguments"])


async def updated(client: Client, ids: Sequence[str], changes: dict[str, Any]) -> Told:
    """Plan and confirm."""
    return await confirmed(client, await planned(client, ids, changes))


async def put_back(client: Client, done: Told) -> None:
    """Put back what an answer says was there: from the file if it has one."""
    for one in _calls(done):
        answer = await updated(client, one["customer_ids"], one["changes"])
        assert answer["status"] == "done", answer


def _calls(done: Told) -> list[dict[str, Any]]:
    if path := done.get("previous_path"):
        calls: list[dict[str, Any]] = json.loads(Path(path).read_text("utf-8"))["update_customers"]
        return calls
    return [
        {"customer_ids": [record_id], "changes": changes}
        for record_id, changes in done["previous"].items()
    ]
