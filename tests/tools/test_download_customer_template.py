"""download_customer_template, through the client: BeeL's bytes in the folder, and back again."""

from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import ResourceLink
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.endpoints.bulk import TEMPLATE_CSV
from beel_mcp.settings import Settings
from tests.conftest import Connect
from tests.support.program_exports import BEEL

pytestmark = pytest.mark.anyio
NAME = "template_clientes_beel.csv"
COLUMNS = BEEL[0]


async def call(client: Client, name: str = "download_customer_template", **arguments: Any) -> Any:
    result = await client.call_tool(name, arguments)
    structure = result.structured_content or {}
    assert bool(result.is_error) == (structure["status"] == "error"), structure
    return structure


@pytest.mark.parametrize(
    ("generation", "routes", "asked"),
    [
        ("current", "company", ("GET", "/v1/templates/customer-import")),
        ("current", "flat", ("POST", "/v1/customers/templates/csv")),
        ("legacy", "flat", ("POST", "/v1/customers/templates/csv")),
    ],
)
async def test_the_saved_bytes_are_beels_on_every_route(
    connect: Connect, settings: Settings, generation: Any, routes: str, asked: tuple[str, str]
) -> None:
    app = create_app(SandboxOptions(generation=generation))
    async with connect(app, routes=routes) as client:
        answer = await call(client)
    saved = settings.files_dir / NAME
    assert answer["status"] == "done"
    assert saved.read_bytes() == TEMPLATE_CSV
    assert saved.stat().st_mode & 0o777 == 0o600
    assert Path(answer["path"]) == saved
    assert answer["uri"] == f"beel://files/{NAME}"
    assert (answer["columns"], answer["size_bytes"]) == (COLUMNS, len(TEMPLATE_CSV))
    last = app.state.store.requests()[-1]
    assert (last["method"], last["path"]) == asked
    assert app.state.store.ledger() == []


async def test_the_text_names_the_file_and_its_examples_and_a_link_leads_there(
    client: Client, settings: Settings
) -> None:
    result = await client.call_tool("download_customer_template", {})
    text, link = result.content
    assert text.type == "text"
    assert str(settings.files_dir / NAME) in text.text
    assert ", ".join(COLUMNS) in text.text
    assert "2 example rows" in text.text
    assert isinstance(link, ResourceLink)
    assert (link.name, link.mime_type, link.size) == (NAME, "text/csv", len(TEMPLATE_CSV))
    assert link.uri == (result.structured_content or {})["uri"]


async def test_it_is_read_back_as_it_is_by_the_call_that_the_answer_names(client: Client) -> None:
    [step] = (await call(client))["next"]
    assert step["tool"] == "validate_customers"
    answer = await call(client, step["tool"], **step["arguments"])
    assert answer["total"] == 2
    assert [used.split(" → ")[0] for used in answer["columns_used"]] == COLUMNS
    assert "columns_ignored" not in answer
    assert "values_changed" not in answer


async def test_what_a_person_adds_below_the_header_is_read(
    client: Client, settings: Settings
) -> None:
    await call(client)
    path = settings.files_dir / NAME
    header = path.read_bytes().splitlines(keepends=True)[0]
    row = "Talleres Peña SL;B12345674;;931234567;Calle Mayor;5;08001;Barcelona;Barcelona\r\n"
    path.write_bytes(header + row.encode())
    answer = await call(client, "validate_customers", source_path=path.name)
    assert (answer["total"], answer["importable"]) == (1, 1)


async def test_a_template_without_a_row_below_its_header_is_refused_with_the_remedy(
    client: Client, settings: Settings
) -> None:
    await call(client)
    path = settings.files_dir / NAME
    path.write_bytes(path.read_bytes().splitlines(keepends=True)[0])
    answer = await call(client, "validate_customers", source_path=path.name)
    assert answer["code"] == "file_empty"
    assert f'"{NAME}" has no rows below its header' in answer["message"]


async def test_a_second_template_never_replaces_the_one_that_was_filled_in(
    client: Client, settings: Settings
) -> None:
    first, second = settings.files_dir / NAME, settings.files_dir / "template_clientes_beel (2).csv"
    assert (await call(client))["path"] == str(first)
    first.write_bytes(b"filled in")
    assert (await call(client))["path"] == str(second)
    assert (first.read_bytes(), second.read_bytes()) == (b"filled in", TEMPLATE_CSV)


async def test_no_call_is_named_that_could_not_read_the_file(
    connect: Connect, tmp_path: Path
) -> None:
    async with connect(import_dirs=(tmp_path / "lists",)) as client:
        assert "next" not in await call(client)


async def test_without_a_place_for_the_file_beel_is_not_asked(
    connect: Connect, sandbox: Starlette, tmp_path: Path
) -> None:
    taken = tmp_path / "file"
    taken.write_bytes(b"")
    async with connect(files_dir=taken) as client:
        answer = await call(client)
    assert (answer["code"], answer["changed"]) == ("folder_unusable", "nothing")
    assert "BEEL_FILES_DIR" in answer["message"]
    assert not [one for one in sandbox.state.store.requests() if "template" in one["path"]]


async def test_a_folder_that_cannot_be_written_to_is_said_to_be_that(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> bool:
        return False

    monkeypatch.setattr(
        "beel_mcp.files.safe_dir.SafeDir.is_writable", refused
    )  # root may write anywhere
    async with connect() as client:
        answer = await call(client)
    assert (answer["code"], answer["changed"]) == ("folder_unusable", "nothing")


async def test_a_page_instead_of_the_template_saves_nothing(
    connect: Connect, settings: Settings, sandbox: Starlette
) -> None:
    async def signed_out(scope: Scope, receive: Receive, send: Send) -> None:
        is_template = "template" in scope.get("path", "")
        page = HTMLResponse("<html>Sign in</html>", headers={"content-type": "text/csv"})
        await (page if is_template else sandbox)(scope, receive, send)

    async with connect(signed_out, routes="company") as client:  # type: ignore[arg-type]
        answer = await call(client)
    assert (answer["code"], answer["changed"]) == ("unexpected_answer", "nothing")
    assert list(settings.files_dir.iterdir()) == []


async def test_a_key_that_may_not_read_customers_is_told_so(
    connect: Connect, settings: Settings
) -> None:
    app = create_app(SandboxOptions(scopes=("invoices:read", "companies:read", "companies:list")))
    async with connect(app) as client:
        answer = await call(client)
    assert answer["code"] == "INSUFFICIENT_SCOPE"
    assert list(settings.files_dir.iterdir()) == []
