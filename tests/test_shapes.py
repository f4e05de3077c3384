"""Any shape in the place of any argument: an answer in our words, never a fault of the protocol."""

import logging
from typing import Any

import pytest
from mcp import Client

from tests.conftest import Connect

pytestmark = pytest.mark.anyio

SHAPES: tuple[Any, ...] = (
    *(None, True, 0, -1, 2.5, 10**30, "", " ", "x", "\udcff", "x" * 5_000, "null"),
    *([], [None], ["x"], [["x"]], [{"x": 1}], {}, {"x": 1}, {"x": {"y": []}}),
    *('["x"]', '{"x": 1}', "[", "{"),
)


async def faults_of(client: Client, tool: str, argument: str, shape: Any) -> list[str]:
    """Call with one argument of this shape; say what is wrong with the answer."""
    try:
        result = await client.call_tool(tool, {argument: shape})
    except Exception as error:  # noqa: BLE001 - whatever it is, it is none of our answers
        return [f"{tool}({argument}={shape!r:.40}): {type(error).__name__} {error}"]
    structure = result.structured_content or {}
    is_known = structure.get("status") and structure.get("code") != "internal_error"
    return [] if is_known else [f"{tool}({argument}={shape!r:.40}): {structure}"]


@pytest.mark.slow
async def test_every_shape_in_the_place_of_every_argument_gets_an_answer(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    async with connect(raises=False) as client:
        tools = (await client.list_tools()).tools
        calls = [(tool.name, one) for tool in tools for one in tool.input_schema["properties"]]
        assert len(calls) > 60
        faults = [
            fault
            for tool, argument in calls
            for shape in SHAPES
            for fault in await faults_of(client, tool, argument, shape)
        ]
    assert faults == []
    logged = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert logged == []


async def test_a_list_or_an_object_for_an_id_is_refused_by_name(connect: Connect) -> None:
    ids = {
        "batch_id": "list_batch_rows",
        "operation_id": "check_operation",
        "plan_id": "confirm_plan",
    }
    async with connect() as client:
        for argument, tool in ids.items():
            for shape in ([1, 2], {"a": [1]}, [["x"]]):
                structure = (await client.call_tool(tool, {argument: shape})).structured_content
                assert structure
                assert structure["code"] == "invalid_arguments", (tool, shape, structure)
                assert structure["changed"] == "nothing"
                assert structure["field_errors"][0]["field"].startswith(argument)
