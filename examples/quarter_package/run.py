"""The quarter's package for the gestoría: stray drafts away, every PDF in one ZIP that adds up."""

import csv
import io
import tempfile
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
from mcp import Client

from beel_mcp import Settings, create_server
from beel_mcp.sandbox import create_app

QUARTER = "2026-Q3"


async def ask(client: Client, title: str, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool, print its answer as an assistant sees it, and give its structure."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error
    print(f"\n== {title}")
    for block in result.content:
        if block.type == "text":
            print(block.text)
    return result.structured_content or {}


async def tell(client: Client) -> None:
    """Go through the chore as a bookkeeper would."""
    title = "Are there drafts left in the quarter?"
    drafts = await ask(client, title, "find_invoices", quarter=QUARTER, status=["DRAFT"])
    assert drafts["total"] == 1

    ids = [draft["invoice_id"] for draft in drafts["invoices"]]
    plan = await ask(client, "This one is a stray", "delete_draft_invoice", invoice_ids=ids)
    assert plan["status"] == "confirmation_required"

    agreed = {"plan_id": plan["plan_id"], "statement": plan["statement"]}
    deleted = await ask(client, "The person has read it and agrees", "confirm_plan", **agreed)
    assert deleted["counts"]["deleted"] == 1

    package = await ask(client, "All PDFs of it", "download_invoices_zip", quarter=QUARTER)
    assert package["counts"] == {"included": 6, "missing": 1, "not_attempted": 0}
    assert package["drafts_left_out"] == 0
    assert [one["reason"] for one in package["missing"]] == ["pdf_not_ready"]
    show(Path(package["path"]), package)


def show(path: Path, package: dict[str, Any]) -> None:
    """Open the file as the gestoría does, and add it up."""
    print(f"\n== {path.name}")
    with zipfile.ZipFile(path) as archive:
        print("\n".join(archive.namelist()))
        table = archive.read("manifest.csv").decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(table, newline=""), delimiter=";"))
        included = [row for row in rows if row["archivo"]]
        assert {row["archivo"] for row in included} == set(archive.namelist()) - {"manifest.csv"}
    here, total = (
        sum(Decimal(row["total"].replace(",", ".")) for row in some) for some in (included, rows)
    )
    assert here == sum(map(Decimal, package["included_sums"].values()))
    assert total == Decimal(package["invoiced"]["total"])
    print(f"\n{len(included)} facturas con su PDF, {here} EUR; en el trimestre, {total} EUR")
    for row in rows:
        if row["falta porque"]:
            print(f"Falta {row['número']}: {row['falta porque']}")


async def main() -> None:
    """Open a client in memory, on a server of its own, on a sandbox of its own."""
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        settings = Settings(
            files_dir=here / "BeeL",
            import_dirs=(here,),
            state_dir=here / "state",
            sandbox=True,
            language="es",
        )
        async with Client(create_server(settings, sandbox_app=create_app())) as client:
            await tell(client)


if __name__ == "__main__":
    anyio.run(main)
