"""What a run of tests counted: a line for each count, and the page that is written from them.

A test that counts something calls `record`. It writes nothing unless TESTS_FIGURES names a file;
`python -m tests.support.figures FILE docs/reliability.md` makes the page of such a file.
"""

import argparse
import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

FILE = "TESTS_FIGURES"  # whatever begins with BEEL_ would be taken for a misspelt setting
TRIED = ("cells", "points", "steps")
WRONG = ("lost", "doubled", "misreported")
Count = int | float | str | bool
Figures = Mapping[str, Count] | Mapping[str, Mapping[str, Count]]
HEAD = """# What was tried, and what came of it

The tests count what they do, and this page is written from what one run of them counted. Every
figure comes from the test that is named below it. The BeeL in these tests is the sandbox of this
package or a server made to fail; neither is BeeL. Zero faults in N independent trials say that the
rate of faults is below 3/N, with 95 % confidence; generated trials are not fully independent.
"""


def record(title: str, figures: Figures, *, note: str = "") -> None:
    """Keep what a test counted under a title: the last time it ran, added to what others count so.

    `figures` is a count by name, or counts by name for each of several rows. `note` is one
    sentence on what was counted.
    """
    if path := os.environ.get(FILE):
        line = {"title": title, "note": note, "test": _test(), "at": _now(), "figures": figures}
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _test() -> str:
    """Name the test that is running, as pytest does."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]


@dataclass(frozen=True)
class Run:
    """When and where the figures were counted, and by which command."""

    at: str
    machine: str
    command: str

    @classmethod
    def here(cls, lines: Iterable[Mapping[str, Any]], command: str) -> "Run":
        last = max((line["at"] for line in lines), default=_now())
        machine = (
            f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores,"
            f" Python {platform.python_version()}, mcp {version('mcp')}"
        )
        return cls(last, machine, command)


def page(lines: Iterable[Mapping[str, Any]], run: Run) -> str:
    """Write the page: a section for each title, in the order in which titles came first."""
    sections: dict[str, dict[str, Mapping[str, Any]]] = {}
    for line in lines:
        sections.setdefault(line["title"], {})[line["test"]] = line
    said = [f"- Date: {run.at}", f"- Machine: {run.machine}"]
    said += [f"- Command: `{run.command}`"] if run.command else []
    said.append(f"- In all: {_in_all(sections.values())}")
    parts = [HEAD, "\n".join(said) + "\n", *map(_section, sections, sections.values())]
    return "\n".join(parts)


def _in_all(sections: Iterable[Mapping[str, Mapping[str, Any]]]) -> str:
    """Add up what the sections have in common, for whoever reads one line."""
    total: Counter[str] = Counter()
    for by_test in sections:
        for line in by_test.values():
            figures = line["figures"]
            for counts in figures.values() if _is_table(figures) else [figures]:
                total.update({name: counts.get(name) or 0 for name in (*TRIED, *WRONG)})
    tried = ", ".join(f"{total[name]:,} {name}" for name in TRIED)
    return f"{tried}; {', '.join(f'{total[name]:,} {name}' for name in WRONG)}."


def _is_table(figures: Mapping[str, Any]) -> bool:
    return all(isinstance(counts, Mapping) for counts in figures.values())


def _section(title: str, by_test: Mapping[str, Mapping[str, Any]]) -> str:
    total: dict[str, Any] = {}
    for line in by_test.values():
        _add(total, line["figures"])
    notes = dict.fromkeys(line["note"] for line in by_test.values())
    tests = dict.fromkeys(test.partition("[")[0] for test in by_test)
    parts = [f"## {title}", *notes, _table(total), *(f"`{test}`" for test in tests if test)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _add(total: dict[str, Any], figures: Mapping[str, Any]) -> None:
    for name, value in figures.items():
        if isinstance(value, Mapping):
            _add(total.setdefault(name, {}), value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            total[name] = total.get(name, 0) + value
        else:
            total[name] = value


def _table(figures: Mapping[str, Any]) -> str:
    if _is_table(figures):
        heads = list(dict.fromkeys(name for counts in figures.values() for name in counts))
        table = [["", *heads]]
        table += [
            [name, *(_number(counts.get(head, "")) for head in heads)]
            for name, counts in figures.items()
        ]
    else:
        table = [["what", "count"], *([name, _number(one)] for name, one in figures.items())]
    rule = ["---", *["---:"] * (len(table[0]) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [table[0], rule, *table[1:]])


def _number(value: Any) -> str:
    is_count = isinstance(value, int) and not isinstance(value, bool)
    return f"{value:,}" if is_count else str(value)


def main(arguments: list[str]) -> None:
    """Write the page from a file of lines."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("lines", type=Path, help=f"the file that {FILE} named")
    parser.add_argument("page", type=Path)
    parser.add_argument("--command", default="", help="how the tests were run")
    given = parser.parse_args(arguments)
    lines = [json.loads(line) for line in given.lines.read_text(encoding="utf-8").splitlines()]
    given.page.write_text(page(lines, Run.here(lines, given.command)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
