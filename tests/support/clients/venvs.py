"""Other people's clients for Python, from the Python index, each in an environment of its own."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.clients.installs import installed, obey

# Our own environment holds the current SDK; these would not live beside it, or would be it.
PREVIOUS_SDK = "mcp==1.30.0"
FASTMCP = "fastmcp==4.1.2"
UV = "uv==0.13.9"  # what apps run a bundle with
_FLAGS = ("--quiet", "--disable-pip-version-check", "--no-input", "--retries", "1")
_PYTHON = Path("Scripts/python.exe" if os.name == "nt" else "bin/python")


def installed_python(requirement: str) -> Path:
    """Give a Python that has this one package, installing it at most once.

    Raises:
        UnavailableError: pip is missing, said no, or took too long.

    """
    version = "{}.{}".format(*sys.version_info)

    def install(half: Path) -> None:
        obey([sys.executable, "-m", "venv", str(half)], half, "python -m venv")
        pip = [str(half / _PYTHON), "-m", "pip", "install", *_FLAGS, requirement]
        obey(pip, half, f"pip install {requirement}")

    return installed([sys.executable, version, requirement], install) / _PYTHON


def indexes_for_uv() -> dict[str, str]:
    """Give pip's settings as uv reads them: uv knows none of pip's files."""
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    names = {"index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX"}
    names |= {"find-links": "UV_FIND_LINKS"}
    found = {}
    for line in listed.stdout.splitlines():
        name, _, value = line.partition("=")
        variable = names.get(name.rpartition(".")[2])
        if variable:
            # The files of the user stand behind those of the machine, the environment last.
            found[variable] = value.strip().strip("'")
    return found
