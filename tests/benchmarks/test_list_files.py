"""What reading a customer list costs, side by side with the bare reader of spreadsheets."""

import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from beel_mcp.answers.validation import ValidationAnswer, fitted
from beel_mcp.lists.batch import Batch
from beel_mcp.lists.files.rows import read_list
from beel_mcp.lists.model import Verdict
from tests.support.customers import dni
from tests.support.list_files import xlsx
from tests.support.program_exports import BEEL

pytestmark = pytest.mark.benchmark
ROUNDS = 11
NOW = datetime(2026, 7, 1, tzinfo=UTC)
ROOT = Path(__file__).parent.parent.parent


def made(count: int) -> bytes:
    """Write a list; each tenth customer has something wrong, and each tenth something to undo."""
    rows: list[list[Any]] = [BEEL[0]]
    for n in range(count):
        row = [f"Cliente {n}", dni(n), f"c{n}@example.com", *BEEL[1][3:5], str(n + 1), *BEEL[1][6:]]
        if n % 10 == 3:
            row[1] = "12345678A"
        if n % 10 == 7:
            row[1] = f"ES-{row[1]}"
        rows.append(row)
    return xlsx(rows)


def bare(data: bytes) -> None:
    from python_calamine import CalamineWorkbook

    CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()


def ours(data: bytes) -> None:
    """Read, check and sum up, with the verdicts of a BeeL that takes every row."""
    batch = Batch("local", "a.xlsx", *read_list(data, "a.xlsx"))
    verdicts = {
        row.number: Verdict("warning" if row.advice else "valid", (), row.advice)
        for row in batch.rows
    }
    fitted(ValidationAnswer(status="done"), batch.judged(verdicts)).text()


def timed(work: Callable[[bytes], None], data: bytes) -> float:
    started = time.process_time()
    work(data)
    return time.process_time() - started


def test_5000_rows_are_read_checked_and_summed_up_in_4_and_a_half_times_the_bare_reader() -> None:
    data = made(5_000)
    times: dict[str, list[float]] = {"bare": [], "ours": []}
    for _ in range(ROUNDS):  # taken in turns, so that a busy machine is busy for both
        times["bare"].append(timed(bare, data))
        times["ours"].append(timed(ours, data))
    ratio = median(times["ours"]) / median(times["bare"])
    print(f"bare {median(times['bare']) * 1000:.0f} ms, ours {ratio:.2f} times that")
    # The bare reader is compiled; every check of a row here is Python.
    assert ratio <= 4.5


def test_a_row_costs_the_same_in_a_list_of_500_and_of_5000() -> None:
    small, large = made(500), made(5_000)
    ours(small)
    costs: dict[int, list[float]] = {500: [], 5_000: []}
    for _ in range(ROUNDS):
        costs[500].append(timed(ours, small) / 500)
        costs[5_000].append(timed(ours, large) / 5_000)
    ratio = median(costs[5_000]) / median(costs[500])
    print(f"a row of 500 costs {median(costs[500]) * 1e6:.0f} us, of 5,000 {ratio:.2f} times that")
    assert ratio <= 1.2


def test_5000_rows_take_at_most_100_mb_above_the_idle_server(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(made(5_000))
    script = (
        "import json, sys\n"
        "from pathlib import Path\n"
        "import beel_mcp.server\n"
        "def peak():\n"
        # Not ru_maxrss: a new process begins with the peak of the one that started it.
        "    lines = Path('/proc/self/status').read_text().splitlines()\n"
        "    return int(next(line for line in lines if line.startswith('VmHWM')).split()[1])\n"
        "idle = peak()\n"
        "from beel_mcp.lists.files.rows import read_list\n"
        "read = read_list(Path(sys.argv[1]).read_bytes(), 'a.xlsx')\n"
        "print(json.dumps([len(read.rows), (peak() - idle) / 1024]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a.xlsx")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    rows, above_mb = json.loads(done.stdout)
    print(f"{above_mb:.0f} MB above idle")
    assert rows == 5_000
    assert above_mb <= 100
