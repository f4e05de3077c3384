"""save_batch_report, through the client: a workbook for the person, and back through the door."""

import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import pytest
import xlsxwriter
from mcp import Client
from mcp.types import ResourceLink
from python_calamine import CalamineWorkbook
from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import customer_id
from beel_mcp.settings import Settings
from tests.conftest import Connect
from tests.support.customers import customer

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
IBAN = "ES9121000418450200051332"
KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


async def call(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(name, arguments)
    structure = result.structured_content or {}
    assert bool(result.is_error) == (structure["status"] == "error"), structure
    return structure


async def checked(client: Client, *customers: dict[str, Any]) -> str:
    batch_id: str = (await call(client, "validate_customers", customers=customers))["batch_id"]
    return batch_id


async def saved(client: Client, *customers: dict[str, Any]) -> dict[str, Any]:
    return await call(client, "save_batch_report", batch_id=await checked(client, *customers))


def rows_of(path: str | Path) -> list[list[Any]]:
    book = CalamineWorkbook.from_path(str(path))
    names = [name for name in book.sheet_names if name in ("Clientes", "Customers")]
    sheet = book.get_sheet_by_name(names[0] if names else book.sheet_names[0])
    rows: list[list[Any]] = sheet.to_python(skip_empty_area=False)
    return rows


def corrected(path: str, changes: dict[tuple[int, str], str], drop: int | None = None) -> None:
    """Do what the person does: change cells, delete a row, save."""
    headers, *rows = rows_of(path)
    for (row, heading), value in changes.items():
        rows[row - 1][headers.index(heading)] = value
    kept = [row for number, row in enumerate(rows, 1) if number != drop]
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Hoja1")
        for number, cells in enumerate([headers, *kept]):
            sheet.write_row(number, 0, cells)


MIXED = (
    customer(1),
    customer(2, email="nope"),
    customer(3, nif="12345000A"),
    customer(4, preferred_payment_method={"method": "BANK_TRANSFER", "iban": IBAN}),
)


@pytest.mark.parametrize(
    ("generation", "routes"), [("current", "company"), ("current", "flat"), ("legacy", "flat")]
)
async def test_what_the_person_corrects_in_it_can_be_created(
    connect: Connect, generation: Any, routes: str
) -> None:
    app = create_app(SandboxOptions(generation=generation))
    async with connect(app, routes=routes) as client:
        answer = await saved(client, *MIXED)
        assert answer["counts"]["valid"] + answer["counts"]["warning"] < answer["total"] == 4
        changes = {(2, "email"): "si@example.com"}
        corrected(answer["path"], changes, drop=3)
        [step] = answer["next"]
        again = await call(client, step["tool"], **step["arguments"])
        assert (again["total"], again["importable"]) == (3, 3)
        assert "columns_ignored" not in again
        made = await call(client, "create_customers", batch_id=again["batch_id"], expected_count=3)
    assert made["counts"]["created"] == 3
    names = {row["legal_name"] for row in app.state.store.rows("SELECT * FROM customers")}
    assert {MIXED[0]["legal_name"], MIXED[1]["legal_name"], MIXED[3]["legal_name"]} <= names
    assert MIXED[2]["legal_name"] not in names


async def test_the_file_lies_in_the_folder_for_its_owner_alone_and_the_answer_leads_there(
    client: Client, settings: Settings, sandbox: Starlette
) -> None:
    batch_id = await checked(client, *MIXED)
    asked = len(sandbox.state.store.requests())
    result = await client.call_tool("save_batch_report", {"batch_id": batch_id})
    answer, (text, link) = result.structured_content or {}, result.content
    path = settings.files_dir / Path(answer["path"]).name
    assert path.stat().st_mode & 0o777 == 0o600
    assert unquote(answer["uri"]) == f"beel://files/{path.name}"
    assert answer["size_bytes"] == path.stat().st_size
    assert isinstance(link, ResourceLink)
    assert (link.uri, link.name, link.mime_type) == (answer["uri"], path.name, KIND)
    assert text.type == "text"
    assert str(path) in text.text
    assert "validate_customers" in text.text
    assert sandbox.state.store.ledger() == []
    assert len(sandbox.state.store.requests()) == asked  # what BeeL said is known


async def test_the_file_has_everything_in_full_and_the_answer_has_none_of_it(
    client: Client,
) -> None:
    batch_id = await checked(client, *MIXED)
    result = await client.call_tool("save_batch_report", {"batch_id": batch_id})
    path = (result.structured_content or {})["path"]
    told = str(result.model_dump())
    headers, *rows = rows_of(path)
    assert rows[3][headers.index("iban")] == IBAN
    assert not [value for value in (IBAN, "Cliente de Prueba", "example.com") if value in told]


@pytest.mark.parametrize(
    ("language", "name", "sheets", "heading"),
    [
        ("es", "clientes revisados", ["Por corregir", "Clientes", "Resumen"], "nombre_fiscal"),
        ("en", "customers checked", ["To correct", "Customers", "Summary"], "legal_name"),
    ],
)
async def test_it_speaks_the_persons_language_and_carries_the_day(
    connect: Connect, language: Any, name: str, sheets: list[str], heading: str
) -> None:
    async with connect(language=language, timing=Timing(now=lambda: NOW)) as client:
        path = Path((await saved(client, *MIXED))["path"])
    assert path.name == f"{name} 2026-11-21.xlsx"
    assert CalamineWorkbook.from_path(str(path)).sheet_names == sheets
    assert rows_of(path)[0][0] == heading


async def test_a_second_report_never_replaces_one_that_somebody_corrects(
    client: Client, settings: Settings
) -> None:
    first = settings.files_dir / Path((await saved(client, *MIXED))["path"]).name
    first.write_bytes(b"corrected")
    second = Path((await saved(client, *MIXED))["path"])
    assert second.name == f"{first.stem} (2).xlsx"
    assert first.read_bytes() == b"corrected"


async def test_a_duplicate_names_the_customer_that_beel_has(
    client: Client, sandbox: Starlette
) -> None:
    [known] = sandbox.state.store.rows("SELECT * FROM customers WHERE id = ?", customer_id(1))
    answer = await saved(client, customer(1, nif=known["nif"], legal_name=known["legal_name"]))
    assert answer["counts"]["duplicate"] == 1
    told = str(rows_of(answer["path"]))
    assert f"Customer in BeeL: {known['legal_name']}" in told
    assert customer_id(1) not in told


async def test_a_spanish_report_is_spanish_whatever_beel_speaks(
    connect: Connect, settings: Settings
) -> None:
    listed = (Path(__file__).parents[2] / "examples" / "customers.csv").read_bytes()
    (settings.files_dir / "lista.csv").write_bytes(listed)
    async with connect(language="es") as client:
        batch = await call(client, "validate_customers", source_path="lista.csv")
        answer = await call(client, "save_batch_report", batch_id=batch["batch_id"])
    book = CalamineWorkbook.from_path(answer["path"])
    told = [
        str(cell)
        for name in ("Por corregir", "Resumen")
        for row in book.get_sheet_by_name(name).to_python()
        for cell in row
    ]
    assert len(book.get_sheet_by_name("Por corregir").to_python()) == 14
    english = re.compile(
        r"\b(?:the|with|has|this|without|cannot|be|row|earlier|already|is)\b", re.IGNORECASE
    )
    assert [cell for cell in told if english.search(cell)] == []
    assert any("Ya hay un cliente en BeeL" in cell for cell in told)
    [blamed] = [cell for cell in told if "AEAT" in cell and "fila" in cell]
    assert "mal escrito" in blamed


async def test_the_changes_of_a_file_have_a_sheet_and_the_first_one_is_read_again(
    client: Client, settings: Settings
) -> None:
    (settings.files_dir / "lista.csv").write_text("Nombre;CP\nUno;8001\n", encoding="utf-8")
    batch = await call(client, "validate_customers", source_path="lista.csv")
    answer = await call(client, "save_batch_report", batch_id=batch["batch_id"])
    sheets = CalamineWorkbook.from_path(answer["path"]).sheet_names
    assert sheets == ["To correct", "Customers", "Summary", "Changes"]
    again = await call(client, "validate_customers", source_path=answer["path"])
    assert again["total"] == batch["total"]
    assert "values_changed" not in again


async def test_a_read_only_server_saves_it_too(connect: Connect) -> None:
    async with connect(read_only=True) as client:
        assert (await saved(client, *MIXED))["status"] == "done"


async def test_no_call_is_named_that_could_not_read_the_file(
    connect: Connect, tmp_path: Path
) -> None:
    async with connect(import_dirs=(tmp_path / "lists",)) as client:
        assert "next" not in await saved(client, *MIXED)


async def test_a_batch_that_is_not_there_is_told_with_the_way_on(
    client: Client, settings: Settings
) -> None:
    answer = await call(client, "save_batch_report", batch_id="../../etc/passwd")
    assert (answer["code"], answer["changed"]) == ("batch_expired", "nothing")
    assert list(settings.files_dir.iterdir()) == []


async def test_a_batch_of_another_caller_is_not_there(
    client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = await checked(client, *MIXED)
    somebody = SimpleNamespace(client_id="somebody else")
    monkeypatch.setattr("beel_mcp.context.get_access_token", lambda: somebody)
    answer = await call(client, "save_batch_report", batch_id=batch_id)
    assert (answer["code"], answer["changed"]) == ("batch_expired", "nothing")
    assert list(settings.files_dir.iterdir()) == []


async def test_without_a_place_for_the_file_the_person_is_told_which(
    connect: Connect, tmp_path: Path
) -> None:
    taken = tmp_path / "file"
    taken.write_bytes(b"")
    async with connect(files_dir=taken) as client:
        answer = await saved(client, *MIXED)
    assert (answer["code"], answer["changed"]) == ("folder_unusable", "nothing")
