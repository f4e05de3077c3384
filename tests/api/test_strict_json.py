"""What two JSON readers might take differently is refused."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beel_mcp.api.http.responses import StrictJsonError, parse

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"{}{}",
        b"NaN",
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b"\xef\xbb\xbf{}",
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\\ud800"}',
        b'{"\\udc00": 1}',
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"1" * 1_000_000,
        b'"\x00"',
        b"{'a': 1}",
        '{"a": 1}'.encode("utf-16"),
    ],
)
def test_what_is_not_plain_json_is_refused(raw):
    with pytest.raises(StrictJsonError) as caught:
        parse(raw)
    assert caught.value.__context__ is None


def test_pairs_of_surrogates_and_exact_decimals_pass():
    assert parse(b'["\\ud83d\\ude00", 0.10, 1e400]')[0] == "😀"
    assert str(parse(b"0.10")) == "0.10"


@given(VALUES)
def test_whatever_is_json_is_read_as_the_standard_reader_does(value):
    assert parse(json.dumps(value).encode()) == value


@given(st.binary())
def test_any_bytes_are_read_or_refused(raw):
    with suppress(StrictJsonError):
        parse(raw)
