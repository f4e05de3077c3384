"""What only a terminal gets, colours and a sign of life; and what programs read instead."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal, TextIO

Style = Literal["bold", "green", "red", "yellow"]
_CODES: Final[dict[Style, int]] = {"bold": 1, "red": 31, "green": 32, "yellow": 33}


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
    return stream.isatty() and os.environ.get("TERM") != "dumb"
