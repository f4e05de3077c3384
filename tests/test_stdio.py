"""stdio: stdout carries the protocol and nothing else, and a start leaves no trace."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow  # each starts the program anew

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
INITIALIZED = {"jsonrpc": "2.0", "method": "notifications/initialized"}
LIST_TOOLS = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
STATUS = {
    "jsonrpc": "2.0",
    "id": 3,
    "method": "tools/call",
    "params": {"name": "get_status", "arguments": {}},
}
FAILING = {
    "jsonrpc": "2.0",
    "id": 4,
    "method": "tools/call",
    "params": {"name": "find_customers", "arguments": {"no_such": 1}},
}
SESSION = (INITIALIZE, INITIALIZED, LIST_TOOLS, STATUS, FAILING)

# Python imports sitecustomize before anything of ours: it stands for dependencies that print.
NOISY = """
import atexit, sys, warnings

class Noise:
    seen = set()

    def find_spec(self, name, path=None, target=None):
        if name in {names!r} and name not in self.seen:
            self.seen.add(name)
            print("noise of", name)
            sys.stdout.write("and half a line")
            warnings.warn("a warning of " + name)
        return None

sys.meta_path.insert(0, Noise())
atexit.register(print, "noise at the end")
"""
# An audit hook is told of what the interpreter is asked to do, whoever asks.
WATCHED = """
import os, sys

def watch(event, args):
    if event in ("socket.connect", "socket.bind", "socket.getaddrinfo", "socket.sendto"):
        os.write(2, ("WATCHED " + event + "\\n").encode())
    elif event in ("os.mkdir", "os.rename", "os.link", "os.symlink", "sqlite3.connect"):
        os.write(2, ("WATCHED " + event + "\\n").encode())
    elif event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR):
        if isinstance(args[0], str) and args[0] != os.devnull:
            os.write(2, ("WATCHED open " + str(args[0]) + "\\n").encode())

sys.addaudithook(watch)
"""


@dataclass
class Ended:
    """What a finished process said, and how it ended."""

    stdout: str
    stderr: str
    code: int


def talk(
    messages: Sequence[Any], *arguments: str, site: str = "", folder: Path, **environ: str
) -> Ended:
    """Start the server, await each answer as a host does, close its stdin, wait for its end."""
    home, extra = folder / "home", folder / "site"
    home.mkdir()
    extra.mkdir()
    (extra / "sitecustomize.py").write_text(site, encoding="utf-8")
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(extra)}
    env |= {"PYTHONDONTWRITEBYTECODE": "1", **environ}
    with (folder / "stderr").open("w+", encoding="utf-8") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "beel_mcp", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=env,
            cwd=home,
            text=True,
            encoding="utf-8",
        )
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        try:
            said = "".join(said_to(process, message) for message in messages)
            said += process.communicate()[0]
        finally:
            process.kill()
            watchdog.cancel()
        stderr.seek(0)
        return Ended(said, stderr.read(), process.returncode)


def said_to(process: subprocess.Popen[str], message: Any) -> str:
    """Write one line; if it wants an answer, read until it is there."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(
        (message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)) + "\n"
    )
    process.stdin.flush()
    heard = []
    if isinstance(message, dict) and "id" in message:
        for line in process.stdout:
            heard.append(line)
            if f'"id":{message["id"]}' in line:
                break
    return "".join(heard)


def answers(stdout: str) -> dict[Any, dict[str, Any]]:
    """Parse every line; a foreign one fails here."""
    messages = [json.loads(line) for line in stdout.splitlines()]
    assert all(message["jsonrpc"] == "2.0" for message in messages)
    return {message.get("id"): message for message in messages}


