"""5,000 rows checked and created beside 500, in one run: the time and memory of a row."""

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

import anyio
import pytest

from tests.support.measured.importing import write_list
from tests.support.measured.loopback import sandbox_process

pytestmark = [pytest.mark.anyio, pytest.mark.benchmark]
ROOT = Path(__file__).parent.parent.parent
ROUNDS = 5
FEW, MANY = 500, 5_000


async def imported(folder: Path, count: int) -> dict[str, Any]:
    """Import a list into a BeeL that has no customers but its own."""
    write_list(folder, count)
    async with sandbox_process() as url:
        command = [sys.executable, "-m", "tests.support.measured.importing", url, str(folder)]
        process = await anyio.run_process(command, cwd=ROOT, stderr=None)
    facts: dict[str, Any] = json.loads(process.stdout)
    assert facts["created"] == count
    return facts


async def test_5000_rows_take_ten_times_what_500_take_and_no_more_memory_each(
    tmp_path: Path,
) -> None:
    few: list[dict[str, Any]] = []
    many: list[dict[str, Any]] = []
    for number in range(ROUNDS):
        few.append(await imported(tmp_path / f"few {number}", FEW))
        many.append(await imported(tmp_path / f"many {number}", MANY))

    def of(runs: list[dict[str, Any]], fact: str) -> float:
        return median(run[fact] for run in runs)

    line = of(many, "took_s") / (of(few, "took_s") * MANY / FEW)
    ours = of(many, "busy_s") / (of(few, "busy_s") * MANY / FEW)
    print(
        f"{FEW} rows {of(few, 'took_s'):.2f} s, {MANY} rows {of(many, 'took_s'):.2f} s:"
        f" {line:.2f} of the line; our own processor time {ours:.2f};"
        f" memory {of(few, 'grown_kb') / 1024:.1f} and {of(many, 'grown_kb') / 1024:.1f} MB"
    )
    assert line <= 1.1
    assert of(many, "grown_kb") / MANY <= of(few, "grown_kb") / FEW
