"""Imports a list in a process of its own: checked, created; the time and memory it took."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import anyio
from mcp import Client
from pydantic import SecretStr

from beel_mcp.server import create_server
from beel_mcp.settings import Settings
from tests.conftest import TEST_KEY
from tests.support.customers import LETTERS, customer
from tests.support.list_files import text
from tests.support.measured.packing import resident_kb

HEADERS = ["nombre", "nif", "calle", "numero", "cp", "poblacion", "provincia"]


def write_list(folder: Path, count: int) -> None:
    """Write customers whom the sandbox's census knows."""
    rows: list[list[Any]] = [HEADERS]
    for number in range(count):
        digits = 30_000_001 + number + number // 999  # none ends in 000
        nif = f"{digits:08}{LETTERS[digits % 23]}"
        address = list(customer(number)["address"].values())[:5]
        rows.append([f"Cliente {number}", nif, *address])
    folder.mkdir()
    (folder / "lista.csv").write_bytes(text(rows))


async def run(url: str, folder: Path) -> dict[str, Any]:
    settings = Settings(
        files_dir=folder,
        import_dirs=(folder,),
        state_dir=folder / "state",
        api_key=SecretStr(TEST_KEY),
        base_url=url,
    )
    async with Client(create_server(settings), read_timeout_seconds=120) as client:
        await client.call_tool("find_customers", {})
        idle_kb = resident_kb("VmRSS")
        await anyio.Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        began, busy = time.perf_counter(), time.process_time()
        result = await client.call_tool("validate_customers", {"source_path": "lista.csv"})
        checked = result.structured_content or {}
        result = await client.call_tool("create_customers", checked["next"][0]["arguments"])
        took_s, busy_s = time.perf_counter() - began, time.process_time() - busy
        grown_kb = resident_kb("VmHWM") - idle_kb
    created = (result.structured_content or {})["counts"]["created"]
    return {"created": created, "took_s": took_s, "busy_s": busy_s, "grown_kb": grown_kb}


if __name__ == "__main__":
    print(json.dumps(anyio.run(run, sys.argv[1], Path(sys.argv[2]))))
