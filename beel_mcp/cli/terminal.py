"""What only a terminal gets, colours and a sign of life; and what programs read instead."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Any, Final, Literal, TextIO

Style = Literal["bold", "green", "red", "yellow"]
_NEW_TERMINALS: Final = ("WT_SESSION", "TERM_PROGRAM", "TERM", "ANSICON")
_CODES: Final[dict[Style, int]] = {"bold": 1, "red": 31, "green": 32, "yellow": 33}


def spell_everything() -> None:
    """Write UTF-8 into pipes and files, and let no letter that a terminal lacks be a failure.

    Windows would take the code page of the console, in which neither apps nor editors read.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            is_ours = not stream.isatty() and not os.environ.get("PYTHONIOENCODING")
            stream.reconfigure(errors="replace")
            if is_ours:
                stream.reconfigure(encoding="utf-8")


def paint(text: str, style: Style) -> str:
    """Colour a text for stdout, if that is a terminal whose owner wants colours (NO_COLOR)."""
    if os.environ.get("NO_COLOR") or not _is_seen(sys.stdout):
        return text
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


@contextmanager
def waiting(words: str) -> Iterator[None]:
    """Say on stderr what is being waited for, and take it away again; on a terminal only."""
    is_seen = _is_seen(sys.stderr)
    if is_seen:
        print(words, end="", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        if is_seen:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """Print JSON that survives a stdout which cannot spell every letter."""
    is_whole = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(value, ensure_ascii=not is_whole, indent=2))


def _is_seen(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb" and _obeys_codes()


def _obeys_codes() -> bool:
    """Tell whether a terminal takes codes for colours; the old console of Windows prints them."""
    return sys.platform != "win32" or any(name in os.environ for name in _NEW_TERMINALS)
