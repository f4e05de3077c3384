"""One process that makes packages, and tells how much memory and time that took."""

import json
import sys
import time
from pathlib import Path

import anyio
from mcp import Client
from pydantic import SecretStr

from beel_mcp.sandbox.seed import invoice_id
from beel_mcp.server import create_server
from beel_mcp.settings import Settings
from tests.conftest import TEST_KEY
from tests.support.invoices import FIRST


def resident_kb(field: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    [line] = [line for line in status.splitlines() if line.startswith(field)]
    return int(line.split()[1])


async def main(url: str, folder: Path, count: int) -> None:
    settings = Settings(
        files_dir=folder / "files",
        import_dirs=(),
        state_dir=folder / "state",
        api_key=SecretStr(TEST_KEY),
        base_url=url,
    )
    async with Client(create_server(settings)) as client:
        ids = [invoice_id(number) for number in range(FIRST, FIRST + count)]
        await client.call_tool("download_invoices_zip", {"invoice_ids": ids[:1]})
        idle_kb = resident_kb("VmRSS")
        await anyio.Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        started = time.perf_counter()
        result = await client.call_tool("download_invoices_zip", {"invoice_ids": ids})
        took_s = time.perf_counter() - started
        answer = result.structured_content or {}
        peak_mb = (resident_kb("VmHWM") - idle_kb) / 1024
        facts = {"took_s": took_s, "grown_mb": peak_mb, "counts": answer.get("counts")}
        print(json.dumps({**facts, "path": answer.get("path")}))


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
