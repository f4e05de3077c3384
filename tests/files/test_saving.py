"""A file of the person's: whole or not at all, private, never over another, never elsewhere."""

import errno
import importlib
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date
from pathlib import Path

import pytest

from beel_mcp.errors import OperatorError
from beel_mcp.files import output as saving
from beel_mcp.files.invoice_package import Member, save_package
from beel_mcp.files.output import new_file, save_file
from beel_mcp.files.safe_dir import SafeDir, check_folder
from tests.support.faulty_os import FaultyOs
from tests.support.systems.marks import (
    HAS_FOLDER_DESCRIPTORS,
    HAS_PIPES_WITH_NAMES,
    needs_named_pipes,
    posix_only,
)

SYSTEM = importlib.import_module(SafeDir.__module__)
ROOT = Path(__file__).parent.parent.parent
DATA = b"%PDF-" + b"x" * 100_000
DAY = date(2026, 7, 14)
ERRORS = [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EACCES, errno.EROFS]


class KilledError(BaseException):
    """Stands for a kill or a cancel in the middle of a call."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "BeeL"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_file_gets_its_name_with_its_whole_content_for_its_owner_only(folder: Path) -> None:
    path = save_file(folder, "a.zip", DATA)
    assert path == folder / "a.zip"
    assert path.read_bytes() == DATA
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert names(folder) == ["a.zip"]


def test_a_name_that_is_taken_gets_a_number_and_nothing_is_replaced(folder: Path) -> None:
    paths = [save_file(folder, "a.b.zip", bytes([number])) for number in range(3)]
    assert names(folder) == ["a.b (2).zip", "a.b (3).zip", "a.b.zip"]
    assert [path.read_bytes() for path in paths] == [b"\0", b"\1", b"\2"]


@pytest.mark.parametrize(
    "kind", ["link", "dangling", "folder", pytest.param("pipe", marks=needs_named_pipes)]
)
def test_whatever_has_the_name_stays_as_it_is(folder: Path, kind: str, tmp_path: Path) -> None:
    folder.mkdir(parents=True)
    taken, other = folder / "a.zip", tmp_path / "other"
    if kind == "folder":
        taken.mkdir()
    elif kind == "pipe":
        os.mkfifo(taken)
    else:
        taken.symlink_to(other)
        if kind == "link":
            other.write_bytes(b"precious")
    assert save_file(folder, "a.zip", DATA).name == "a (2).zip"
    assert not other.exists() or other.read_bytes() == b"precious"


def test_many_at_once_under_one_name_all_stay(folder: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        paths = list(pool.map(lambda n: save_file(folder, "a.zip", b"%d" % n), range(300)))
    assert len(set(paths)) == 300
    assert [path.read_bytes() for path in paths] == [b"%d" % n for n in range(300)]
    assert len(names(folder)) == 300


def test_a_block_that_fails_leaves_nothing(folder: Path) -> None:
    def fail() -> None:
        with new_file(folder, "a.zip") as made:
            made.stream.write(DATA)
            raise KilledError

    with pytest.raises(KilledError):
        fail()
    assert names(folder) == []


def save_one(folder: Path) -> Path:
    return save_file(folder, "a.zip", DATA)


def save_many(folder: Path) -> Path:
    members = [Member(f"{n}.pdf", DAY, len(DATA), iter([DATA[:9], DATA[9:]])) for n in range(3)]
    return save_package(folder, "a.zip", members, b"manifest").path


def content(path: Path) -> object:
    """Give what is in a file; zipfile writes in another way where it cannot go back."""
    if not zipfile.is_zipfile(path):
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def count_calls(save: object, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    shim = FaultyOs()
    with monkeypatch.context() as patched:
        patched.setattr(saving, "os", shim)
        patched.setattr(SYSTEM, "os", shim)
        save(folder)  # type: ignore[operator]
    return shim.count


@pytest.mark.parametrize("save", [save_one, save_many])
@pytest.mark.parametrize(
    "code", [*ERRORS, None], ids=[*(errno.errorcode[e] for e in ERRORS), "kill"]
)
def test_a_failure_at_any_call_leaves_no_half_file_and_the_next_call_cleans_up(
    save: object, code: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = content(save(tmp_path / "whole"))  # type: ignore[operator]
    last = count_calls(save, tmp_path / "counted", monkeypatch)
    assert last >= (35 if HAS_FOLDER_DESCRIPTORS else 20)
    for nth in range(1, last + 1):
        folder = tmp_path / f"at-{nth}"
        failure = KilledError() if code is None else OSError(code, "a word of the system")
        shim = FaultyOs(failure, nth)
        with monkeypatch.context() as patched:
            patched.setattr(saving, "os", shim)
            patched.setattr(SYSTEM, "os", shim)
            try:
                saved = save(folder)  # type: ignore[operator]
            except (OperatorError, KilledError) as error:
                saved, told = None, str(error)
        assert saved or "a word of the system" not in told
        finals = [name for name in names(folder) if not name.startswith(".beel-mcp-")]
        assert all(content(folder / name) == whole for name in finals), shim.failed
        if saved is not None or code is not None:
            assert finals == ([saved.name] if saved else []), shim.failed
        save(folder)  # type: ignore[operator]
        assert not [name for name in names(folder) if name.startswith(".")], shim.failed


def test_a_full_disk_says_how_much_room_was_needed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_file(folder, "b.zip", b"")
    shim = FaultyOs(OSError(errno.ENOSPC, ""), count_calls(save_one, folder, monkeypatch) // 2)
    members = [Member("a.pdf", DAY, 12_000_000, iter([b"%PDF-"]))]

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "")

    monkeypatch.setattr(saving.os, "fsync", full)
    with pytest.raises(OperatorError) as caught:
        save_package(folder, "a.zip", members, b"manifest")
    assert caught.value.code == "disk_full"
    assert "13 MB" in caught.value.message
    assert shim.count == 0


LIMITED = """
import resource, sys
from pathlib import Path
from beel_mcp.errors import OperatorError
from beel_mcp.files.output import save_file
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    save_file(Path(sys.argv[1]), "a.zip", bytes(1_000_000))
except OperatorError as error:
    print(error.code)
