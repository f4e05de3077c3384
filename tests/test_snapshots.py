"""The served tools, one file each: a change of what hosts see is a change in a review."""

import json
from pathlib import Path

import pytest
from mcp import Client

pytestmark = pytest.mark.anyio
FOLDER = Path(__file__).parent / "snapshots" / "tools"


async def test_each_tool_is_served_as_its_snapshot_says(
    client: Client, request: pytest.FixtureRequest
) -> None:
    served = {
        tool.name: json.dumps(
            tool.model_dump(mode="json", by_alias=True, exclude_none=True),
            ensure_ascii=False,
            indent=2,
            sort_keys=True,
        )
        + "\n"
        for tool in (await client.list_tools()).tools
    }
    if request.config.getoption("--update-snapshots"):
        for old in FOLDER.glob("*.json"):
            old.unlink()
        for name, text in served.items():
            (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")
    kept = {file.stem: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.json")}
    assert served == kept, "run pytest with --update-snapshots, and read the difference"
