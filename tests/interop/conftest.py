"""Our server as any host would start it, and the clients that are not ours."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest

import beel_mcp
from tests.support.clients.guided import KINDS, Guided, Kind, started
from tests.support.clients.installs import UnavailableError
from tests.support.clients.npm import installed_clients, node_program
from tests.support.servers.process import bare_environment, free_port

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
START_TIMEOUT_S = 30
CALL_TIMEOUT_S = 60
# What is tested is the code beside these tests, whatever copy the environment has installed.
OURS = {"PYTHONPATH": str(Path(beel_mcp.__file__).parent.parent)}
PORT_TAKEN = 3  # beel-mcp's exit code for the environment
Transport = Literal["stdio", "http"]


@dataclass(frozen=True)
class Finished:
    """What a program left behind."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        """Read standard output, which must be one JSON value and nothing else."""
        assert self.out.strip(), self.err
        return json.loads(self.out)


@dataclass(frozen=True)
class Node:
    """A Node with the clients installed, in a home of its own."""

    clients: Path
    home: Path

    def run(self, program: str, *words: str) -> Finished:
        """Run a client's own program by its name."""
        return self.run_node(str(self._programs / program), *words)

    @property
    def _programs(self) -> Path:
        return self.clients / "node_modules" / ".bin"

    def run_node(self, *words: str) -> Finished:
        """Run Node itself."""
        path = os.pathsep.join([str(self._programs), os.environ["PATH"]])
        done = subprocess.run(
            [node_program(self.clients), *words],
            cwd=self.home,
            env={"PATH": path, "HOME": str(self.home), "NO_COLOR": "1"},
            capture_output=True,
            encoding="utf-8",
            timeout=CALL_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return Finished(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Server:
    """How a client reaches our server: a command to start, or a URL."""

    command: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    url: str = ""
    log: Path | None = None

    def said(self) -> str:
        """Read what a server over HTTP logged; over stdio the client passes it on."""
        return self.log.read_text(encoding="utf-8") if self.log else ""

    def for_inspector(self) -> list[str]:
        """Give the target as the Inspector's command line takes it."""
        if self.url:
            return ["--transport", "http", self.url]
        pairs = [word for name, value in self.env for word in ("-e", f"{name}={value}")]
        return [*self.command, *pairs]

    def for_program(self) -> dict[str, Any]:
        """Give the target as our programs read it."""
        if self.url:
            return {"url": self.url}
        command, *words = self.command
        return {"command": command, "args": words, "env": dict(self.env)}


@pytest.fixture(scope="session")
def clients() -> Path:
    try:
        return installed_clients()
    except UnavailableError as error:
        pytest.skip(f"NO OTHER CLIENT WAS TRIED: {error}")


@pytest.fixture
def node(clients: Path, tmp_path: Path) -> Node:
    home = tmp_path / "home"
    home.mkdir()
    return Node(clients, home)


@pytest.fixture(scope="module", params=["stdio", "http"])
def transport(request: pytest.FixtureRequest) -> Transport:
    return request.param


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


Open = Callable[..., AbstractContextManager[Guided]]


@pytest.fixture
def opened(kind: Kind, tmp_path: Path) -> Open:
    """Start a client of this kind: `with opened(server, answers=[…]) as client`."""

    @contextmanager
    def open_client(server: Server, **more: Any) -> Iterator[Guided]:
        home = tmp_path / "client"
        home.mkdir()
        try:
            with started(kind, {**server.for_program(), **more}, home) as client:
                yield client
        except UnavailableError as error:
            pytest.skip(f"ANOTHER CLIENT WAS NOT TRIED: {error}")
        assert "Traceback" not in server.said()

    return open_client


@pytest.fixture
def server(transport: Transport, tmp_path: Path) -> Iterator[Server]:
    """A sandbox of its own, for tests that create."""
    with _offered(transport, tmp_path) as server:
        yield server


@pytest.fixture(scope="module")
def standing_server(
    transport: Transport, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """One for all tests that only read: starting one costs more than asking it."""
    with _offered(transport, tmp_path_factory.mktemp("standing")) as server:
        yield server


@contextmanager
def _offered(transport: Transport, folder: Path) -> Iterator[Server]:
    with offering(transport, folder, "--sandbox") as server:
        yield server


@contextmanager
def offering(transport: Transport, folder: Path, *words: str, **environ: str) -> Iterator[Server]:
    """Over HTTP one process outlives its clients; over stdio each client starts its own."""
    env = _environment(folder) | environ
    if transport == "http":
        log = folder / "server.log"
        with serving(words, env, log) as url:
            yield Server(url=url, log=log)
    else:
        command = (sys.executable, "-m", "beel_mcp", *words)
        yield Server(command=command, env=tuple(env.items()))


@contextmanager
def serving(words: Sequence[str], env: Mapping[str, str], log: Path) -> Iterator[str]:
    """Serve over HTTP on a free port; the process is ended by its id."""
    process, port = _started(words, env, log)
    try:
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(timeout=20)


def _started(
    words: Sequence[str], env: Mapping[str, str], log: Path
) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(5):  # somebody may take the port between our look and the server's
        port = free_port()
        command = ["serve", "--http", "--no-token", *words, "--port", str(port)]
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "beel_mcp", *command],
                env=bare_environment(log.parent, **env),
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            )
        code = _wait_until_healthy(process, port)
        if code is None:
            return process, port
        if code != PORT_TAKEN:
            break
    raise AssertionError(f"the server did not start: {log.read_text(encoding='utf-8')}")


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int) -> int | None:
    """Give None once the server answers, or the code it exited with."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=0.05)
        with suppress(httpx.TransportError):
            answer = httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False, timeout=5)
            assert answer.json() == {"status": "ok"}
            return None
    process.kill()
    process.wait(timeout=20)
    raise AssertionError(f"the server was not healthy after {START_TIMEOUT_S} s")


def _environment(folder: Path) -> dict[str, str]:
    for name in ("files", "state"):
        (folder / name).mkdir()
    return {
        **OURS,
        "BEEL_IMPORT_DIRS": str(EXAMPLES),
        "BEEL_FILES_DIR": str(folder / "files"),
        "BEEL_STATE_DIR": str(folder / "state"),
        "BEEL_LANGUAGE": "en",
    }
