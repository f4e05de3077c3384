"""Other people's clients for Python, from the Python index, each in an environment of its own."""

import os
import sys
from pathlib import Path

from tests.support.clients.installs import installed, obey

# Our own environment holds the current SDK; these would not live beside it, or would be it.
PREVIOUS_SDK = "mcp==1.30.0"
FASTMCP = "fastmcp==4.1.2"
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
