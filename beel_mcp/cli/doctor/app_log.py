"""The log that Claude Desktop keeps of this server: where it lies, and its last complaint."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from beel_mcp.cleaning import clean, quoted
from beel_mcp.cli.doctor.findings import Finding, finding
from beel_mcp.redaction import redact

_COMPLAINT: Final = re.compile(r"error|ENOENT|disconnected", re.IGNORECASE)
# The messages themselves stand there, too: what was asked and answered is nobody else's business.
_MESSAGE: Final = re.compile(r"jsonrpc|Message from", re.IGNORECASE)
_TAIL_BYTES: Final = 65_536


def check_log(name: str, place: Path, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Tell of the log of the server of that name; `place` is the file it stands in."""
    file_name = f"mcp-server-{name}.log"
    if Path(file_name).name != file_name or "\0" in name or "\\" in name:
        return
    paths = [folder / file_name for folder in _folders(place, environ)]
    path = next((one for one in paths if one.is_file()), None)
    if path is None:
        yield finding("app_log.missing", path=redact(str(paths[0])))
        return
    try:
        line = _last_complaint(path)
    except OSError as error:
        yield finding("app_log.unreadable", path=redact(str(path)), kind=type(error).__name__)
        return
    code = "app_log.complaint" if line else "app_log.quiet"
    yield finding(code, path=redact(str(path)), line=quoted(line, 200))


def _folders(place: Path, environ: Mapping[str, str]) -> Iterator[Path]:
    if sys.platform == "darwin":
        yield Path(environ.get("HOME") or Path.home()) / "Library" / "Logs" / "Claude"
        return
    yield place.parent / "logs"
    if sys.platform == "win32" and environ.get("APPDATA"):  # outside of the wall
        yield Path(environ["APPDATA"]) / "Claude" / "logs"


def _last_complaint(path: Path) -> str:
    """Give the last line that complains, without a key; "" if there is none in the log's end."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _TAIL_BYTES, 0))
        lines = file.read(_TAIL_BYTES).decode("utf-8", "replace").splitlines()
    if size > _TAIL_BYTES:
        del lines[:1]  # a half one
    for line in reversed(lines):
        if _COMPLAINT.search(line) and not _MESSAGE.search(line):
            return redact(clean(line, 2_000))
    return ""
