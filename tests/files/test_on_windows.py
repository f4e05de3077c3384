"""Files where folders have no descriptors: what Windows allows and refuses is what is relied on."""

import os
import stat
import sys
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from beel_mcp.errors import CallerError, OperatorError
from beel_mcp.files import import_file
from beel_mcp.files.import_file import read_import_file
from beel_mcp.files.output import new_file, save_file
from beel_mcp.files.safe_dir import SafeDir, check_folder, open_dir
from beel_mcp.files.staging import Staging
from tests.support.systems.marks import windows_only

pytestmark = windows_only
SYSTEM: Any = sys.modules[SafeDir.__module__]
CLOUD, JUNCTION, LINK = 0x9000_001A, 0xA000_0003, 0xA000_000C


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []
    monkeypatch.setattr(SYSTEM, "time", SimpleNamespace(sleep=slept.append, time=SYSTEM.time.time))
    return slept


def refused(path: object, winerror: int) -> PermissionError:
    error = PermissionError(13, "a word of the system", str(path))
    error.winerror = winerror  # type: ignore[attr-defined]
    return error


def test_a_list_that_stands_open_in_excel_keeps_its_name_and_another_is_taken(
    tmp_path: Path,
) -> None:
    with (tmp_path / "clientes.xlsx").open("wb") as excel:
        excel.write(b"open")
        assert save_file(tmp_path, "clientes.xlsx", b"new") == tmp_path / "clientes (2).xlsx"
    assert (tmp_path / "clientes.xlsx").read_bytes() == b"open"


def test_a_folder_cannot_be_swapped_while_a_file_is_written_into_it(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "BeeL"
    with new_file(folder, "a.zip") as made:
        made.stream.write(b"x")
        for one in (folder, folder.parent):
            with pytest.raises(PermissionError):
                one.rename(tmp_path / "elsewhere")
    assert made.path.read_bytes() == b"x"
    folder.rename(tmp_path / "elsewhere")  # nothing is held for longer than that


def test_an_open_folder_stays_where_it_is_and_so_do_those_above_it(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "BeeL"
    with open_dir(folder):
        for one in (folder, folder.parent):
            with pytest.raises(PermissionError):
                one.rename(tmp_path / "elsewhere")
        with pytest.raises(PermissionError):
            folder.rmdir()
    folder.rmdir()


def test_a_scanner_that_looks_into_a_new_file_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    real, busy = os.rename, [5, 32]

    def scanned(src: str, dst: str) -> None:
        if busy:
            raise refused(src, busy.pop())
        real(src, dst)

    monkeypatch.setattr(os, "rename", scanned)
    assert save_file(tmp_path, "a.csv", b"x").read_bytes() == b"x"
    assert len(pauses) == 2


def test_a_program_that_never_lets_go_is_named_as_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pauses: list[float]
) -> None:
    def scanned(src: str, dst: str) -> None:
        raise refused(src, 32)

    monkeypatch.setattr(os, "rename", scanned)
    with pytest.raises(OperatorError) as caught:
        save_file(tmp_path, "a.csv", b"x")
    assert (caught.value.code, caught.value.retryable) == ("file_in_use", True)
    assert list(tmp_path.iterdir()) == []
    assert sum(pauses) < 1


@pytest.mark.parametrize(
    ("refusals", "told"),
    [([32], "file_in_use"), ([33], "file_in_use"), ([5], "file_unreadable"), ([], None)],
    ids=["held", "locked", "not allowed", "let go meanwhile"],
)
def test_windows_is_asked_why_a_list_cannot_be_opened_as_python_does_not_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusals: list[int], told: str | None
) -> None:
    (tmp_path / "clientes.csv").write_bytes(b"x")
    real, create, opened = os.open, SYSTEM._winapi.CreateFile, []

    def kept_out(path: str, *more: Any) -> int:
        if str(path).endswith("clientes.csv") and (refusals or not opened):
            opened.append(path)
            raise PermissionError(13, "a word of the system", str(path))  # without a winerror
        return real(path, *more)

    def asked(path: str, *more: Any) -> int:
        if path.endswith("clientes.csv") and refusals:
            raise refused(path, refusals[0])
        return create(path, *more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", kept_out)
        patch.setattr(SYSTEM._winapi, "CreateFile", asked)
        if told is None:
            assert read_import_file("clientes.csv", (tmp_path,)) == b"x"
            return
        with pytest.raises(CallerError) as caught:
            read_import_file("clientes.csv", (tmp_path,))
    assert caught.value.code == told


def test_what_was_written_a_moment_ago_is_nobodys_leftover(tmp_path: Path) -> None:
    young, old = (tmp_path / f".beel-mcp-{letter * 16}" for letter in "ab")
    for path in (young, old):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    save_file(tmp_path, "a.csv", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == [young.name, "a.csv"]


def test_whether_a_folder_can_be_written_to_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []

    def kept_out(*_: object) -> int:
        raise refused(tmp_path, 5)

    monkeypatch.setattr(os, "open", kept_out)
    with pytest.raises(OperatorError) as caught:
        check_folder(tmp_path)
    assert caught.value.code == "folder_unusable"


@pytest.mark.parametrize(
    "name", ["NUL.csv", "con.csv", "a.csv:b", "a.csv.", "2026 /a.csv", "a?.csv"]
)
def test_a_device_a_stream_or_a_name_that_loses_its_end_is_not_looked_for(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.csv").write_bytes(b"x")
    with monkeypatch.context() as patch:
        patch.setattr(import_file.os.path, "realpath", None)
        with pytest.raises(CallerError) as caught:
            read_import_file(name, (tmp_path,))
    assert caught.value.code == "file_not_found"


def test_another_machine_is_not_asked_for_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = os.path.realpath
    with monkeypatch.context() as patch:
        patch.setattr(
            import_file.os.path, "realpath", lambda path: asked.append(str(path)) or real(path)
        )
        with pytest.raises(CallerError) as caught:
            read_import_file("//evil/share/a.csv", (tmp_path,))
    assert caught.value.code == "path_not_allowed"
    assert asked == [str(tmp_path)]


@pytest.mark.parametrize(
    ("tag", "is_link"), [(0, False), (CLOUD, False), (JUNCTION, True), (LINK, True)]
)
def test_a_junction_is_a_link_and_a_file_in_the_cloud_is_none(tag: int, *, is_link: bool) -> None:
    found = SimpleNamespace(st_mode=stat.S_IFDIR, st_reparse_tag=tag)
    is_refused = True
    with suppress(OSError):
        SYSTEM._refuse_links(found)
        is_refused = False
    assert is_refused == is_link


def test_a_package_that_is_removed_while_it_is_held_goes_when_it_is_let_go(tmp_path: Path) -> None:
    staging = Staging.new(tmp_path / "packages")
    with staging.held() as is_ours:
        assert is_ours
        staging.remove()
    assert list((tmp_path / "packages").iterdir()) == []
