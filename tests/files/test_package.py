"""The package: our names, our order, the same bytes for the same invoices, flat memory."""

import hashlib
import random
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from beel_mcp.files.invoice_package import Member, save_package

DAY = date(2026, 7, 14)


def members(count: int = 3, size: int = 10) -> list[Member]:
    def pieces(number: int) -> Iterator[bytes]:
        chance = random.Random(number)
        for start in range(0, size, 65_536):
            yield chance.randbytes(min(65_536, size - start))

    return [Member(f"2026-07/ñ {n}.pdf", DAY, size, pieces(n)) for n in range(count)]


def test_the_manifest_comes_first_and_every_member_is_whole(tmp_path: Path) -> None:
    saved = save_package(tmp_path, "a.zip", members(), b"manifest")
    with zipfile.ZipFile(saved.path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["manifest.csv", *(f"2026-07/ñ {n}.pdf" for n in range(3))]
        assert archive.read("manifest.csv") == b"manifest"
        assert [len(archive.read(name)) for name in archive.namelist()[1:]] == [10, 10, 10]
        for entry in archive.infolist()[1:]:
            assert entry.date_time[:3] == (2026, 7, 14)
            assert entry.external_attr >> 16 == 0o100644
    data = saved.path.read_bytes()
    assert (saved.size_bytes, saved.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_the_same_members_give_the_same_bytes_whenever_and_under_whatever_name(
    tmp_path: Path,
) -> None:
    first = save_package(tmp_path, "a.zip", members(), b"manifest")
    other = save_package(tmp_path / "x", "b.zip", members(), b"manifest")
    assert first.sha256 == other.sha256


@pytest.mark.parametrize("year", [1, 1979, 1980, 2107, 2108, 9999])
def test_a_day_that_no_zip_can_name_is_the_nearest_that_it_can(tmp_path: Path, year: int) -> None:
    member = Member("a.pdf", date(year, 2, 3), 1, iter([b"x"]))
    saved = save_package(tmp_path, "a.zip", [member], b"")
    with zipfile.ZipFile(saved.path) as archive:
        assert archive.getinfo("a.pdf").date_time[0] == min(max(year, 1980), 2107)


def test_memory_stays_flat_however_much_there_is(tmp_path: Path) -> None:
    save_package(tmp_path, "warm.zip", members(1), b"")
    tracemalloc.start()
    try:
        saved = save_package(tmp_path, "a.zip", members(40, 1_000_000), b"")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert saved.size_bytes > 40_000_000
    assert peak < 2_000_000
