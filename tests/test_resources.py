"""Resources, through the client: whole records and saved files, for their caller alone."""

import base64
import json
import os
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from mcp import Client, MCPError
from mcp.server.auth.provider import AccessToken
from mcp.types import BlobResourceContents, ResourceTemplateReference, TextResourceContents
from starlette.applications import Starlette

from beel_mcp import context
from beel_mcp.files import output
from beel_mcp.sandbox.endpoints.bulk import TEMPLATE_CSV
from beel_mcp.server.resources import TEMPLATES, guide
from beel_mcp.settings import Settings
from tests.conftest import Connect
from tests.support.customers import customer
from tests.support.deactivations import EXTRAS, crowd
from tests.support.systems.marks import HAS_PIPES_WITH_NAMES
from tests.test_laws import GOOD, SAVES
from tests.test_prompts import NAMES, SPAN, vocabulary

pytestmark = pytest.mark.anyio
IBAN = "ES9121000418450200051332"
TEMPLATE = "template_clientes_beel.csv"


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    return result.structured_content or {}


async def text_at(client: Client, uri: str, mime_type: str = "application/json") -> str:
    [content] = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert (content.uri, content.mime_type) == (uri, mime_type)
    return content.text


async def record_at(client: Client, uri: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(await text_at(client, uri))
    assert {"environment", "company"} <= record.keys()
    return record


async def refusal_at(client: Client, uri: str) -> MCPError:
    with pytest.raises(MCPError) as error:
        await client.read_resource(uri)
    assert error.value.error.data["uri"] == uri
    return error.value


async def checked(client: Client, *rows: dict[str, Any]) -> str:
    answer = await call(client, "validate_customers", customers=rows or [customer(1)])
    return str(answer["batch_id"])


def bytes_of(path: str) -> bytes:
    return Path(path).read_bytes()


async def listed(client: Client) -> list[str]:
    return [one.uri for one in (await client.list_resources()).resources]


def become(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the next requests come with somebody's token."""
    token = AccessToken(token="-", client_id=name, scopes=[])
    monkeypatch.setattr(context, "get_access_token", lambda: token)


async def test_the_status_is_what_get_status_answers(client: Client) -> None:
    answer = await call(client, "get_status")
    assert await record_at(client, "beel://status") == answer


async def test_the_status_without_a_key_says_what_is_missing(connect: Connect) -> None:
    async with connect(sandbox=False) as client:
        record = await record_at(client, "beel://status")
    assert record["problem"]["code"] == "not_configured"
    assert (record["environment"], record["company"]) == ("none", None)


async def test_the_guide_names_only_tools_and_words_that_there_are(client: Client) -> None:
    known = await vocabulary(client)
    words = {word for tool in known for word in known[tool]} | {"next", "not_confirmed"}
    words |= {"confirmation_required"}
    spans = SPAN.findall(await text_at(client, "beel://guide", "text/markdown"))
    assert not [span for span in spans if span not in known and span not in words]
    assert {"validate_customers", "confirm_plan", "check_operation"} <= {*spans}
    assert len(guide()) < 3_000


async def test_a_batch_is_given_whole_with_every_row_and_its_problems(client: Client) -> None:
    bad = customer(2, email="nope")
    batch_id = await checked(client, customer(1), bad, *map(customer, range(3, 130)))
    record = await record_at(client, f"beel://batches/{batch_id}")
    assert (record["batch_id"], record["total"], record["importable"]) == (batch_id, 129, 128)
    assert sum(record["counts"].values()) == len(record["rows"]) == 129
    assert record["rows"][0]["values"] == customer(1)
    assert record["rows"][1]["kind"] == "error"
    assert record["rows"][1]["errors"][0]["field"] == "email"
    assert record["company"] == "Demo Taller SL (B12345674)"


@pytest.mark.parametrize(
    "changes",
    [
        {"preferred_payment_method": {"iban": IBAN}},
        {"notes": "cuenta ES91 2100 0418 4502 0005 1332, gracias"},
        {"contact_person": "ES91\u200b2100-0418-4502-0005-1332"},
    ],
)
async def test_no_bank_account_stands_in_a_batch(client: Client, changes: dict[str, Any]) -> None:
    uri = f"beel://batches/{await checked(client, customer(1, **changes))}"
    text = await text_at(client, uri)
    assert "ES…1332" in text
    assert "0418" not in text


async def test_what_a_row_says_is_one_clean_line(client: Client) -> None:
    batch_id = await checked(client, customer(1, notes="a\u202eb\n\n# Delete\x1b[31m all"))
    record = await record_at(client, f"beel://batches/{batch_id}")
    assert record["rows"][0]["values"]["notes"] == "ab # Delete all"


async def test_an_operation_is_given_whole_and_after_a_restart_too(connect: Connect) -> None:
    async with connect() as client:
        batch_id = await checked(client, *map(customer, range(60)))
        made = await call(client, "create_customers", batch_id=batch_id, expected_count=60)
        uri = f"beel://operations/{made['operation_id']}"
        before = await record_at(client, uri)
    async with connect() as client:
        record = await record_at(client, uri)
        gone = await refusal_at(client, f"beel://batches/{batch_id}")
    assert record == before
    assert (record["tool"], record["status"], record["total"]) == ("create_customers", "done", 60)
    assert [row["row"] for row in record["rows"]] == list(range(1, 61))
    assert {row["outcome"] for row in record["rows"]} == {"created"}
    assert record["rows"][0]["customer_id"] == made["created"][0]["customer_id"]
    assert "restart" in gone.error.message


async def test_no_bank_account_stands_in_an_operation_and_ids_stay_whole(client: Client) -> None:
    row = customer(1, legal_name=f"Cuenta {IBAN}")
    made = await call(client, "create_customers", customers=[row])
    record = await record_at(client, f"beel://operations/{made['operation_id']}")
    [outcome] = record["rows"]
    assert outcome["name"] == "Cuenta ES…1332"
    assert outcome["customer_id"] == made["created"][0]["customer_id"]


async def test_what_another_caller_has_is_not_found(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect() as client:
        become(monkeypatch, "ana")
        batch_id = await checked(client)
        made = await call(client, "create_customers", batch_id=batch_id, expected_count=1)
        saved = await call(client, "download_customer_template")
        uris = [
            f"beel://batches/{batch_id}",
            f"beel://operations/{made['operation_id']}",
            saved["uri"],
        ]
        for uri in uris:
            assert (await client.read_resource(uri)).contents
        own = await listed(client)
        become(monkeypatch, "eva")
        nothing = [
            f"beel://batches/bat_{'x' * 22}",
            f"beel://operations/op_{'x' * 16}",
            "beel://files/other.csv",
        ]
        for foreign, missing in zip(uris, nothing, strict=True):
            error, other = await refusal_at(client, foreign), await refusal_at(client, missing)
            assert error.error.message == other.error.message.replace("other.csv", TEMPLATE)
            assert error.error.code == other.error.code == -32602
        assert await listed(client) == ["beel://status", "beel://guide"]
        for template in TEMPLATES:
            assert await offered(client, template.definition.uri_template, template.variable) == []
    assert {uris[0], uris[2]} <= {*own}


async def offered(client: Client, uri: str, name: str, typed: str = "") -> list[str]:
    reference = ResourceTemplateReference(type="ref/resource", uri=uri)
    result = await client.complete(reference, {"name": name, "value": typed})
    return list(result.completion.values)


async def test_every_part_that_is_offered_can_be_read(client: Client) -> None:
    batch_id = await checked(client)
    await call(client, "create_customers", batch_id=batch_id, expected_count=1)
    await call(client, "download_customer_template")
    await call(client, "download_invoices_zip", quarter="2026-Q3", file_name="Mía 2026.zip")
    templates = (await client.list_resource_templates()).resource_templates
    assert len(templates) == len(TEMPLATES)
    for template, number in zip(templates, (1, 1, 2), strict=True):
        name = template.uri_template.partition("{")[2].rstrip("}")
        values = await offered(client, template.uri_template, name)
        assert len(values) == number
        for value in values:
            uri = template.uri_template.partition("{")[0] + quote(value, safe="")
            assert (await client.read_resource(uri)).contents
        assert await offered(client, template.uri_template, name, values[0][:-1]) == values[:1]
        assert await offered(client, template.uri_template, "nope") == []


async def test_what_is_listed_can_be_read_and_says_its_kind(client: Client) -> None:
    await checked(client)
    await call(client, "download_customer_template")
    await call(client, "download_invoices_zip", quarter="2026-Q3")
    resources = (await client.list_resources()).resources
    assert [one.uri for one in resources[:2]] == ["beel://status", "beel://guide"]
    assert len(resources) == 5
    for one in resources:
        [content] = (await client.read_resource(one.uri)).contents
        assert content.mime_type == one.mime_type


@pytest.mark.parametrize("tool", sorted(SAVES & GOOD.keys()))
async def test_the_file_that_a_tool_names_is_read_by_its_uri(client: Client, tool: str) -> None:
    arguments = dict(GOOD[tool])
    if "batch_id" in arguments:
        arguments["batch_id"] = await checked(client)
    answer = await call(client, tool, **arguments)
    assert answer["uri"] in await listed(client)
    [content] = (await client.read_resource(answer["uri"])).contents
    saved = bytes_of(answer["path"])
    if isinstance(content, BlobResourceContents):
        assert base64.b64decode(content.blob) == saved
    else:
        assert content.text.encode() == saved


async def test_a_file_is_given_out_after_a_restart_too(connect: Connect) -> None:
    async with connect() as client:
        uri = (await call(client, "download_customer_template"))["uri"]
    async with connect() as client:
        assert (await text_at(client, uri, "text/csv")).encode() == TEMPLATE_CSV
        assert uri in await listed(client)


async def test_a_file_that_was_changed_is_not_given_out(client: Client, settings: Settings) -> None:
    uri = (await call(client, "download_customer_template"))["uri"]
    with (settings.files_dir / TEMPLATE).open("ab") as file:
        file.write(b"x")
    error = await refusal_at(client, uri)
    assert error.error.data["code"] == "file_changed"
    assert str(settings.files_dir / TEMPLATE) in error.error.message
    assert uri not in await listed(client)


async def test_a_file_too_large_for_an_answer_is_named_with_its_place(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "MOST_BYTES", len(TEMPLATE_CSV) - 1)
    uri = (await call(client, "download_customer_template"))["uri"]
    error = await refusal_at(client, uri)
    assert error.error.data["code"] == "file_too_large"
    assert "MB" in error.error.message
    assert str(settings.files_dir / TEMPLATE) in error.error.message


async def test_a_file_with_bank_accounts_stays_on_this_computer(
    client: Client, sandbox: Starlette
) -> None:
    ids = crowd(sandbox, 1, **EXTRAS)
    plan = await call(client, "deactivate_customers", customer_ids=ids)
    done = await call(client, "confirm_plan", plan_id=plan["plan_id"], statement=plan["statement"])
    name = Path(done["backup_path"]).name
    assert IBAN.encode() in bytes_of(done["backup_path"])
    error = await refusal_at(client, f"beel://files/{quote(name)}")
    assert error.error.data["code"] == "file_private"
    assert "bank accounts" in error.error.message


async def test_only_files_that_we_wrote_are_given_out(
    client: Client, settings: Settings, tmp_path: Path
) -> None:
    await call(client, "download_customer_template")
    folder = settings.files_dir
    (folder / "mine.csv").write_bytes(TEMPLATE_CSV)
    (tmp_path / "secret.csv").write_bytes(TEMPLATE_CSV)
    (folder / "link.csv").symlink_to(folder / TEMPLATE)
    (folder / "sub").mkdir()
    names = ["mine.csv", "link.csv", "sub", "../secret.csv", str(tmp_path / "secret.csv")]
    names += [f"./{TEMPLATE}", f"sub/../{TEMPLATE}", ".", "..", f"{TEMPLATE}\0", f" {TEMPLATE}"]
    for name in names:
        for uri in (f"beel://files/{name}", f"beel://files/{quote(name, safe='')}"):
            error = await refusal_at(client, uri)
            assert error.error.data["code"] in {"file_not_found", "unknown_resource"}, uri
    assert len(await listed(client)) == 3


async def test_a_link_or_pipe_in_the_place_of_our_file_is_not_followed(
    client: Client, settings: Settings
) -> None:
    uri = (await call(client, "download_customer_template"))["uri"]
    ours, copy = settings.files_dir / TEMPLATE, settings.files_dir / "copy.csv"
    ours.rename(copy)
    ours.symlink_to(copy)
    assert (await refusal_at(client, uri)).error.data["code"] == "file_not_found"
    ours.unlink()
    if HAS_PIPES_WITH_NAMES:
        os.mkfifo(ours)
    assert (await refusal_at(client, uri)).error.data["code"] == "file_not_found"
    assert uri not in await listed(client)


@pytest.mark.parametrize("line", ["{", "[]", '{"name": "x"}', "\x00", '"' + "x" * 9_000])
async def test_a_broken_line_among_the_notes_hides_no_file(
    client: Client, settings: Settings, line: str
) -> None:
    uri = (await call(client, "download_customer_template"))["uri"]
    with (settings.state_dir / output.RECORDS).open("a") as file:
        file.write(line + "\n")
    assert uri in await listed(client)


async def test_a_file_is_saved_even_if_it_cannot_be_noted(
    client: Client, settings: Settings
) -> None:
    (settings.state_dir / output.RECORDS).mkdir(parents=True)
    answer = await call(client, "download_customer_template")
    assert bytes_of(answer["path"]) == TEMPLATE_CSV
    error = await refusal_at(client, answer["uri"])
    assert error.error.data["code"] == "file_not_found"


@pytest.mark.parametrize(
    "uri",
    [
        *("beel://nope", "beel://status/", "beel://batches", "beel://batches/", "beel:///status"),
        *("file:///etc/passwd", "beel://files/", "beel://batches/a/b", "x", "", "beel://status?x"),
        "beel://" + "x" * 100_000,
    ],
)
async def test_an_address_that_is_none_is_refused_in_plain_words(
    client: Client, uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    error = await refusal_at(client, uri)
    assert error.error.code == -32602
    assert error.error.message.startswith("There is no resource at ")
    assert "beel://batches/{batch_id}" in error.error.message
    assert len(error.error.message) < 500
    assert not [one for one in caplog.records if one.exc_info or one.exc_text]


async def test_a_defect_is_said_without_a_word_of_what_it_was(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret reason")

    monkeypatch.setattr("beel_mcp.server.resources.batch_document", broken)
    async with connect() as client:
        error = await refusal_at(client, f"beel://batches/{await checked(client)}")
    assert error.error.code == -32603
    assert "defect" in error.error.message
    assert "secret reason" not in str(error.error)
    assert "secret reason" in caplog.text


async def test_reading_leaves_no_trace(client: Client, settings: Settings) -> None:
    for uri in await listed(client):
        await client.read_resource(uri)
    await refusal_at(client, "beel://operations/op_x")
    assert not settings.state_dir.exists()
    assert list(settings.files_dir.iterdir()) == []


async def test_an_operation_of_other_books_is_refused_as_the_tool_refuses_it(
    client: Client, settings: Settings
) -> None:
    made = await call(client, "create_customers", customers=[customer(1)])
    db = sqlite3.connect(settings.state_dir / "journal.sqlite3")
    db.execute("UPDATE operations SET company_id = 'another'")
    db.commit()
    db.close()
    error = await refusal_at(client, f"beel://operations/{made['operation_id']}")
    assert error.error.data["code"] == "another_company"


async def test_an_operation_cannot_be_read_without_a_key(connect: Connect) -> None:
    async with connect() as client:
        made = await call(client, "create_customers", customers=[customer(1)])
    async with connect(sandbox=False) as client:
        error = await refusal_at(client, f"beel://operations/{made['operation_id']}")
    assert error.error.data["code"] == "not_configured"
    assert "BEEL_API_KEY" in error.error.message


def test_every_prompt_has_its_paragraph_in_the_guide() -> None:
    # Beside those of no prompt: an unknown outcome, a yes, who owes what.
    assert guide().count("\n**") >= len(NAMES) + 3
