"""Which copy of the program runs here, under which Python, and which others a shell would start."""

import filecmp
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import files, metadata
from pathlib import Path
from typing import Final

from beel_mcp.cli.client_config import passing_runner, start_command
from beel_mcp.cli.doctor.findings import Finding, finding

_PYTHON: Final = "Programming Language :: Python :: 3."
# A script, a module, or what uvx and pipx are told to run, with or without a version.
_OURS: Final = re.compile(r"beel[-_]mcp(?:\.exe)?(?:[@=<>~!\[].*)?", re.IGNORECASE)


def check_program(environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look at the Python, at PATH, and whether this copy is here to stay. Nothing is run."""
    made_for = [
        "3." + line.removeprefix(_PYTHON)
        for line in metadata("beel-mcp").get_all("Classifier") or ()
        if line.startswith(_PYTHON)
    ]
    running = platform.python_version()
    if ".".join(running.split(".")[:2]) not in made_for:
        yield finding("installation.other_python", version=running, listed=", ".join(made_for))
    if runner := passing_runner():
        tool = Path(runner[0]).stem
        yield finding("installation.passing_copy", tool=tool, command=" ".join(runner))
        return
    found = list(_programs_on(environ.get("PATH", "")))
    running = " ".join(start_command())
    if not found:
        yield finding("installation.not_on_path", command=running)
    elif len(found) > 1 or not is_running(str(found[0]), ()):
        listed = ", ".join(map(str, found))
        yield finding("installation.several", listed=listed, command=running)


def is_ours(word: str) -> bool:
    """Tell whether a word of a command names this program, by a path of any system or without."""
    return bool(_OURS.fullmatch(re.split(r"[\\/]", word)[-1]))


def is_running(command: str, arguments: Sequence[str]) -> bool:
    """Tell whether a command starts the copy that runs here, by paths alone."""
    program = Path(command)
    if "beel_mcp" in arguments:  # python -m: a link of a virtual environment must not be followed
        return program.parent.resolve() == Path(sys.executable).parent.resolve()
    installed = [Path(str(one.locate())) for one in files("beel-mcp") or () if is_ours(one.name)]
    beside = Path(sys.executable).with_name(program.name)
    return any(_is_same(program, script) for script in (beside, *installed))


def _is_same(program: Path, script: Path) -> bool:
    # pipx and uv put a link into a folder of PATH, and on Windows a copy, which names its Python.
    with suppress(OSError):
        return program.samefile(script) or filecmp.cmp(program, script, shallow=False)
    return False


def _programs_on(path: str) -> Iterator[Path]:
    """Name what PATH has of this program, in its order, each copy once."""
    seen: list[Path] = []
    for folder in filter(os.path.isabs, path.split(os.pathsep)):
        found = shutil.which("beel-mcp", path=folder)
        # Windows looks into the folder at hand first, whatever it is told.
        if not found or Path(found).parent != Path(folder):
            continue
        if not any(_is_same(Path(found), other) for other in seen):
            seen.append(Path(found))
            yield Path(found)
