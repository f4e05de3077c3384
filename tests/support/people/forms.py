"""Scripted people who answer forms, and what a test wants to know of BeeL afterwards."""

from collections.abc import Callable
from typing import Any

from mcp import Client
from mcp.client.session import ElicitationFnT
from mcp.types import CallToolResult, ElicitResult
from starlette.applications import Starlette

from beel_mcp.sandbox.seed import customer_id

# Customers of the sandbox that have no invoices; 9 has some, and is inactive.
FREE = [customer_id(number) for number in (8, 10, 11, 12, 13)]
ONE, OTHER = FREE[0], FREE[1]
BUSY = customer_id(1)


def answering(action: str, content: dict[str, Any] | None = None) -> ElicitationFnT:
    async def answer(context: Any, params: Any) -> ElicitResult:
        return ElicitResult(action=action, content=content)

    return answer


def agreeing(seen: list[Any] | None = None, before: Callable[[], Any] | None = None) -> Any:
    """A person who reads the question, and types or chooses what it takes."""

    async def answer(context: Any, params: Any) -> ElicitResult:
        if seen is not None:
            seen.append(params)
        if before is not None:
            before()
        if "confirm" in params.requested_schema["properties"]:
            return ElicitResult(action="accept", content={"confirm": "yes"})
        return ElicitResult(action="accept", content={"count": counted(params.message)})

    return answer


def counted(message: str) -> int:
    """Read the number out of a question: the first word that is one, behind the place."""
    words = message.split(": ", 1)[1].split()
    return int(next(word for word in words if word.isdigit()))


async def failing(context: Any, params: Any) -> ElicitResult:
    raise RuntimeError("the app broke while it asked")


def guarded_requests(sandbox: Starlette) -> list[tuple[str, str]]:
    """List what reached BeeL that changes or removes records, whether it had an effect or not."""
    return [
        (request["method"], request["path"])
        for request in sandbox.state.store.requests()
        if request["method"] in ("DELETE", "PATCH", "PUT")
    ]


def effects(sandbox: Starlette) -> int:
    return len(sandbox.state.store.ledger())


def edit(sandbox: Starlette, column: str, value: Any, record_id: str = ONE) -> None:
    """Change a customer behind everybody's back."""
    sandbox.state.store.execute(f"UPDATE customers SET {column} = ? WHERE id = ?", value, record_id)


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    return structure(await client.call_tool(tool, arguments))


def structure(result: CallToolResult) -> dict[str, Any]:
    assert result.structured_content is not None
    return result.structured_content


def text(result: CallToolResult) -> str:
    [block] = result.content
    assert block.type == "text"
    return block.text


async def planned(client: Client, *ids: str, **more: Any) -> dict[str, Any]:
    """Have a plan made by an app without forms; the arguments that confirm it."""
    answer = await call(client, "deactivate_customers", customer_ids=list(ids or (ONE,)), **more)
    assert answer["status"] == "confirmation_required", answer
    [step] = answer["next"]
    assert step["tool"] == "confirm_plan"
    arguments: dict[str, Any] = step["arguments"]
    return arguments
