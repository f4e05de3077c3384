"""The file that a deletion leaves behind: whole, private, and there before the first of it."""

import csv
import stat
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import customer_id
from beel_mcp.settings import Settings
from tests.conftest import Connect
from tests.support.deactivations import (
    EXTRAS,
    bill,
    call,
    crowd,
    deactivated,
    effects,
    guarded_requests,
    planned,
    row_of,
)

pytestmark = pytest.mark.anyio

MUELLER = customer_id(7)  # has no NIF but another identifier
FIELDS = ("legal_name", "trade_name", "nif", "phone", "email", "website", "contact_person", "notes")


@pytest.fixture
def era() -> Any:
    """What is saved has nothing to do with the protocol's era."""
    return "auto"


@pytest.fixture(params=["current", "legacy"])
def generation(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def saved_by_then(settings: Settings) -> list[list[Path]]:
    """The files that lay there when each deletion reached BeeL."""
    return []


@pytest.fixture
def sandbox(generation: Any, settings: Settings, saved_by_then: list[list[Path]]) -> Starlette:
    async def look(operation: str, phase: str) -> None:
        if phase == "before" and ("deactivate" in operation or "delete" in operation):
            saved_by_then.append(sorted(settings.files_dir.iterdir()))

    return create_app(SandboxOptions(generation=generation, pause=look))


@pytest.fixture
async def client(connect: Connect) -> AsyncIterator[Client]:
    async with connect() as opened:
        yield opened


def rows_in(path: str) -> Iterator[dict[str, str]]:
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file, delimiter=";")


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def assert_same(saved: dict[str, str], row: dict[str, Any]) -> None:
    for name in FIELDS:
        assert saved[name] == (row[name] or ""), name
    for name in ("address", "alternative_id", "preferred_payment_method"):
        whole = row[name] or {}
        parts = {key[len(name) + 1 :]: value for key, value in saved.items() if f"{name}." in key}
        kept = {part: value for part, value in parts.items() if value}
        assert kept == {part: str(value) for part, value in whole.items()}, name
    assert saved["billing_emails"] == ";".join(row["billing_emails"] or [])
    assert float(saved["general_discount"] or 0) == (row["general_discount"] or 0)


@pytest.mark.parametrize("others", [0, 1, 20, 100])
async def test_every_field_of_everybody_is_saved_before_the_first_is_deleted(
    client: Client,
    sandbox: Starlette,
    settings: Settings,
    saved_by_then: list[list[Path]],
    others: int,
) -> None:
    ids = crowd(sandbox, 1 + others, **EXTRAS)
    before = [row_of(sandbox, one) for one in ids]
    done = await deactivated(client, ids)
    assert done["counts"]["deleted"] == len(ids)
    path = Path(done["backup_path"])
    assert path.parent == settings.files_dir
    assert saved_by_then == [[path]] * (1 if len(ids) <= 100 else 2)
    assert permissions(path) == 0o600
    for saved, row in zip(rows_in(done["backup_path"]), before, strict=True):
        assert_same(saved, row)
    told = await call(client, "check_operation", operation_id=done["operation_id"])
    assert told["backup_path"] == done["backup_path"]


async def test_whoever_has_another_identifier_is_saved_with_it(
    client: Client, sandbox: Starlette
) -> None:
    sandbox.state.store.execute("DELETE FROM invoices WHERE customer_id = ?", MUELLER)
    before = row_of(sandbox, MUELLER)
    done = await deactivated(client, [MUELLER])
    [saved] = rows_in(done["backup_path"])
    assert saved["alternative_id.number"] == "DE123456788"
    assert_same(saved, before)


async def test_what_was_deleted_for_good_comes_back_from_the_file_as_it_was(
    client: Client, sandbox: Starlette, generation: str
) -> None:
    ids = crowd(sandbox, 3, **EXTRAS)
    before = [row_of(sandbox, one) for one in ids]
    done = await deactivated(client, ids)
    checked = await call(client, "validate_customers", source_path=done["backup_path"])
    assert "columns_ignored" not in checked
    if generation == "legacy":  # they keep the NIFs of the inactive
        assert checked["counts"]["duplicate"] == 3
        return
    made = await call(
        client, "create_customers", batch_id=checked["batch_id"], expected_count=len(ids)
    )
    for one, row in zip(made["created"], before, strict=True):
        after = row_of(sandbox, one["customer_id"])
        for name in ("id", "created_at", "updated_at", "deleted_at"):
            del after[name]
        assert after == {name: row[name] for name in after}


async def test_whoever_stays_is_not_in_the_file(client: Client, sandbox: Starlette) -> None:
    ids = crowd(sandbox, 4)
    bill(sandbox, ids[:1])
    done = await deactivated(client, ids)
    assert [saved["nif"] for saved in rows_in(done["backup_path"])] == [
        row_of(sandbox, one)["nif"] for one in ids[1:]
    ]


async def test_a_second_deletion_of_the_day_has_a_file_of_its_own(
    client: Client, sandbox: Starlette
) -> None:
    ids = crowd(sandbox, 2)
    paths = [(await deactivated(client, [one]))["backup_path"] for one in ids]
    for path, record_id in zip(paths, ids, strict=True):
        assert [row["nif"] for row in rows_in(path)] == [row_of(sandbox, record_id)["nif"]]


async def test_marking_as_inactive_saves_nothing(
    client: Client, sandbox: Starlette, settings: Settings
) -> None:
    done = await deactivated(client, crowd(sandbox, 2), "inactive")
    assert done["status"] == "done"
    assert "backup_path" not in done
    assert list(settings.files_dir.iterdir()) == []


@pytest.mark.parametrize("count", [1, 2, 101])
async def test_where_no_file_can_be_saved_nothing_is_sent(
    connect: Connect, sandbox: Starlette, tmp_path: Path, count: int
) -> None:
    (tmp_path / "in the way").write_text("a file")
    ids = crowd(sandbox, count)
    async with connect(files_dir=tmp_path / "in the way" / "files") as client:
        plan = await planned(client, ids)
        refused = await call(client, "confirm_plan", **plan)
        assert refused["code"] == "folder_unusable"
        assert refused["changed"] == "nothing"
        again = await call(client, "confirm_plan", **plan)
        assert again["replayed"] is True
        assert again["counts"]["not_attempted"] == count
        assert "folder_unusable" in again["detail"]
        record = await call(client, "check_operation", operation_id=again["operation_id"])
        assert record["detail"] == again["detail"]
        assert {row["outcome"] for row in record["rows"]} == {"not_attempted"}
        assert record["detail"].endswith("for what is not_attempted.")
    assert guarded_requests(sandbox) == []
    assert effects(sandbox) == []
