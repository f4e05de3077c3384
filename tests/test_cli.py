"""The command line: what each word does, in both languages, and how it ends."""

import argparse
import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from beel_mcp import __version__, cli
from beel_mcp.cli import arguments as argument_words
from beel_mcp.cli.arguments import parser
from tests.conftest import TEST_KEY
from tests.support.servers.process import free_port, serving_process
from tests.test_settings import run

HEAVY = ("mcp", "httpx", "httpx2", "starlette", "uvicorn", "anyio", "sqlite3", "tomllib")
COMMANDS = ("serve", "demo", "sandbox", "doctor", "config", "tools", "purge")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["serve", "--help"]])
def test_version_and_help_import_neither_the_sdk_nor_http(arguments: list[str]) -> None:
    snippet = (
        "import sys\n"
        "from beel_mcp.cli import main\n"
        "try:\n"
        f"    main({arguments!r})\n"
        "except SystemExit as ended:\n"
        "    assert ended.code == 0\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", snippet], capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.stdout.splitlines()[-1:] == ["[]"], ended.stderr


def test_the_version_is_the_packages() -> None:
    ended = run("--version", BEEL_API_KEY="not a key")
    assert (ended.returncode, ended.stdout) == (0, f"beel-mcp {__version__}\n")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("es", ("uso:", "opciones", "órdenes", "muestra esta ayuda", "esta máquina", "clave")),
        ("en", ("usage:", "options", "commands", "show this help", "loopback", "key")),
    ],
)
def test_help_speaks_the_persons_language(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    language: str,
    words: tuple[str, ...],
) -> None:
    monkeypatch.setenv("BEEL_LANGUAGE", language)
    for command in ([], *([command] for command in COMMANDS)):
        with pytest.raises(SystemExit) as ended:
            cli.main([*command, "--help"])
        assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert all(word in shown for word in words)
    assert all(command in shown for command in COMMANDS)


def test_help_answers_whatever_the_settings_say_and_whatever_the_terminal_can_show() -> None:
    ended = run(
        "--help", BEEL_API_KEY="wrong", BEEL_LANGUAGE="es", PYTHONIOENCODING="ascii", LC_ALL="C"
    )
    assert ended.returncode == 0
    assert "Servidor MCP para BeeL" in ended.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["--sand"],  # a shortened --sandbox must never serve the real account
        ["serve"],
        ["serve", "--http", "--sand"],
        ["serve", "--http", "--port", "0"],
        ["serve", "--http", "--port", "65536"],
        ["serve", "--http", "--port", "many"],
        ["sandbox", "--generation", "next"],
        ["sandbox", "--rate-limit", "0"],
        ["sandbox", "--rate-limit", "-1"],
        ["demo", "--fast"],
        ["doctor", "--sand"],
        ["tools", "--json=yes"],
        ["config"],
        ["config", "word"],
        ["config", "vscode", "--name", "my server"],
        ["config", "vscode", "--name"],
        ["--api-key", TEST_KEY],
    ],
    ids=" ".join,
)
def test_a_wrong_word_ends_with_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    fault, more = said.err.splitlines()
    assert fault.startswith("beel-mcp: ")
    assert more.endswith("--help")
    assert not any(word in said.err for word in ("Traceback", "_port", "_name", TEST_KEY))


