"""The laws that hold for every tool, whatever it does."""

import json
from typing import Any

import jsonschema
import pytest
from mcp import Client
from mcp.types import CallToolResult, Tool
from rs_bpe.bpe import openai

from beel_mcp.sandbox import create_app
from beel_mcp.sandbox.seed import customer_id, invoice_id
from tests.conftest import Connect

pytestmark = pytest.mark.anyio

HINTS = {
    # read-only, destructive, idempotent, open world
    "validate_customers": (True, False, True, True),
    "create_customers": (False, False, False, True),
    "list_batch_rows": (True, False, True, True),
    "save_batch_report": (False, False, False, True),
    "find_customers": (True, False, True, True),
    "update_customers": (False, True, False, True),
    "deactivate_customers": (False, True, False, True),
    "find_invoices": (True, False, True, True),
    "delete_draft_invoice": (False, True, False, True),
    "create_draft_invoice": (False, False, False, True),
    "send_invoices": (False, True, False, True),
    "download_invoices_zip": (False, False, False, True),
    "download_customer_template": (False, False, False, True),
    "confirm_plan": (False, True, True, True),
    "check_operation": (True, False, True, True),
    "get_status": (True, False, True, True),
}
# These write a file here, and nothing in BeeL.
SAVES = {"download_invoices_zip", "download_customer_template", "save_batch_report"}
FORBIDDEN = {"$ref", "$defs", "anyOf", "oneOf", "allOf", "const", "title"}
TOKENS = openai.o200k_base()


def count_tokens(value: Any) -> int:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return TOKENS.count(text)


def nodes(schema: Any) -> list[dict[str, Any]]:
    found = []
    if isinstance(schema, dict):
        found.append(schema)
        for key, value in schema.items():
            children = value.values() if key == "properties" else [value]
            found += [node for child in children for node in nodes(child)]
    elif isinstance(schema, list):
        found += [node for child in schema for node in nodes(child)]
    return found


async def listed(client: Client) -> list[Tool]:
    return (await client.list_tools()).tools


async def test_the_tools_are_the_decided_ones_with_the_decided_hints(client: Client) -> None:
    tools = await listed(client)
    assert len(tools) <= 16
    hints = {
        tool.name: (
            tool.annotations.read_only_hint,
            tool.annotations.destructive_hint,
            tool.annotations.idempotent_hint,
            tool.annotations.open_world_hint,
        )
        for tool in tools
        if tool.annotations
    }
    assert hints == HINTS


async def test_a_read_only_server_offers_no_tool_that_writes_in_beel(connect: Connect) -> None:
    async with connect(read_only=True) as client:
        names = {tool.name for tool in await listed(client)}
    assert names == {name for name, hints in HINTS.items() if hints[0]} | SAVES


async def test_descriptions_are_short_and_do_not_shout(client: Client) -> None:
    for tool in await listed(client):
        assert tool.description, tool.name
        assert len(tool.description) <= 400, tool.name
        words = tool.description.replace("(", " ").replace(")", " ").split()
        shouted = {word for word in words if word.isalpha() and word.isupper() and len(word) > 2}
        assert shouted <= {"NIF", "CSV", "AEAT", "ZIP", "PDF", "XLSX", "IBAN", "DRAFT"}, tool.name


@pytest.mark.parametrize("language", ["es", "en"])
async def test_each_tool_has_a_title_of_its_own_in_the_persons_language(
    connect: Connect, language: str
) -> None:
    async with connect(language=language) as client:
        titles = [tool.title or "" for tool in await listed(client)]
        info = client.server_info
    assert all(4 <= len(title) <= 40 and title[0].isupper() for title in titles), titles
    assert len(set(titles)) == len(titles)
    assert ("Buscar clientes" in titles) == (language == "es")
    assert ("gestoría" in str(info.description)) == (language == "es")
    assert str(info.website_url).startswith("https://")
    assert info.icons


