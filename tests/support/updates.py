"""Customers to update, the calls that do it, and what the sandbox has of them."""

from collections.abc import Sequence
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


async def undoing(client: Client, done: Told) -> Told:
    """Have the undoing planned that an answer proposes."""
    [step] = [one for one in done["next"] if "undo" in one["arguments"]]
    assert step["tool"] == "update_customers"
    return await call(client, step["tool"], **step["arguments"])


async def put_back(client: Client, done: Told) -> Told:
    """Put back what was there, in the way that an answer proposes."""
    answer = await confirmed(client, await undoing(client, done))
    assert answer["status"] == "done", answer
    return answer
