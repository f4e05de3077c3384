"""All bodies that the tools send, property by property: BeeL passes over what it does not know."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import DEMO_COMPANY_ID, customer_id, invoice_id
from beel_mcp.tools import TOOLS
from tests.conftest import Connect
from tests.support.customers import customer, foreigner
from tests.test_operations_table import FOR_OTHERS, LINE, ONLY_BY_COMPANY, USES, WORLDS, Use, calls

in_one_era = pytest.mark.parametrize("era", ["auto"], indirect=True)

CONTRACT = Path(__file__).parent / "sandbox" / "contract.json"
ALL_OF_IT: Final[dict[str, Any]] = {
    "trade_name": "Comercio",
    "website": "https://example.com",
    "billing_emails": ["facturas@example.com"],
    "contact_person": "Ana Pérez",
    "notes": "De siempre",
    "general_discount": 5,
    "preferred_payment_method": {
        "method": "BANK_TRANSFER",
        "iban": "ES9121000418450200051332",
        "swift": "CAIXESBBXXX",
        "payment_term_days": 30,
    },
}
HOUSE = {**customer(1)["address"], "floor": "2", "door": "B"}
WHOLE = [
    {**customer(1), **ALL_OF_IT, "address": HOUSE},
    {**foreigner(2), **ALL_OF_IT, "address": HOUSE},
]
# As many fields at once as a person is shown; the identifier cannot be changed everywhere.
CHANGES: Final[tuple[dict[str, Any], ...]] = (
    {"changes": {"address": HOUSE, "legal_name": "Otro Nombre SL", "active": False}},
    {"changes": {**ALL_OF_IT, "email": "otro@example.com", "phone": "912345678"}},
    {"changes": {"clear": ["website", "notes"]}},
)
FULL_LINE = {**LINE, "tax_type": "IVA", "discount_percentage": "10", "withholding_rate": "15"}
# As much as a tool takes; the others are used as for the table of operations.
FULL_USES: Final[dict[str, Use]] = {
    **USES,
    "validate_customers": calls("validate_customers", {"customers": WHOLE}),
    "create_customers": calls("create_customers", {"customers": WHOLE}),
    "update_customers": calls(
        "update_customers",
        *({"customer_ids": [customer_id(8)], **arguments} for arguments in CHANGES),
    ),
    "create_draft_invoice": calls(
        "create_draft_invoice",
        {
            "customer_id": customer_id(2),
            "lines": [FULL_LINE],
            "type": "STANDARD",
            "date": "2026-11-20",
            "notes": "Noviembre",
        },
    ),
    "send_invoices": calls(
        "send_invoices",
        {
            "invoice_ids": [invoice_id(1)],
            "recipients": ["gestor@example.com"],
            "cc": ["copia@example.com"],
            "subject": "Facturas",
            "message": "Van dos",
        },
    ),
}


class Recorder:
    """A sandbox that keeps what it is sent."""

    def __init__(self, app: ASGIApp) -> None:
        self.bodies: list[tuple[str, str, Any]] = []
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        content = bytearray()

        async def receive_and_keep() -> Message:
            message = await receive()
            content.extend(message.get("body", b""))
            return message

        await self._app(scope, receive_and_keep, send)
        if content:
            self.bodies.append((scope["method"], scope["path"], json.loads(bytes(content))))


@cache
def contract() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(CONTRACT.read_text(encoding="utf-8"))
    return read


def operation_of(method: str, path: str) -> dict[str, Any]:
    """Find the operation of a request; a name in a path goes before a parameter in its place."""
    parts = path.replace(DEMO_COMPANY_ID, "{company_id}").split("/")
    for declared in sorted(contract()["paths"], key=lambda one: one.count("{")):
        places = declared.split("/")
        fits = len(places) == len(parts) and all(
            place == part or (place.startswith("{") and place != "{company_id}")
            for place, part in zip(places, parts, strict=True)
        )
        if fits and method.lower() in contract()["paths"][declared]:
            found: dict[str, Any] = contract()["paths"][declared][method.lower()]
            return found
    raise AssertionError(f"the contract has no {method} {path}")


def shapes_of(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the schemas that a schema is made of."""
    if "$ref" in schema:
        yield from shapes_of(contract()["components"]["schemas"][schema["$ref"].split("/")[-1]])
        return
    yield schema
    for part in (*schema.get("allOf", ()), *schema.get("anyOf", ())):
        yield from shapes_of(part)


