"""`beel-mcp purge`: the settled leaves no customer behind, the open can still be settled."""

from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread
from mcp import Client

from beel_mcp.cli import ENVIRONMENT, WELL, main
from beel_mcp.files.staging import PACKAGES, Staging
from tests.conftest import Connect
from tests.support.customers import customer
from tests.support.servers.fault_server import FaultServer

pytestmark = pytest.mark.anyio


async def created(client: Client, *rows: dict[str, Any]) -> dict[str, Any]:
    result = await client.call_tool("create_customers", {"customers": list(rows)})
    return result.structured_content or {}


async def test_the_settled_goes_and_the_open_stays_until_it_is_settled(
    connect_to: Connect,
    beel: FaultServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    state = tmp_path / "state"
    monkeypatch.setenv("BEEL_STATE_DIR", str(state))
    monkeypatch.setenv("BEEL_LANGUAGE", "en")
    async with connect_to(state_dir=state) as client:
        await created(client, customer(1))
        beel.fault("reset", committed=True, method="POST", path="bulk", dry_run=False)
        lost = await created(client, customer(2))
        assert lost["status"] == "unknown"
        assert await to_thread.run_sync(main, ["purge"]) == WELL
        said = capsys.readouterr().out
        assert "removed from this machine: 1." in said
        assert "not known yet: 1" in said
        assert "Nothing was removed in BeeL" in said
        result = await client.call_tool("check_operation", {"operation_id": lost["operation_id"]})
        assert (result.structured_content or {})["counts"]["created"] == 1
        assert await to_thread.run_sync(main, ["purge"]) == WELL
    kept = b"".join(path.read_bytes() for path in state.rglob("journal*"))
    assert customer(1)["legal_name"].encode() not in kept


def test_unfinished_packages_of_pdfs_go_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BEEL_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("BEEL_LANGUAGE", "en")
    staging = Staging.new(tmp_path / PACKAGES)
    staging.add(1, [b"%PDF-"])
    assert main(["purge"]) == WELL
    assert "packages of PDFs removed: 1" in capsys.readouterr().out
    assert list((tmp_path / PACKAGES).iterdir()) == []


def test_purging_a_folder_without_a_journal_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEEL_STATE_DIR", str(tmp_path / "none"))
    assert main(["purge"]) == WELL
    assert not (tmp_path / "none").exists()


def test_a_journal_that_cannot_be_used_ends_with_3_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "journal.sqlite3").write_bytes(b"something else" * 100)
    monkeypatch.setenv("BEEL_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("BEEL_LANGUAGE", "es")
    assert main(["purge"]) == ENVIRONMENT
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if "no se puede usar el registro" in line]