async def test_input_schemas_are_flat_closed_and_without_unions(client: Client) -> None:
    for tool in await listed(client):
        assert tool.input_schema["type"] == "object"
        for node in nodes(tool.input_schema):
            assert not FORBIDDEN & node.keys(), (tool.name, node)
            assert node.get("type") != "null", tool.name
            if node.get("type") == "object":
                assert node["additionalProperties"] is False, (tool.name, node)
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)


async def test_output_schemas_require_only_the_status(client: Client) -> None:
    for tool in await listed(client):
        schema = tool.output_schema
        assert schema is not None
        assert schema["required"] == ["status"]
        assert not any({"$ref", "$defs", "anyOf"} & node.keys() for node in nodes(schema))


async def test_output_schemas_can_be_left_out(connect: Connect) -> None:
    async with connect(output_schema=False) as client:
        assert all(tool.output_schema is None for tool in await listed(client))
        assert (await client.call_tool("get_status", {})).structured_content is not None


async def test_the_tool_list_costs_at_most_4000_tokens(client: Client) -> None:
    cost = sum(
        count_tokens(
            json.dumps(
                {"name": t.name, "description": t.description, "inputSchema": t.input_schema},
                ensure_ascii=False,
                separators=(",", ":"),
            )
        )
        for t in await listed(client)
    )
    assert cost <= 4_000


async def test_no_argument_asks_for_a_secret_or_for_consent(client: Client) -> None:
    forbidden = ("key", "token", "password", "secret", "confirm", "force", "yes", "consent")
    for tool in await listed(client):
        for node in nodes(tool.input_schema):
            for name in node.get("properties", {}):
                assert not any(word in name for word in forbidden), (tool.name, name)


# A call of every tool that goes well, and one that cannot.
GOOD = {
    "validate_customers": {"customers": [{"legal_name": "Acme SL"}]},
    "create_customers": {"customers": [{"legal_name": "Acme SL"}]},
    "list_batch_rows": {"batch_id": "of a checked list"},
    "save_batch_report": {"batch_id": "of a checked list"},
    "find_customers": {"search": "a"},
    "update_customers": {
        "customer_ids": [customer_id(10), customer_id(1)],
        "changes": {"notes": "Nota", "address": {"floor": "2"}, "clear": ["website"]},
    },
    "deactivate_customers": {"customer_ids": [customer_id(10), customer_id(1)]},
    "find_invoices": {"quarter": "2026-Q3"},
    "create_draft_invoice": {
        "customer_id": customer_id(1),
        "lines": [
            {"description": "Horas", "quantity": "2.5", "unit_price": "40", "tax_rate": "21"}
        ],
    },
    "delete_draft_invoice": {"invoice_ids": [invoice_id(16), invoice_id(1)]},
    "send_invoices": {
        "invoice_ids": [invoice_id(13), invoice_id(16)],
        "recipients": ["gestoria@example.com"],
    },
    "download_invoices_zip": {"quarter": "2026-Q3"},
    "download_customer_template": {},
    "confirm_plan": {"plan_id": "plan_0123456789abcdefghijkl", "statement": "-"},
    "check_operation": {},
    "get_status": {},
}


async def called_well(client: Client, tool: str) -> CallToolResult:
    """Make the good call; one about a list takes a list that was checked."""
    arguments = dict(GOOD[tool])
    if "batch_id" in arguments:
        checked = await client.call_tool("validate_customers", GOOD["validate_customers"])
        arguments |= {"batch_id": (checked.structured_content or {})["batch_id"]}
    return await client.call_tool(tool, arguments)


def where(result: CallToolResult) -> tuple[Any, Any]:
    structure = result.structured_content
    assert structure is not None
    assert {"environment", "company"} <= structure.keys()
    return structure["environment"], structure["company"]


def one_text(result: CallToolResult) -> str:
    block, *links = result.content
    assert block.type == "text"
    assert all(link.type == "resource_link" for link in links)
    return block.text


async def test_every_tool_has_a_row_in_these_tables(client: Client) -> None:
    assert {tool.name for tool in await listed(client)} == GOOD.keys() == HINTS.keys()


