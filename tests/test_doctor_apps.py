"""`beel-mcp doctor` on the apps: their files, the copies that they start, their log."""

import email.message
import json
import os
import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from beel_mcp.cli import client_config
from beel_mcp.cli.arguments import read_arguments
from beel_mcp.cli.client_config import start_command
from beel_mcp.cli.doctor import app_log, program, run_doctor
from beel_mcp.cli.doctor.apps import check_apps
from beel_mcp.cli.doctor.findings import Finding, exit_code
from beel_mcp.cli.doctor.program import check_program
from beel_mcp.sandbox import create_app
from beel_mcp.settings import KEY_PLACEHOLDER, Settings
from tests.conftest import TEST_KEY

OTHER_KEY = TEST_KEY.replace("0a1b", "9f8e")


class Claude:
    """Claude Desktop in a home of its own."""

    def __init__(self, home: Path) -> None:
        self.environ = {"HOME": str(home), "USERPROFILE": str(home), "PATH": ""}
        self.folder = home / ".config" / "Claude"
        self.folder.mkdir(parents=True)
        self.file = self.folder / "claude_desktop_config.json"

    def has(self, **servers: Any) -> list[Finding]:
        """Find what there is to say of these servers."""
        self.file.write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
        return self.checked()

    def checked(self) -> list[Finding]:
        found = list(check_apps(self.environ))
        assert TEST_KEY not in str(found)
        return found

    def logs(self, text: str, folder: Path | None = None) -> None:
        folder = folder or self.folder / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "mcp-server-beel.log").write_text(text, encoding="utf-8")


@pytest.fixture
def claude(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Claude]:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "platform", "linux")
        yield Claude(tmp_path)


def entry(command: str = "", *arguments: str, **env: str) -> dict[str, Any]:
    """Make an entry as `install` does, or with another command."""
    words = [command, *arguments] if command else start_command()
    return {
        "command": words[0],
        "args": words[1:],
        "env": {"BEEL_API_KEY": TEST_KEY, "BEEL_LANGUAGE": "es", **env},
    }


def named(found: list[Finding], words: str) -> Finding:
    """Give the one finding that says so in Spanish."""
    [one] = [one for one in found if words in one.fact.es]
    return one


def remarks(found: list[Finding]) -> list[str]:
    return [one.fact.es for one in found if one.is_remark]


