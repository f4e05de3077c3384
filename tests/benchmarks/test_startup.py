"""Spawn to tools/list: ours against an empty server on the same SDK, in one run."""

import sys
import time
from pathlib import Path
from statistics import median

import pytest
from mcp import Client, StdioServerParameters

pytestmark = [pytest.mark.anyio, pytest.mark.benchmark]
ROUNDS = 15


async def time_to_list_s(arguments: list[str]) -> float:
    server = StdioServerParameters(command=sys.executable, args=arguments)
    started = time.perf_counter()
    async with Client(server, read_timeout_seconds=30) as client:
        await client.list_tools()
        return time.perf_counter() - started


async def test_spawn_to_tools_list_takes_at_most_1_2_times_an_empty_server() -> None:
    empty = [str(Path(__file__).parents[1] / "support" / "measured" / "empty_server.py")]
    ours = ["-m", "beel_mcp"]
    for arguments in (empty, ours):  # warm the disk cache and the compiled files
        await time_to_list_s(arguments)
    times: dict[str, list[float]] = {"empty": [], "ours": []}
    for _ in range(ROUNDS):  # taken in turns, so that a busy machine is busy for both
        times["empty"].append(await time_to_list_s(empty))
        times["ours"].append(await time_to_list_s(ours))
    ratio = median(times["ours"]) / median(times["empty"])
    print(f"empty {median(times['empty']) * 1000:.0f} ms, ours {ratio:.2f} times that")
    assert ratio <= 1.2
