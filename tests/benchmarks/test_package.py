"""The package beside a bare download of the same bytes, in one run; and its memory."""

import json
import os
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import anyio
import httpx
import pytest

from beel_mcp.sandbox.seed import invoice_id
from tests.conftest import TEST_KEY
from tests.support.invoices import FIRST
from tests.support.measured.invoices_process import PDF_BYTES, invoices_process
from tests.support.servers.process import ROOT

pytestmark = [pytest.mark.anyio, pytest.mark.benchmark]
COMPANY = "c0000000-0000-4000-8000-000000000001"
CHUNK = 100
ROUNDS = 5


async def bare(url: str, folder: Path, count: int) -> float:
    """Stream the same ZIPs to disk, four at a time, and nothing else."""
    ids = [invoice_id(number) for number in range(FIRST, FIRST + count)]
    chunks = [ids[at : at + CHUNK] for at in range(0, count, CHUNK)]
    limiter = anyio.CapacityLimiter(4)
    headers = {"Authorization": f"Bearer {TEST_KEY}"}
    started = time.perf_counter()

    async def fetch(number: int) -> None:
        async with limiter:
            request = {"invoice_ids": chunks[number]}
            path = f"/v1/companies/{COMPANY}/invoices/pdf-archive"
            async with client.stream("POST", path, json=request) as answer:
                with (folder / f"{number}.zip").open("wb") as file:
                    async for piece in answer.aiter_raw():
                        file.write(piece)
                    file.flush()
                    os.fsync(file.fileno())

    async with (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=60) as client,
        anyio.create_task_group() as group,
    ):
        for number in range(len(chunks)):
            group.start_soon(fetch, number)
    took_s = time.perf_counter() - started
    size = sum((folder / f"{number}.zip").stat().st_size for number in range(len(chunks)))
    assert size > count * PDF_BYTES
    return took_s


async def ours(url: str, folder: Path, count: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.support.measured.packing", url, str(folder), str(count)]
    process = await anyio.run_process(command, cwd=ROOT, stderr=None)
    facts: dict[str, Any] = json.loads(process.stdout)
    assert facts["counts"] == {"included": count, "missing": 0, "not_attempted": 0}
    return facts


async def test_a_package_of_500_takes_at_most_1_5_times_a_bare_download(tmp_path: Path) -> None:
    times: dict[str, list[float]] = {"bare": [], "ours": []}
    async with invoices_process(500) as url:
        for number in range(ROUNDS + 1):  # the first warms up
            folder = tmp_path / str(number)
            folder.mkdir()
            times["bare"].append(await bare(url, folder, 500))
            times["ours"].append((await ours(url, folder, 500))["took_s"])
    bare_s, ours_s = (median(series[1:]) for series in times.values())
    print(f"bare {bare_s:.3f} s, ours {ours_s:.3f} s, {ours_s / bare_s:.2f} times")
    assert ours_s <= 1.5 * bare_s


async def test_memory_grows_by_at_most_40_mb_for_500_and_for_2000(tmp_path: Path) -> None:
    async with invoices_process(2_000) as url:
        grown = {
            count: (await ours(url, tmp_path / str(count), count))["grown_mb"]
            for count in (500, 2_000)
        }
    print(f"grown by {grown[500]:.1f} MB for 500, {grown[2_000]:.1f} MB for 2,000")
    assert max(grown.values()) <= 40