def test_every_line_on_stdout_is_json_rpc_whatever_dependencies_print(tmp_path: Path) -> None:
    names = ("pydantic", "platformdirs", "mcp", "httpx", "starlette", "anyio", "stdnum", "sqlite3")
    ended = talk(
        SESSION,
        "--sandbox",
        site=NOISY.replace("{names!r}", repr(names)),
        folder=tmp_path,
        PYTHONWARNINGS="always",
        BEEL_LOG_LEVEL="DEBUG",
    )
    said = answers(ended.stdout)
    assert said.keys() == {1, 2, 3, 4}
    assert said[3]["result"]["structuredContent"]["environment"] == "sandbox"
    assert said[4]["result"]["isError"] is True
    assert ended.code == 0
    for name in ("pydantic", "mcp", "httpx"):
        assert f"noise of {name}" in ended.stderr
    assert "noise at the end" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("prompts/get", {"name": "no-such-prompt"}),
        ("prompts/get", {"name": "fix-batch", "arguments": {"no_such": "x"}}),
        ("resources/read", {"uri": "beel://no-such"}),
        ("resources/read", {"uri": "beel://batches/no-such"}),
        ("resources/read", {"uri": "beel://files/no-such"}),
    ],
)
def test_what_is_not_known_is_an_error_in_plain_words_and_leaves_nothing_on_stderr(
    tmp_path: Path, method: str, params: dict[str, Any]
) -> None:
    ask = {"jsonrpc": "2.0", "id": 2, "method": method, "params": params}
    ended = talk([INITIALIZE, INITIALIZED, ask], "--sandbox", folder=tmp_path)
    error = answers(ended.stdout)[2]["error"]
    assert error["code"] == -32602
    assert "no" in error["message"]
    assert ended.stderr == ""


def test_a_closed_stdin_ends_the_process_well(tmp_path: Path) -> None:
    ended = talk([], folder=tmp_path)
    assert (ended.code, ended.stdout, ended.stderr) == (0, "", "")


def test_a_line_that_is_no_json_harms_nothing(tmp_path: Path) -> None:
    noise = ("not json", "{", "[]", "null", '"text"', '{"jsonrpc": "2.0"}', "\x00\x01", "ñ" * 9_000)
    ended = talk([*noise[:4], INITIALIZE, *noise[4:], INITIALIZED, LIST_TOOLS], folder=tmp_path)
    said = answers(ended.stdout)
    assert "result" in said[1]
    assert said[2]["result"]["tools"]
    assert ended.code == 0


ASKING = '{"jsonrpc":"2.0","id":%s,"method":"tools/call","params":{"name":"get_status","a":%s}}'
REFUSED = {
    "a lone surrogate": (ASKING % (11, '"\\ud800"'), 11, -32700),
    "250 levels": (ASKING % (12, "[" * 250 + "]" * 250), 12, -32700),
    "a number of 5,000 digits": (ASKING % (13, "9" * 5_000), 13, -32700),
    "a name for an id": (ASKING % ('"mine"', '"\\udfff"'), "mine", -32700),
    "half a line": ('{"jsonrpc":"2.0","id":14,', None, -32700),
    "100,000 levels": ("[" * 100_000, None, -32700),
    "a surrogate in the id": (ASKING % ('"\\ud800"', "1"), None, -32700),
    "a list": ("[]", None, -32600),
    "a number": ("5", None, -32600),
    "another version": ('{"jsonrpc":"1.0","id":15,"method":"ping"}', 15, -32600),
    "a method that is none": ('{"jsonrpc":"2.0","id":16,"method":3}', 16, -32600),
    "parameters in a list": ('{"jsonrpc":"2.0","id":17,"method":"ping","params":[1]}', 17, -32600),
}


def test_every_line_that_the_parser_refuses_gets_an_answer_under_its_id(tmp_path: Path) -> None:
    lines = [line for line, _, _ in REFUSED.values()]
    ended = talk([INITIALIZE, INITIALIZED, *lines, LIST_TOOLS], folder=tmp_path)
    said = [json.loads(line) for line in ended.stdout.splitlines()]
    errors = [(one["id"], one["error"]["code"]) for one in said if "error" in one]
    assert errors == [(ident, code) for _, ident, code in REFUSED.values()]
    assert said[-1]["result"]["tools"]
    assert "Traceback" not in ended.stderr
    assert ended.code == 0


def test_a_byte_order_mark_before_a_line_is_passed_over(tmp_path: Path) -> None:
    ended = talk(["\ufeff" + json.dumps(INITIALIZE), INITIALIZED, LIST_TOOLS], folder=tmp_path)
    said = answers(ended.stdout)
    assert said[1]["result"]["serverInfo"]["name"] == "beel-mcp"
    assert said[2]["result"]["tools"]


