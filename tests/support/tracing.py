"""Which files of the package a call walks through, in any thread."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import beel_mcp


@contextmanager
def traced() -> Iterator[set[str]]:
    """Collect the files of the package whose functions are called, in any thread."""
    package = str(Path(beel_mcp.__file__).parent) + "/"
    files: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        path = frame.f_code.co_filename
        if event == "call" and path.startswith(package) and frame.f_code.co_name != "<module>":
            files.add(path.removeprefix(package))

    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield files
    finally:
        sys.setprofile(before)
        threading.setprofile(None)  # type: ignore[arg-type]
