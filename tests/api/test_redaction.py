"""No spelling of a key survives a log record, a traceback or an uncaught exception."""

import base64
import io
import logging
import sys
import threading
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from beel_mcp.redaction import HIDDEN, RedactingFilter, install_redaction, redact, remember

LIVE = "beel_sk_live_9f8e7d6c5b4a"
KEYS = st.from_regex(r"beel_sk_(test|live)_[A-Za-z0-9_-]{8,60}", fullmatch=True)
SPELLINGS = {
    "plain": lambda key: key,
    "upper": str.upper,
    "percent": lambda key: "".join(f"%{ord(char):02X}" for char in key),
    "percent underscore": lambda key: key.replace("_", "%5F"),
    "percent twice": lambda key: key.replace("_", "%255F"),
    "quoted": lambda key: quote(f"Bearer {key}", safe=""),
    "base64": lambda key: base64.b64encode(key.encode()).decode(),
    "base64 url": lambda key: base64.urlsafe_b64encode(f"Bearer {key}".encode()).decode(),
    "base64 off by 1": lambda key: base64.b64encode(f"x{key}".encode()).decode(),
    "base64 off by 2": lambda key: base64.b64encode(f"xx{key}yy".encode()).decode(),
    "hex": lambda key: key.encode().hex(),
    "repr": repr,
    "bytes": lambda key: repr(key.encode()),
    "first twelve": lambda key: key[:14],
}


@pytest.fixture(autouse=True)
def hooks(monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)


@pytest.fixture
def written():
    return io.StringIO()


@pytest.fixture
def logger(written):
    logger = logging.getLogger("redaction-test")
    handler = logging.StreamHandler(written)
    logger.addHandler(handler)
    install_redaction()
    yield logger
    logger.removeHandler(handler)


@pytest.mark.slow
@pytest.mark.parametrize("spelling", SPELLINGS)
@given(key=KEYS)
def test_a_key_is_hidden_in_every_spelling(spelling, key):
    spelled = SPELLINGS[spelling](key)
    hidden = redact(f"before {spelled} after")
    assert spelled not in hidden
    assert key[9:20] not in hidden
    assert hidden.startswith("before ")
    assert hidden.endswith(" after")


def test_a_remembered_secret_and_its_tail_are_hidden():
    remember(SecretStr("another-token-of-22-chars"))
    remember(SecretStr(LIVE))
    encoded = base64.b64encode(b"xanother-token-of-22-charsx").decode()
    for text in ("another-token-of-22-chars", "9f8e7d6c5b4a", encoded):
        assert text not in redact(f"<{text}>")


def test_a_secret_that_lies_inside_of_a_key_leaves_no_end_of_it_to_be_seen():
    remember(SecretStr("inner0secret"))
    remember(SecretStr("beel_sk_test_inner0"))
    for key in ("beel_sk_test_abcdinner0secretwxyz", "beel_sk_live_inner0secret_tail"):
        assert redact(f"<{key}, inner0secretinner0secret>") == f"<{HIDDEN}, {HIDDEN}{HIDDEN}>"


def test_other_text_is_left_alone():
    text = "Ferretería Ñandú SL, beel_mcp, beel.es, 100% beel, YmVlbA=="
    assert redact(text) == text


def test_records_are_rewritten_wholly(logger, written):
    error = RuntimeError(f"Bearer {LIVE}")
    error.add_note(LIVE)
    error.__cause__ = ValueError(LIVE)
    try:
        raise error
    except RuntimeError:
        logger.exception("failed %s", LIVE, extra={"request": {"key": LIVE}}, stack_info=True)
    shown = written.getvalue()
    assert HIDDEN in shown
    assert "RuntimeError" in shown
    assert "9f8e7d6c5b4a" not in shown


def test_a_record_keeps_nothing_of_the_exception_or_the_extras():
    record = logging.makeLogRecord({"msg": "%s", "args": (LIVE,), "headers": {"a": LIVE}, "n": 5})
    record.exc_info = (ValueError, ValueError(LIVE), None)
    assert RedactingFilter().filter(record) is True
    assert LIVE not in repr(vars(record))
    assert record.n == 5


def test_a_wrong_format_does_not_break_logging(logger, written):
    broken = f"{LIVE} %s %s"
    logger.error(broken, 1)
    assert "9f8e7d6c5b4a" not in written.getvalue()
    assert HIDDEN in written.getvalue()


def test_installing_twice_filters_once(logger):
    install_redaction([SecretStr(LIVE)])
    handler = logger.handlers[0]
    assert [type(item) for item in handler.filters] == [RedactingFilter]
    assert logging.getLogger("httpcore").level == logging.WARNING


def test_uncaught_exceptions_are_shown_without_secrets(capsys):
    install_redaction()
    error = RuntimeError(LIVE)
    sys.excepthook(RuntimeError, error, None)
    threading.excepthook(threading.ExceptHookArgs((RuntimeError, error, None, None)))
    shown = capsys.readouterr().err
    assert shown.count(f"RuntimeError: {HIDDEN}") == 2
    assert LIVE not in shown
