"""`beel-mcp config`: what each app gets, what never stands in it, and that it starts."""

import base64
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from mcp import Client, StdioServerParameters

from beel_mcp.cli import client_config
from beel_mcp.cli.arguments import HOSTS
from beel_mcp.cli.client_config import configuration, start_command
from beel_mcp.cli.one_line import BUILD_CONTAINER, one_line, run_container, web_link
from beel_mcp.settings import Settings
from tests.conftest import TEST_KEY
from tests.test_settings import run

SPANISH = {"BEEL_LANGUAGE": "es"}


def configured(*arguments: str, **environ: str) -> tuple[dict[str, Any], str]:
    """Give the JSON, and what stands beside it on stderr."""
    ended = run("config", *arguments, HOME="/nowhere", **environ)
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout), ended.stderr


def servers_of(content: dict[str, Any]) -> dict[str, Any]:
    return content.get("mcpServers") or content["servers"]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("language", ["es", "en"])
def test_every_app_gets_a_server_with_a_language_and_without_the_key(
    host: str, language: str
) -> None:
    content, advice = configured(host, BEEL_LANGUAGE=language, BEEL_API_KEY=TEST_KEY)
    [(name, server)] = servers_of(content).items()
    assert name == "beel"
    assert server["env"]["BEEL_LANGUAGE"] == language
    assert server["env"]["BEEL_API_KEY"]
    assert [server["command"], *server["args"]] == start_command()
    assert TEST_KEY not in json.dumps(content) + advice
    assert {"es": "reinicie", "en": "restart"}[language] in advice


@pytest.mark.slow
def test_the_shape_is_what_each_app_reads() -> None:
    for host in HOSTS:
        content, _ = configured(host, **SPANISH)
        assert content.keys() == ({"inputs", "servers"} if host == "vscode" else {"mcpServers"})
    content, _ = configured("vscode", "--name", "obra", **SPANISH)
    [asked] = content["inputs"]
    assert asked["type"] == "promptString"
    assert asked["password"] is True
    assert content["servers"]["obra"]["type"] == "stdio"
    assert content["servers"]["obra"]["env"]["BEEL_API_KEY"] == f"${{input:{asked['id']}}}"
    content, _ = configured("claude-code", **SPANISH)
    assert content["mcpServers"]["beel"]["env"]["BEEL_API_KEY"] == "${BEEL_API_KEY}"


@pytest.mark.parametrize("host", ["claude-desktop", "cursor"])
def test_what_stands_in_the_keys_place_is_named_and_is_no_key_yet(host: str) -> None:
    content, advice = configured(host, **SPANISH)
    placeholder = content["mcpServers"]["beel"]["env"]["BEEL_API_KEY"]
    assert placeholder in advice
    settings = Settings.from_env({"BEEL_API_KEY": placeholder})
    assert settings.environment == "none"
    [warning] = settings.warnings
    assert "BEEL_API_KEY" in warning.es


@pytest.mark.slow
def test_each_company_has_a_server_of_its_own_name() -> None:
    first, _ = configured("cursor", "--company", "B12345674", **SPANISH)
    second, _ = configured("cursor", "--company", "1b2c3d4e-0000-4000-8000-000000000001", **SPANISH)
    third, _ = configured("cursor", "--company", "B87654323", "--name", "obra", **SPANISH)
    names = [name for one in (first, second, third) for name in servers_of(one)]
    assert names == ["beel-b12345674", "beel-1b2c3d4e", "obra"]
    companies = [
        server["env"]["BEEL_COMPANY_ID"]
        for one in (first, second, third)
        for server in servers_of(one).values()
    ]
    assert companies == ["B12345674", "1b2c3d4e-0000-4000-8000-000000000001", "B87654323"]
    assert run("config", "cursor", "--company", "Taller", HOME="/nowhere").returncode == 2


