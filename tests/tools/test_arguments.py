"""Arguments as other apps send them: JSON as text, null and "" for what is not given."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.lists.model import FIELDS
from beel_mcp.server.tool_calls import arguments_of
from beel_mcp.settings import Settings
from beel_mcp.tools import TOOLS
from tests.conftest import TEST_KEY
from tests.support.customers import customer, dni, foreigner
from tests.support.deactivations import row_of
from tests.support.people.evidence import call
from tests.support.updates import add, confirmed, planned

pytestmark = pytest.mark.anyio

BUILT = {tool.name: tool.build(output_schema=False) for tool in TOOLS}
LOOKED_FOR = {"search", "nif", "email", "city"}
ID = "7f0c5c9e-3b1e-4d0a-9d5e-0d8f0a6b1c2d"
WORD_NULL = "is the word null: leave it out, or ask the person what is meant"
LINE = {"description": "Horas", "quantity": "1", "unit_price": "40", "tax_rate": "21"}


@pytest.fixture
def era() -> Any:
    return "auto"


def example(schema: Mapping[str, Any], name: str = "") -> Any:
    """Make a value that a schema takes, with everything in it that may be."""
    kind = schema["type"]
    if kind == "object":
        return {one: example(part, one) for one, part in schema["properties"].items()}
    if kind == "array":
        return [example(schema["items"], name)]
    if kind == "string":
        return schema.get("enum", [ID])[0]
    return {"integer": 1, "number": 1, "boolean": True}[kind]


def as_texts(value: Any, *, whole: bool) -> Any:
    """Write objects and lists as JSON text: those at the top, or only what stands inside."""
    if isinstance(value, dict):
        inner: Any = {name: as_texts(part, whole=True) for name, part in value.items()}
    elif isinstance(value, list):
        inner = [as_texts(part, whole=True) for part in value]
    else:
        return value
    return json.dumps(inner, ensure_ascii=False) if whole else inner


def arguments() -> Iterator[tuple[str, str, Any]]:
    for tool, built in BUILT.items():
        for name, schema in built.parameters["properties"].items():
            yield tool, name, schema


def test_objects_and_lists_are_read_from_json_text_at_any_depth_of_every_tool() -> None:
    tried = 0
    for tool, name, schema in arguments():
        wanted = {name: example(schema)}
        for whole in (True, False):
            sent = {name: as_texts(wanted[name], whole=whole)}
            assert arguments_of(BUILT[tool], sent) == wanted, (tool, sent)
            tried += sent != wanted
    assert tried > 15


async def test_null_is_absent_for_every_argument_of_every_tool(client: Client) -> None:
    for tool, built in BUILT.items():
        if not (every := built.parameters["properties"]):
            continue
        nothing = await client.call_tool(tool, {})
        nulls = await client.call_tool(tool, dict.fromkeys(every))
        assert nulls.content[0].text == nothing.content[0].text, tool  # type: ignore[union-attr]


async def test_an_empty_text_is_absent_for_every_optional_argument_that_looks_for_none(
    client: Client,
) -> None:
    for tool, name, _ in arguments():
        if name in BUILT[tool].parameters.get("required", ()):
            continue
        nothing = await client.call_tool(tool, {})
        for empty in ("", "  "):
            answer = await client.call_tool(tool, {name: empty})
            text = answer.content[0].text  # type: ignore[union-attr]
            if name in LOOKED_FOR:
                assert f"{name}: is empty: leave it out to list all" in text
            else:
                assert text == nothing.content[0].text, (tool, name)  # type: ignore[union-attr]


async def test_an_argument_that_is_unknown_is_refused_whatever_its_value(client: Client) -> None:
    for value in (None, "", []):
        answer = await call(client, "find_customers", serach=value)
        assert "did you mean search?" in answer["field_errors"][0]["message"]


async def test_rows_with_everything_as_text_are_created_as_they_are_meant(
    client: Client, sandbox: Starlette
) -> None:
    emails = ["uno@example.com", "dos@example.com"]
    rows = [customer(1, billing_emails=emails), foreigner(2)]
    texts = [as_texts(row, whole=True) for row in rows]
    for sent in (texts, json.dumps(texts)):
        checked = await call(client, "validate_customers", customers=sent)
        assert checked["counts"]["valid"] == 2, checked.text
    [step] = checked["next"]
    made = await call(client, step["tool"], **step["arguments"])
    stored = [row_of(sandbox, one["customer_id"]) for one in made["created"]]
    assert stored[0]["billing_emails"] == emails
    assert stored[0]["address"] == rows[0]["address"]
    assert stored[1]["alternative_id"] == rows[1]["alternative_id"]


async def test_changes_corrections_and_lines_are_read_so_too(
    client: Client, sandbox: Starlette
) -> None:
    [one] = add(sandbox)
    changes = {"address": '{"city": "Getafe"}', "billing_emails": '["x@example.com"]'}
    await confirmed(client, await planned(client, [one], changes))
    assert row_of(sandbox, one)["address"]["city"] == "Getafe"
    assert row_of(sandbox, one)["billing_emails"] == ["x@example.com"]
    listed = await call(client, "validate_customers", customers=[customer(1, email="nope")])
    fix = json.dumps({"row": 1, "field": "email", "value": "uno@example.com"})
    right = await call(
        client, "validate_customers", batch_id=listed["batch_id"], corrections=[fix], customers=[]
    )
    assert right["counts"]["valid"] == 1
    made = await call(client, "create_draft_invoice", customer_id=one, lines=[json.dumps(LINE)])
    assert made["status"] == "done"


@pytest.mark.parametrize("text", ['{"city": ', "[1, 2", "{" * 100_000, '["a"]', "calle Mayor"])
async def test_a_text_that_is_no_object_is_a_problem_of_its_row(client: Client, text: str) -> None:
    checked = await call(client, "validate_customers", customers=[customer(1, address=text)])
    [group] = checked["problems"]
    assert (group["kind"], group["field"]) == ("error", "address")


async def test_empty_ones_do_not_count_where_exactly_one_is_wanted(client: Client) -> None:
    rows = [customer(1)]
    empty = {"source_path": "", "batch_id": None, "columns": [], "corrections": "", "sheet": ""}
    checked = await call(client, "validate_customers", customers=rows, **empty)
    assert checked["counts"]["valid"] == 1
    batch = {"batch_id": checked["batch_id"], "expected_count": 1}
    again = await call(client, "validate_customers", batch_id=batch["batch_id"], customers=[])
    assert again["counts"]["valid"] == 1
    made = await call(client, "create_customers", **batch, customers=[], skip_problems=None)
    assert made["counts"]["created"] == 1


TEXTS = [name for name in FIELDS if name not in ("billing_emails", "general_discount")]


@pytest.mark.parametrize("word", ["null", "undefined", "None"])
async def test_a_word_for_nothing_is_asked_about_in_every_field_and_stored_in_none(
    client: Client, sandbox: Starlette, word: str
) -> None:
    [one] = add(sandbox)
    before = row_of(sandbox, one)
    for field in TEXTS:
        group, _, part = field.rpartition(".")
        raw = {group: {**customer(1).get(group, {}), part: word}} if group else {part: word}
        checked = await call(client, "validate_customers", customers=[customer(1, **raw)])
        assert checked["counts"]["error"] == 1, field
        assert "word for no value" in checked.text or "days" in checked.text, field
        refused = await call(client, "update_customers", customer_ids=[one], changes=raw)
        assert (refused["status"], refused["changed"]) == ("error", "nothing"), field
    assert row_of(sandbox, one) == before
    for more in ({"notes": word}, {"lines": [{**LINE, "description": word}]}):
        draft = {"customer_id": one, "lines": [LINE], **more}
        answer = await call(client, "create_draft_invoice", **draft)
        assert "ask the person" in answer["field_errors"][0]["message"]


async def test_the_word_null_is_no_argument_of_any_tool(client: Client) -> None:
    for tool, name, _ in arguments():
        answer = await client.call_tool(tool, {name: "null"})
        assert answer.is_error
        told = (answer.structured_content or {})["field_errors"]
        assert {"field": name, "message": WORD_NULL} in told, (tool, name)


async def test_a_word_for_nothing_in_a_file_is_left_out_and_told(
    client: Client, settings: Settings
) -> None:
    path = settings.files_dir / "volcado.csv"
    head = "nombre;nombre comercial;nif;email;calle;número;piso;cp;ciudad;provincia"
    line = f"Uno SL;NULL;{dni(1)};uno@example.com;Mayor;1;null;28001;Madrid;Madrid"
    path.write_text(f"{head}\n{line}\n", encoding="utf-8")
    read = await call(client, "validate_customers", source_path=str(path))
    assert read["counts"]["valid"] == 1
    told = {one["field"]: one["before"] for one in read["values_changed"]}
    assert told == {"trade_name": "NULL", "address.floor": "null"}


async def test_a_call_that_holds_a_key_is_refused_and_the_key_is_kept_nowhere(
    client: Client, sandbox: Starlette, settings: Settings
) -> None:
    for tool, arguments in (
        ("find_customers", {"search": TEST_KEY}),
        ("create_customers", {"customers": [customer(1, notes=f"key: {TEST_KEY}")]}),
        ("update_customers", {"customer_ids": [ID], "changes": json.dumps({"notes": TEST_KEY})}),
        ("validate_customers", {TEST_KEY: []}),
        (TEST_KEY, {}),
    ):
        result = await client.call_tool(tool, arguments)
        structure = result.structured_content or {}
        assert (structure["code"], structure["changed"]) == ("secret_in_call", "nothing")
        assert TEST_KEY not in result.model_dump_json()
    assert sandbox.state.store.ledger() == []
    assert not any(
        TEST_KEY.encode() in path.read_bytes()
        for path in settings.state_dir.parent.rglob("*")
        if path.is_file()
    )


async def test_half_a_character_is_refused_before_anything_is_made_of_it(client: Client) -> None:
    line = {**LINE, "description": "Horas \udcff"}
    for tool, arguments in (
        ("create_draft_invoice", {"customer_id": ID, "lines": [line]}),
        ("find_customers", {"search": "a\ud800"}),
        ("validate_customers", {"customers": [customer(1, notes="\udcff")]}),
    ):
        structure = (await client.call_tool(tool, arguments)).structured_content or {}
        assert (structure["code"], structure["changed"]) == ("invalid_arguments", "nothing")
        assert "half a character" in structure["summary"]


async def test_a_choice_that_is_made_many_times_is_made_once(client: Client) -> None:
    once = await call(client, "find_customers", missing=["email", "phone"])
    many = await call(client, "find_customers", missing=["email", "phone"] * 500)
    assert dict(many) == dict(once)
    statuses = await call(client, "find_invoices", status=["DRAFT"] * 500)
    assert statuses["total"] == (await call(client, "find_invoices", status=["DRAFT"]))["total"]


async def test_a_bank_account_in_the_place_of_an_id_is_refused_and_not_repeated(
    client: Client,
) -> None:
    for account in ("ES7620770024003102575766", "ES76-2077-0024-0031-0257-5766"):
        for tool, arguments in (
            ("deactivate_customers", {"customer_ids": [account]}),
            ("delete_draft_invoice", {"invoice_ids": [account]}),
            ("find_customers", {"customer_id": account}),
        ):
            result = await client.call_tool(tool, arguments)
            assert (result.structured_content or {})["code"] == "invalid_arguments"
            assert account not in result.model_dump_json()
