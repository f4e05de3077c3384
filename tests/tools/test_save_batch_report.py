"""save_batch_report, through the client: a workbook that a person corrects and gives back."""

from pathlib import Path

import pytest
from mcp import Client
from openpyxl import load_workbook
from starlette.applications import Starlette

from tests.conftest import Connect
from tests.rows import customer
from tests.tools.test_create_customers import batch_of, call, created

pytestmark = pytest.mark.anyio


async def test_a_report_that_was_corrected_comes_back_and_is_created(
    connect: Connect, sandbox: Starlette
) -> None:
    rows = [customer(1), customer(2, email="nope"), customer(3, nif="12345678A")]
    async with connect(language="es") as client:
        batch_id = await batch_of(client, *rows)
        saved = await call(client, "save_batch_report", batch_id=batch_id)
        path = saved["path"]
        assert Path(path).name.startswith("clientes revisados 20")
        assert "3 rows, 2 with a problem" in saved["summary"]

        book = load_workbook(path)
        sheet = book["Clientes"]
        column = [cell.value for cell in sheet[1]].index("Correo electrónico") + 1
        sheet.cell(3, column).value = "b@example.com"
        sheet.delete_rows(4)
        book.save(path)

        [step] = saved["next"]
        checked = await call(client, step["tool"], **step["arguments"])
        assert checked["total"] == checked["counts"]["valid"] == 2
        assert "columns_ignored" not in checked
        done = await call(client, "create_customers", **checked["next"][0]["arguments"])
        assert done["counts"]["created"] == 2
    assert created(sandbox) == [customer(1)["nif"], customer(2)["nif"]]


async def test_two_reports_of_one_list_are_two_files(client: Client) -> None:
    batch_id = await batch_of(client, customer(1))
    paths = {(await call(client, "save_batch_report", batch_id=batch_id))["path"] for _ in "ab"}
    assert len(paths) == 2
    assert all(load_workbook(path) for path in paths)


async def test_a_read_only_server_saves_reports_too(connect: Connect) -> None:
    async with connect(read_only=True) as client:
        batch_id = await batch_of(client, customer(1))
        saved = await call(client, "save_batch_report", batch_id=batch_id)
    assert saved["status"] == "done"
    assert Path(saved["path"]).name.startswith("customers checked 20")


async def test_a_list_that_is_gone_has_no_report(client: Client) -> None:
    answer = await call(client, "save_batch_report", batch_id="bat_unknown")
    assert answer["code"] == "batch_expired"
    assert answer["changed"] == "nothing"


async def test_a_report_that_cannot_be_read_back_from_its_folder_offers_no_call(
    connect: Connect, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    async with connect(import_dirs=(elsewhere,)) as client:
        batch_id = await batch_of(client, customer(1))
        saved = await call(client, "save_batch_report", batch_id=batch_id)
    assert "next" not in saved