"""
HELD = """
import sys
from pathlib import Path
from beel_mcp.files.output import new_file
with new_file(Path(sys.argv[1]), "a.zip") as made:
    made.stream.write(b"half")
    made.stream.flush()
    print("ready", flush=True)
    sys.stdin.read()
"""


def run(code: str, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    )


@posix_only
def test_a_limit_of_the_system_on_files_is_a_full_disk(folder: Path) -> None:
    with run(LIMITED, folder) as process:
        output, _ = process.communicate(timeout=60)
    assert output.strip() == b"disk_full"
    assert names(folder) == []


def test_what_a_killed_process_left_is_removed_and_what_a_live_one_writes_is_not(
    folder: Path,
) -> None:
    with run(HELD, folder) as alive, run(HELD, folder) as dead:
        for process in (alive, dead):
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
        assert len(names(folder)) == 2
        dead.kill()
        dead.wait(timeout=60)
        for left in folder.iterdir():
            os.utime(left, (0, 0))  # Windows tells what is left over by its age
        save_file(folder, "b.zip", DATA)
        assert len(names(folder)) == 2
        alive.communicate(timeout=60)
    assert names(folder) == ["a.zip", "b.zip"]
    assert (folder / "a.zip").read_bytes() == b"half"


def test_only_our_own_leftovers_are_removed(folder: Path) -> None:
    folder.mkdir(parents=True)
    others = [".beel-mcp-notes", ".beel-mcp-0123456789ABCDEF", ".other-0123456789abcdef", ".x"]
    for name in others:
        (folder / name).write_bytes(b"")
    if HAS_PIPES_WITH_NAMES:
        os.mkfifo(folder / ".beel-mcp-00000000000000ff")
    old = folder / ".beel-mcp-0123456789abcdef"
    old.write_bytes(b"old")
    os.utime(old, (0, 0))  # Windows tells what is left over by its age
    (folder / ".beel-mcp-aaaaaaaaaaaaaaaa").symlink_to(folder / ".x")
    save_file(folder, "a.zip", DATA)
    left = names(folder)
    assert {*others, "a.zip"} <= set(left)
    assert ".beel-mcp-0123456789abcdef" not in left


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_link_in_place_of_the_folder_or_on_the_way_to_it_is_refused(
    tmp_path: Path, depth: int
) -> None:
    parts = ["one", "two", "three"]
    real = tmp_path / "real"
    real.joinpath(*parts[depth + 1 :]).mkdir(parents=True)
    link = tmp_path.joinpath(*parts[: depth + 1])
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(real)
    folder = tmp_path.joinpath(*parts)
    for act in (lambda: save_file(folder, "a.zip", DATA), lambda: check_folder(folder)):
        with pytest.raises(OperatorError) as caught:
            act()
        assert caught.value.code == "folder_unusable"
        assert "link" in caught.value.message
    assert not [path for path in real.rglob("*") if path.is_file()]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "BeeL").write_bytes(b"precious")
    with pytest.raises(OperatorError):
        save_file(tmp_path / "BeeL", "a.zip", DATA)
    assert (tmp_path / "BeeL").read_bytes() == b"precious"


def test_a_folder_that_may_not_be_written_to_is_told_before_any_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SafeDir, "is_writable", lambda _: False)
    with pytest.raises(OperatorError) as caught:
        check_folder(folder)
    assert caught.value.code == "folder_unusable"
    assert names(folder) == []


@posix_only
def test_a_folder_that_is_swapped_meanwhile_gets_nothing_and_nothing_is_said_to_be_saved(
    folder: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    def swapped() -> None:
        with new_file(folder, "a.zip") as made:
            made.stream.write(DATA)
            folder.rename(tmp_path / "moved")
            folder.symlink_to(elsewhere)

    with pytest.raises(OperatorError):
        swapped()
    assert names(elsewhere) == names(tmp_path / "moved") == []


@posix_only
def test_a_racer_who_swaps_the_folder_for_a_link_never_gets_a_file(
    folder: Path, tmp_path: Path
) -> None:
    elsewhere, aside = tmp_path / "elsewhere", tmp_path / "aside"
    elsewhere.mkdir()
    folder.mkdir(parents=True)
    stop, swaps = threading.Event(), 0

    def race() -> None:
        nonlocal swaps
        while not stop.is_set():
            with suppress(OSError):  # the saver may make the folder anew in between
                folder.rename(aside)
                folder.symlink_to(elsewhere)
                swaps += 1
                folder.unlink()
                aside.rename(folder)
            shutil.rmtree(aside, ignore_errors=True)

    racer = threading.Thread(target=race)
    racer.start()
    tried = 0
    try:
        while tried < 400 or swaps <= 100:  # on a busy machine the racer gets few turns
            assert racer.is_alive()
            with suppress(OperatorError):
                save_file(folder, "a.zip", b"x")
            tried += 1
    finally:
        stop.set()
        racer.join()
    assert names(elsewhere) == []
