"""What people reported of other programs, tried through the client: each is one of a kind."""

from pathlib import Path
from typing import Any

import pytest
from mcp import Client

from beel_mcp.settings import Settings
from tests.support.customers import dni
from tests.support.program_exports import BEEL

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.files_dir


async def answered(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content[0].text
    return {**(result.structured_content or {}), "text": result.content[0].text}


def row(number: int, **cells: str) -> list[str]:
    """Give a valid row under BeeL's own headers, but for some cells."""
    whole = [f"Cliente {number}", dni(number), f"c{number}@example.com", *BEEL[1][3:]]
    return [cells.get(header, cell) for header, cell in zip(BEEL[0], whole, strict=True)]


def listed(*rows: list[str]) -> str:
    return "\n".join(";".join(cells) for cells in (BEEL[0], *rows))


@pytest.mark.parametrize("codec", ["cp1252", "mac_roman", "cp850", "cp437", "iso8859-15", "utf-8"])
async def test_a_doubtful_name_is_never_valid_in_any_encoding(
    client: Client, folder: Path, codec: str
) -> None:
    names = ("LÓPEZ", "KÖNIG", "Weiß", "CAÑADA", "FRANÇA")
    for number, name in enumerate(names):
        try:
            data = listed(row(number, nombre_fiscal=name)).encode(codec)
        except UnicodeEncodeError:
            continue
        (folder / "c.csv").write_bytes(data)
        result = await client.call_tool("validate_customers", {"source_path": "c.csv"})
        structure = result.structured_content or {}
        if result.is_error:
            assert (structure["code"], name in structure["message"]) == ("file_encoding", True)
        elif structure["counts"]["valid"]:
            found = await answered(client, "list_batch_rows", batch_id=structure["batch_id"])
            assert found["rows"][0]["name"] == name
        else:
            assert structure["counts"]["warning"] == 1
            assert "ask the person whether this reads right" in result.content[0].text
            assert codec != "utf-8"


async def test_what_a_spoiled_name_was_can_be_sent_as_it_is_suggested(client: Client) -> None:
    customer = {
        "legal_name": "Talleres PeÃ±a SL",
        "nif": dni(1),
        "email": "a@example.com",
        "address": {
            "street": "Calle Sol",
            "number": "5",
            "postal_code": "28013",
            "city": "Madrid",
            "province": "Madrid",
        },
    }
    spoiled = await answered(client, "validate_customers", customers=[customer])
    assert spoiled["counts"]["warning"] == 1
    suggestion = spoiled["problems"][0]["example"]["suggestion"]
    assert suggestion == "Talleres Peña SL"
    fix = {"row": 1, "field": "legal_name", "value": suggestion}
    mended = await answered(
        client, "validate_customers", batch_id=spoiled["batch_id"], corrections=[fix]
    )
    assert mended["counts"]["valid"] == 1
