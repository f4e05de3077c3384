"""download_invoices_zip, through the client, on the sandbox: what is in the file, what is not."""

import csv
import hashlib
import io
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.seed import customer_id, invoice_id
from beel_mcp.settings import Settings
from tests.conftest import TEST_KEY, Connect, FakeTime
from tests.support.invoices import add_invoices

pytestmark = pytest.mark.anyio

TOOL = "download_invoices_zip"
Q3 = {"quarter": "2026-Q3"}
NOT_READY = invoice_id(28)
ISSUED_IN_Q3 = 7


@pytest.fixture(params=[("current", "company"), ("current", "flat"), ("legacy", "flat")])
def beel(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Both generations of BeeL, both families of routes."""
    return request.param


@pytest.fixture
async def any_client(connect: Connect, beel: tuple[str, str]) -> AsyncIterator[Client]:
    generation, routes = beel
    async with connect(create_app(SandboxOptions(generation=generation)), routes=routes) as opened:
        yield opened


async def call(client: Client, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(TOOL, arguments)
    structure = result.structured_content or {}
    assert bool(result.is_error) == (structure["status"] == "error"), structure
    if "counts" in structure:
        assert sum(structure["counts"].values()) == structure["requested"]
    return structure


def opened(answer: dict[str, Any]) -> zipfile.ZipFile:
    path = Path(answer["path"])
    data = path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == answer["sha256"]
    assert len(data) == answer["size_bytes"]
    return zipfile.ZipFile(io.BytesIO(data))


def manifest(archive: zipfile.ZipFile) -> list[dict[str, str]]:
    text = archive.read("manifest.csv").decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def left_in(settings: Settings) -> list[Path]:
    packages = settings.state_dir / "packages"
    return list(packages.iterdir()) if packages.exists() else []


async def test_a_quarter_comes_as_one_zip_and_what_lacks_a_pdf_is_named(
    any_client: Client, settings: Settings
) -> None:
    answer = await call(any_client, **Q3)
    assert answer["status"] == "partial"
    assert answer["counts"] == {
        "included": ISSUED_IN_Q3 - 1,
        "missing": 1,
        "not_attempted": 0,
    }
    [missing] = answer["missing"]
    assert (missing["invoice_id"], missing["number"]) == (NOT_READY, "T26-0005")
    assert missing["reason"] == "pdf_not_ready"
    assert missing["remedy"]
    assert answer["drafts_left_out"] == 1
    assert Path(answer["path"]) == settings.files_dir / "facturas-2026-T3.zip"
    with opened(answer) as archive:
        names = archive.namelist()
        assert names[0] == "manifest.csv"
        assert "2026-07-14 T26-0003 Müller Werkzeugbau GmbH.pdf" in names
        assert len(names) == 1 + answer["counts"]["included"]
        assert all(archive.read(name).startswith(b"%PDF-") for name in names[1:])
    assert left_in(settings) == []


async def test_the_manifest_adds_up_to_the_answer_and_each_row_to_its_total(
    any_client: Client,
) -> None:
    answer = await call(any_client, quarter="2026-Q2", status=["PAID", "SENT", "VOIDED"])
    with opened(answer) as archive:
        rows = manifest(archive)
        sums: dict[str, Decimal] = {}
        for row in rows:
            parts = [
                Decimal(value)
                for name, value in row.items()
                if name.startswith(("base ", "tax ")) and value
            ]
            assert sum(parts) - Decimal(row["withholding"]) == Decimal(row["total"])
            sums[row["status"]] = sums.get(row["status"], Decimal()) + Decimal(row["total"])
            assert hashlib.sha256(archive.read(row["file"])).hexdigest() == row["sha256"]
    words = {"paid": "PAID", "sent": "SENT", "void": "VOIDED"}
    told = answer["sums"] | answer["not_invoiced"]
    assert told == {words[word]: f"{total:.2f}" for word, total in sums.items()}
    assert [row["date"] for row in rows] == sorted(row["date"] for row in rows)


async def test_a_rectifying_invoice_names_the_one_it_rectifies_even_from_another_quarter(
    any_client: Client,
) -> None:
    answer = await call(any_client, invoice_ids=[invoice_id(5), invoice_id(27), invoice_id(26)])
    with opened(answer) as archive:
        rectifies = {row["number"]: (row["type"], row["rectifies"]) for row in manifest(archive)}
    assert rectifies == {
        "R26-0001": ("rectifying", "F26-0004"),
        "R26-0002": ("rectifying", "T26-0004"),
        "T26-0004": ("standard", ""),
    }


async def test_in_spanish_the_manifest_has_semicolons_commas_and_spanish_words(
    connect: Connect,
) -> None:
    async with connect(language="es") as client:
        answer = await call(client, **Q3)
    with opened(answer) as archive:
        raw = archive.read("manifest.csv")
    assert raw.startswith(b"\xef\xbb\xbffecha;n\xc3\xbamero;tipo;rectifica a;cliente;NIF;")
    assert "14/07/2026;T26-0003;ordinaria;;Müller Werkzeugbau GmbH;" in raw.decode("utf-8-sig")
    assert ";2150,00;emitida;" in raw.decode("utf-8-sig")


async def test_every_id_is_included_or_missing_with_its_reason(any_client: Client) -> None:
    unknown = "deadbeef-0000-4000-8000-000000000001"
    ids = [invoice_id(1), invoice_id(16), unknown, NOT_READY, "not-an-id", invoice_id(15)]
    answer = await call(any_client, invoice_ids=ids)
    reasons = {one["invoice_id"]: one["reason"] for one in answer["missing"]}
    assert reasons == {
        invoice_id(16): "draft",
        invoice_id(15): "draft",
        unknown: "not_found",
        "not-an-id": "not_found",
        NOT_READY: "pdf_not_ready",
    }
    assert answer["counts"] == {"included": 1, "missing": 5, "not_attempted": 0}
    with opened(answer) as archive:
        rows = manifest(archive)
    assert len(rows) == 6
    assert [row["number"] for row in rows if row["missing because"] == "not found in BeeL"] == [
        unknown,
        "not-an-id",
    ]


async def test_an_id_that_stands_there_twice_is_one_invoice(any_client: Client) -> None:
    answer = await call(any_client, invoice_ids=[invoice_id(1), invoice_id(1).upper()])
    assert answer["requested"] == answer["counts"]["included"] == 1
    with opened(answer) as archive:
        assert len(archive.namelist()) == 2


async def test_many_ids_are_looked_up_through_lists_and_not_one_by_one(
    connect: Connect, sandbox: Starlette
) -> None:
    ids = add_invoices(sandbox, 250)
    async with connect() as client:
        answer = await call(client, invoice_ids=ids)
    assert answer["counts"]["included"] == 250
    requests = sandbox.state.store.requests()
    assert not [one for one in requests if one["path"].rpartition("/")[2].startswith("f0000")]
    assert len([one for one in requests if one["path"].endswith("pdf-archive")]) == 3


async def test_only_drafts_are_no_file_but_an_answer_that_says_why(
    any_client: Client, settings: Settings
) -> None:
    answer = await call(any_client, status=["DRAFT"])
    assert answer["status"] == "nothing_done"
    assert answer["counts"] == {"included": 0, "missing": 3, "not_attempted": 0}
    assert {one["reason"] for one in answer["missing"]} == {"draft"}
    assert "path" not in answer
    assert list(settings.files_dir.iterdir()) == []
    assert left_in(settings) == []


async def test_an_empty_quarter_is_no_file_and_no_error(client: Client) -> None:
    answer = await call(client, quarter="2019-Q1")
    assert answer["status"] == "nothing_done"
    assert answer["summary"] == "No file was saved: no invoices match."
    assert answer["requested"] == 0


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({}, None),
        ({"invoice_ids": []}, None),
        ({"invoice_ids": [invoice_id(1)], **Q3}, None),
        ({**Q3, "date_from": "2026-07-01"}, None),
        ({"quarter": "2026-Q5"}, "quarter"),
        ({"date_from": "tomorrow"}, "date_from"),
        ({"date_from": "2026-08-01", "date_to": "2026-07-01"}, "date_from"),
        ({"invoice_ids": [f"id-{n}" for n in range(2_001)]}, "invoice_ids"),
        ({**Q3, "status": ["LOST"]}, "status.0"),
        ({**Q3, "file_name": "../x.zip"}, "file_name"),
        ({**Q3, "file_name": "a/b.zip"}, "file_name"),
        ({**Q3, "file_name": "C:x.zip"}, "file_name"),
        ({**Q3, "file_name": "con.zip"}, "file_name"),
        ({"resume": "pkg_0123456789abcdef", **Q3}, None),
    ],
)
async def test_what_cannot_be_meant_is_refused_before_beel_is_asked(
    client: Client, sandbox: Starlette, arguments: dict[str, Any], field: str | None
) -> None:
    answer = await call(client, **arguments)
    assert answer["code"] == "invalid_arguments"
    if field:
        assert answer["field_errors"][0]["field"] == field
    assert sandbox.state.store.requests() == []


async def test_more_than_2000_are_refused_with_what_narrows_them(
    connect: Connect, sandbox: Starlette
) -> None:
    add_invoices(sandbox, 2_001)
    async with connect() as client:
        answer = await call(client, **Q3)
    assert answer["code"] == "too_many_invoices"
    assert "2000" in answer["message"]


async def test_months_are_folders_when_asked_for(client: Client) -> None:
    answer = await call(client, **Q3, month_folders=True)
    with opened(answer) as archive:
        folders = {name.split("/")[0] for name in archive.namelist()[1:]}
        files = [row["file"] for row in manifest(archive) if row["file"]]
        assert set(files) == set(archive.namelist()[1:])
    assert folders == {"2026-07", "2026-08", "2026-09"}


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (Q3, "facturas-2026-T3.zip"),
        ({"date_from": "2026-07-01", "date_to": "2026-09-30"}, "facturas-2026-T3.zip"),
        ({"date_from": "2026-01-01", "date_to": "2026-12-31"}, "facturas-2026-01-01-2026-12-31"),
        ({"date_from": "2026-07-02"}, "facturas-desde-2026-07-02.zip"),
        ({"date_to": "2026-07-02"}, "facturas-hasta-2026-07-02.zip"),
        ({"customer_id": customer_id(1)}, "facturas-20"),
        ({**Q3, "file_name": "Para la gestoría"}, "Para la gestoría.zip"),
        ({**Q3, "file_name": "T3.ZIP"}, "T3.ZIP"),
    ],
)
async def test_the_file_is_named_after_what_is_in_it_unless_a_name_is_given(
    client: Client, arguments: dict[str, Any], name: str
) -> None:
    answer = await call(client, **arguments)
    assert Path(answer["path"]).name.startswith(name)


async def test_a_customers_invoices_are_only_that_customers(any_client: Client) -> None:
    answer = await call(any_client, customer_id=customer_id(2))
    with opened(answer) as archive:
        assert {row["customer"] for row in manifest(archive)} == {"Ferretería La Llave SL"}


async def test_the_same_invoices_give_the_same_bytes_and_never_replace_a_file(
    client: Client, settings: Settings
) -> None:
    first, second, third = [await call(client, **Q3) for _ in range(3)]
    assert first["sha256"] == second["sha256"] == third["sha256"]
    assert sorted(path.name for path in settings.files_dir.iterdir()) == [
        "facturas-2026-T3 (2).zip",
        "facturas-2026-T3 (3).zip",
        "facturas-2026-T3.zip",
    ]


async def test_the_file_is_linked_and_nobody_elses_to_read(
    client: Client,
) -> None:
    result = await client.call_tool(TOOL, Q3)
    text, link = result.content
    assert text.type == "text"
    assert link.type == "resource_link"
    structure = result.structured_content or {}
    assert str(link.uri) == structure["uri"] == f"beel://files/{Path(structure['path']).name}"
    assert structure["path"] in text.text
    assert (await anyio.Path(structure["path"]).stat()).st_mode & 0o777 == 0o600


async def test_a_hostile_customer_name_neither_leaves_the_zip_nor_runs_in_a_spreadsheet(
    connect: Connect, sandbox: Starlette
) -> None:
    name = "=cmd|' /C calc'!A0/../..\\con\u202egpj.exe"
    sandbox.state.store.execute(
        "UPDATE customers SET legal_name = ? WHERE id = ?", name, customer_id(7)
    )
    async with connect() as client:
        answer = await call(client, invoice_ids=[invoice_id(25)])
    with opened(answer) as archive:
        [_, entry] = archive.namelist()
        [row] = manifest(archive)
    assert not set('/\\|:<>"?*\u202e') & set(entry)
    assert entry.startswith("2026-07-14 T26-0003 =cmd-")
    assert row["customer"].startswith("'=cmd")


async def test_two_invoices_of_one_number_and_customer_get_two_names(
    connect: Connect, sandbox: Starlette
) -> None:
    store = sandbox.state.store
    store.execute("UPDATE invoices SET issue_date = '2026-01-15' WHERE id = ?", invoice_id(9))
    store.execute("UPDATE invoices SET number = 901, series = 'X' WHERE id = ?", invoice_id(9))
    store.execute("UPDATE invoices SET invoice_number = 'F26 0001' WHERE id = ?", invoice_id(9))
    store.execute("UPDATE invoices SET invoice_number = 'F26:0001' WHERE id = ?", invoice_id(1))
    store.execute("UPDATE invoices SET invoice_number = 'F26?0001' WHERE id = ?", invoice_id(2))
    async with connect() as client:
        answer = await call(client, invoice_ids=[invoice_id(1), invoice_id(9), invoice_id(2)])
    with opened(answer) as archive:
        pdfs = {row["number"]: archive.read(row["file"]) for row in manifest(archive)}
    assert answer["counts"]["included"] == 3
    assert len(set(pdfs.values())) == 3


async def test_a_pack_of_chunks_tells_how_far_it_has_come(
    connect: Connect, sandbox: Starlette
) -> None:
    ids = add_invoices(sandbox, 50)
    told: list[tuple[float, str | None]] = []

    async def progress(done: float, _: float | None, message: str | None) -> None:
        told.append((done, message))

    async with connect(routes="flat") as client:
        await client.call_tool(TOOL, {"invoice_ids": ids}, progress_callback=progress)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
    assert "3 of 3 chunks" in [message for _, message in told]


class Impatient:
    """A BeeL at whose n-th ZIP an hour goes by."""

    def __init__(self, time: FakeTime, nth: int) -> None:
        self.time, self.nth, self.asked = time, nth, 0

    async def pause(self, operation: str, phase: str) -> None:
        if "pdf" in operation.lower() and phase == "after":
            self.asked += 1
            if self.asked == self.nth:
                await self.time.sleep(3_600)


@pytest.fixture
def slow(fake_time: FakeTime) -> tuple[Starlette, Timing]:
    impatient = Impatient(fake_time, nth=5)
    app = create_app(SandboxOptions(pause=impatient.pause))
    return app, Timing(now=fake_time.now, sleep=fake_time.sleep)


async def test_when_time_is_over_it_keeps_what_it_has_and_resume_goes_on(
    connect: Connect, slow: tuple[Starlette, Timing], settings: Settings
) -> None:
    app, timing = slow
    ids = add_invoices(app, 400)
    async with connect(app, timing=timing, routes="flat") as client:
        first = await call(client, invoice_ids=ids, file_name="todas", month_folders=True)
        assert first["status"] == "partial"
        assert 0 < first["counts"]["included"] < 400
        assert first["counts"]["missing"] == 0
        assert list(settings.files_dir.iterdir()) == []
        [step] = first["next"]
        assert step["arguments"] == {"resume": first["resume"]}
    async with connect(app, timing=timing, routes="flat") as client:  # after a restart, too
        before = len(app.state.store.requests())
        last = await call(client, **step["arguments"])
    assert last["status"] == "done"
    assert last["counts"] == {"included": 400, "missing": 0, "not_attempted": 0}
    assert Path(last["path"]).name == "todas.zip"
    asked = [one for one in app.state.store.requests()[before:] if "pdf" in one["path"]]
    assert len(asked) == (400 - first["counts"]["included"]) / 20
    assert left_in(settings) == []


@pytest.mark.slow
async def test_another_callers_or_another_companys_package_is_not_found(
    connect: Connect,
    slow: tuple[Starlette, Timing],
    sandbox: Starlette,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app, timing = slow
    ids = add_invoices(app, 400)
    async with connect(app, timing=timing, routes="flat") as client:
        handle = (await call(client, invoice_ids=ids))["resume"]
        monkeypatch.setattr("beel_mcp.usecases.invoice_zip.job.caller", lambda: "token:another")
        assert (await call(client, resume=handle))["code"] == "package_expired"
        monkeypatch.undo()
        second = create_app(SandboxOptions(companies=2))
        async with connect(
            second, company_id="c0000000-0000-4000-8000-000000000002", timing=timing
        ) as other:
            assert (await call(other, resume=handle))["code"] == "package_expired"
        assert (await call(client, resume=handle))["status"] == "done"


@pytest.mark.parametrize("page", ["selection", "results"])
async def test_a_package_that_another_version_kept_is_asked_for_again(
    connect: Connect, slow: tuple[Starlette, Timing], settings: Settings, page: str
) -> None:
    app, timing = slow
    async with connect(app, timing=timing, routes="flat") as client:
        handle = (await call(client, invoice_ids=add_invoices(app, 400)))["resume"]
        kept = settings.state_dir / "packages" / handle / f"{page}.json"
        kept.write_text('{"ids": 7, "results": 7}', encoding="utf-8")
        answer = await call(client, resume=handle)
    assert answer["code"] == "package_expired"


@pytest.mark.parametrize("handle", ["pkg_0123456789abcdef", "../..", "pkg_"])
async def test_a_handle_that_nobody_gave_is_not_found(client: Client, handle: str) -> None:
    assert (await call(client, resume=handle))["code"] == "package_expired"


async def test_a_rate_limit_pauses_the_package_and_says_how_long(connect: Connect) -> None:
    early = datetime(2026, 11, 20, 10, 0, 5, tzinfo=UTC)  # in a window of 60 s
    app = create_app(SandboxOptions(rate_limit=10, now=lambda: early))
    ids = add_invoices(app, 400)
    async with connect(app, routes="flat") as client:
        answer = await call(client, invoice_ids=ids)
    assert answer["status"] == "partial"
    assert answer["counts"]["included"] > 0
    assert answer["counts"]["not_attempted"] == 400 - answer["counts"]["included"]
    assert answer["retry_after_s"] > 30
    assert answer["next"][0]["arguments"] == {"resume": answer["resume"]}


async def test_a_size_that_beel_refuses_is_asked_for_in_halves(connect: Connect) -> None:
    app = create_app(SandboxOptions(zip_cap_bytes=3_000))
    async with connect(app) as client:
        answer = await call(client, quarter="2026-Q1")
    assert answer["status"] == "done"
    assert answer["counts"]["missing"] == 0
    sizes = [one["status"] for one in app.state.store.requests() if "pdf" in one["path"]]
    assert 413 in sizes


async def test_an_invoice_that_no_zip_can_hold_is_missing_and_the_others_are_there(
    connect: Connect,
) -> None:
    app = create_app(SandboxOptions(zip_cap_bytes=100))
    async with connect(app) as client:
        answer = await call(client, quarter="2026-Q1")
    assert answer["status"] == "nothing_done"
    assert {one["reason"] for one in answer["missing"]} == {"unknown"}


async def test_without_a_place_for_the_file_beel_is_not_asked_for_any_pdf(
    connect: Connect, sandbox: Starlette, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    (tmp_path / "elsewhere").mkdir()
    link.symlink_to(tmp_path / "elsewhere")
    async with connect(files_dir=link) as client:
        answer = await call(client, **Q3)
    assert answer["code"] == "folder_unusable"
    assert "BEEL_FILES_DIR" in answer["summary"] + str(answer)
    assert not [one for one in sandbox.state.store.requests() if "invoices" in one["path"]]
    assert list((tmp_path / "elsewhere").iterdir()) == []


async def test_a_key_without_the_scope_is_told_so_and_nothing_stays_behind(
    connect: Connect, settings: Settings
) -> None:
    app = create_app(SandboxOptions(scopes=("customers:read", "companies:read", "companies:list")))
    async with connect(app, sandbox=True) as client:
        answer = await call(client, **Q3)
    assert answer["status"] == "error"
    assert answer["code"] == "INSUFFICIENT_SCOPE"
    assert left_in(settings) == []
    assert TEST_KEY not in str(answer)
