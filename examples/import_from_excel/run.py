"""Import an Excel of 900 customers: check, ask, correct, leave out, create once."""

import tempfile
from pathlib import Path
from typing import Any

import anyio
from make_list import EMAILS, LIST, PHONES, TWINS, WRONG_LETTERS, nif
from mcp import Client

from beel_mcp import Settings, create_server
from beel_mcp.sandbox import create_app

FIRST_ROW = 5


async def ask(client: Client, title: str, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool, print its answer as an assistant sees it, and give its structure."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content[0].text
    print(f"\n== {title}")
    for block in result.content:
        if block.type == "text":
            print(block.text)
    return result.structured_content or {}


def papers() -> list[dict[str, Any]]:
    """Give what the person found in their papers, asked about the rows with problems."""
    corrections = [(row, "email", text) for row, text in EMAILS.items()]
    corrections += [(row, "phone", text) for row, text in PHONES.items()]
    # One of the wrong NIFs is in no paper: that customer has to be called first.
    corrections += [(row, "nif", nif(row - FIRST_ROW)) for row in WRONG_LETTERS[:-1]]
    return [{"row": row, "field": field, "value": text} for row, field, text in corrections]


async def tell(client: Client) -> None:
    """Go through the import."""
    checked = await ask(
        client, "What is in the sheet?", "validate_customers", source_path=LIST.name
    )
    assert checked["total"] == 900
    assert sum(checked["counts"].values()) == 900
    problems = {
        "error": len(EMAILS) + len(PHONES),
        "nif_invalid": len(WRONG_LETTERS),
        "duplicate": len(TWINS) + 1,
    }
    assert {kind: checked["counts"][kind] for kind in problems} == problems

    title = "Which NIFs are wrong, and what would they be?"
    batch_id = checked["batch_id"]
    rows = await ask(client, title, "list_batch_rows", batch_id=batch_id, kind="nif_invalid")
    assert [row["row"] for row in rows["rows"]] == list(WRONG_LETTERS)

    corrected = await ask(
        client,
        "The person looked it up: correct twelve rows, and drop what stands twice",
        "validate_customers",
        batch_id=batch_id,
        corrections=papers(),
        drop_rows=list(TWINS),
    )
    assert corrected["counts_before"] == checked["counts"]
    assert (corrected["total"], corrected["importable"]) == (897, 895)

    [create, *_] = corrected["next"]
    assert create["arguments"]["expected_count"] == 895
    for title in ("Create them", "The same call again creates nobody twice"):
        done = await ask(client, title, create["tool"], **create["arguments"])
        assert done["counts"] == {
            "created": 895,
            "refused": 0,
            "unknown": 0,
            "not_attempted": 0,
            "skipped": 2,
        }

    title = "The two that are left, as a sheet for the person"
    saved = await ask(client, title, "save_batch_report", batch_id=corrected["batch_id"])
    assert Path(saved["path"]).suffix == ".xlsx"

    found = await ask(client, "Are they there?", "find_customers", search="Talleres Alonso")
    assert found["total"] > 0


async def main() -> None:
    """Open a client in memory, on a server of its own, on a sandbox of its own."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        settings = Settings(
            files_dir=here, import_dirs=(LIST.parent,), state_dir=here / "state", sandbox=True
        )
        async with Client(create_server(settings, sandbox_app=create_app())) as client:
            await tell(client)


if __name__ == "__main__":
    anyio.run(main)
