"""PDFs that wait for the others: private, whole, held by one call, forgotten after a day."""

import errno
import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from beel_mcp.errors import OperatorError
from beel_mcp.files import staging as module
from beel_mcp.files.staging import HANDLE, STAGING_TTL, Staging, forget_old, purge_packages

NOW = datetime.now(UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state" / "packages"


def everything(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


def test_what_is_kept_comes_back_after_a_restart(folder: Path) -> None:
    first = Staging.new(folder)
    first.save("request", b"{}")
    assert first.add(7, [b"%PDF-", b"abc"]) == (hashlib.sha256(b"%PDF-abc").hexdigest(), 8)
    again = Staging.find(folder, first.handle)
    assert again is not None
    assert again.load("request") == b"{}"
    assert again.load("outcomes") == b""
    assert b"".join(again.read(7)) == b"%PDF-abc"
    assert (again.size(7), again.size(8)) == (8, None)


def test_nobody_else_can_look_into_it(folder: Path) -> None:
    staging = Staging.new(folder)
    staging.save("request", b"{}")
    staging.add(1, [b"%PDF-"])
    with staging.held():
        for path in [folder, *folder.rglob("*")]:
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_package_is_held_by_one_call_at_a_time(folder: Path) -> None:
    staging = Staging.new(folder)
    other = Staging.find(folder, staging.handle)
    assert other is not None
    with staging.held() as is_ours:
        assert is_ours
        with other.held() as is_theirs:
            assert not is_theirs
    with other.held() as is_theirs:
        assert is_theirs


@pytest.mark.parametrize(
    "handle", ["", ".", "..", "pkg_", "../../etc", "pkg_0123456789abcde/", "pkg_" + "a" * 17, "x"]
)
def test_a_handle_that_is_none_finds_nothing_even_where_there_is_something(
    folder: Path, handle: str
) -> None:
    Staging.new(folder)
    assert Staging.find(folder, handle) is None


def test_handles_are_new_and_of_the_shape_that_is_looked_for(folder: Path) -> None:
    handles = {Staging.new(folder).handle for _ in range(50)}
    assert len(handles) == 50
    assert all(HANDLE.fullmatch(handle) for handle in handles)


def test_an_answer_has_no_name_on_the_disk_and_is_gone_when_closed(folder: Path) -> None:
    staging = Staging.new(folder)
    with staging.temporary() as file:
        file.write(b"PK")
        file.seek(0)
        assert file.read() == b"PK"
        assert everything(folder) == []


def test_a_pdf_that_breaks_off_can_be_added_again(folder: Path) -> None:
    staging = Staging.new(folder)

    def broken() -> Iterator[bytes]:
        yield b"%PDF-"
        raise EOFError

    with pytest.raises(EOFError):
        staging.add(1, broken())
    staging.add(1, [b"%PDF-2"])
    assert b"".join(staging.read(1)) == b"%PDF-2"


def test_a_page_is_replaced_whole_or_not_at_all(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = Staging.new(folder)
    staging.save("outcomes", b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "a word of the system")

    with monkeypatch.context() as patched:
        patched.setattr(module.Path, "replace", full)
        with pytest.raises(OperatorError) as caught:
            staging.save("outcomes", b"new")
    assert caught.value.code == "disk_full"
    assert staging.load("outcomes") == b"old"


@pytest.mark.parametrize("act", ["new", "save", "add", "temporary", "held"])
def test_a_disk_that_refuses_is_the_operators_to_mend(
    folder: Path, act: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = Staging.new(folder)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "a word of the system")

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(module.Path, "mkdir", refuse)
    acts = {
        "new": lambda: Staging.new(folder),
        "save": lambda: staging.save("request", b""),
        "add": lambda: staging.add(1, [b""]),
        "temporary": staging.temporary,
        "held": lambda: staging.held().__enter__(),
    }
    with pytest.raises(OperatorError) as caught:
        acts[act]()
    assert caught.value.code == "folder_unusable"
    assert "a word of the system" not in caught.value.message


def test_what_nobody_went_on_with_for_a_day_is_forgotten_and_nothing_else(folder: Path) -> None:
    old, young = Staging.new(folder), Staging.new(folder)
    old.add(1, [b"%PDF-"])
    (folder / "notes").mkdir()
    long_ago = (NOW - STAGING_TTL - timedelta(hours=1)).timestamp()
    for path in (folder / old.handle, folder / "notes"):
        os.utime(path, (long_ago, long_ago))
    forget_old(folder, NOW)
    assert sorted(path.name for path in folder.iterdir()) == sorted([young.handle, "notes"])


def test_a_purge_drops_every_package_and_counts_them(folder: Path) -> None:
    assert purge_packages(folder) == 0
    for _ in range(3):
        Staging.new(folder).add(1, [b"%PDF-"])
    assert purge_packages(folder) == 3
    assert list(folder.iterdir()) == []


def test_forgetting_where_there_is_nothing_is_no_error(folder: Path) -> None:
    forget_old(folder, NOW)
    assert not folder.exists()
