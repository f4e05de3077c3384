"""What only a terminal gets, colours and a sign of life; and what programs read instead."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from threading import Thread
from typing import Any, Final, Literal, TextIO

Style = Literal["bold", "green", "red", "yellow"]
_NEW_TERMINALS: Final = ("WT_SESSION", "TERM_PROGRAM", "TERM", "ANSICON")
_CODES: Final[dict[Style, int]] = {"bold": 1, "red": 31, "green": 32, "yellow": 33}


def spell_everything() -> None:
    """Write UTF-8 into pipes and files, and let no letter that a terminal lacks be a failure.

    Windows would take the code page of the console, in which neither apps nor editors read. What
    was closed before we began leads nowhere from here on.
    """
    if sys.stdout is None:
        sys.stdout = _nowhere()
    if sys.stderr is None:
        sys.stderr = _nowhere()
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


@contextmanager
def ended_by_one_interrupt() -> Iterator[None]:
    """Let Ctrl-C be the end of what is read from the terminal, which a thread waits for.

    A thread that reads cannot be interrupted: without this, Ctrl-C would wait for a line.

    Raises:
        KeyboardInterrupt: it was pressed; what was being done has come to its end.
    """
    typed = _Typed()
    typed.begin()
    yield
    if typed.is_interrupted:
        raise KeyboardInterrupt


class _Typed:
    """What is typed, passed on through a pipe, which an interrupt closes."""

    def __init__(self) -> None:
        self._terminal = os.dup(0)
        reads, writes = os.pipe()
        os.dup2(reads, 0)
        os.close(reads)
        self._open = [writes]
        self.is_interrupted = False

    def begin(self) -> None:
        Thread(target=self._pass_on, args=self._open, daemon=True).start()
        signal.signal(signal.SIGINT, self._interrupt)
        if sys.platform != "win32":  # whose loop has a wakeup of its own
            # The main thread may be about to wait for the network: a thread of its own is woken.
            woken, wakes = os.pipe()
            os.set_blocking(wakes, False)
            signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
            Thread(target=self._end_when, args=(woken,), daemon=True).start()

    def _pass_on(self, writes: int) -> None:
        with suppress(OSError):  # the other end was closed
            while part := os.read(self._terminal, 4096):
                os.write(writes, part)
        self._end()

    def _end_when(self, woken: int) -> None:
        os.read(woken, 1)
        self._end()

    def _interrupt(self, _: int, __: object) -> None:
        self.is_interrupted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a second one does not wait
        self._end()

    def _end(self) -> None:
        with suppress(IndexError):  # it has ended
            os.close(self._open.pop())


def send_the_rest_nowhere(stream: TextIO) -> None:
    """Send what is still to be printed nowhere: whoever read it has gone."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - open as long as we run


def print_json(value: Any) -> None:
    """Print JSON that survives a stdout which cannot spell every letter."""
    is_whole = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(value, ensure_ascii=not is_whole, indent=2))


def _is_seen(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb" and _obeys_codes()


def _obeys_codes() -> bool:
    """Tell whether a terminal takes codes for colours; the old console of Windows prints them."""
    return sys.platform != "win32" or any(name in os.environ for name in _NEW_TERMINALS)