@pytest.mark.parametrize(
    ("language", "words", "nearest"),
    [("es", "no existe la orden «{}»", "¿quería decir doctor?"), ("en", "“{}”", "mean doctor?")],
)
def test_an_unknown_command_is_named_with_the_nearest_one(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    language: str,
    words: str,
    nearest: str,
) -> None:
    monkeypatch.setenv("BEEL_LANGUAGE", language)
    for word in ("docter", "quux\x1b[2J"):
        with pytest.raises(SystemExit):
            cli.main([word])
        fault, _ = capsys.readouterr().err.splitlines()
        assert words.format(word.removesuffix("\x1b[2J")) in fault
        assert (nearest in fault) is (word == "docter")
    assert all(command in fault for command in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["config"], "falta: HOST"),
        (["config", "word"], "'word' no vale; elija entre 'claude-desktop'"),
        (["config", "vscode", "--name"], "argumento --name: falta su valor"),
        (["serve", "--sand"], "falta: --http"),
        (["demo", "--fast"], "no se entiende: --fast"),
        (["tools", "--json=yes"], "argumento --json: no lleva el valor 'yes'"),
        (["tools", TEST_KEY], "la clave nunca se escribe como argumento"),
    ],
    ids=" ".join,
)
def test_a_wrong_word_is_told_in_spanish(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    words: str,
) -> None:
    monkeypatch.setenv("BEEL_LANGUAGE", "es")
    with pytest.raises(SystemExit):
        cli.main(arguments)
    fault, more = capsys.readouterr().err.splitlines()
    assert words in fault
    assert more.startswith("Más ayuda: beel-mcp")


def test_argparse_speaks_spanish_only_while_it_is_asked_to() -> None:
    own = vars(argparse)["_"]
    with argument_words.argparse_in("es"):
        assert vars(argparse)["_"]("options") == "opciones"
        assert vars(argparse)["_"]("no such sentence") == "no such sentence"
    assert vars(argparse)["_"] is own


