"""The first minute: where are we, who is a customer, may these two be added, add them once."""

import tempfile
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

from beel_mcp import Settings, create_server
from beel_mcp.sandbox import create_app

ADDRESS = {
    "street": "Calle Larios",
    "number": "12",
    "postal_code": "29005",
    "city": "Málaga",
    "province": "Málaga",
}
NEW_CUSTOMERS = [
    {"legal_name": "Panadería Lourdes SL", "nif": "B85123404", "address": ADDRESS},
    # The last letter is wrong on purpose: 12345678 has a Z.
    {"legal_name": "Marta Otero Lago", "nif": "12345678A", "address": ADDRESS},
]


async def ask(client: Client, title: str, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool, print its answer as an assistant sees it, and give its structure."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error
    print(f"\n== {title}")
    for block in result.content:
        if block.type == "text":
            print(block.text)
    return result.structured_content or {}


async def tell(client: Client) -> None:
    """Go through the minute."""
    status = await ask(client, "Where are we?", "get_status")
    assert status["environment"] == "sandbox"

    found = await ask(client, "Who is a customer?", "find_customers", search="Ferretería")
    assert [customer["nif"] for customer in found["customers"]] == ["B83012740"]

    title = "May these two be added?"
    batch = await ask(client, title, "validate_customers", customers=NEW_CUSTOMERS)
    assert (batch["total"], batch["importable"]) == (2, 1)

    create = {"batch_id": batch["batch_id"], "expected_count": 1, "skip_problems": True}
    for title in ("Add the one that is right", "The same call again adds nobody twice"):
        created = await ask(client, title, "create_customers", **create)
        assert created["counts"]["created"] == 1

    lourdes = await ask(client, "Is she there, once?", "find_customers", nif="B85123404")
    assert lourdes["total"] == 1


async def main() -> None:
    """Open a client in memory, on a server of its own, on a sandbox of its own."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        settings = Settings(
            files_dir=here, import_dirs=(here,), state_dir=here / "state", sandbox=True
        )
        async with Client(create_server(settings, sandbox_app=create_app())) as client:
            await tell(client)


if __name__ == "__main__":
    anyio.run(main)
