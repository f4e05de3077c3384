"""Asks the package index at hand for a wheel of every dependency, for each system and Python.

`python .ci/wheels.py` makes the table of docs/systems.md anew; beel-mcp is installed beside it.
Nothing else is installed or kept. pip judges markers by the system it runs on, so what a system
needs is found here, in the metadata of what is installed.
"""

import datetime as dt
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement

PAGE = Path(__file__).parent.parent / "docs" / "systems.md"
MARKS = ("<!-- wheels: made by .ci/wheels.py -->", "<!-- /wheels -->")
# Markers of a system, and the tags of its wheels: an older one runs on a newer system, too.
SYSTEMS = {
    "Windows, x64": ("win32", "AMD64", ("win_amd64",)),
    "macOS, Apple silicon": ("darwin", "arm64", ("macosx_14_0_arm64", "macosx_11_0_arm64")),
    "macOS, Intel": ("darwin", "x86_64", ("macosx_13_0_x86_64", "macosx_10_12_x86_64")),
    "Linux, x64": ("linux", "x86_64", ("manylinux_2_28_x86_64", "manylinux2014_x86_64")),
}
NAMES = {"win32": ("nt", "Windows"), "darwin": ("posix", "Darwin"), "linux": ("posix", "Linux")}
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def needed(system: str, python: str) -> dict[str, str]:
    """Name all packages that a system needs, with the versions that are asked for."""
    platform, machine, _ = SYSTEMS[system]
    os_name, platform_system = NAMES[platform]
    environment = {
        "sys_platform": platform,
        "platform_machine": machine,
        "os_name": os_name,
        "platform_system": platform_system,
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_python_implementation": "CPython",
    }
    found: dict[str, str] = {}
    waiting = [("beel-mcp", "")]
    seen = set()
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        try:
            lines = requires(name) or ()
        except PackageNotFoundError:  # of another system; what it needs itself is not known
            continue
        for line in lines:
            one = Requirement(line)
            if one.marker is None or one.marker.evaluate({**environment, "extra": extra}):
                found[one.name.lower()] = f"{found.get(one.name.lower(), '')},{one.specifier}"
                waiting += [(one.name, wanted) for wanted in ("", *one.extras)]
    return found


def lacking(system: str, python: str) -> str:
    """Look for each wheel; "" or the names of packages that have none."""
    missing = []
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Another system's wheels may only go into a folder of their own; nothing goes there.
    command += [
        "--dry-run",
        "--ignore-installed",
        "--target=unused",
        "--no-deps",
        "--only-binary=:all:",
        f"--python-version={python}",
    ]
    command += [f"--platform={tag}" for tag in SYSTEMS[system][2]]
    wanted = {
        name: name + specifier.strip(",") for name, specifier in needed(system, python).items()
    }
    while wanted:
        asked = [*command, *wanted.values()]
        ended = subprocess.run(asked, capture_output=True, text=True, check=False)
        found = re.findall(r"No matching distribution found for ([\w.-]+)", ended.stderr)
        if ended.returncode == 0 or not found:
            return ", ".join(missing) + ("" if ended.returncode == 0 else " pip failed")
        missing += found
        for name in found:
            wanted.pop(name.lower())
    return ", ".join(missing)


def table() -> Iterator[str]:
    """Make the rows of a table in Markdown."""
    yield "| system | " + " | ".join(f"Python {python}" for python in PYTHONS) + " |"
    yield "| --- |" + " --- |" * len(PYTHONS)
    with ThreadPoolExecutor(4) as pool:  # it is the index that is waited for
        for system in SYSTEMS:
            missing = pool.map(lacking, [system] * len(PYTHONS), PYTHONS)
            cells = [
                f"lacks {names}" if names else f"all {len(needed(system, python))}"
                for python, names in zip(PYTHONS, missing, strict=True)
            ]
            yield f"| {system} | " + " | ".join(cells) + " |"


def main() -> None:
    """Write the table between its marks, with the day it was made on."""
    today = dt.datetime.now(dt.UTC).date().isoformat()
    made = "\n".join((MARKS[0], "", *table(), "", f"Asked on {today}.", "", MARKS[1]))
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.split(MARKS[0])[0], page.split(MARKS[1])[1]
    PAGE.write_text(before + made + after, encoding="utf-8")
    print(made)


main()
