"""The MCP conformance tool, on the scenarios that need no tools of its own."""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from tests.interop.conftest import Node, Server

pytestmark = pytest.mark.interop
# The other scenarios call `test_*` tools and resources that a fixture server would have.
LEGACY = {
    "server-initialize",
    "server-session-lifecycle",
    "ping",
    "tools-list",
    "resources-list",
    "prompts-list",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
}
MODERN = {
    "tools-list",
    "resources-list",
    "prompts-list",
    "sep-2164-resource-not-found",
    "server-sse-multiple-streams",
    "dns-rebinding-protection",
    "caching",
    "http-header-validation",
    "input-required-result-unsupported-methods",
    "input-required-result-ignore-extra-params",
}


def outcomes(results: Path, scenarios: set[str]) -> dict[str, set[str]]:
    """Read what each check said, by scenario; the folders carry a date behind the name."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in results.glob("server-*/checks.json"):
        name = file.parent.name.removeprefix("server-").split("-20")[0]
        if name in scenarios:
            checks = json.loads(file.read_text(encoding="utf-8"))
            found[name] |= {check["status"] for check in checks}
    return found


@pytest.mark.parametrize("transport", ["http"], indirect=True)
@pytest.mark.parametrize(("version", "scenarios"), [("2025-11-25", LEGACY), ("2026-07-28", MODERN)])
def test_what_any_server_must_do_is_done(
    node: Node, standing_server: Server, version: str, scenarios: set[str]
) -> None:
    results = node.home / "results"
    done = node.run(
        "conformance",
        *("server", "--url", standing_server.url, "--suite", "all"),
        *("--spec-version", version, "--output-dir", str(results)),
    )
    found = outcomes(results, scenarios)
    assert found.keys() == scenarios, done.out + done.err
    for name, statuses in found.items():
        assert "SUCCESS" in statuses, name
        assert "FAILURE" not in statuses, name
