"""Lists are read from the import folders, and from nowhere else."""

import os
import socket
from contextlib import suppress
from io import FileIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from beel_mcp.errors import CallerError
from beel_mcp.files import import_file as module
from beel_mcp.files.import_file import read_import_file
from beel_mcp.files.output import save_file
from tests.support.systems.marks import needs_named_pipes

SECRET = b"secret"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    first, second = tmp_path / "BeeL", tmp_path / "Downloads"
    for made in (first, second, tmp_path / "BeeLsecret"):
        made.mkdir()
    (first / "clientes.csv").write_bytes(b"uno")
    (second / "más clientes.csv").write_bytes(b"dos")
    (tmp_path / "secret.csv").write_bytes(SECRET)
    (tmp_path / "BeeLsecret" / "secret.csv").write_bytes(SECRET)
    return first, second


def refusal(path: str, folders: tuple[Path, ...], **more: int) -> CallerError:
    with pytest.raises(CallerError) as caught:
        read_import_file(path, folders, **more)
    assert caught.value.remedy
    return caught.value


def test_a_file_is_found_by_name_in_each_folder_and_by_its_whole_path(folders):
    assert read_import_file("clientes.csv", folders) == b"uno"
    assert read_import_file("más clientes.csv", folders) == b"dos"
    assert read_import_file(str(folders[1] / "más clientes.csv"), folders) == b"dos"
    (folders[0] / "2026").mkdir()
    (folders[0] / "2026" / "julio.csv").write_bytes(b"tres")
    assert read_import_file("2026/../2026/./julio.csv", folders) == b"tres"


def test_the_first_folder_that_has_the_name_wins(folders):
    (folders[1] / "clientes.csv").write_bytes(b"other")
    assert read_import_file("clientes.csv", folders) == b"uno"


def test_the_persons_home_can_be_written_short(folders, monkeypatch):
    monkeypatch.setenv("HOME", str(folders[0].parent))
    assert read_import_file("~/BeeL/clientes.csv", folders) == b"uno"
    assert refusal("~/secret.csv", folders).code == "path_not_allowed"
    assert refusal("~nobody-has-this-name/x.csv", folders).code == "file_not_found"


@pytest.mark.parametrize(
    "path",
    [
        "../secret.csv",
        "../BeeLsecret/secret.csv",
        "2026/../../secret.csv",
        "{root}/secret.csv",
        "{root}/BeeLsecret/secret.csv",
        "{root}/BeeL/../secret.csv",
        "{root}/no-such-file.csv",
        "/etc/passwd",
        "/",
        "..",
    ],
)
def test_outside_of_the_folders_nothing_is_read_and_nothing_is_told(path, folders):
    error = refusal(path.format(root=folders[0].parent), folders)
    assert error.code == "path_not_allowed"
    assert "BEEL_IMPORT_DIRS" in error.remedy
    assert all(str(folder) in error.remedy for folder in folders)


def test_a_link_that_leads_out_is_refused_and_one_that_stays_in_is_followed(folders):
    (folders[0] / "out.csv").symlink_to(folders[0].parent / "secret.csv")
    (folders[0] / "away").symlink_to(folders[0].parent)
    (folders[0] / "in.csv").symlink_to(folders[1] / "más clientes.csv")
    assert refusal("out.csv", folders).code == "path_not_allowed"
    assert refusal("away/secret.csv", folders).code == "path_not_allowed"
    assert read_import_file("in.csv", folders) == b"dos"


def test_a_folder_that_is_itself_a_link_works(folders, tmp_path):
    (tmp_path / "link").symlink_to(folders[0])
    assert read_import_file("clientes.csv", (tmp_path / "link",)) == b"uno"


@pytest.mark.parametrize("loop", ["loop.csv", "loop.csv/x.csv"])
def test_a_link_that_leads_to_itself_ends_in_a_refusal(loop, folders):
    (folders[0] / "loop.csv").symlink_to("loop.csv")
    refusal(loop, folders)


@pytest.mark.parametrize("place", [0, 1], ids=["the file", "its folder"])
def test_a_link_put_in_the_way_after_the_check_is_not_followed(place, folders, monkeypatch):
    inner = folders[0] / "2026"
    inner.mkdir()
    (inner / "secret.csv").write_bytes(b"harmless")
    resolve = os.path.realpath

    def swapped(path, **more):
        resolved = resolve(path, **more)
        if resolved.endswith("secret.csv") and not inner.is_symlink():
            (inner / "secret.csv").unlink()
            if place == 0:
                (inner / "secret.csv").symlink_to(folders[0].parent / "secret.csv")
            else:
                inner.rmdir()
                inner.symlink_to(folders[0].parent)
        return resolved

    monkeypatch.setattr(module.os.path, "realpath", swapped)
    refusal("2026/secret.csv", folders[:1])


