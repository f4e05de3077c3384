"""`beel-mcp tools`: the served list, and figures that are near what a tokenizer counts."""

import json

import pytest
from mcp import Client

from beel_mcp.cli.tool_list import estimated_tokens
from tests.test_laws import HINTS, count_tokens
from tests.test_settings import run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("language", "words"), [("es", ("herramienta", "lee")), ("en", ("tool", "reads"))]
)
def test_a_person_gets_a_table_that_adds_up(language: str, words: tuple[str, str]) -> None:
    ended = run("tools", HOME="/nowhere", BEEL_LANGUAGE=language)
    assert (ended.returncode, ended.stderr) == (0, "")
    head, *rows, total, about = ended.stdout.splitlines()
    assert head.startswith(words[0])
    assert [row.split()[0] for row in rows] == list(HINTS)
    assert words[1] in rows[0]
    assert sum(int(row.split()[-1]) for row in rows) == int(total)
    assert {"es": "estimación", "en": "estimated"}[language] in about


@pytest.mark.slow
def test_a_program_gets_the_same_as_json() -> None:
    ended = run("tools", "--json", HOME="/nowhere", BEEL_LANGUAGE="es")
    listed = json.loads(ended.stdout)
    assert [one["name"] for one in listed["tools"]] == list(HINTS)
    assert sum(one["tokens"] for one in listed["tools"]) == listed["tokens"]
    assert all(one["description"] and one["output_schema_tokens"] for one in listed["tools"])
    assert listed["tokens_are"].startswith("estimated")


@pytest.mark.slow
def test_it_lists_what_the_settings_have_served() -> None:
    settings = {"BEEL_READ_ONLY": "1", "BEEL_OUTPUT_SCHEMA": "0"}
    listed = json.loads(run("tools", "--json", HOME="/nowhere", **settings).stdout)["tools"]
    assert {one["kind"] for one in listed} == {"read", "saves"}
    assert not any(one["output_schema_tokens"] for one in listed)
    assert run("tools", HOME="/nowhere", BEEL_READ_ONLY="yes").returncode == 2


@pytest.mark.anyio
async def test_the_estimate_is_within_5_percent_of_o200k_and_20_for_each_tool(
    client: Client,
) -> None:
    counted = estimated = 0
    for tool in (await client.list_tools()).tools:
        shown = {
            "name": tool.name,
            "description": tool.description,
            "inputSchema": tool.input_schema,
        }
        exact = count_tokens(json.dumps(shown, ensure_ascii=False, separators=(",", ":")))
        assert estimated_tokens(shown) == pytest.approx(exact, rel=0.2), tool.name
        counted, estimated = counted + exact, estimated + estimated_tokens(shown)
    assert estimated == pytest.approx(counted, rel=0.05)
