"""Clean up customers: nobody leaves before a person has agreed, in two kinds of app."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from mcp.types import ElicitRequestFormParams, ElicitResult

from beel_mcp import Settings, create_server
from beel_mcp.sandbox import create_app

UNUSED = ("33471259A", "X2468135M")  # customers without an invoice
BILLED = "B70123450"  # has invoices, so BeeL keeps it


async def ask(client: Client, title: str, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool, print its answer as an assistant sees it, and give its structure."""
    result = await client.call_tool(tool, arguments)
    print(f"\n== {title}")
    for block in result.content:
        if block.type == "text":
            print(block.text)
    return result.structured_content or {}


async def look_up(client: Client, nif: str) -> list[str]:
    """Give the ids of the active customers with a NIF: one or none."""
    found = await client.call_tool("find_customers", {"nif": nif})
    return [one["customer_id"] for one in (found.structured_content or {})["customers"]]


async def without_forms(client: Client) -> None:
    """Two steps: the plan, which changes nothing, and its sentence, word for word."""
    ids = [one for nif in (*UNUSED, BILLED) for one in await look_up(client, nif)]
    title = "An app without forms: a plan, and nothing changes"
    plan = await ask(client, title, "deactivate_customers", customer_ids=ids)
    assert (plan["status"], plan["count"], plan["changed"]) == (
        "confirmation_required",
        2,
        "nothing",
    )

    title = "The assistant makes the sentence up"
    confirm = {"plan_id": plan["plan_id"], "statement": "Delete two customers."}
    wrong = await ask(client, title, "confirm_plan", **confirm)
    assert (wrong["code"], wrong["changed"]) == ("wrong_statement", "nothing")
    assert all([await look_up(client, nif) for nif in UNUSED])

    title = "The person read the sentence in the app's approval box, and allowed it"
    [step] = plan["next"]
    done = await ask(client, title, step["tool"], **step["arguments"])
    assert done["counts"] == {"deleted": 2, "failed": 1, "unknown": 0, "not_attempted": 0}
    assert not any([await look_up(client, nif) for nif in UNUSED])

    again = await ask(client, "A plan runs once", step["tool"], **step["arguments"])
    assert (again["replayed"], again["operation_id"]) == (True, done["operation_id"])

    title = "They were saved before, as a list that can be imported again"
    saved = await ask(client, title, "validate_customers", source_path=done["backup_path"])
    assert (saved["total"], saved["importable"]) == (2, 2)


async def with_forms(client: Client) -> None:
    """One step: the app asks the person, who says no at first."""
    wanted = {"customer_ids": await look_up(client, BILLED), "mode": "inactive"}
    title = "An app with forms: the person says no"
    refused = await ask(client, title, "deactivate_customers", **wanted)
    assert (refused["status"], refused["changed"]) == ("not_confirmed", "nothing")
    assert await look_up(client, BILLED)

    done = await ask(client, "The person says yes", "deactivate_customers", **wanted)
    assert (done["status"], done["counts"]["deactivated"]) == ("done", 1)
    assert not await look_up(client, BILLED)


def person(choices: Iterator[str]) -> Any:
    """Make somebody who reads the form and chooses."""

    async def answer(context: object, params: object) -> ElicitResult:
        del context
        assert isinstance(params, ElicitRequestFormParams)
        choice = next(choices)
        label = params.requested_schema["properties"]["confirm"]["title"]
        print(f"\n-- the form\n{params.message}\n{label} {choice}")
        return ElicitResult(action="accept", content={"confirm": choice})

    return answer


async def main() -> None:
    """Open one app without forms and one with them, on the same sandbox."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        settings = Settings(
            files_dir=here, import_dirs=(here,), state_dir=here / "state", sandbox=True
        )
        sandbox = create_app()
        async with Client(create_server(settings, sandbox_app=sandbox)) as client:
            await without_forms(client)
        server = create_server(settings, sandbox_app=sandbox)
        async with Client(server, elicitation_callback=person(iter(["no", "yes"]))) as client:
            await with_forms(client)


if __name__ == "__main__":
    anyio.run(main)
