"""A sandbox in a process of its own with many invoices, each a PDF of 100 KB that packs badly."""

import random
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from beel_mcp.sandbox import SandboxOptions, create_app
from beel_mcp.sandbox.endpoints import pdf
from tests.support.invoices import add_invoices
from tests.support.measured.loopback import server_process

PDF_BYTES = 100_000


@asynccontextmanager
async def invoices_process(count: int) -> AsyncIterator[str]:
    """Start it on a free port and give its URL."""
    async with server_process(__name__, count, ready_in_s=60) as url:
        yield url


def _large(record: dict[str, Any], _: object) -> bytes:
    return b"%PDF-1.4\n" + random.Random(record["id"]).randbytes(PDF_BYTES - 9)


def _serve(port: int, count: int) -> None:
    pdf.invoice_pdf = _large
    app = create_app(SandboxOptions())
    add_invoices(app, count)
    uvicorn.run(app, host="127.0.0.1", port=port, log_config=None, access_log=False)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]))