def test_an_app_that_is_not_installed_is_not_spoken_of(tmp_path: Path) -> None:
    assert list(check_apps({"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)})) == []


def test_a_server_that_stands_in_the_file_as_it_should_is_named_and_well(claude: Claude) -> None:
    found = claude.has(beel=entry(), notas={"command": "/gone/notas"})
    assert [one.topic for one in found] == ["app", "app_log"]
    assert 'Claude Desktop lo tiene como "beel"' in found[0].fact.es
    assert str(claude.file) in found[0].fact.es
    assert not [one for one in found if one.fault or one.is_remark]


def test_a_server_that_does_not_stand_there_is_no_fault(claude: Claude) -> None:
    (Path(claude.environ["HOME"]) / ".cursor").mkdir()
    for found in (claude.checked(), claude.has(notas={"command": "notas"}, odd=[])):
        desktop, cursor = found
        assert "beel-mcp install claude-desktop" in desktop.fact.es
        assert "beel-mcp install cursor" in cursor.fact.es
        assert exit_code(found) == 0
        assert remarks(found) == []


def vscode_of(claude: Claude, content: str) -> list[Finding]:
    """Find what there is to say of VS Code, with this in its file of servers."""
    file = claude.folder.parent / "Code" / "User" / "mcp.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")
    return [one for one in claude.checked() if "VS Code" in one.fact.es]


def test_vs_code_is_looked_at_under_the_name_that_it_has_for_servers(claude: Claude) -> None:
    [one] = vscode_of(claude, "{}")
    assert "beel-mcp config vscode" in one.fact.es
    servers = {"beel": entry(BEEL_API_KEY="${input:beel-key}")}
    [one] = vscode_of(claude, json.dumps({"inputs": [], "servers": servers}))
    assert 'VS Code lo tiene como "beel"' in one.fact.es
    gone = {"beel": entry("/gone/beel-mcp")}
    fault = vscode_of(claude, json.dumps({"servers": gone}))[1]
    assert fault.fault
    assert "«beel-mcp config vscode --name beel»" in (fault.remedy or fault.fact).es
    [one] = vscode_of(claude, '{"servers": []}')
    assert "«servers»" in one.fact.es


def test_a_comment_in_vs_codes_file_is_its_own_affair(claude: Claude) -> None:
    [one] = vscode_of(claude, '{\n  // mine\n  "servers": {},\n}')
    assert one.is_remark
    assert "la línea 2" in one.fact.es


def test_claude_code_is_looked_at_in_its_own_file_and_in_the_projects(
    claude: Claude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> list[str]:
        return [one.fact.es for one in claude.checked() if "Claude Code" in one.fact.es]

    monkeypatch.chdir(tmp_path)
    assert told() == []
    (tmp_path / ".claude.json").write_text("{}")
    [one] = told()
    assert "beel-mcp config claude-code" in one
    (tmp_path / ".mcp.json").write_text(json.dumps({"mcpServers": {"obra": entry()}}))
    _, one = told()
    assert 'lo tiene como "obra"' in one
    assert str(tmp_path / ".mcp.json") in one


BROKEN = {
    # Python names the comma itself since 3.13, and what follows it before.
    "a comma": (
        '{\n  "mcpServers": {},\n}',
        "la línea 2" if sys.version_info >= (3, 13) else "la línea 3",
    ),
    "half": ('{"mcpServers": {"beel": ', "la línea 1"),
    "UTF-16": ('{"mcpServers": {}}'.encode("utf-16"), "la línea 1"),
    "a list": ('{"mcpServers": []}', "no es una lista de servidores"),
    "no object": ("[]", "no es una lista de servidores"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_keeps_every_server_from_starting_is_a_fault(claude: Claude, name: str) -> None:
    content, words = BROKEN[name]
    claude.file.write_bytes(content if isinstance(content, bytes) else content.encode())
    [one] = claude.checked()
    assert words in one.fact.es
    assert "no inicia ningún servidor" in one.fact.es
    assert "starts none of its servers" in one.fact.en
    assert str(claude.file) in one.fact.es
    assert exit_code([one]) == 1


def test_a_name_that_stands_twice_is_a_remark_as_the_app_takes_the_last(claude: Claude) -> None:
    claude.file.write_text(f'{{"mcpServers": {{"{TEST_KEY}": {{}}, "{TEST_KEY}": {{}}}}}}')
    [one] = claude.checked()
    assert one.is_remark
    assert "dos veces" in one.fact.es


def test_a_file_that_cannot_be_read_is_a_fault(claude: Claude) -> None:
    claude.file.mkdir()
    [one] = claude.checked()
    assert "IsADirectoryError" in one.fact.es
    assert exit_code([one]) == 1


def test_a_command_that_is_gone_is_a_fault_with_the_command_that_mends_it(claude: Claude) -> None:
    gone = str(claude.folder / "old" / "beel-mcp")
    found = claude.has(taller=entry(gone, "--sandbox", BEEL_COMPANY_ID="B12345674"))
    one = named(found, gone)
    assert (one.topic, exit_code(found)) == ("app", 1)
    assert "[hidden]" in str(claude.has(odd=entry(f"/gone/{TEST_KEY}/beel-mcp")))
    [again] = [text for text in one.remedy.es.split("«") if text.startswith("beel-mcp")]
    command = again.partition("»")[0]
    assert command == (
        "beel-mcp install claude-desktop --name taller --company B12345674 --sandbox"
    )
    assert read_arguments(shlex.split(command)[1:], "es").name == "taller"


def test_a_mending_command_repeats_nothing_odd_out_of_the_file(claude: Claude) -> None:
    found = claude.has(**{f"a; rm {TEST_KEY}": entry("/gone/beel-mcp", BEEL_COMPANY_ID="$(x)")})
    assert "«beel-mcp install claude-desktop»" in named(found, "/gone/beel-mcp").remedy.es


def test_a_command_without_its_path_is_remarked_on_where_path_does_not_lead_to_it(
    claude: Claude, tmp_path: Path
) -> None:
    [remark] = remarks(claude.has(beel=entry("uvx", "beel-mcp@latest")))
    assert '"uvx"' in remark
    assert exit_code(claude.checked()) == 0
    script(tmp_path / "bin" / "uvx")
    claude.environ["PATH"] = str(tmp_path / "bin")
    assert remarks(claude.checked()) == []


def test_another_copy_than_the_one_that_looks_is_remarked_on(
    claude: Claude, tmp_path: Path
) -> None:
    other = script(tmp_path / "venv" / "bin" / "beel-mcp")
    own = Path(sys.executable)
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "beel-mcp").symlink_to(own.with_name("beel-mcp"))
    for command in ((str(other),), (str(script(other.with_name("python"))), "-m", "beel_mcp")):
        [remark] = remarks(claude.has(beel=entry(*command)))
        assert command[0] in remark
        assert exit_code(claude.checked()) == 0
    for command in ((str(own), "-m", "beel_mcp"), (str(tmp_path / "link" / "beel-mcp"),)):
        assert remarks(claude.has(beel=entry(*command))) == []
    # What a runner starts is another matter.
    assert remarks(claude.has(beel=entry(str(script(tmp_path / "uvx")), "beel-mcp"))) == []


def test_one_company_with_one_key_under_two_names_is_remarked_on(claude: Claude) -> None:
    found = claude.has(a=entry(BEEL_COMPANY_ID="b12345674"), b=entry(BEEL_COMPANY_ID="B12345674"))
    [remark] = remarks(found)
    assert '"a", "b"' in remark
    others = [
        entry(),
        entry(BEEL_COMPANY_ID="B12345674"),
        entry(BEEL_API_KEY=OTHER_KEY),
        entry(BEEL_SANDBOX="1"),
    ]
    assert remarks(claude.has(**{f"s{number}": one for number, one in enumerate(others)})) == []


@pytest.mark.parametrize("words", KEY_PLACEHOLDER)
def test_the_words_in_the_keys_place_are_remarked_on(claude: Claude, words: str) -> None:
    [remark] = remarks(claude.has(beel=entry(BEEL_API_KEY=words)))
    assert "aún no tiene clave" in remark
    assert remarks(claude.has(beel=entry(BEEL_API_KEY=words, BEEL_SANDBOX="1"))) == []


def test_a_log_is_named_with_its_last_complaint_and_no_key_or_message(claude: Claude) -> None:
    missing = claude.has(beel=entry())[-1]
    assert str(claude.folder / "logs" / "mcp-server-beel.log") in missing.fact.es
    assert "no existe" in missing.fact.es
    claude.logs("[beel] [info] Server started and connected successfully\n")
    quiet = claude.checked()[-1]
    assert (quiet.is_remark, "no hay quejas" in quiet.fact.es) == (False, True)
    split = TEST_KEY.replace("sk", "s\u200bk")  # what nobody sees must not hide it
    claude.logs(
        "[beel] [error] an earlier one\n"
        f"[beel] [error] \x1b[31mspawn /old/beel-mcp ENOENT\u202e {split} {'x' * 400}\n"
        'Message from server: {"jsonrpc":"2.0","error":{"message":"Ana García"}}\n'
        "[beel] [info] Client transport closed\n"
    )
    one = claude.checked()[-1]
    assert one.is_remark
    assert '"[beel] [error] spawn /old/beel-mcp ENOENT [hidden] xxx' in one.fact.es
    assert len(one.fact.es) < 450
    assert "García" not in one.fact.es


def test_only_the_end_of_a_long_log_is_read_and_no_half_line(
    claude: Claude, monkeypatch: pytest.MonkeyPatch
) -> None:
    claude.has(beel=entry())
    claude.logs("[error] of long ago " + "x" * 60 + "\n" + "[info]\n" * 5)
    assert "long ago" in claude.checked()[-1].fact.es
    monkeypatch.setattr(app_log, "_TAIL_BYTES", 90)
    claude.logs("[error] of long ago error" + "x" * 30 + " error \n" + "[info]\n" * 5)
    assert "no hay quejas" in claude.checked()[-1].fact.es


def test_a_name_that_leads_elsewhere_leads_to_no_log(claude: Claude) -> None:
    (claude.folder / "logs" / "mcp-server-").mkdir(parents=True)
    (claude.folder / "secret.log").write_text("error: none of ours")
    assert [one.topic for one in claude.has(**{"/../../secret": entry()})] == ["app"]


def test_the_log_lies_elsewhere_on_macos(claude: Claude, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path(claude.environ["HOME"])
    monkeypatch.setattr(sys, "platform", "darwin")
    folder = home / "Library" / "Application Support" / "Claude"
    folder.mkdir(parents=True)
    claude.file = folder / "claude_desktop_config.json"
    claude.logs("[error] ENOENT\n", home / "Library" / "Logs" / "Claude")
    assert "ENOENT" in claude.has(beel=entry())[-1].fact.es


def test_on_windows_file_and_log_are_looked_for_within_the_apps_walls_first(
    claude: Claude, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = tmp_path / "AppData" / "Local"
    walled = local / "Packages" / "Claude_pzs8" / "LocalCache" / "Roaming" / "Claude"
    usual = tmp_path / "AppData" / "Roaming" / "Claude"
    walled.mkdir(parents=True)
    usual.mkdir(parents=True)
    claude.environ |= {"LOCALAPPDATA": str(local), "APPDATA": str(usual.parent)}
    claude.file = walled / "claude_desktop_config.json"
    made = entry()  # `shutil` asks the real Windows, since Python 3.12
    monkeypatch.setattr(sys, "platform", "win32")
    assert str(walled / "logs") in claude.has(beel=made)[-1].fact.es
    claude.logs("[error] outside\n", usual / "logs")
    assert "outside" in claude.checked()[-1].fact.es
    claude.logs("[error] inside\n", walled / "logs")
    assert "inside" in claude.checked()[-1].fact.es
    (local / "Packages" / "Claude_old" / "LocalCache" / "Roaming" / "Claude").mkdir(parents=True)
    claude.file.unlink()
    [remark] = remarks(claude.checked())
    assert "Claude_old" in remark


def script(path: Path, content: str = "#!/gone/python\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    path.chmod(0o755)
    return path


def test_several_copies_on_path_are_named_and_none_is_run(tmp_path: Path) -> None:
    own = Path(sys.executable).parent
    (tmp_path / "link").mkdir()
    (tmp_path / "link" / "beel-mcp").symlink_to(own / "beel-mcp")
    mark = tmp_path / "was-run"
    other = script(tmp_path / "other" / "beel-mcp", f"#!/bin/sh\ntouch {mark}\n")
    alone = [str(tmp_path / "link"), str(own), str(tmp_path / "none"), "", "."]
    assert list(check_program({"PATH": os.pathsep.join(alone)})) == []
    for path in ([*alone, str(other.parent)], [str(other.parent)]):
        [one] = check_program({"PATH": os.pathsep.join(path)})
        assert one.is_remark
        assert str(other) in one.fact.es
    assert not mark.exists()


def test_a_path_that_does_not_lead_here_is_remarked_on_with_the_whole_command(
    tmp_path: Path,
) -> None:
    for environ in ({}, {"PATH": str(tmp_path)}):
        [one] = check_program(environ)
        assert one.is_remark
        assert " ".join(start_command()) in one.fact.es


def test_a_copy_in_a_cache_is_remarked_on_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_config.sys, "prefix", "/home/ana/.cache/uv/archive-v0/x1")
    [one] = check_program({})
    assert one.is_remark
    assert "uvx" in one.fact.es
    assert "beel-mcp" in one.remedy.es


@pytest.mark.parametrize(
    ("version", "is_known"),
    [("3.11.0", True), ("3.14.2", True), ("3.12.9", False), ("3.15.0a1", False)],
)
def test_a_python_it_was_not_tried_with_is_remarked_on(
    monkeypatch: pytest.MonkeyPatch, version: str, *, is_known: bool
) -> None:
    tried = email.message.Message()
    for part in (" :: 3", " :: 3.11", " :: 3.14", ""):
        tried["Classifier"] = f"Programming Language :: Python{part}"
    monkeypatch.setattr(program, "metadata", lambda _: tried)
    monkeypatch.setattr(program.platform, "python_version", lambda: version)
    found = list(check_program({"PATH": str(Path(sys.executable).parent)}))
    assert remarks(found) == [one.fact.es for one in found]
    assert not found if is_known else "con 3.11, 3.14" in found[0].fact.es


def test_remarks_end_well_and_are_marked_in_words_and_in_json(
    claude: Claude, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.files_dir.chmod(0o700)
    claude.has(beel=entry(BEEL_API_KEY=KEY_PLACEHOLDER.es))
    claude.environ["PATH"] = str(Path(sys.executable).parent)

    def shown(*, as_json: bool) -> str:
        spanish = replace(settings, language="es")
        app = create_app()
        assert run_doctor(spanish, claude.environ, sandbox_app=app, as_json=as_json) == 0
        return capsys.readouterr().out

    *lines, _, last = shown(as_json=False).splitlines()
    assert last == "Todo en orden. Observaciones: 1."
    assert [line[:4] for line in lines if not line.startswith("ok")] == ["--  ", "    "]
    told = json.loads(shown(as_json=True))
    assert told["ok"] is True
    [one] = [one for one in told["checks"] if one.get("remark")]
    assert (one["check"], one["ok"], "fault" in one) == ("app", True, False)
    assert "clave del panel" in one["remedy"]
