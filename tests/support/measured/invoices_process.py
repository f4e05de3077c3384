"""A sandbox in a process of its own with many invoices, each a PDF of 100 KB that packs badly."""

import os
import random
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import uvicorn

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.endpoints import pdf
from tests.support.invoices import add_invoices

PDF_BYTES = 100_000
ROOT = Path(__file__).parents[3]


@asynccontextmanager
async def invoices_process(count: int) -> AsyncIterator[str]:
    """Start it on a free port and give its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        __name__,
        str(port),
        str(count),
    ]
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    async with await anyio.open_process(command, env=environment, stderr=None, cwd=ROOT) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            with anyio.fail_after(60):
                await _ready(url)
            yield url
        finally:
            process.kill()


async def _ready(url: str) -> None:
    async with httpx.AsyncClient() as client:
        while True:
            try:
                await client.get(url)
            except httpx.TransportError:
                await anyio.sleep(0.05)  # another process tells us nothing when it is ready
            else:
                return


def _large(record: dict[str, Any], _: object) -> bytes:
    return b"%PDF-1.4\n" + random.Random(record["id"]).randbytes(PDF_BYTES - 9)


def _serve(port: int, count: int) -> None:
    pdf.invoice_pdf = _large
    app = create_app(SandboxOptions())
    add_invoices(app, count)
    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]))
