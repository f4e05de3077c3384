"""The MCP Inspector's command line: portable schemas, calls, and errors that say why."""

import json
from typing import Any

import pytest

from beel_mcp.cli.demo import EXPECTED_COUNTS, IMPORTABLE, TOTAL
from beel_mcp.tools import TOOLS
from tests.interop.conftest import Finished, Node, Server

pytestmark = pytest.mark.interop
WELL, TOOL_ERROR = 0, 5  # and 6: a schema that not every host can use


def inspect(node: Node, server: Server, *words: str, era: str = "legacy") -> Finished:
    return node.run(
        "mcp-inspector",
        *("--cli", "-q", *server.for_inspector()),
        *("--protocol-era", era, "--format", "json", *words),
    )


def call(
    node: Node, server: Server, tool: str, arguments: dict[str, Any], *, era: str = "legacy"
) -> Finished:
    return inspect(
        node,
        server,
        *("--method", "tools/call", "--tool-name", tool),
        *("--tool-args-json", json.dumps(arguments)),
        era=era,
    )


def structure(done: Finished) -> dict[str, Any]:
    assert done.code == WELL, done.out + done.err
    return done.json()["result"]["structuredContent"]


# It may be null, and an absent company would be another promise; hosts take no arguments from it.
REMARKED = "outputSchema.properties.company"


@pytest.mark.parametrize("era", ["legacy", "auto", "modern"])
def test_every_schema_is_portable_in_every_era(
    node: Node, standing_server: Server, era: str
) -> None:
    done = inspect(node, standing_server, "--method", "tools/list", "--strict", era=era)
    assert done.code == WELL, done.err
    tools = done.json()["result"]["tools"]
    assert [tool["name"] for tool in tools] == [declaration.name for declaration in TOOLS]
    assert f"0 errors, {len(tools)} warnings across {len(tools)} tools." in done.err
    remarked = {line.strip() for line in done.err.splitlines() if "Path:" in line}
    assert remarked == {f"Path: {REMARKED}"}


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_status_names_the_sandbox(node: Node, standing_server: Server, era: str) -> None:
    status = structure(call(node, standing_server, "get_status", {}, era=era))
    assert status["status"] == "done"
    assert status["environment"] == "sandbox"


def test_a_list_is_checked_from_a_file(node: Node, standing_server: Server) -> None:
    done = call(node, standing_server, "validate_customers", {"source_path": "customers.csv"})
    assert structure(done)["counts"] == EXPECTED_COUNTS


@pytest.mark.parametrize("transport", ["http"], indirect=True)
@pytest.mark.parametrize(("checks", "creates"), [("legacy", "legacy"), ("modern", "legacy")])
def test_a_batch_outlives_the_session_that_checked_it(
    node: Node, server: Server, checks: str, creates: str
) -> None:
    source = {"source_path": "customers.csv"}
    checked = structure(call(node, server, "validate_customers", source, era=checks))
    [following] = checked["next"]
    created = structure(call(node, server, following["tool"], following["arguments"], era=creates))
    assert created["counts"]["created"] == checked["importable"] == IMPORTABLE
    assert sum(created["counts"].values()) == TOTAL


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_a_bad_call_is_an_error_that_still_carries_its_structure(
    node: Node, standing_server: Server, era: str
) -> None:
    done = call(node, standing_server, "find_customers", {"serach": "Lourdes"}, era=era)
    assert done.code == TOOL_ERROR, done.err
    result = done.json()["result"]
    assert result["isError"]
    assert result["structuredContent"]["code"] == "invalid_arguments"
    assert result["structuredContent"]["message"] in result["content"][0]["text"]
