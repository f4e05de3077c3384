"""get_status: what it tells when all is well, and when it is not."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mcp import Client
from mcp.types import ElicitResult
from starlette.applications import Starlette

from beel_mcp.language import Sentence
from beel_mcp.sandbox import SandboxOptions, create_app
from tests.conftest import Connect
from tests.support.customers import customer
from tests.support.servers.sunset import with_sunset

pytestmark = pytest.mark.anyio


async def refuse(context: Any, params: Any) -> ElicitResult:
    return ElicitResult(action="decline")


async def status(client: Client) -> dict[str, Any]:
    result = await client.call_tool("get_status", {})
    assert not result.is_error
    return result.structured_content or {}


async def test_it_tells_company_scopes_routes_folders_and_limits(client: Client) -> None:
    answer = await status(client)
    assert answer["company"] == "Demo Taller SL (B12345674)"
    assert answer["routes"]["family"] == "company"
    assert "customers:write" in answer["scopes"]
    assert answer["limits"]["inline_rows"] == 500
    assert answer["files_folder"] in answer["import_folders"]


async def test_it_tells_when_beel_retires_the_flat_routes(connect: Connect) -> None:
    async with connect(routes="flat") as client:
        await client.call_tool("find_customers", {})
        answer = await status(client)
    assert answer["routes"]["family"] == "flat"
    assert answer["routes"]["retirement"] == "2026-12-09"


async def test_the_day_that_beel_says_counts_and_before_that_the_day_of_its_contract(
    connect: Connect, sandbox: Starlette
) -> None:
    postponed = with_sunset(sandbox, "Fri, 15 Jan 2027 00:00:00 GMT")
    async with connect(postponed, routes="flat") as client:  # type: ignore[arg-type]
        before = await status(client)
        await client.call_tool("find_customers", {})
        after = await client.call_tool("get_status", {})
    assert before["routes"]["retirement"] == "2026-12-09, by its contract"
    structure = after.structured_content or {}
    assert structure["routes"]["retirement"] == "2027-01-15"
    assert "BeeL retires the flat routes on 2027-01-15." in after.content[0].text  # type: ignore[union-attr]


async def test_who_is_on_company_routes_or_on_an_older_beel_hears_of_no_retirement(
    connect: Connect, client: Client
) -> None:
    assert "retirement" not in (await status(client))["routes"]
    async with connect(create_app(SandboxOptions(generation="legacy"))) as older:
        await older.call_tool("find_customers", {})
        assert "retirement" not in (await status(older))["routes"]


async def test_it_says_that_several_companies_need_a_choice(connect: Connect) -> None:
    async with connect(create_app(SandboxOptions(companies=2))) as client:
        answer = await status(client)
    assert answer["status"] == "partial"
    assert answer["problem"]["code"] == "company_not_chosen"
    assert answer["company"] is None


async def test_a_key_that_may_not_list_companies_works_on_flat_routes(connect: Connect) -> None:
    app = create_app(SandboxOptions(scopes=("customers:read", "customers:write")))
    async with connect(app) as client:
        answer = await status(client)
        assert answer["routes"]["family"] == "flat"
        assert "companies:list" in answer["routes"]["reason"]
        assert not (await client.call_tool("find_customers", {})).is_error


async def test_it_repeats_the_warnings_about_settings(connect: Connect) -> None:
    async with connect(warnings=(Sentence("BEEL_APIKEY is not a setting", ""),)) as client:
        assert "BEEL_APIKEY is not a setting" in (await status(client))["warnings"]


@pytest.mark.parametrize(
    ("confirm", "has_forms", "way"),
    [
        ("auto", True, "form"),
        ("auto", False, "plan"),
        ("ask", True, "form"),
        ("ask", False, "unavailable"),
        ("plan", True, "plan"),
        ("plan", False, "plan"),
    ],
)
async def test_it_tells_how_a_change_is_confirmed_in_this_app(
    connect: Connect, confirm: str, has_forms: bool, way: str
) -> None:
    async with connect(confirm=confirm, answers=refuse if has_forms else None) as client:
        result = await client.call_tool("get_status", {})
    assert (result.structured_content or {})["confirmation"] == way
    [block] = result.content
    words = {"form": "asks the person itself", "plan": "confirm_plan", "unavailable": "refused"}
    assert block.type == "text"
    assert words[way] in block.text


def in_the_way(state: Path) -> None:
    state.write_text("a file")


def under_a_file(state: Path) -> None:
    state.symlink_to("nowhere")


def a_folder_for_a_journal(state: Path) -> None:
    (state / "journal.sqlite3").mkdir(parents=True)


def anothers_journal(state: Path) -> None:
    state.mkdir()
    (state / "journal.sqlite3").write_bytes(b"SQLite format 3\0" + b"x" * 4_000)


def contents(folder: Path) -> list[Path]:
    """List what is there; opening a journal that is there takes a lock beside it."""
    return sorted(path for path in folder.rglob("*") if path.suffix != ".lock")


@pytest.mark.parametrize(
    "spoil", [in_the_way, under_a_file, a_folder_for_a_journal, anothers_journal]
)
async def test_it_is_not_ready_where_every_write_would_refuse(
    connect: Connect, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(tmp_path / "spoilt")
    before = contents(tmp_path)
    async with connect(state_dir=tmp_path / "spoilt") as client:
        answer = await status(client)
        assert answer["status"] == "partial"
        assert answer["problem"]["code"] == "journal_unavailable"
        assert "BEEL_STATE_DIR" in answer["problem"]["remedy"]
        assert "Ready" not in answer["summary"]
        assert contents(tmp_path) == before
        created = await client.call_tool("create_customers", {"customers": [customer(1)]})
        assert (created.structured_content or {})["code"] == "journal_unavailable"


async def test_it_is_not_ready_on_a_full_disk_or_without_the_right_to_write(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect() as client:
        with monkeypatch.context() as patch:
            patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
            assert (await status(client))["problem"]["code"] == "journal_unavailable"
        with monkeypatch.context() as patch:
            patch.setattr(os, "access", lambda *_: False)
            assert (await status(client))["problem"]["code"] == "journal_unavailable"
        assert (await status(client))["summary"].startswith("Ready")
        await client.call_tool("create_customers", {"customers": [customer(1)]})
        assert (await status(client))["summary"].startswith("Ready")


async def test_a_server_that_only_reads_needs_no_journal(connect: Connect, tmp_path: Path) -> None:
    in_the_way(tmp_path / "spoilt")
    async with connect(state_dir=tmp_path / "spoilt", read_only=True) as client:
        assert (await status(client))["summary"].startswith("Ready")
