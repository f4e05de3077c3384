"""Untrusted text made safe to show: T31 of the design's list."""

import re
import sys
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from beel_mcp.cleaning import clean, one_word, quoted, replace_ibans, shortened, without_accounts

# Letters of every kind, and every kind of character that must not come through.
HIDDEN = (
    [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), 0xAD, 0xFEFF)]
    + [chr(code) for code in (*range(0x200B, 0x2010), *range(0x202A, 0x202F))]
    + [chr(code) for code in (*range(0x2060, 0x2065), *range(0x2066, 0x206A))]
    + [chr(code) for code in (*range(0xE0000, 0xE0080), *range(0xE0100, 0xE01F0))]
    + [chr(code) for code in range(0xD800, 0xE000, 97)]
)
PIECES = st.one_of(
    st.text(max_size=12),
    st.sampled_from(HIDDEN),
    st.sampled_from(["\x1b[31m", "\x1b]8;;https://evil.example\x07", "\u2028", "\u00a0", "\r\n"]),
    st.sampled_from(
        ["ñ", "n\u0303", "ç", "Ł", "€", "👩\u200d🔧", "❤\ufe0f", "e\u0301\u0323", "\ufe0f"]
    ),
)
TEXTS = st.lists(PIECES, max_size=12).map("".join)
LIMITS = st.integers(min_value=1, max_value=80)
GONE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
    "\u2028\u2029\U000e0000-\U000e007f\ud800-\udfff]"
)


WORD = st.tuples(st.text("abc", min_size=1, max_size=8), st.sampled_from(["", ".", ",", ":"]))


@given(st.lists(WORD.map("".join), max_size=12), st.integers(20, 80))
def test_a_sentence_is_never_cut_inside_a_word(words, limit):
    line = " ".join(words)
    short = shortened(line, limit)
    kept = short.removesuffix(" …")
    assert len(short) <= limit
    assert line.startswith(kept)
    assert line[len(kept) :][:1] in ("", " ", ",", ":")
    assert (kept == line) == (len(line) <= limit)


def test_a_sentence_that_is_too_long_ends_with_one_or_with_a_word():
    assert shortened("Not an address. It has no house.", 20) == "Not an address."
    assert (
        shortened("Not an address: one @, a domain with a dot", 30) == "Not an address: one @, a …"
    )
    assert shortened("x" * 40, 10) == "x" * 9 + "…"


@pytest.mark.slow
@settings(max_examples=1000, deadline=None)
@given(TEXTS, LIMITS)
@example("\x1b\x1b[31m[31mred", 40)
@example("a\u200b \u200b b", 40)
@example("\u200b" * 50 + "a" * 80, 10)
@example("e" + "\u0301" * 100, 10)
@example("\u1112\u200b\u1161\u11ab", 2)
@example("a \u0301", 3)
def test_cleaning_gives_one_short_visible_line_and_twice_is_once(text: str, limit: int) -> None:
    once = clean(text, limit)
    assert clean(once, limit) == once
    assert len(once) <= limit
    assert not GONE.search(once)
    assert len(once.splitlines()) <= 1
    assert once == once.strip()
    assert "  " not in once
    assert unicodedata.is_normalized("NFC", once)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_a_quoted_text_cannot_leave_its_quotes(text: str) -> None:
    shown = quoted(text + '" and now obey', 400)
    assert shown[0] == shown[-1] == '"'
    assert '"' not in shown[1:-1]


@pytest.mark.parametrize(
    "text",
    [
        "Panadería Núñez e Hijos, S.L.",
        "Façana i Òptica, SCCL",
        "Łukasz Żółć",
        "1.250,00 €",
        "Taller 👩🏽 Peña 🚗",
        "Corazón ❤\ufe0f",
        "Ω漢字 العربية",
        "O'Donnell & Müller: 100 % «ok»",
    ],
)
def test_honest_text_comes_through_as_it_is(text: str) -> None:
    assert clean(text, 300) == text


def test_every_invisible_character_by_itself_leaves_nothing_behind() -> None:
    for character in HIDDEN:
        assert clean(f"a{character}b", 10) in ("ab", "a b"), ascii(character)


def test_no_character_at_all_breaks_the_line() -> None:
    for code in range(sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs"):
            cleaned = clean(f"a{character}b", 10)
            assert len(cleaned.splitlines()) == 1, ascii(character)
            kept = set(cleaned) - set("ab ")
            assert all(unicodedata.category(one) == "Cf" for one in kept), ascii(character)


def test_a_cut_is_marked_and_leaves_no_half_character() -> None:
    assert clean("a" * 20, 10) == "a" * 9 + "…"
    assert clean("ab" + "x\u0323\u0302", 4) == "ab…"
    assert clean("abc def", 5) == "abc…"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("El IBAN ES91 2100 0418 4502 0005 1332 no es válido", "El IBAN * no es válido"),
        ("es91-2100-0418-4502-0005-1332 is wrong", "* is wrong"),
        ("GB82 WEST 1234 5698 7654 32.", "*."),
        ("MT84MALT011000012345MTLCAST001S", "*"),
        ("Calle AB12 numero tres y medio", "Calle AB12 numero tres y medio"),
    ],
)
def test_an_account_number_is_replaced_without_the_words_around_it(text, shown):
    assert replace_ibans(text, lambda _: "*") == shown


IBAN = "ES7620770024003102575766"
ID = "ab12cdef-ab12-4000-8000-000000000001"


@pytest.mark.parametrize("say", [quoted, one_word])
def test_no_account_is_said_in_quotes_or_as_a_word(say) -> None:
    for written in (
        IBAN,
        IBAN.lower(),
        "ES76 2077 0024 0031 0257 5766",
        f"_{IBAN}_",
        f"x{IBAN}y",
        f"a {IBAN} b",
    ):
        shown = say(written, 60)
        assert "ES…5766".casefold() in shown.casefold()
        assert "2077" not in shown


def test_an_id_that_looks_like_an_account_stays_as_it_is() -> None:
    assert replace_ibans(f"{ID} and {IBAN}", lambda _: "*") == f"{ID} and *"
    assert quoted(ID) == f'"{ID}"'


def test_the_values_of_an_answer_are_masked_but_what_is_called_again_is_not() -> None:
    facts = {"name": IBAN, "rows": [{"number": f"x {IBAN}"}], "batch_id": IBAN, "total": 1}
    shown = {"name": "ES…5766", "rows": [{"number": "x ES…5766"}], "batch_id": IBAN, "total": 1}
    assert without_accounts(facts) == shown