def test_blank_lines_notifications_and_late_answers_get_no_answer(tmp_path: Path) -> None:
    silent = (
        "",
        "   ",
        '{"jsonrpc":"2.0","method":"notifications/x","params":[1]}',
        '{"jsonrpc":"2.0","id":7,"result":3}',
        '{"jsonrpc":"2.0","id":8,"error":"no"}',
    )
    ended = talk([INITIALIZE, INITIALIZED, *silent, LIST_TOOLS], folder=tmp_path)
    assert answers(ended.stdout).keys() == {1, 2}


def test_a_start_and_a_tool_list_touch_neither_disk_nor_network(tmp_path: Path) -> None:
    ended = talk(
        SESSION[:3], site=WATCHED, folder=tmp_path, BEEL_API_KEY="beel_sk_test_0a1b2c3d4e5f"
    )
    assert answers(ended.stdout)[2]["result"]["tools"]
    assert [line for line in ended.stderr.splitlines() if line.startswith("WATCHED")] == []
    assert list((tmp_path / "home").iterdir()) == []


def test_the_watch_itself_sees_files_and_connections(tmp_path: Path) -> None:
    """Show that the test before this one can fail."""
    (tmp_path / "sitecustomize.py").write_text(WATCHED, encoding="utf-8")
    snippet = (
        "import socket, sqlite3\n"
        "open('a', 'w').close()\n"
        "sqlite3.connect(':memory:').close()\n"
        "probe = socket.socket()\n"
        "probe.connect_ex(('127.0.0.1', 1))\n"
        "probe.close()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", snippet],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stderr.splitlines() == [
        "WATCHED open a",
        "WATCHED sqlite3.connect",
        "WATCHED socket.connect",
    ]


@pytest.mark.parametrize(("value", "is_there"), [("0", False), ("1", True), ("", True)])
def test_a_host_that_chokes_on_output_schemas_gets_none(
    tmp_path: Path, value: str, *, is_there: bool
) -> None:
    ended = talk(SESSION, "--sandbox", folder=tmp_path, BEEL_OUTPUT_SCHEMA=value)
    said = answers(ended.stdout)
    assert {"outputSchema" in tool for tool in said[2]["result"]["tools"]} == {is_there}
    assert said[3]["result"]["structuredContent"]["environment"] == "sandbox"
    assert said[4]["result"]["structuredContent"]["code"] == "invalid_arguments"


@pytest.mark.parametrize(
    "environ",
    [
        {"LANG": "C"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "ascii", "BEEL_LANGUAGE": "es"},
    ],
    ids=str,
)
def test_accents_survive_a_poor_locale(tmp_path: Path, environ: dict[str, str]) -> None:
    rows = [{"legal_name": "Ñandú «ok» €", "email": "no address"}]
    check = {"name": "validate_customers", "arguments": {"customers": rows}}
    ask = {"jsonrpc": "2.0", "id": 5, "method": "tools/call", "params": check}
    ended = talk([INITIALIZE, INITIALIZED, ask], "--sandbox", folder=tmp_path, **environ)
    assert "Ñandú «ok» €" in answers(ended.stdout)[5]["result"]["content"][0]["text"]
    assert ended.code == 0


# What Windows has otherwise: the end of a line in text files, and the code page of stdout.
OTHER_LINES = """
import io, os, sys

class Windows(io.TextIOWrapper):
    def __init__(self, buffer, encoding="cp1252", errors=None, newline=None, **more):
        super().__init__(buffer, encoding, errors, "\\r\\n" if newline is None else newline, **more)

os.linesep = "\\r\\n"
io.TextIOWrapper = Windows
"""


def test_the_protocol_ends_its_lines_with_a_line_feed_alone_whatever_the_system_does(
    tmp_path: Path,
) -> None:
    (tmp_path / "sitecustomize.py").write_text(OTHER_LINES + "print('noise')", encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, "-m", "beel_mcp", "--sandbox"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == b"noise\n"
        for message in SESSION:  # lines may come as Windows ends them
            process.stdin.write(json.dumps(message, ensure_ascii=False).encode() + b"\r\n")
            process.stdin.flush()
            if "id" in message:
                line = process.stdout.readline()
                assert json.loads(line)["id"] == message["id"]
                assert line.endswith(b"}\n")
                assert b"\r" not in line
        said, _ = process.communicate(timeout=60)
    assert (said, process.returncode) == (b"", 0)
