"""The three fixtures that most tests stand on: a sandbox, a client on it, a place for files."""

import gc
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

import hypothesis
import hypothesis.strategies
import pytest
from jsonschema import Draft202012Validator
from mcp import Client
from mcp.client import ClientExtension
from mcp.client.session import ElicitationFnT
from pydantic import SecretStr
from starlette.applications import Starlette

from beel_mcp.api.http import limits
from beel_mcp.context import SYSTEM_TIMING, Timing
from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.server import create_server
from beel_mcp.settings import Settings
from beel_mcp.tools.declare import Declaration
from tests.support.limits import fault_of, processor_s

Era = Literal["legacy", "auto"]
Connect = Callable[..., AbstractAsyncContextManager[Client]]
TEST_KEY = "beel_sk_test_0a1b2c3d4e5f"

# How long an example takes says how busy the machine is, not whether a promise holds.
hypothesis.settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


class FakeTime:
    """Real time plus what was slept: waiting costs nothing, and clocks of others still agree."""

    def __init__(self) -> None:
        self.slept = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.slept

    async def sleep(self, seconds: float) -> None:
        self.slept += timedelta(seconds=seconds)


@pytest.fixture
def fake_time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["legacy", "auto"])
def era(request: pytest.FixtureRequest) -> Era:
    """The older protocol era with its handshake, and the one of 2026-07-28."""
    return request.param


@pytest.fixture(autouse=True, scope="session")
def tools_built_once() -> Iterator[None]:
    """A process builds its tools once, for its one server; these tests make thousands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Declaration, "build", cache(Declaration.build))
        yield


@pytest.fixture(autouse=True, scope="session")
def schemas_checked_once() -> Iterator[None]:
    """A client checks each output schema once, at some 90 ms; these tests make thousands."""
    check, known = Draft202012Validator.check_schema, set[str]()

    def check_once(schema: Any, **options: Any) -> None:
        text = json.dumps([schema, sorted(options)], sort_keys=True)
        if text not in known:
            check(schema, **options)
            known.add(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Draft202012Validator, "check_schema", check_once)
        yield


@pytest.fixture(autouse=True)
def nothing_sent_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process counts what it sends to a BeeL in a minute; each test is one of its own."""
    monkeypatch.setattr(limits, "_ADDRESSES", {})


@pytest.fixture(autouse=True, scope="session")
def letters_known_to_hypothesis() -> None:
    """Build its tables of Unicode, which takes two seconds in a new clone, at no test's expense."""

    @hypothesis.given(hypothesis.strategies.text())
    @hypothesis.settings(max_examples=1, database=None)
    def draw(text: str) -> None:
        assert text is not None

    draw()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    files = tmp_path / "files"
    files.mkdir()
    state = tmp_path / "state"
    return Settings(files_dir=files, import_dirs=(files,), state_dir=state, sandbox=True)


@pytest.fixture
def sandbox() -> Starlette:
    return create_app(SandboxOptions())


@pytest.fixture
def connect(settings: Settings, sandbox: Starlette, era: Era) -> Connect:
    """Open a client on a server of its own: `async with connect(read_only=True) as client`.

    `answers` is the person who fills in forms; an app without forms has none. `extensions` are
    what the app says it can do beside the protocol.
    """

    @asynccontextmanager
    async def open_client(
        app: Starlette | None = None,
        *,
        key: str | None = None,
        timing: Timing = SYSTEM_TIMING,
        answers: ElicitationFnT | None = None,
        raises: bool = True,
        extensions: Sequence[ClientExtension] = (),
        **changes: Any,
    ) -> AsyncIterator[Client]:
        if key is not None:
            changes["api_key"] = SecretStr(key)
        changed = replace(settings, **changes)
        server = create_server(changed, sandbox_app=app or sandbox, timing=timing)
        async with Client(
            server,
            mode=era,
            raise_exceptions=raises,
            elicitation_callback=answers,
            extensions=extensions,
        ) as client:
            yield client

    return open_client


@pytest.fixture
async def client(connect: Connect) -> AsyncIterator[Client]:
    async with connect() as opened:
        yield opened


# Where both protocol eras are held in the default suite; elsewhere the older one is `legacy`.
BOTH_ERAS = {"guards", "test_laws.py", "test_stdio.py", "test_resources.py"}

# All that lies in these folders has this marker.
OWN_MARKS = {"faults": "fault", "browser": "browser"}

# Schemathesis generates what it sends while its tests are collected, which takes seconds.
GENERATED = "test_properties.py"


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    is_left_out = collection_path.name == GENERATED and "not slow" in config.option.markexpr
    return is_left_out or None


@pytest.hookimpl(tryfirst=True)  # before -m is applied
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    tests = Path(__file__).parent
    for item in items:
        top = item.path.relative_to(tests).parts[0]
        if item.path.name == GENERATED:
            item.add_marker("slow")
        if top in OWN_MARKS:
            item.add_marker(OWN_MARKS[top])
        callspec = getattr(item, "callspec", None)
        if callspec and callspec.params.get("era") == "legacy" and top not in BOTH_ERAS:
            item.add_marker("legacy")


def pytest_collection_finish() -> None:
    """Keep thousands of tests out of every search for garbage: one took over half a second."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Fail a test that takes long and does not say so by a marker."""
    before = processor_s()
    yield
    fault = fault_of(processor_s() - before, {mark.name for mark in item.iter_markers()})
    # Under a tracer (coverage, a debugger) everything takes long.
    if fault and sys.gettrace() is None:
        pytest.fail(fault, pytrace=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-snapshots", action="store_true", help="write the served tools as snapshots"
    )
