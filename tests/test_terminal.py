"""Colours and a sign of life are for terminals, and for those whose owner wants them."""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from beel_mcp.cli import terminal

pytestmark = pytest.mark.slow  # each starts the program anew


def on_a_terminal(tmp_path: Path, *arguments: str, **environ: str) -> str:
    """Run a command with a terminal as its stdout and stderr; give all that it showed."""
    pty = pytest.importorskip("pty", reason="no terminals to be had here")
    ours, theirs = pty.openpty()
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "TERM": "xterm", **environ}
    process = subprocess.Popen(
        [sys.executable, "-m", "beel_mcp", *arguments],
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # what Linux says when the last writer has gone
        pass
    finally:
        os.close(ours)
    assert process.wait(timeout=60) == 0, shown
    return shown.decode()


def test_a_terminal_gets_colours_and_a_sign_of_life_that_goes_away(tmp_path: Path) -> None:
    shown = on_a_terminal(tmp_path, "doctor", "--sandbox", BEEL_LANGUAGE="es")
    assert shown.startswith("Preguntando a BeeL …\r\x1b[K")
    assert "\x1b[32mok\x1b[0m  Clave" in shown
    assert "\x1b[1m" in on_a_terminal(tmp_path, "tools")


@pytest.mark.parametrize(
    ("language", "words"), [("es", "aquí no hay nada que escribir"), ("en", "nothing to type here")]
)
def test_on_a_terminal_it_says_that_it_waits_and_one_interrupt_ends_it_quietly(
    tmp_path: Path, language: str, words: str
) -> None:
    pty = pytest.importorskip("pty", reason="no terminals to be had here")
    ours, theirs = pty.openpty()
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "BEEL_LANGUAGE": language}
    program = [sys.executable, "-m", "beel_mcp"]
    process = subprocess.Popen(program, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    os.write(ours, b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
    shown = b""
    while b'"result"' not in shown:  # it reads
        shown += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(timeout=60) == 130
    finally:
        process.kill()
    with suppress(OSError):  # what Linux says when the last writer has gone
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    assert words in shown.decode()
    assert "Ctrl-C" in shown.decode()
    assert b"Traceback" not in shown


@pytest.mark.parametrize(
    "command",
    [("demo",), ("doctor", "--sandbox"), ("tools",), ("config", "cursor"), ("--help",), ("purge",)],
    ids=str,
)
@pytest.mark.parametrize("buffering", [{}, {"PYTHONUNBUFFERED": "1"}], ids=str)
def test_whoever_reads_what_is_printed_may_leave_at_any_time(
    tmp_path: Path, command: tuple[str, ...], buffering: dict[str, str]
) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **buffering}
    reads, writes = os.pipe()
    os.close(reads)
    ended = subprocess.run(
        [sys.executable, "-m", "beel_mcp", *command],
        env=env,
        stdout=writes,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writes)
    assert not re.search("Traceback|Exception|Error", ended.stderr)
    # `argparse` swallows it itself where nothing is kept back.
    assert ended.returncode == 141 or (command == ("--help",) and buffering)


def test_without_a_place_to_print_to_it_ends_as_ever(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    line = f"'{sys.executable}' -m beel_mcp tools >&- 2>&-"
    assert subprocess.run(["sh", "-c", line], env=env, check=False).returncode == 0


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_whoever_wants_no_colours_gets_none(tmp_path: Path, environ: dict[str, str]) -> None:
    for arguments in (("doctor", "--sandbox"), ("tools",)):
        shown = on_a_terminal(tmp_path, *arguments, **environ)
        assert not re.search(r"\x1b\[\d", shown)
    assert "ok  Key" in on_a_terminal(tmp_path, "doctor", "--sandbox", **environ)


def test_json_is_never_coloured(tmp_path: Path) -> None:
    for arguments in (("doctor", "--sandbox", "--json"), ("tools", "--json"), ("config", "cursor")):
        assert not re.search(r"\x1b\[\d", on_a_terminal(tmp_path, *arguments))


def test_json_survives_a_stdout_that_cannot_spell_every_letter(tmp_path: Path) -> None:
    shown = on_a_terminal(
        tmp_path,
        *("config", "cursor"),
        BEEL_FILES_DIR="/home/josé/Documentación",
        PYTHONIOENCODING="ascii",
    )
    assert r"jos\u00e9/Documentaci\u00f3n" in shown


@pytest.mark.parametrize(
    ("system", "environ", "is_seen"),
    [
        ("linux", {}, True),
        ("darwin", {}, True),
        ("win32", {}, False),
        ("win32", {"WT_SESSION": "1"}, True),
        ("win32", {"TERM_PROGRAM": "vscode"}, True),
        ("win32", {"WT_SESSION": "1", "TERM": "dumb"}, False),
    ],
)
def test_the_old_console_of_windows_would_print_the_codes_and_gets_none(
    monkeypatch: pytest.MonkeyPatch, system: str, environ: dict[str, str], *, is_seen: bool
) -> None:
    monkeypatch.setattr(terminal.os, "environ", environ)
    monkeypatch.setattr(terminal.sys, "platform", system)
    monkeypatch.setattr(terminal.sys.stdout, "isatty", lambda: True)
    assert (terminal.paint("ok", "green") != "ok") == is_seen


@pytest.mark.parametrize("command", [("demo",), ("doctor", "--sandbox"), ("tools",)], ids=str)
def test_pipes_and_files_get_utf_8_whatever_the_code_page_is(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "BEEL_LANGUAGE": "es"}
    env |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}  # ASCII
    program = [sys.executable, "-m", "beel_mcp", *command]
    ended = subprocess.run(program, env=env, capture_output=True, check=False)
    assert re.search("[áéíóúñ]", ended.stdout.decode())
    assert ended.stderr == b""
    for name in ("cp1252", "cp850", "ascii"):
        poor = env | {"PYTHONIOENCODING": name}
        again = subprocess.run(program, env=poor, capture_output=True, check=False)
        assert again.returncode == ended.returncode
        assert again.stderr == b""
        again.stdout.decode(name)
