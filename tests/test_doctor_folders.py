"""`beel-mcp doctor` on who else has a hand in the folders: clouds, guards, other programs."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from beel_mcp.cli.doctor import guarded
from beel_mcp.cli.doctor.findings import Finding, exit_code
from beel_mcp.cli.doctor.machine import check_folders, check_journal
from beel_mcp.files.safe_dir import try_to_open
from beel_mcp.settings import Settings

Refuse = Callable[..., None]


def refusing(winerror: int, name: str, *, only_writing: bool = False) -> Refuse:
    """Refuse to open the file of that name, as Windows does."""

    def refuse(path: Path, *, to_write: bool = False) -> None:
        if path.name == name and (to_write or not only_writing):
            error = PermissionError(13, "a word of the system", str(path))
            error.winerror = winerror  # type: ignore[attr-defined]
            raise error

    return refuse


@pytest.fixture
def on_windows(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> Settings:
    """Play that the system is Windows, where rights are no bits, in the person's profile."""
    for folder in (settings.files_dir, settings.state_dir):
        folder.mkdir(exist_ok=True, mode=0o700)
    settings.files_dir.chmod(0o700)
    (settings.files_dir / "clientes.xlsx").write_bytes(b"x")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.setattr(sys, "platform", "win32")
    return settings


def named(found: list[Finding], topic: str) -> list[Finding]:
    return [one for one in found if one.topic == topic and (one.fault or one.is_remark)]


CLOUDS = {
    "OneDrive/BeeL": "OneDrive",
    "OneDrive - Gestoría Ana/BeeL": "OneDrive",
    "Library/CloudStorage/OneDrive-Personal": "OneDrive",
    "Library/Mobile Documents/com~apple~CloudDocs/BeeL": "iCloud",
    "iCloudDrive/BeeL": "iCloud",
    "Dropbox (Personal)": "Dropbox",
    "Library/CloudStorage/GoogleDrive-ana@example.es": "Google Drive",
    "OneDriver/BeeL": None,
    "Mis Dropbox": None,
}


@pytest.mark.parametrize("folder", CLOUDS)
def test_a_folder_in_a_cloud_is_a_remark_for_files_and_a_fault_for_state(
    settings: Settings, tmp_path: Path, folder: str
) -> None:
    cloud = CLOUDS[folder]
    place = tmp_path / folder
    place.mkdir(parents=True, mode=0o700)
    files = named(list(check_folders(replace(settings, files_dir=place), {})), "files_folder")
    state = named(list(check_folders(replace(settings, state_dir=place), {})), "state_folder")
    if not cloud:
        assert (files, state) == ([], [])
        return
    [remark], [fault] = files, state
    assert remark.is_remark
    assert cloud in remark.fact.es
    assert (fault.fault, exit_code(state)) == ("finding", 1)
    assert cloud in fault.fact.es
    assert "BEEL_STATE_DIR" in fault.remedy.es


@pytest.mark.parametrize("name", ["OneDrive", "ONEDRIVE", "OneDriveCommercial"])
def test_onedrive_is_known_by_its_variables_and_behind_a_link(
    settings: Settings, tmp_path: Path, name: str
) -> None:
    cloud = tmp_path / "Nube"
    cloud.mkdir()
    (tmp_path / "link").symlink_to(cloud)
    for folder in (cloud / "state", tmp_path / "link" / "state"):
        changed = replace(settings, state_dir=folder)
        [fault] = named(list(check_folders(changed, {name: str(cloud)})), "state_folder")
        assert "OneDrive" in fault.fact.en
        assert named(list(check_folders(changed, {name: ""})), "state_folder") == []


def test_a_file_that_another_program_has_to_itself_is_named(
    on_windows: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert named(list(check_folders(on_windows, {})), "import_folders") == []
    for winerror in (32, 33):
        monkeypatch.setattr(guarded, "try_to_open", refusing(winerror, "clientes.xlsx"))
        [one] = named(list(check_folders(on_windows, {})), "import_folders")
        assert one.is_remark
        assert str(on_windows.files_dir / "clientes.xlsx") in one.fact.es
        assert "Excel" in one.remedy.es


def test_controlled_folder_access_is_named_where_windows_lets_nothing_be_written(
    on_windows: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse = refusing(5, "clientes.xlsx", only_writing=True)
    monkeypatch.setattr(guarded, "try_to_open", refuse)
    [one] = named(list(check_folders(on_windows, {})), "files_folder")
    assert (one.fault, exit_code([one])) == ("environment", 3)
    assert "acceso controlado a carpetas" in one.remedy.es
    assert "controlled folder access" in one.remedy.en
    assert sys.executable in one.remedy.es
    assert "BEEL_FILES_DIR" in one.remedy.es
    monkeypatch.setattr(guarded.os, "access", lambda _, mode: mode != guarded.os.W_OK)
    assert not guarded.is_guarded(on_windows.files_dir)  # the file is marked as read-only


def test_elsewhere_rights_tell_all_and_no_file_is_opened(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings.files_dir / "clientes.xlsx").write_bytes(b"x")
    settings.files_dir.chmod(0o700)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(guarded, "try_to_open", refusing(5, "clientes.xlsx"))
    assert named(list(check_folders(settings, {})), "files_folder") == []


@pytest.mark.parametrize(("winerror", "words"), [(32, "antivirus"), (5, "otra versión")])
def test_a_journal_that_another_program_has_to_itself_is_told_from_another_versions(
    on_windows: Settings, monkeypatch: pytest.MonkeyPatch, winerror: int, words: str
) -> None:
    (on_windows.state_dir / "journal.sqlite3").write_bytes(b"no database at all" * 99)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(guarded, "try_to_open", refusing(winerror, "journal.sqlite3"))
    [one] = anyio.run(check_journal, on_windows)
    assert words in one.remedy.es
    assert exit_code([one]) == 3


def test_to_try_a_file_changes_nothing_and_tells_of_one_that_is_not_there(tmp_path: Path) -> None:
    file = tmp_path / "clientes.xlsx"
    file.write_bytes(b"x")
    before = file.stat()
    for to_write in (False, True):
        try_to_open(file, to_write=to_write)
        with pytest.raises(FileNotFoundError):
            try_to_open(tmp_path / "none", to_write=to_write)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == (b"x", before.st_mtime_ns)
