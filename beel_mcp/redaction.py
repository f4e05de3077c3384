"""Secrets out of log records and tracebacks, in whatever spelling they arrive."""

import base64
import logging
import re
import sys
import threading
import traceback
from collections.abc import Iterable, Iterator
from typing import Any, Final
from urllib.parse import quote

from pydantic import SecretStr

HIDDEN: Final = "[hidden]"
_PREFIX: Final = "beel_sk_"
_PLAIN_RECORD: Final = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__)
_QUIET: Final = ("httpx", "httpcore")


def _percent(text: str) -> str:
    """Make a pattern for `text` in which any character may be percent-encoded."""
    return "".join(f"(?:{re.escape(char)}|%(?:25)?{ord(char):02x})" for char in text)


def _base64_cores(text: bytes) -> tuple[str, ...]:
    """Give the part of `text` in base64 that is the same whatever stands around it."""
    cores = []
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + text).decode("ascii").rstrip("=")
        cores.append(encoded[(0, 2, 3)[shift] : (shift + len(text)) * 8 // 6])
    return tuple(cores)


_PERCENT_PREFIX: Final = _percent(_PREFIX) + r"(?:[\w-]|%[0-9a-f]{2})*"
_BASE64_CORES: Final = "|".join(map(re.escape, _base64_cores(_PREFIX.encode("ascii"))))
_HEX_PREFIX: Final = _PREFIX.encode("ascii").hex() + "[0-9a-f]*"
_ANY_KEY: Final = re.compile(f"{_PERCENT_PREFIX}|{_HEX_PREFIX}", re.IGNORECASE)
_ANY_BASE64_KEY: Final = re.compile(rf"(?:{_BASE64_CORES})[\w+/=-]*")
_ANY: Final = (_ANY_KEY, _ANY_BASE64_KEY)

_known: set[str] = set()


def remember(secret: SecretStr) -> None:
    """Hide this secret, too, in every spelling we know; BeeL keys are hidden without it."""
    value = secret.get_secret_value()
    # A key's tail is as good as the key: the rest of it is public.
    for text in {value, value.rsplit("_", 1)[-1]}:
        if len(text) >= 8:
            _known.update({text, quote(text, safe=""), repr(text)[1:-1]})
            _known.update(core for core in _base64_cores(text.encode()) if len(core) >= 8)


def redact(text: str) -> str:
    """Take every BeeL key and every remembered secret out of `text`.

    All are found before one is taken out: a secret inside of a key would leave its ends to be seen.
    """
    found = [match.span() for pattern in _ANY for match in pattern.finditer(text)]
    found += [span for secret in _known for span in _places(secret, text)]
    kept, end = [], 0
    for first, last in sorted(found):
        if first >= end:
            kept += [text[end:first], HIDDEN]
        end = max(end, last)
    return "".join([*kept, text[end:]]) if found else text


def _places(secret: str, text: str) -> Iterator[tuple[int, int]]:
    at = text.find(secret)
    while at >= 0:
        yield at, at + len(secret)
        at = text.find(secret, at + 1)


class RedactingFilter(logging.Filter):
    """Rewrites a record before a handler sees it: message, traceback, stack and extras."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(_message(record)), ()
        if record.exc_info:
            record.exc_text = record.exc_text or "".join(
                traceback.format_exception(*record.exc_info)
            ).rstrip("\n")
            record.exc_info = None
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        for name in record.__dict__.keys() - _PLAIN_RECORD:
            value = record.__dict__[name]
            if name != "message" and not isinstance(value, (int, float, bool)):
                record.__dict__[name] = redact(str(value))
        return True


def install_redaction(secrets: Iterable[SecretStr] = ()) -> None:
    """Guard the root logger, every handler there is, and uncaught exceptions. Safe to repeat."""
    for secret in secrets:
        remember(secret)
    for name in _QUIET:  # at INFO they log URLs, which hold ids
        logging.getLogger(name).setLevel(logging.WARNING)
    loggers = [logging.getLogger(), *map(logging.getLogger, list(logging.root.manager.loggerDict))]
    guarded: list[logging.Filterer] = [loggers[0]]
    guarded += [handler for logger in loggers for handler in logger.handlers]
    guarded += [logging.lastResort] if logging.lastResort else []
    for filterer in guarded:
        if not any(isinstance(present, RedactingFilter) for present in filterer.filters):
            filterer.addFilter(RedactingFilter())
    # A handler that fails prints the exception at hand, past every filter.
    logging.raiseExceptions = False
    sys.excepthook = _excepthook
    threading.excepthook = _thread_excepthook


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - logging must not fail over a wrong format
        return str(record.msg)


def _excepthook(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    sys.stderr.write(redact("".join(traceback.format_exception(kind, error, trace))))


def _thread_excepthook(hook: threading.ExceptHookArgs) -> None:
    if hook.exc_value is not None:
        _excepthook(hook.exc_type, hook.exc_value, hook.exc_traceback)