@pytest.mark.parametrize(
    "arguments", [["--sandbox", "serve", "--http"], ["serve", "--http", "--sandbox"]]
)
def test_the_sandbox_option_stands_before_or_behind_the_command(arguments: list[str]) -> None:
    assert parser("en").parse_args(arguments).sandbox is True
    assert parser("en").parse_args(["serve", "--http"]).sandbox is False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "steps", "end"),
    [
        (
            "es",
            (
                *("¿Dónde estamos?", "Comprobar la lista", "Dar de alta", "Buscar", "otra vez"),
                *("sin formularios", "con formularios"),
            ),
            "Demostración terminada sin errores.",
        ),
        (
            "en",
            (
                *("Where are we?", "Check the list", "Create the customers", "Find", "again"),
                *("shows no forms", "shows forms"),
            ),
            "The demo ended without errors.",
        ),
    ],
)
def test_the_demo_keeps_its_promises_and_prints_every_step(
    tmp_path: Path, language: str, steps: tuple[str, ...], end: str
) -> None:
    # It needs no account: what is set for the real one, right or wrong, is nothing to it.
    ended = run(
        "demo", cwd=tmp_path, HOME=str(tmp_path), BEEL_LANGUAGE=language, BEEL_API_KEY="wrong"
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    titles = re.findall(r"^(\d+)\. (.+)$", ended.stdout, re.MULTILINE)
    assert [int(number) for number, _ in titles] == list(range(1, len(titles) + 1))
    for step in steps:
        assert any(step in title for _, title in titles), step
    *_, last, is_next, command = ended.stdout.rstrip().splitlines()
    assert last.strip() == end
    assert is_next.endswith(":")
    # What is shortened is marked as that, and the last line is the next command, as it works here.
    assert {"es": "… y 3 más", "en": "… and 3 more"}[language] in ended.stdout
    again = subprocess.run(
        shlex.split(command),
        env={"PATH": "/nowhere", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--sandbox" in json.loads(again.stdout)["mcpServers"]["beel"]["args"]
    assert "!!" not in ended.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_demo_keeps_its_files_where_it_is_told_to(tmp_path: Path) -> None:
    ended = run("demo", "--keep", "kept", cwd=tmp_path, HOME=str(tmp_path), BEEL_LANGUAGE="es")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"Sus archivos están en {tmp_path / 'kept'}" in ended.stdout
    kept = sorted(path.suffix for path in (tmp_path / "kept").iterdir())
    assert kept == [".csv", ".zip"]


@pytest.mark.parametrize(("command", "port"), [("serve", "8931"), ("sandbox", "8932")])
@pytest.mark.parametrize("language", ["es", "en"])
def test_help_of_what_serves_says_the_port_and_what_callers_send(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    port: str,
    language: str,
) -> None:
    monkeypatch.setenv("BEEL_LANGUAGE", language)
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    shown = capsys.readouterr().out
    assert port in shown
    assert "Authorization: Bearer" in " ".join(shown.split())
    assert "Ctrl-C" in shown


@pytest.mark.slow
@pytest.mark.parametrize("generation", ["current", "seeds"])
def test_the_sandbox_answers_over_http_and_keeps_its_state(tmp_path: Path, generation: str) -> None:
    state = tmp_path / "beel.db"
    arguments = ("--generation", generation, "--state", str(state))
    auth = {"Authorization": f"Bearer {TEST_KEY}"}
    new = {"legal_name": "Taller Ñ SL", "nif": "B12345674", "address": ADDRESS}
    with serving_process("sandbox", *arguments) as served:
        url = f"http://127.0.0.1:{served.port}/v1/customers"
        with httpx.Client(headers=auth, trust_env=False, timeout=20) as client:
            before = client.get(url)
            assert before.status_code == 200
            assert ("deprecation" in before.headers) is (generation == "current")
            created = client.post(url, json=new)
            assert created.status_code == 201, created.text
            assert client.get(url, headers={"Authorization": ""}).status_code == 401
    with serving_process("sandbox", *arguments) as served:
        url = f"http://127.0.0.1:{served.port}/v1/customers"
        again = httpx.get(url, params={"search": "Taller Ñ"}, headers=auth, trust_env=False)
        assert "Taller Ñ SL" in again.text
    assert "Traceback" not in "".join(served.said)


ADDRESS = {
    "street": "Calle Mayor",
    "number": "1",
    "postal_code": "28013",
    "city": "Madrid",
    "province": "Madrid",
    "country": "España",
}


def test_the_sandbox_counts_requests_when_asked_to() -> None:
    with serving_process("sandbox", "--rate-limit", "1") as served:
        url = f"http://127.0.0.1:{served.port}/v1/customers"
        auth = {"Authorization": f"Bearer {TEST_KEY}"}
        codes = [httpx.get(url, headers=auth, trust_env=False).status_code for _ in range(2)]
    assert codes == [200, 429]


@pytest.mark.parametrize("language", ["es", "en"])
def test_a_state_file_that_cannot_be_used_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    language: str,
) -> None:
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE notes (text)")
    connection.close()
    text = tmp_path / "list.csv"
    text.write_text("nombre;nif\n" * 200, encoding="utf-8")
    for name in (*(key for key in os.environ if key.startswith("SSL_")), "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("BEEL_LANGUAGE", language)
    for state in (foreign, text, tmp_path / "no" / "folder.db", tmp_path):
        arguments = ["sandbox", "--port", str(free_port()), "--state", str(state)]
        assert cli.main(arguments) == 3, state
        [line] = capsys.readouterr().err.splitlines()
        assert line.startswith(f"beel-mcp: {state} ")
        assert {"es": "no sirve", "en": "cannot be used"}[language] in line
    assert text.read_text(encoding="utf-8") == "nombre;nif\n" * 200


@pytest.mark.slow
@pytest.mark.parametrize("command", [("sandbox",), ("serve", "--http", "--sandbox")])
@pytest.mark.parametrize(("language", "words"), [("es", "ocupado"), ("en", "in use")])
def test_a_port_in_use_ends_with_3_and_one_line(
    command: tuple[str, ...], language: str, words: str
) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = run(*command, "--port", port, BEEL_LANGUAGE=language)
    assert (ended.returncode, ended.stdout) == (3, "")
    [line] = ended.stderr.splitlines()
    assert line.startswith("beel-mcp: ")
    assert words in line
    assert port in line


def test_ctrl_c_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_run", interrupted)
    assert cli.main([]) == 130


def test_a_demo_that_breaks_a_promise_ends_with_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beel_mcp.cli.demo.run_demo", lambda language, keep: False)
    assert cli.main(["demo"]) == 1