def test_the_settings_in_force_are_carried_and_secrets_are_not() -> None:
    secrets = {
        "BEEL_HTTP_TOKEN": "0123456789abcdefghijklmnop",
        "BEEL_PROXY": "http://ana:hunter2@proxy.local:3128",
    }
    content, advice = configured(
        "cursor", **SPANISH, BEEL_READ_ONLY="1", BEEL_APIKEY="x", **secrets
    )
    env = content["mcpServers"]["beel"]["env"]
    assert env.keys() == {"BEEL_API_KEY", "BEEL_LANGUAGE", "BEEL_READ_ONLY"}
    assert "hunter2" not in advice
    assert "BEEL_PROXY" in advice
    plain, _ = configured("cursor", **SPANISH, BEEL_PROXY="http://proxy.local:3128")
    assert plain["mcpServers"]["beel"]["env"]["BEEL_PROXY"] == "http://proxy.local:3128"


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize("host", HOSTS)
async def test_with_the_sandbox_it_asks_for_no_key_and_starts_as_it_stands(
    tmp_path: Path, host: str
) -> None:
    content, advice = configured(host, "--sandbox", **SPANISH)
    assert content.keys() <= {"mcpServers", "servers"}
    assert not re.search("clave", advice)
    [server] = servers_of(content).values()
    assert "BEEL_API_KEY" not in server["env"]
    parameters = StdioServerParameters(
        command=server["command"],
        args=server["args"],
        # Apps search for programs in a few places only; it must not matter.
        env={**server["env"], "PATH": "/nowhere", "HOME": str(tmp_path)},
    )
    async with Client(parameters, read_timeout_seconds=60) as client:
        status = await client.call_tool("get_status", {})
    assert (status.structured_content or {})["language"] == "es"
    assert (status.structured_content or {})["environment"] == "sandbox"


def test_on_windows_the_script_has_an_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "beel-mcp.EXE"
    script.touch()
    monkeypatch.setattr(client_config.shutil, "which", lambda _: str(script))
    monkeypatch.setattr(client_config.sys, "executable", str(tmp_path / "python.exe"))
    assert start_command() == [str(script)]