def unknown_in(body: Any, schema: dict[str, Any], where: str = "") -> Iterator[str]:
    """Name the properties that the schema does not know, at any depth."""
    shapes = list(shapes_of(schema))
    if isinstance(body, list):
        [items] = [shape["items"] for shape in shapes if "items" in shape]
        for item in body:
            yield from unknown_in(item, items, f"{where}[]")
    elif isinstance(body, dict) and not any("additionalProperties" in shape for shape in shapes):
        known: dict[str, Any] = {}
        for shape in shapes:
            known |= shape.get("properties", {})
        for name, value in body.items():
            if name in known:
                yield from unknown_in(value, known[name], f"{where}.{name}")
            else:
                yield f"{where}.{name}"


def unknown_to(method: str, path: str, body: Any) -> list[str]:
    operation = operation_of(method, path)
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    return [f"{operation['operationId']}{name}" for name in unknown_in(body, schema)]


async def bodies_of(connect: Connect, tool: str, world: str) -> list[tuple[str, str, Any]]:
    generation, routes = WORLDS[world]
    app = create_app(SandboxOptions(generation=generation))  # type: ignore[arg-type]
    recorder = Recorder(app)
    async with connect(recorder, routes=routes) as client:  # type: ignore[arg-type]
        await FULL_USES[tool](client)
    app.state.store.close()
    return recorder.bodies


@pytest.mark.anyio
@in_one_era
@pytest.mark.parametrize(
    ("tool", "world"),
    [
        (tool, world)
        for tool in sorted(FULL_USES.keys() - FOR_OTHERS)
        for world in WORLDS
        if world == "company" or tool not in ONLY_BY_COMPANY
    ],
)
async def test_every_property_that_a_tool_sends_is_known_to_the_contract(
    connect: Connect, tool: str, world: str
) -> None:
    sent = await bodies_of(connect, tool, world)
    assert [fault for request in sent for fault in unknown_to(*request)] == []


@pytest.mark.anyio
@in_one_era
@pytest.mark.parametrize("world", WORLDS)
async def test_what_the_tools_write_is_looked_at_with_all_that_they_can_write(
    connect: Connect, world: str
) -> None:
    [created] = [
        body["customers"]
        for method, path, body in await bodies_of(connect, "create_customers", world)
        if "dry_run" not in path
    ][-1:]
    names = {name for row in created for name in row}
    assert names >= {*ALL_OF_IT, "nif", "alternative_id", "address", "email", "phone"}
    [draft] = [
        body
        for _, path, body in await bodies_of(connect, "create_draft_invoice", world)
        if path.endswith("/invoices")
    ]
    assert draft.keys() >= {"type", "recipient", "lines", "notes", "operation_date"}
    assert draft["lines"][0].keys() >= {"main_tax", "discount_percentage", "irpf_rate"}


@pytest.mark.parametrize(
    ("method", "path", "body", "unknown"),
    [
        ("POST", "/v1/customers/bulk", {"customers": [{"web": "x"}]}, []),
        (
            "POST",
            f"/v1/companies/{DEMO_COMPANY_ID}/customers/bulk",
            {"customers": [{"legal_name": "x"}, {"web": "x", "address": {"calle": "x"}}]},
            ["createCompanyCustomersBulk.customers[].web",
             "createCompanyCustomersBulk.customers[].address.calle"],
        ),
        (
            "PATCH",
            f"/v1/companies/{DEMO_COMPANY_ID}/customers/{customer_id(8)}",
            {"alternative_id": {"kind": "07"}},
            ["patchCompanyCustomer.alternative_id.kind"],
        ),
        (
            "POST",
            "/v1/invoices/bulk/pdf",
            {"ids": [invoice_id(1)]},
            ["downloadInvoicesPdfBulk.ids"],
        ),
        ("POST", "/v1/invoices", {"metadata": {"anything": 1}}, []),
    ],
)  # fmt: skip
def test_a_misspelt_property_would_be_found(
    method: str, path: str, body: Any, unknown: list[str]
) -> None:
    assert unknown_to(method, path, body) == unknown


def test_every_tool_that_sends_a_body_is_looked_at() -> None:
    assert FULL_USES.keys() | FOR_OTHERS == {tool.name for tool in TOOLS}
