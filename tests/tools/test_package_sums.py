"""download_invoices_zip: what it adds up, and what it says of a PDF that is missing."""

import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.cli import main
from beel_mcp.context import Timing
from beel_mcp.files.failed_pdfs import FAILED_PDFS
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import invoice_id
from beel_mcp.settings import Settings
from tests.conftest import Connect, FakeTime
from tests.support.invoices import add_invoices, make_firm
from tests.test_laws import count_tokens

pytestmark = pytest.mark.anyio

Q3 = {"quarter": "2026-Q3"}
NOT_READY = invoice_id(28)


@pytest.fixture(params=[("current", "company"), ("current", "flat"), ("legacy", "flat")])
async def firm(request: pytest.FixtureRequest, connect: Connect) -> AsyncIterator[Client]:
    """A firm with 131 invoices; of every fifth BeeL has no PDF yet."""
    generation, routes = request.param
    app = create_app(SandboxOptions(generation=generation))
    make_firm(app)
    app.state.store.execute("UPDATE invoices SET pdf_ready = 0 WHERE number % 5 = 0")
    async with connect(app, routes=routes) as opened:
        yield opened


async def call(client: Client, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool("download_invoices_zip", arguments)
    assert not result.is_error, result.structured_content
    return {**(result.structured_content or {}), "text": result.content[0].text}  # type: ignore[union-attr]


def total(amounts: Any) -> Decimal:
    return sum(map(Decimal, amounts), Decimal())


def rows_of(answer: dict[str, Any]) -> list[dict[str, str]]:
    with zipfile.ZipFile(Path(answer["path"])) as archive:
        text = archive.read("manifest.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def test_the_sums_are_the_quarters_and_those_of_the_pdfs_and_the_missing_make_them(
    firm: Client,
) -> None:
    answer = await call(firm, quarter="2026-Q3")
    asked = await firm.call_tool("find_invoices", {"quarter": "2026-Q3", "group_by": "status"})
    invoiced = (asked.structured_content or {})["sums"]["invoiced"]
    assert answer["invoiced"] == invoiced
    assert total(answer["sums"].values()) == Decimal(invoiced["total"])
    missing = [one for one in answer["missing"] if one["status"] != "VOIDED"]
    assert missing
    assert "more_missing" not in answer
    parts = total(answer["included_sums"].values()), total(one["amount"] for one in missing)
    assert sum(parts) == Decimal(invoiced["total"])
    assert (
        f"Of this, {parts[0]:.2f} EUR are in the ZIP and {parts[1]:.2f} EUR are missing."
        in answer["text"]
    )
    assert f"Invoiced, of all that was requested: {invoiced['total']} EUR (" in answer["text"]


async def test_voided_invoices_are_in_the_zip_and_in_no_sum(firm: Client) -> None:
    answer = await call(firm, quarter="2026-Q3")
    rows = rows_of(answer)
    assert answer["not_invoiced"].keys() == {"VOIDED"}
    assert "VOIDED" not in answer["sums"].keys() | answer["included_sums"].keys()
    assert total(row["total"] for row in rows if row["status"] == "void") == Decimal(
        answer["not_invoiced"]["VOIDED"]
    )
    assert f"in none of these sums: VOIDED {answer['not_invoiced']['VOIDED']}." in answer["text"]


async def test_the_manifest_adds_up_to_every_sum_that_is_told(firm: Client) -> None:
    answer = await call(firm, quarter="2026-Q3")
    counted = [row for row in rows_of(answer) if row["status"] != "void"]
    assert len(counted) == answer["invoiced"]["count"]
    assert total(row["total"] for row in counted) == Decimal(answer["invoiced"]["total"])
    with_pdf = [row["total"] for row in counted if row["file"]]
    assert total(with_pdf) == total(answer["included_sums"].values())
    for kind in ("base", "tax"):
        cells = [value for row in counted for name, value in row.items() if name.startswith(kind)]
        assert total(filter(None, cells)) == Decimal(answer["invoiced"][kind])


async def test_a_second_failure_is_not_told_to_try_a_third_time(
    connect: Connect, sandbox: Starlette, fake_time: FakeTime
) -> None:
    timing = Timing(now=fake_time.now, sleep=fake_time.sleep)
    remedies = []
    for _ in range(3):
        async with connect(timing=timing) as client:  # after a restart, too
            [missing] = (await call(client, **Q3))["missing"]
        assert (missing["invoice_id"], missing["reason"]) == (NOT_READY, "pdf_not_ready")
        remedies.append(missing["remedy"])
        await fake_time.sleep(timedelta(days=1).total_seconds())
    assert remedies[0] == "BeeL is making its PDF: make the same call again in 30 s."
    assert remedies[1] == remedies[2]
    assert "by hand in BeeL" in remedies[1]
    assert "ask for it" not in remedies[1]


async def test_what_came_meanwhile_or_failed_long_ago_has_its_first_try_again(
    connect: Connect, sandbox: Starlette, fake_time: FakeTime
) -> None:
    async def remedy(client: Client, *, is_ready: bool) -> str | None:
        sandbox.state.store.execute(
            "UPDATE invoices SET pdf_ready = ? WHERE id = ?", int(is_ready), NOT_READY
        )
        missing = (await call(client, **Q3)).get("missing") or [{}]
        return missing[0].get("remedy")

    async with connect(timing=Timing(now=fake_time.now, sleep=fake_time.sleep)) as client:
        first = await remedy(client, is_ready=False)
        assert await remedy(client, is_ready=True) is None
        assert await remedy(client, is_ready=False) == first
        await fake_time.sleep(timedelta(days=31).total_seconds())
        assert await remedy(client, is_ready=False) == first


async def test_what_failed_is_kept_without_a_name_and_a_spoiled_note_is_no_obstacle(
    client: Client, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    await call(client, **Q3)
    note = settings.state_dir / FAILED_PDFS
    [failures] = json.loads(note.read_text()).values()
    assert list(failures) == [NOT_READY]
    assert note.stat().st_mode & 0o777 == 0o600
    for spoiled in ("[1]", "{", '{"a": 7}', '{"a": {"b": "c"}}'):
        note.write_text(spoiled)
        [missing] = (await call(client, **Q3))["missing"]
        assert "same call again" in missing["remedy"]


def test_purge_forgets_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BEEL_STATE_DIR", str(tmp_path))
    note = tmp_path / FAILED_PDFS
    note.write_text("{}")
    assert main(["purge"]) == 0
    assert not note.exists()


async def test_each_kind_of_what_is_missing_has_a_remedy_that_fits_it(client: Client) -> None:
    draft, scheduled, proforma = invoice_id(16), invoice_id(15), invoice_id(20)
    nobody = "deadbeef-0000-4000-8000-000000000001"
    answer = await call(client, invoice_ids=[draft, scheduled, proforma, nobody])
    missing = {one["invoice_id"]: one for one in answer["missing"]}
    assert "before the person issues it" in missing[draft]["remedy"]
    assert "by itself on its date" in missing[scheduled]["remedy"]
    assert "A proforma is no invoice" in missing[proforma]["remedy"]
    assert "find_invoices" in missing[nobody]["remedy"]
    assert "amount" not in missing[nobody]
    assert answer["invoiced"]["total"] == "0.00"
    assert answer["not_invoiced"] == {
        "DRAFT": missing[draft]["amount"],
        "SCHEDULED": missing[scheduled]["amount"],
        "PROFORMA": missing[proforma]["amount"],
    }


async def test_many_that_are_missing_are_told_shortly_with_their_amounts(
    connect: Connect, sandbox: Starlette
) -> None:
    add_invoices(sandbox, 40, pdf_ready=0)
    async with connect() as client:
        for _ in range(2):
            answer = await call(client, **Q3)
    text = answer.pop("text")
    assert len(text) <= 1_500
    assert count_tokens(json.dumps(answer, ensure_ascii=False)) <= 1_000
    assert answer["more_missing"] == 41 - len(answer["missing"])
    assert all(one["amount"] in text for one in answer["missing"])
    assert text.count("by hand in BeeL") == 1
    assert "more missing: manifest.csv names them." in text