@pytest.mark.slow
def test_the_script_is_named_only_if_it_is_this_very_one(tmp_path: Path) -> None:
    """Lay an environment out: the interpreter's own script, and another one of that name."""
    own, other = tmp_path / "venv" / "bin", tmp_path / "other"
    links = tmp_path / "links"
    for folder in (own, other, links):
        folder.mkdir(parents=True)
    for script in (own / "beel-mcp", other / "beel-mcp"):
        script.write_text("#!/bin/sh\n", encoding="utf-8")
        script.chmod(0o755)
    (links / "beel-mcp").symlink_to(own / "beel-mcp")
    snippet = (
        "import json, sys\n"
        "from beel_mcp.cli.client_config import start_command\n"
        f"sys.executable = {str(own / 'python')!r}\n"
        "print(json.dumps(start_command()))\n"
    )
    found = []
    for folder in (own, links, other, tmp_path):
        ended = subprocess.run(
            [sys.executable, "-c", snippet],
            env={**os.environ, "PATH": str(folder)},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        found.append(json.loads(ended.stdout))
    module = [str(own / "python"), "-m", "beel_mcp"]
    assert found == [[str(own / "beel-mcp")], [str(links / "beel-mcp")], module, module]


@pytest.mark.parametrize(
    ("prefix", "command"),
    [
        ("/home/ana/.cache/uv/archive-v0/aB3", ["uvx", "beel-mcp"]),
        ("/home/ana/.cache/uv/environments-v2/1f", ["uvx", "beel-mcp"]),
        ("/home/ana/.cache/pipx/0a1b2c", ["pipx", "run", "beel-mcp"]),
        ("/home/ana/.local/pipx/.cache/0a1b", ["pipx", "run", "beel-mcp"]),
        ("/home/ana/.local/share/uv/tools/beel-mcp", None),
        ("/home/ana/.local/share/pipx/venvs/beel-mcp", None),
    ],
)
def test_a_copy_that_will_vanish_is_not_named(
    monkeypatch: pytest.MonkeyPatch, prefix: str, command: list[str] | None
) -> None:
    monkeypatch.setattr(sys, "prefix", prefix)
    monkeypatch.setenv("PATH", "/nowhere")
    made = configuration("cursor", Settings.from_env(SPANISH, sandbox=True), {}, None)
    server = made.content["mcpServers"]["beel"]
    started = [server["command"], *server["args"]]
    is_warned = any("copia" in line for line in made.advice)
    if command:
        assert started == [*command, "--sandbox"]
    assert is_warned is bool(command)
    assert (prefix in started[0]) is False


def lines_of(host: str, *arguments: str) -> tuple[dict[str, Any], str]:
    """Give what goes into the file, and the line that does the same."""
    content, advice = configured(host, *arguments, **SPANISH)
    found = re.search(r"(?:carpeta|navegador|verlo): (.+)", advice)
    assert found, advice
    return content, found[1]


@pytest.mark.parametrize("arguments", [(), ("--sandbox", "--name", "obra")])
def test_the_line_for_each_app_says_what_its_file_says(arguments: tuple[str, ...]) -> None:
    content, line = lines_of("cursor", *arguments)
    [name] = content["mcpServers"]
    query = parse_qs(urlsplit(line).query)
    assert query["name"] == [name]
    config = json.loads(base64.b64decode(query["config"][0]))
    assert config == content["mcpServers"][name]

    content, line = lines_of("vscode", *arguments)
    asked = json.loads(unquote(line.removeprefix("vscode:mcp/install?")))
    assert asked.pop("name") == name
    assert asked.pop("inputs", None) == content.get("inputs")
    assert asked == content["servers"][name]

    content, line = lines_of("claude-code", *arguments)
    words = shlex.split(line)
    assert words[:3] == ["claude", "mcp", "add"]
    server = content["mcpServers"][name]
    assert words[words.index("--") - 1] == name
    assert words[words.index("--") + 1 :] == [server["command"], *server["args"]]
    given = [words[at + 1] for at, word in enumerate(words) if word == "--env"]
    assert dict(one.split("=", 1) for one in given) == server["env"]

    _, line = lines_of("claude-desktop", *arguments)
    sandbox = " --sandbox" if arguments else ""  # what it installs is what was shown
    assert line == f"beel-mcp install claude-desktop --name {name}{sandbox}"


def released(host: str) -> dict[str, Any]:
    """Give what goes into an app's file where uvx fetches the program."""
    settings = Settings.from_env({"BEEL_LANGUAGE": "es"})
    content = json.loads(json.dumps(configuration(host, settings, {}, None).content))
    [server] = servers_of(content).values()
    server |= {"command": "uvx", "args": ["beel-mcp"]}
    return content


@pytest.mark.parametrize("host", ["claude-code", "vscode", "cursor"])
def test_where_http_is_taken_the_container_is_named_without_a_secret(host: str) -> None:
    _, advice = configured(host, **SPANISH, BEEL_API_KEY=TEST_KEY)
    assert f"{BUILD_CONTAINER} && {run_container(is_sandbox=False)}" in advice
    _, advice = configured(host, "--sandbox", **SPANISH)
    assert run_container(is_sandbox=True) in advice


PAGES = ("README.md", "README.es.md", "examples/clients/README.md")


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_show_the_lines_and_links_that_are_made(page: str) -> None:
    text = (Path(__file__).parent.parent / page).read_text(encoding="utf-8")
    assert f"    {one_line('claude-code', 'beel', released('claude-code'))}\n" in text
    assert f"({web_link('vscode', 'beel', released('vscode'))})" in text
    assert f"({web_link('cursor', 'beel', released('cursor'))})" in text
    assert "beel-mcp install claude-desktop" in text
    assert f"    {BUILD_CONTAINER}\n    {run_container(is_sandbox=False)}\n" in text


@pytest.mark.parametrize("host", HOSTS)
def test_the_example_for_each_app_is_what_config_prints(
    host: str, request: pytest.FixtureRequest
) -> None:
    content, _ = configured(host, **SPANISH)
    [server] = servers_of(content).values()
    server |= {"command": "beel-mcp", "args": []}  # the one thing that every machine has its own of
    example = Path(__file__).parent.parent / "examples" / "clients" / f"{host}.json"
    if request.config.getoption("--update-snapshots"):
        example.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    assert json.loads(example.read_text(encoding="utf-8")) == content
    assert f"({host}.json)" in (example.parent / "README.md").read_text(encoding="utf-8")
