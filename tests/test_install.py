"""`beel-mcp install`: one entry of an app's own file, shown first, and taken out again."""

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from beel_mcp.cli.app_file import AppFile, AppFileError, place_of
from beel_mcp.cli.client_config import start_command
from tests.conftest import TEST_KEY
from tests.test_settings import run

OTHERS = {"theme": "dark", "mcpServers": {"notas": {"command": "notas", "args": ["año"]}}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / ".config" / "Claude"
    made.mkdir(parents=True)
    return made


@pytest.fixture
def file(folder: Path) -> Path:
    path = folder / "claude_desktop_config.json"
    path.write_text(json.dumps(OTHERS), encoding="utf-8")
    return path


def install(home: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return run("install", "claude-desktop", *arguments, HOME=str(home), **environ)


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def typed(home: Path, *answers: str, undo: bool = False, language: str = "es") -> str:
    """Run it on a terminal, and type answers as they are asked for; what stood there."""
    command = [sys.executable, "-m", "beel_mcp", "install", "claude-desktop"]
    seat, other = pty.openpty()
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "BEEL_LANGUAGE": language}
    with subprocess.Popen(
        [*command, *(["--undo"] if undo else [])],
        stdin=other,
        stdout=other,
        stderr=other,
        env={**env, "PYTHONIOENCODING": "utf-8"},
        start_new_session=True,
    ) as process:
        os.close(other)
        seen, asked, waiting = "", "", list(answers)
        while select.select([seat], [], [], 20)[0]:
            try:
                part = os.read(seat, 9_000).decode()
            except OSError:
                break
            seen, asked = seen + part, asked + part
            if waiting and asked.endswith((": ", "] ")):
                asked = ""
                os.write(seat, f"{waiting.pop(0)}\n".encode())
        else:
            process.kill()
    os.close(seat)
    return seen


def test_one_entry_is_added_and_everything_else_stays(file: Path, tmp_path: Path) -> None:
    ended = install(tmp_path, "--yes", BEEL_LANGUAGE="es", BEEL_API_KEY=TEST_KEY)
    assert ended.returncode == 0, ended.stderr
    command, *arguments = start_command()
    entry = {"command": command, "args": arguments}
    env = {"BEEL_API_KEY": TEST_KEY, "BEEL_LANGUAGE": "es"}
    servers = {**OTHERS["mcpServers"], "beel": {**entry, "env": env}}  # type: ignore[dict-item]
    assert read(file) == {**OTHERS, "mcpServers": servers}
    assert TEST_KEY not in ended.stdout + ended.stderr
    assert "notas" in ended.stdout
    assert "cierre Claude Desktop" in ended.stdout
    assert "año" in file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o077 == 0
    [copy] = file.parent.glob("*before-beel*")
    assert read(copy) == OTHERS
    assert copy.stat().st_mode & 0o077 == 0


def test_what_is_taken_out_leaves_what_others_wrote_since(file: Path, tmp_path: Path) -> None:
    install(tmp_path, "--yes", "--sandbox")
    content = read(file)
    content["mcpServers"]["later"] = {"command": "later"}
    file.write_text(json.dumps(content), encoding="utf-8")
    ended = install(tmp_path, "--yes", "--undo")
    assert ended.returncode == 0, ended.stderr
    del content["mcpServers"]["beel"]
    assert read(file) == content
    assert sorted(file.parent.iterdir()) == [file]
    again = install(tmp_path, "--yes", "--undo")
    assert again.returncode == 3
    assert read(file) == content


@pytest.mark.slow
def test_each_undoing_goes_one_step_back(file: Path, tmp_path: Path) -> None:
    install(tmp_path, "--yes", "--sandbox", "--name", "obra")
    first = read(file)
    install(tmp_path, "--yes", "--name", "obra", BEEL_API_KEY=TEST_KEY)
    install(tmp_path, "--yes", "--name", "other", BEEL_API_KEY=TEST_KEY)
    install(tmp_path, "--yes", "--undo", "--name", "other")
    install(tmp_path, "--yes", "--undo", "--name", "obra")
    assert read(file) == first
    install(tmp_path, "--yes", "--undo", "--name", "obra")
    assert read(file) == OTHERS


@pytest.mark.slow
def test_what_stands_there_already_is_not_written_again_and_keeps_its_key(
    file: Path, tmp_path: Path
) -> None:
    install(tmp_path, "--yes", BEEL_API_KEY=TEST_KEY)
    before = file.read_bytes()
    again = install(tmp_path, "--yes")
    assert again.returncode == 0
    assert "already" in again.stdout
    assert file.read_bytes() == before
    changed = install(tmp_path, "--yes", BEEL_LANGUAGE="es")
    assert changed.returncode == 0
    assert TEST_KEY not in changed.stdout
    env = {"BEEL_API_KEY": TEST_KEY, "BEEL_LANGUAGE": "es"}
    assert read(file)["mcpServers"]["beel"]["env"] == env


def test_without_a_terminal_and_a_yes_it_only_shows(file: Path, tmp_path: Path) -> None:
    ended = install(tmp_path, "--sandbox")
    assert ended.returncode == 2
    assert '"--sandbox"' in ended.stdout
    assert "Nothing was changed" in ended.stdout
    assert read(file) == OTHERS
    assert [*file.parent.iterdir()] == [file]


BROKEN = {
    "no JSON": '{"mcpServers": {},}',
    "half": '{"mcpServers": {"a": ',
    "a name twice": '{"mcpServers": {}, "mcpServers": {"a": {}}}',
    "a list": "[]",
    "servers as a list": '{"mcpServers": []}',
    "no UTF-8": b"\xff\xfe{\x00}\x00",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_the_app_cannot_read_stays_as_it_is(folder: Path, name: str) -> None:
    file = folder / "claude_desktop_config.json"
    content = BROKEN[name]
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = file.read_bytes()
    with pytest.raises(AppFileError, match="nothing was changed"):
        AppFile(file).read()
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [None, "", " \n", "\ufeff{}"])
def test_no_file_and_an_empty_one_are_begun(folder: Path, content: str | None) -> None:
    file = folder / "claude_desktop_config.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    one = AppFile(file)
    one.write({**one.read(), "mcpServers": {"beel": {}}})
    assert read(file) == {"mcpServers": {"beel": {}}}


def test_what_somebody_writes_meanwhile_is_not_lost(file: Path) -> None:
    one = AppFile(file)
    content = one.read()
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(AppFileError, match="meantime"):
        one.write(content)
    assert file.read_text(encoding="utf-8") == "{}"
    assert [*file.parent.iterdir()] == [file]


def test_a_link_to_the_file_stays_one(file: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    file.rename(real)
    file.symlink_to(real)
    assert install(tmp_path, "--yes", "--sandbox").returncode == 0
    assert file.is_symlink()
    assert "beel" in read(real)["mcpServers"]


def test_where_the_app_is_not_there_nothing_is_made(tmp_path: Path) -> None:
    ended = install(tmp_path, "--yes", "--sandbox", BEEL_LANGUAGE="es")
    assert ended.returncode == 3
    assert "instale la aplicación" in ended.stderr
    assert [*tmp_path.iterdir()] == []


def test_on_a_terminal_it_asks_for_the_key_unseen_and_for_a_yes(file: Path, tmp_path: Path) -> None:
    seen = typed(tmp_path, "beel_sk_test", TEST_KEY, "no")
    assert "No se ha cambiado nada." in seen
    assert read(file) == OTHERS
    seen = typed(tmp_path, TEST_KEY, "sí")
    assert TEST_KEY not in seen
    assert read(file)["mcpServers"]["beel"]["env"]["BEEL_API_KEY"] == TEST_KEY
    assert "Hecho." in typed(tmp_path, "s", undo=True)
    assert read(file) == OTHERS


@pytest.mark.slow
def test_a_key_left_for_later_is_said_and_asked_for_the_next_time(
    file: Path, tmp_path: Path
) -> None:
    seen = typed(tmp_path, "", "s")
    assert "Falta su clave" in seen
    assert read(file)["mcpServers"]["beel"]["env"]["BEEL_API_KEY"] == "PONGA-AQUI-SU-CLAVE"
    assert "Falta su clave" not in typed(tmp_path, TEST_KEY, "s")
    assert read(file)["mcpServers"]["beel"]["env"]["BEEL_API_KEY"] == TEST_KEY


def windows(monkeypatch: pytest.MonkeyPatch, home: Path) -> dict[str, str]:
    monkeypatch.setattr(sys, "platform", "win32")
    local = home / "AppData" / "Local"
    (local / "Packages" / "Other_1" / "LocalCache").mkdir(parents=True)
    return {
        "USERPROFILE": str(home),
        "LOCALAPPDATA": str(local),
        "APPDATA": str(home / "AppData" / "Roaming"),
    }


def walled_in(home: Path, name: str) -> Path:
    folder = home / "AppData/Local/Packages" / name / "LocalCache/Roaming/Claude"
    folder.mkdir(parents=True)
    return folder


def test_on_windows_the_app_of_the_store_has_a_folder_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environ = windows(monkeypatch, tmp_path)
    usual = tmp_path / "AppData" / "Roaming" / "Claude"
    assert place_of("claude-desktop", environ).parent == usual
    usual.mkdir(parents=True)
    (usual / "claude_desktop_config.json").write_text("{}")  # of an older installation
    first = walled_in(tmp_path, "Claude_pzs8")
    assert place_of("claude-desktop", environ).parent == first
    second = walled_in(tmp_path, "Claude_other")
    with pytest.raises(AppFileError, match="several folders"):
        place_of("claude-desktop", environ)
    (second / "claude_desktop_config.json").write_text("{}")
    assert place_of("claude-desktop", environ).parent == second


def test_each_app_has_its_place_on_each_system(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environ = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    places = {
        "darwin": "Library/Application Support/Claude",
        "linux": ".config/Claude",
        "win32": "AppData/Roaming/Claude",
    }
    for system, folder in places.items():
        monkeypatch.setattr(sys, "platform", system)
        found = place_of("claude-desktop", environ)
        assert found == tmp_path / folder / "claude_desktop_config.json"
        assert place_of("cursor", environ) == tmp_path / ".cursor" / "mcp.json"
