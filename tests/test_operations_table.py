"""The operations of the API's pages, and the tools that use them: what the READMEs say is sent."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import DEMO_COMPANY_ID, customer_id, invoice_id
from beel_mcp.tools import TOOLS
from tests.conftest import Connect
from tests.support.customers import customer
from tests.test_readme import READMES, ROOT, between, read

pytestmark = pytest.mark.anyio

Use = Callable[[Client], Awaitable[None]]
# Generation and routes, as the columns of the table have them.
WORLDS: Final = {
    "legacy": ("legacy", "flat"),
    "flat": ("current", "flat"),
    "company": ("current", "company"),
}
BULK, ONE, PDFS = "customers/bulk", "customers/{id}", "invoices/bulk/pdf"
TEMPLATE = "customers/templates/csv"
# Each operation of the pages that the project began with, and its name in each world.
OPERATIONS: Final = (
    (f"POST /v1/{BULK}?dry_run=true",) * 2 + (f"POST …/{BULK}?dry_run=true",),
    (f"POST /v1/{BULK}?dry_run=false",) * 2 + (f"POST …/{BULK}?dry_run=false",),
    (f"PUT /v1/{ONE}", f"PATCH /v1/{ONE}", f"PATCH …/{ONE}"),
    (f"DELETE /v1/{ONE}",) * 2 + (f"DELETE …/{ONE}",),
    (f"DELETE /v1/{BULK}",) * 2 + (f"DELETE …/{BULK}",),
    (f"POST /v1/{TEMPLATE}",) * 2 + ("GET /v1/templates/customer-import",),
    ("POST /v1/invoices",) * 2 + ("POST …/invoices",),
    ("DELETE /v1/invoices/{id}",) * 2 + ("DELETE …/invoices/{id}",),
    (f"POST /v1/{PDFS}",) * 2 + ("POST …/invoices/pdf-archive",),
)
HEADS: Final = {
    "en": "| operation | tool | flat, as first published | flat, today | company |",
    "es": "| operación | herramienta | plana, como se publicó | plana, hoy | de empresa |",
}
LINE = {"description": "Horas", "quantity": "1", "unit_price": "40", "tax_rate": "21"}


def calls(tool: str, *every: dict[str, Any]) -> Use:
    """Make the use of a tool: each call goes well, a plan is confirmed."""

    async def use(client: Client) -> None:
        for arguments in every or ({},):
            answer = await client.call_tool(tool, arguments)
            structure = answer.structured_content or {}
            if structure["status"] == "confirmation_required":
                [step] = structure["next"]
                answer = await client.call_tool(step["tool"], step["arguments"])
                structure = answer.structured_content or {}
            assert structure["status"] == "done", structure

    return use


# A new tool gets its line here; the tables follow with --update-snapshots.
USES: Final[dict[str, Use]] = {
    "validate_customers": calls("validate_customers", {"customers": [customer(1)]}),
    "create_customers": calls("create_customers", {"customers": [customer(2)]}),
    "find_customers": calls("find_customers", {"search": "a"}),
    "update_customers": calls(
        "update_customers",
        {"customer_ids": [customer_id(8)], "changes": {"email": "otro@example.com"}},
    ),
    "deactivate_customers": calls(
        "deactivate_customers",
        {"customer_ids": [customer_id(8)]},
        {"customer_ids": [customer_id(10), customer_id(11)]},
        {"customer_ids": [customer_id(1)], "mode": "inactive"},
    ),
    "find_invoices": calls("find_invoices", {"quarter": "2026-Q3"}),
    "create_draft_invoice": calls(
        "create_draft_invoice", {"customer_id": customer_id(2), "lines": [LINE]}
    ),
    "delete_draft_invoice": calls("delete_draft_invoice", {"invoice_ids": [invoice_id(16)]}),
    "download_invoices_zip": calls("download_invoices_zip", {"invoice_ids": [invoice_id(1)]}),
    "download_customer_template": calls("download_customer_template"),
}
# These work on what other tools have done; whatever they send to BeeL is sent for those.
FOR_OTHERS: Final = {
    "list_batch_rows",
    "save_batch_report",
    "confirm_plan",
    "check_operation",
    "get_status",
}

# What only today's company routes can do is no line of these pages.
ONLY_BY_COMPANY: Final = {"send_invoices"}


def routes_of(app: Starlette, since: int) -> set[str]:
    """Name the routes of the requests that BeeL carried out."""
    found = set()
    for request in app.state.store.requests()[since:]:
        path = request["path"].replace(f"/v1/companies/{DEMO_COMPANY_ID}", "…")
        route = f"{request['method']} {re.sub('[0-9a-f-]{36}', '{id}', path)}"
        if dry := re.search(r"dry_run=\w+", request["query"]):
            route += f"?{dry[0]}"
        if request["status"] < 300:
            found.add(route)
    return found


async def sent(connect: Connect, world: str) -> dict[str, set[str]]:
    """Use every tool in a world of its own, and give the routes that each used."""
    generation, routes = WORLDS[world]
    found = {}
    for tool, use in USES.items():
        app = create_app(SandboxOptions(generation=generation))  # type: ignore[arg-type]
        async with connect(app, routes=routes) as client:
            since = len(app.state.store.requests())
            await use(client)
        found[tool] = routes_of(app, since)
        app.state.store.close()
    return found


async def table(connect: Connect, language: str) -> list[str]:
    used = {world: await sent(connect, world) for world in WORLDS}
    rows = []
    for routes in OPERATIONS:
        tools = [
            [tool for tool in USES if route in used[world][tool]]
            for world, route in zip(WORLDS, routes, strict=True)
        ]
        assert tools[0], f"no tool uses {routes[0]}"
        assert tools[0] == tools[1] == tools[2], f"{routes[0]}: other tools in another world"
        cells = [f"`{routes[0]}`", ", ".join(f"`{tool}`" for tool in tools[0])]
        cells += [tick(route, routes[0]) for route in routes]
        rows.append(f"| {' | '.join(cells)} |")
    return [HEADS[language], "|---|---|---|---|---|", *rows]


def tick(route: str, first: str) -> str:
    """Name a route only where it is called otherwise than in the first column."""
    return "✓" if route.replace("…", "/v1") == first else f"✓ `{route}`"


@pytest.mark.slow
@pytest.mark.parametrize("era", ["auto"], indirect=True)
@pytest.mark.parametrize("language", READMES)
async def test_the_operations_table_is_what_the_tools_send(
    connect: Connect, language: str, request: pytest.FixtureRequest
) -> None:
    wanted = await table(connect, language)
    found = operations_in(language)
    if request.config.getoption("--update-snapshots"):
        old, new = ("\n".join([*lines, "<!-- /operations -->"]) for lines in (found, wanted))
        (ROOT / READMES[language]).write_text(read(language).replace(old, new), encoding="utf-8")
    assert operations_in(language) == wanted, "run pytest with --update-snapshots, and read it"


def operations_in(language: str) -> list[str]:
    """Give the lines between the marks."""
    text = between(read(language), "<!-- operations", "<!-- /operations -->")
    return text.splitlines()[1:]


def test_every_tool_has_a_use_here_or_works_for_others() -> None:
    assert {tool.name for tool in TOOLS} == USES.keys() | FOR_OTHERS | ONLY_BY_COMPANY
