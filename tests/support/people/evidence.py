"""What happened in BeeL, whatever the answers say; and what every answer has to be."""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema
from mcp import Client
from mcp.types import CallToolResult
from rs_bpe.bpe import openai
from starlette.applications import Starlette

from beel_mcp.sandbox.seed import customer_id, invoice_id
from beel_mcp.tools import TOOLS

TOKENS = openai.o200k_base()
SEEDED = {**dict.fromkeys(range(1, 14), "active"), 9: "inactive"}
GUARDED = ("DELETE", "PUT", "PATCH")


# An id is random, and costs a model some tokens more or less each time: one of the usual cost.
SOME_ID = re.compile(r"\b(bat|op|plan|sel|pkg)_([A-Za-z0-9_-]{16,22})")


def _usual(found: re.Match[str]) -> str:
    return f"{found[1]}_{'rR7ULuCl7iecp7FGOMKn3Q'[: len(found[2])]}"


class Told(dict[str, Any]):
    """The structure of an answer, and its text."""

    def __init__(self, result: CallToolResult) -> None:
        super().__init__(result.structured_content or {})
        [block] = result.content
        assert block.type == "text"
        self.text = block.text


@cache
def schemas() -> Mapping[str, Any]:
    """Give the output schemas as they are served; the snapshots hold them to that."""
    return {one.name: one.build(output_schema=True).fn_metadata.output_schema for one in TOOLS}


@cache
def validator(tool: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schemas()[tool])


async def call(client: Client, tool: str, **arguments: Any) -> Told:
    """Call a tool; whatever it answers fits its schema and is short, in both halves."""
    return checked(tool, await client.call_tool(tool, arguments))


def checked(tool: str, result: CallToolResult, most_tokens: int | None = None) -> Told:
    told = Told(result)
    validator(tool).validate(dict(told))
    lists_rows = tool.startswith(("find_", "check_", "list_"))
    assert len(told.text) <= (6_000 if lists_rows else 1_500), told.text
    limit = most_tokens or (8_000 if lists_rows else 1_000)
    assert TOKENS.count(SOME_ID.sub(_usual, json.dumps(told, ensure_ascii=False))) <= limit, told
    assert result.is_error == (told["status"] == "error")
    assert told.text.startswith(told["summary"])
    assert {"environment", "company"} <= told.keys()
    if "counts" in told:
        assert sum(told["counts"].values()) == told.get("requested", told.get("total"))
    return told


def ids(*numbers: int) -> list[str]:
    return [customer_id(number) for number in numbers]


def sent(sandbox: Starlette) -> list[tuple[str, str]]:
    """List the requests that could have changed something: those that a yes is needed for."""
    return [
        (one["method"], one["path"].rpartition("/")[2])
        for one in sandbox.state.store.requests()
        if one["method"] in GUARDED or (one["method"] == "POST" and one["query"] != "dry_run=true")
    ]


def effects(sandbox: Starlette) -> list[tuple[str, str]]:
    """List what was changed through the API, as BeeL's own ledger has it."""
    ledger = sandbox.state.store.ledger()
    return [(one["kind"], one["customer_id"]) for one in ledger]


def customers(sandbox: Starlette) -> dict[int, str]:
    """Give the seeded customers by number, and what they are."""
    rows = sandbox.state.store.rows("SELECT id, active, deleted_at FROM customers")
    states = {
        row["id"]: "deleted" if row["deleted_at"] else "active" if row["active"] else "inactive"
        for row in rows
    }
    return {number: states[customer_id(number)] for number in SEEDED}


def check_untouched(sandbox: Starlette) -> None:
    """Hold BeeL against its first minute: no request, no effect, every row as it was."""
    assert sent(sandbox) == []
    assert effects(sandbox) == []
    assert customers(sandbox) == SEEDED
    assert len(sandbox.state.store.rows("SELECT id FROM customers")) == len(SEEDED) + 1


# What others do in BeeL meanwhile, past our server and past the ledger


def edit(sandbox: Starlette, number: int) -> None:
    sandbox.state.store.execute(
        "UPDATE customers SET phone = '+34 600 000 000' WHERE id = ?", customer_id(number)
    )


def rename(sandbox: Starlette, number: int, name: str) -> None:
    sandbox.state.store.execute(
        "UPDATE customers SET legal_name = ? WHERE id = ?", name, customer_id(number)
    )


def delete(sandbox: Starlette, number: int) -> None:
    sandbox.state.store.execute(
        "UPDATE customers SET deleted_at = '2026-01-01T00:00:00.000000Z' WHERE id = ?",
        customer_id(number),
    )


def make_inactive(sandbox: Starlette, number: int) -> None:
    sandbox.state.store.execute("UPDATE customers SET active = 0 WHERE id = ?", customer_id(number))


def bill(sandbox: Starlette, number: int) -> None:
    """Give a customer an invoice: the first one now is theirs."""
    sandbox.state.store.execute(
        "UPDATE invoices SET customer_id = ? WHERE id = ?", customer_id(number), invoice_id(1)
    )


def add_customers(sandbox: Starlette, count: int, *, name: str = "Cliente {}") -> list[str]:
    """Put more customers into the sandbox than the seed has, and give their ids."""
    added = [customer_id(number) for number in range(1_000, 1_000 + count)]
    store = sandbox.state.store
    with store.transaction():
        for number, record_id in enumerate(added):
            store.execute(
                "INSERT INTO customers (id, company_id, legal_name, nif, address, active,"
                " created_at, updated_at) SELECT ?, company_id, ?, ?, address, 1, created_at,"
                " updated_at FROM customers WHERE id = ?",
                *(record_id, name.format(number), f"{number:08d}X", customer_id(10)),
            )
    return added