@pytest.mark.parametrize("tool", GOOD)
async def test_every_answer_is_short_says_where_it_was_given_and_fits_its_schema(
    client: Client, tool: str
) -> None:
    result = await called_well(client, tool)
    schemas = {listed.name: listed.output_schema for listed in await listed(client)}
    assert where(result) == ("sandbox", "Demo Taller SL (B12345674)")
    text = one_text(result)
    assert len(text) <= (6_000 if tool.startswith(("find_", "check_", "list_")) else 1_500)
    assert "sandbox" in text
    assert "Demo Taller SL (B12345674)" in text
    assert not text.lstrip().startswith("{")
    structure = result.structured_content or {}
    jsonschema.validate(structure, schemas[tool] or {})
    assert any(block.type != "text" for block in result.content) == (tool in SAVES)
    if "summary" in structure:
        assert text.startswith(structure["summary"])
    if "counts" in structure:
        total = structure.get("requested", structure.get("total"))
        assert sum(structure["counts"].values()) == total


@pytest.mark.parametrize("tool", GOOD)
async def test_a_misspelled_argument_is_refused_and_the_right_one_named(
    client: Client, tool: str
) -> None:
    known = next(t for t in await listed(client) if t.name == tool).input_schema["properties"]
    name = next(iter(known), "status")
    result = await client.call_tool(tool, {name + "s_": "x"})
    schemas = {listed.name: listed.output_schema for listed in await listed(client)}
    structure = result.structured_content or {}
    assert result.is_error
    assert structure["status"] == "error"
    assert structure["code"] == "invalid_arguments"
    assert structure["changed"] == "nothing"
    assert structure["retryable"] is False
    assert structure["message"]
    assert structure["field_errors"][0]["field"] == name + "s_"
    if known:
        assert f"did you mean {name}?" in one_text(result)
    assert "pydantic" not in one_text(result)
    # Some clients validate even errors against the output schema.
    jsonschema.validate(structure, schemas[tool] or {})


async def test_an_unknown_tool_is_an_error_in_our_shape(client: Client) -> None:
    result = await client.call_tool("validate_customer", {})
    assert result.is_error
    assert (result.structured_content or {})["code"] == "unknown_tool"
    assert "validate_customers" in one_text(result)
    where(result)


@pytest.mark.parametrize("tool", [name for name in GOOD if name != "get_status"])
async def test_without_a_key_every_call_says_how_to_set_one(connect: Connect, tool: str) -> None:
    async with connect(sandbox=False) as client:
        result = await client.call_tool(tool, GOOD[tool])
    structure = result.structured_content or {}
    assert result.is_error
    assert structure["code"] == "not_configured"
    assert where(result) == ("none", None)
    assert "BEEL_API_KEY" in one_text(result)
    assert structure["changed"] == "nothing"


async def test_status_works_without_a_key(connect: Connect) -> None:
    async with connect(sandbox=False) as client:
        result = await client.call_tool("get_status", {})
    structure = result.structured_content or {}
    assert not result.is_error
    assert structure["status"] == "partial"
    assert structure["problem"]["code"] == "not_configured"


async def test_a_sent_null_counts_as_absent(client: Client) -> None:
    result = await client.call_tool("find_customers", {"search": None, "city": None})
    assert not result.is_error


async def test_a_list_sent_as_json_text_is_read(client: Client) -> None:
    rows = json.dumps(GOOD["validate_customers"]["customers"])
    result = await client.call_tool("validate_customers", {"customers": rows})
    assert (result.structured_content or {})["total"] == 1


@pytest.mark.parametrize("tool", GOOD)
async def test_every_tool_answers_the_same_without_output_schemas(
    connect: Connect, tool: str
) -> None:
    """Ask two sandboxes alike; what else differs is made at random or by the clock."""
    answers = []
    for output_schema in (True, False):
        async with connect(create_app(), output_schema=output_schema) as client:
            answers.append(await called_well(client, tool))
    full, bare = answers
    assert bare.is_error == full.is_error
    assert bare.structured_content
    assert bare.structured_content.keys() == full.structured_content.keys()
    assert bare.structured_content["status"] == full.structured_content["status"]
    assert [block.type for block in bare.content] == [block.type for block in full.content]
