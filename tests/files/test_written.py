"""Notes of what was written: whole lines whoever writes them, and nobody else's files."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from beel_mcp.errors import CallerError
from beel_mcp.files.output import (
    RECORDS,
    SAVED_FILES,
    SavedFiles,
    file_uri,
    forget_files,
    save_file,
)


@pytest.fixture
def written(tmp_path: Path) -> SavedFiles:
    return SavedFiles(tmp_path / "files", tmp_path / "state", "local")


def save(written: SavedFiles, folder: Path, name: str, data: bytes) -> Path:
    token = SAVED_FILES.set(written)
    try:
        return save_file(folder, name, data)
    finally:
        SAVED_FILES.reset(token)


def test_a_file_saved_outside_of_a_request_is_not_given_out(
    written: SavedFiles, tmp_path: Path
) -> None:
    save_file(tmp_path / "files", "a.csv", b"a")
    assert written.list() == []
    with pytest.raises(CallerError):
        written.read("a.csv")


def test_files_are_listed_the_newest_first_and_once(written: SavedFiles, tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        save(written, tmp_path / "files", name, b"1")
    (tmp_path / "files" / "a.csv").unlink()
    assert [note.name for note in written.list()] == ["c.csv", "b.csv"]
    save(written, tmp_path / "files", "a.csv", b"22")
    assert [(note.name, note.size_bytes) for note in written.list()] == [
        ("a.csv", 2),
        ("c.csv", 1),
        ("b.csv", 1),
    ]
    assert written.read("a.csv") == b"22"


def test_a_file_that_is_gone_is_not_found_by_name(written: SavedFiles, tmp_path: Path) -> None:
    save(written, tmp_path / "files", "a.csv", b"1").unlink()
    with pytest.raises(CallerError) as error:
        written.read("a.csv")
    assert error.value.code == "file_not_found"


def test_another_file_in_the_place_of_ours_is_not_ours(written: SavedFiles, tmp_path: Path) -> None:
    save(written, tmp_path / "files", "a.csv", b"1").write_bytes(b"2")
    with pytest.raises(CallerError) as error:
        written.read("a.csv")
    assert error.value.code == "file_changed"


@pytest.mark.parametrize("name", ["../a.csv", "/etc/hostname", "..", ".", "", "a\0b"])
def test_a_note_that_leads_out_of_the_folder_counts_for_nothing(
    written: SavedFiles, tmp_path: Path, name: str
) -> None:
    save(written, tmp_path / "files", "b.csv", b"1")
    (tmp_path / "a.csv").write_bytes(b"1")
    notes = tmp_path / "state" / RECORDS
    note = json.loads(notes.read_text(encoding="utf-8")) | {"name": name}
    notes.write_text(json.dumps(note) + "\n", encoding="utf-8")
    assert written.list() == []
    with pytest.raises(CallerError) as error:
        written.read(name)
    assert error.value.code == "file_not_found"


def test_notes_of_many_writers_are_all_there_and_private(tmp_path: Path) -> None:
    def write(number: int) -> None:
        one = SavedFiles(tmp_path / "files", tmp_path / "state", f"caller {number % 5}")
        save(one, tmp_path / "files", f"{number}.csv", b"x" * number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(60)))
    for caller in range(5):
        found = SavedFiles(tmp_path / "files", tmp_path / "state", f"caller {caller}").list()
        assert {note.name for note in found} == {f"{one}.csv" for one in range(caller, 60, 5)}
    assert (tmp_path / "state" / RECORDS).stat().st_mode & 0o777 == 0o600


def test_purged_notes_are_gone_and_the_files_stay(written: SavedFiles, tmp_path: Path) -> None:
    forget_files(tmp_path / "state")
    path = save(written, tmp_path / "files", "a.csv", b"1")
    forget_files(tmp_path / "state")
    assert written.list() == []
    assert path.read_bytes() == b"1"


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("a.csv", "beel://files/a.csv"),
        ("facturas (2).zip", "beel://files/facturas%20%282%29.zip"),
        ("año #1?.csv", "beel://files/a%C3%B1o%20%231%3F.csv"),
    ],
)
def test_an_address_holds_any_name(name: str, uri: str) -> None:
    assert file_uri(name) == uri