@pytest.mark.parametrize("path", ["", "a\0b.csv", "x" * 300, "x/" * 5000, "\ud800.csv", "no.csv"])
def test_a_name_that_no_file_has_is_not_found(path, folders):
    error = refusal(path, folders)
    assert error.code == "file_not_found"
    assert len(error.message) < 250
    assert error.message.isprintable()


def test_a_path_through_a_file_is_not_found(folders):
    assert refusal("clientes.csv/x.csv", folders).code == "file_not_found"


def test_a_folder_that_does_not_exist_has_no_files(tmp_path):
    assert refusal("a.csv", (tmp_path / "nowhere",)).code == "file_not_found"


def test_without_folders_nothing_is_allowed():
    assert refusal("a.csv", ()).code == "path_not_allowed"


@needs_named_pipes
def test_folders_pipes_and_sockets_are_no_files_and_do_not_block(folders, monkeypatch):
    os.mkfifo(folders[0] / "pipe.csv")
    monkeypatch.chdir(folders[0])
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.csv")
        for path in (".", "pipe.csv", "socket.csv", str(folders[0])):
            assert refusal(path, folders).code == "not_a_file", path


def test_a_device_in_an_import_folder_is_no_file():
    assert refusal("null", (Path("/dev"),)).code == "not_a_file"


def test_a_file_over_the_limit_is_refused_and_one_at_it_is_read(folders):
    (folders[0] / "big.csv").write_bytes(b"x" * 101)
    assert refusal("big.csv", folders, limit_bytes=100).code == "file_too_large"
    assert len(read_import_file("big.csv", folders, limit_bytes=101)) == 101


def test_a_file_that_may_not_be_read_says_so(folders, monkeypatch):
    def refuse(*_args: object, **_more: object) -> int:
        raise PermissionError(13, "secret words of the system")

    monkeypatch.setattr(module.os, "open", refuse)
    error = refusal("clientes.csv", folders)
    assert error.code == "file_unreadable"
    assert "secret words" not in error.message + error.remedy


def test_no_descriptor_is_left_open(folders):
    before = len(list(Path("/dev/fd").iterdir()))
    for path in ("clientes.csv", "no.csv", ".", "../secret.csv", "clientes.csv/x"):
        with suppress(CallerError):
            read_import_file(path, folders)
    assert len(list(Path("/dev/fd").iterdir())) == before


PART = st.sampled_from(["..", ".", "BeeL", "secret.csv", "BeeLsecret", "~", "", "//", "\0"])


@given(st.lists(PART | st.text(max_size=5), max_size=6), st.booleans())
@tuned(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_path_reaches_what_lies_outside(folders, parts, whole):
    path = "/".join([str(folders[0]), *parts] if whole else parts)
    with suppress(CallerError):
        assert read_import_file(path, folders) != SECRET


@pytest.mark.parametrize("typed", ["beel/clientes.csv", "BEEL/clientes.csv"])
def test_a_path_in_other_capitals_is_one_below_where_the_disk_says_so(folders, monkeypatch, typed):
    def is_same(one: Path, other: Path) -> bool:  # as on macOS, and on most sticks
        return str(one).casefold() == str(other).casefold()

    path = str(folders[0].parent / typed)
    assert refusal(path, folders).code == "path_not_allowed"
    monkeypatch.setattr(Path, "samefile", is_same)
    assert read_import_file(path, folders) == b"uno"
    assert refusal(str(folders[0].parent / "beelsecret/secret.csv"), folders).code == (
        "path_not_allowed"
    )


def test_a_list_that_another_program_holds_is_said_to_be_that(folders, monkeypatch):
    def held(*_args: object, **_more: object) -> int:
        error = PermissionError(13, "secret words of the system")
        error.winerror = 32
        raise error

    monkeypatch.setattr(module.os, "open", held)
    error = refusal("clientes.csv", folders)
    assert (error.code, error.retryable) == ("file_in_use", True)
    assert "Excel" in error.remedy
    assert "secret words" not in error.message + error.remedy


def test_a_list_of_which_another_program_locks_a_part_is_said_to_be_that(folders, monkeypatch):
    class Locked(FileIO):
        def read(self, *_: object) -> bytes:
            raise PermissionError(13, "secret words of the system")

    monkeypatch.setattr(module, "open_below", lambda *_: Locked(folders[0] / "clientes.csv"))
    error = refusal("clientes.csv", folders)
    assert (error.code, error.retryable) == ("file_in_use", True)
    assert "secret words" not in error.message + error.remedy


@pytest.mark.parametrize("name", ["Gestoría Núñez & Cía (2026)", "a  b", "N\u0303andú", "ñ" * 100])
def test_folders_have_the_names_that_people_give_them(tmp_path, name):
    folder = tmp_path / name / "listas de julio"
    assert save_file(folder, "año 1.csv", b"x").read_bytes() == b"x"
    folder.chmod(0o500)
    try:
        assert read_import_file("año 1.csv", (folder,)) == b"x"
    finally:
        folder.chmod(0o700)
