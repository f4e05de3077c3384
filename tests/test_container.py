"""The container for `serve --http`: what its file says, and its very commands, with no engine."""

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from dockerfile_parse import DockerfileParser

from beel_mcp.settings import VARIABLES
from tests.support.servers.process import free_port
from tests.test_serve import TOKEN

ROOT = Path(__file__).parent.parent
FILE = ROOT / ".ci" / "packaging" / "Containerfile"


@pytest.fixture
def parsed(tmp_path: Path) -> DockerfileParser:
    # The parser wants a place where it could write.
    copy = tmp_path / "Dockerfile"
    copy.write_bytes(FILE.read_bytes())
    return DockerfileParser(str(copy))


def said(parsed: DockerfileParser, instruction: str) -> list[str]:
    return [one["value"] for one in parsed.structure if one["instruction"] == instruction]


def words(parsed: DockerfileParser, instruction: str) -> list[str]:
    """Give the last command of an instruction, which has the form of a list."""
    [value] = said(parsed, instruction)
    found: list[str] = json.loads(value[value.index("[") :])
    return found


def test_nobody_is_root_and_no_secret_is_in_it(parsed: DockerfileParser) -> None:
    [user] = said(parsed, "USER")
    assert user.isdecimal()
    assert int(user) > 0
    last = [one["instruction"] for one in parsed.structure]
    assert last.index("USER") < last.index("ENTRYPOINT")
    assert not [one for one in last if one in ("ARG", "ADD", "SECRET")]
    named = {name for name in VARIABLES if name in parsed.content}
    assert named == set(parsed.envs) == {"BEEL_FILES_DIR", "BEEL_STATE_DIR"}
    assert all(value.startswith("/data/") for value in parsed.envs.values())
    assert said(parsed, "VOLUME") == ["/data"]


def test_only_what_makes_the_package_goes_into_it(parsed: DockerfileParser) -> None:
    sources = [line.split()[:-1] for line in said(parsed, "COPY") if not line.startswith("--from")]
    for name in (name for names in sources for name in names):
        assert (ROOT / name).exists(), name
    assert len({line.partition(" AS ")[0] for line in said(parsed, "FROM")}) == 1


def test_the_linter_of_such_files_has_nothing_to_say() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        pytest.skip("hadolint is not installed (the extra lint)")
    ended = subprocess.run([linter, FILE], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "")


@pytest.mark.slow
def test_its_command_serves_and_its_health_check_sees_it(
    parsed: DockerfileParser, tmp_path: Path
) -> None:
    port = str(free_port())
    command = [*words(parsed, "ENTRYPOINT"), *words(parsed, "CMD")]
    program, *arguments = command
    assert program == "/opt/beel/bin/beel-mcp"
    env = {name: value.replace("/data", str(tmp_path)) for name, value in parsed.envs.items()}
    env |= {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "BEEL_SANDBOX": "1"}
    refused = run(["-m", "beel_mcp", *arguments], env)
    assert refused.returncode == 2  # nothing is served without what `run` brings
    env |= {"BEEL_HTTP_TOKEN": TOKEN, "BEEL_HTTP_ALLOWED_HOSTS": f"localhost:{port}"}
    [_, check, script] = words(parsed, "HEALTHCHECK")
    assert said(parsed, "EXPOSE") == ["8931"]
    script = script.replace("8931", port)
    assert run([check, script], env).returncode != 0
    serving = [sys.executable, "-m", "beel_mcp", *arguments, "--port", port]
    with subprocess.Popen(serving, env=env, stderr=subprocess.PIPE, text=True) as process:
        try:
            with closing(process.stderr) as said_there:  # type: ignore[type-var]
                assert said_there
                assert "8931" not in said_there.readline()
                wait_for(process, port)
                assert run([check, script], env).returncode == 0
                url = f"http://127.0.0.1:{port}/mcp"
                answer = httpx.post(url, headers={"host": f"localhost:{port}"}, trust_env=False)
                assert answer.status_code == 401
        finally:
            process.terminate()
            process.wait(timeout=60)


def run(arguments: list[str], env: dict[str, str]) -> "subprocess.CompletedProcess[Any]":
    program = [sys.executable, *arguments]
    return subprocess.run(program, env=env, capture_output=True, check=False, timeout=60)


def wait_for(process: "subprocess.Popen[str]", port: str) -> None:
    """Knock until somebody opens; it ends when the process does."""
    while process.poll() is None:
        try:
            httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False)
        except httpx.TransportError:
            continue
        return
    raise AssertionError("it ended")
