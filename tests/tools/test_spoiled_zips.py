"""download_invoices_zip when BeeL's ZIPs are not what they should be: nothing wrong gets in."""

import csv
import io
import zipfile
from base64 import b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from starlette.applications import Starlette

from beel_mcp.context import Timing
from beel_mcp.sandbox.seed import invoice_id
from beel_mcp.settings import Settings
from tests.conftest import Connect, FakeTime
from tests.support.invoices import Spoil, Spoiled, add_invoices, names_in, rezipped

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

IDS = [invoice_id(number) for number in (1, 2, 3, 22)]
REFUSED = (500, b'{"success": false, "error": {"code": "INTERNAL_ERROR", "message": "x"}}')


async def call(client: Client, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool("download_invoices_zip", arguments)
    structure = result.structured_content or {}
    assert not result.is_error, structure
    assert sum(structure["counts"].values()) == structure["requested"]
    return structure


@pytest.fixture
def fetch(connect: Connect, sandbox: Starlette, fake_time: FakeTime) -> Callable[..., Any]:
    """Ask for the same four invoices of a BeeL that spoils its ZIPs."""

    async def ask(
        spoil: Spoil,
        headers: dict[str, str] | None = None,
        ids: Sequence[str] = tuple(IDS),
        **arguments: Any,
    ) -> tuple[dict[str, Any], Spoiled]:
        app = Spoiled(sandbox, spoil, headers)
        timing = Timing(now=fake_time.now, sleep=fake_time.sleep)
        async with connect(app, timing=timing) as client:
            wanted = arguments or {"invoice_ids": ids}
            return await call(client, **wanted), app

    return ask


def everything_in(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def always(change: Callable[[bytes], Any]) -> Spoil:
    return lambda _, body: change(body)


def bomb(body: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(names_in(body)[0], b"%PDF-" + bytes(50_000_000))
    return made.getvalue()


def with_entry(name: str, content: bytes) -> Callable[[bytes], bytes]:
    def change(body: bytes) -> bytes:
        made = io.BytesIO(rezipped(body, lambda old: old))
        with zipfile.ZipFile(made, "a") as archive:
            archive.writestr(name, content)
        return made.getvalue()

    return change


def no_pdfs(body: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name in names_in(body):
            archive.writestr(name, b"<html>sign in</html>")
    return made.getvalue()


def flipped(body: bytes) -> bytes:
    place = body.index(b"factura") + 60
    return body[:place] + bytes([body[place] ^ 0xFF]) + body[place + 1 :]


BAD: dict[str, Callable[[bytes], Any]] = {
    "a page of HTML": lambda _: b"<html><body>Inicie sesi\xc3\xb3n</body></html>",
    "nothing at all": lambda _: b"",
    "the first half": lambda body: body[: len(body) // 2],
    "all but a byte": lambda body: body[:-1],
    "a byte more": lambda body: body + b"\0",
    "something before it": lambda body: b"#!/bin/sh\n" + body,
    "a bomb": bomb,
    "an entry too many": with_entry("factura_X.pdf", b"%PDF-1.4"),
    "pages of HTML in it": no_pdfs,
    "a bit flipped": flipped,
    "a server error": lambda _: REFUSED,
}


@pytest.mark.parametrize("kind", BAD)
async def test_nothing_of_a_bad_zip_is_used_and_every_invoice_is_accounted_for(
    fetch: Callable[..., Any], settings: Settings, kind: str
) -> None:
    answer, _ = await fetch(always(BAD[kind]))
    assert answer["status"] == "nothing_done"
    assert answer["counts"] == {"included": 0, "missing": 4, "not_attempted": 0}
    assert {one["reason"] for one in answer["missing"]} == {"unknown"}
    assert list(settings.files_dir.iterdir()) == []
    assert list((settings.state_dir / "packages").iterdir()) == []


@pytest.mark.parametrize("kind", [kind for kind in BAD if kind != "a server error"])
async def test_a_zip_that_was_bad_once_is_asked_for_again(
    fetch: Callable[..., Any], kind: str
) -> None:
    answer, _ = await fetch(lambda n, body: BAD[kind](body) if n == 1 else None)
    assert answer["status"] == "done"
    assert answer["counts"]["included"] == 4


async def test_entries_under_names_that_say_nothing_are_asked_for_one_by_one(
    fetch: Callable[..., Any],
) -> None:
    count = iter(range(100))
    answer, app = await fetch(
        always(lambda body: rezipped(body, lambda _: f"document-{next(count)}.pdf"))
    )
    assert answer["status"] == "done"
    assert [len(asked) for asked in app.asked] == [4, 1, 1, 1, 1]
    with zipfile.ZipFile(answer["path"]) as archive:
        rows = csv.DictReader(io.StringIO(archive.read("manifest.csv").decode("utf-8-sig")))
        for row in rows:
            assert row["number"].encode() in archive.read(row["file"])


async def test_entries_named_after_each_others_paths_stay_inside_the_package(
    fetch: Callable[..., Any], settings: Settings, tmp_path: Path
) -> None:
    before = everything_in(tmp_path)
    answer, _ = await fetch(
        always(lambda body: rezipped(body, lambda name: f"../../../../{tmp_path}/{name}"))
    )
    assert answer["status"] == "done"
    with zipfile.ZipFile(answer["path"]) as archive:
        assert not [name for name in archive.namelist() if ".." in name or "/" in name]
    added = everything_in(tmp_path) - before
    assert {path.relative_to(tmp_path).parts[0] for path in added} <= {"files", "state"}
    assert [path for path in added if path.suffix == ".pdf"] == []
    assert [Path(answer["path"])] == list(settings.files_dir.iterdir())


async def test_another_invoice_in_place_of_one_is_not_taken_for_it(
    fetch: Callable[..., Any],
) -> None:
    """The number of the first ends in that of the second."""

    def swapped(_: int, body: bytes) -> bytes | None:
        if len(names_in(body)) == 1:
            return None
        return rezipped(body, lambda name: name.replace("F26-0001", "X-F26-0001"))

    answer, app = await fetch(swapped)
    assert answer["status"] == "done"
    assert ["factura_F26-0001.pdf"] in app.asked


@pytest.mark.parametrize(
    "name",
    [
        "factura_F26-0001.pdf",
        "F26 0001.PDF",
        "folder/invoice_f26-0001.pdf",
        f"{IDS[0]}.pdf",
        "factura_11111111-2222-4333-8444-555555555555.pdf",
    ],
)
async def test_the_pdf_of_another_invoice_in_a_zip_of_one_is_refused(
    fetch: Callable[..., Any], settings: Settings, name: str
) -> None:
    """Asked for the second alone, BeeL sends the first one's, which was never asked for."""
    answer, _ = await fetch(always(lambda body: rezipped(body, lambda _: name)), None, ids=IDS[1:2])
    assert answer["status"] == "nothing_done"
    assert [one["reason"] for one in answer["missing"]] == ["another_invoice"]
    assert list(settings.files_dir.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["document.pdf", "document-7.pdf", "A99-0001.pdf", "descarga (2).pdf"]
)
async def test_a_name_that_is_no_invoices_number_says_nothing(
    fetch: Callable[..., Any], name: str
) -> None:
    answer, _ = await fetch(always(lambda body: rezipped(body, lambda _: name)), None, ids=IDS[1:2])
    assert answer["status"] == "done"


async def test_the_same_bytes_for_two_invoices_are_refused_for_the_second(
    fetch: Callable[..., Any],
) -> None:
    def same(_: int, body: bytes) -> bytes:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            for name in names_in(body):
                is_doubled = name.endswith(("F26-0001.pdf", "F26-0002.pdf"))
                archive.writestr(name, "%PDF-1.4 " + ("the same" if is_doubled else name))
        return made.getvalue()

    answer, _ = await fetch(same)
    assert answer["status"] == "partial"
    reasons = [one["reason"] for one in answer["missing"]]
    assert reasons.count("another_invoice") == 1
    with zipfile.ZipFile(answer["path"]) as archive:
        pdfs = [archive.read(name) for name in archive.namelist() if name.endswith(".pdf")]
        manifest = archive.read("manifest.csv").decode("utf-8-sig")
    assert pdfs.count(b"%PDF-1.4 the same") == 1
    assert "BeeL sent the PDF of another invoice" in manifest


async def test_an_entry_that_is_left_out_without_a_word_is_asked_for_alone(
    fetch: Callable[..., Any],
) -> None:
    def without_one(_: int, body: bytes) -> bytes | None:
        if len(names_in(body)) == 1:
            return None
        return rezipped(body, lambda name: None if "0002" in name else name)

    answer, app = await fetch(without_one)
    assert answer["status"] == "done"
    assert answer["counters_mismatch"] is True
    assert app.asked[-1] == ["factura_F26-0002.pdf"]


@pytest.mark.parametrize(
    "headers",
    [
        {"x-bulk-total": "4", "x-bulk-successful": "9", "x-bulk-failed": "0"},
        {"x-bulk-successful": "3", "x-bulk-failed": "1"},
        {"x-bulk-total": "40"},
        {
            "x-bulk-failures": b64encode(
                b'[{"invoice_id": "' + IDS[0].encode() + b'", "error_code": "NOT_FOUND"}]'
            ).decode()
        },
    ],
)
async def test_headers_that_lie_change_nothing_but_are_told(
    fetch: Callable[..., Any], headers: dict[str, str]
) -> None:
    answer, _ = await fetch(always(lambda _: None), headers)
    assert answer["counts"]["included"] == 4
    assert answer["counters_mismatch"] is True


@pytest.mark.parametrize(
    "headers",
    [
        {"x-bulk-failures": "not base64"},
        {"x-bulk-failures": "A" * 100_000},
        {"x-bulk-total": "-1", "x-bulk-failed": "1e9"},
        {},
    ],
)
async def test_headers_that_say_nothing_are_passed_over(
    fetch: Callable[..., Any], headers: dict[str, str]
) -> None:
    answer, _ = await fetch(always(lambda _: None), headers)
    assert answer["status"] == "done"
    assert "counters_mismatch" not in answer


async def test_one_bad_chunk_among_good_ones_costs_only_its_own(
    connect: Connect, sandbox: Starlette, fake_time: FakeTime
) -> None:
    ids = add_invoices(sandbox, 60)
    app = Spoiled(sandbox, lambda _, body: b"junk" if b"L26-1005" in body else None)
    timing = Timing(now=fake_time.now, sleep=fake_time.sleep)
    async with connect(app, timing=timing, routes="flat") as client:
        answer = await call(client, invoice_ids=ids)
    assert answer["counts"] == {"included": 50, "missing": 10, "not_attempted": 0}
    assert len(answer["missing"]) + answer["more_missing"] == 10
