"""Whatever a plan leaves out, and whatever can differ from it, has words in both languages."""

from typing import Any, get_args

import pytest

from beel_mcp.messages import read_data
from beel_mcp.writes.consent.statement import difference_words, left_out_words
from beel_mcp.writes.journal.plan import Difference, LeftOutCode

LEFT_OUT = get_args(LeftOutCode)  # the types of the code: mypy lets no write use another
DIFFERENCES = [code for part in get_args(Difference) for code in get_args(part) or (part,)]
WORDS = read_data("plan_words")


def test_the_words_are_those_of_the_codes_and_no_others() -> None:
    assert WORDS["left_out"].keys() == set(LEFT_OUT)
    assert WORDS["difference"].keys() == set(DIFFERENCES)
    assert {"gone", "edited", "joined", "never_empty", "issued"} <= set(DIFFERENCES)


@pytest.mark.parametrize(
    "words", [*WORDS["left_out"].values(), *WORDS["difference"].values()], ids=str
)
def test_each_has_english_and_other_spanish_words(words: dict[str, Any]) -> None:
    assert {"en", "es"} <= words.keys() <= {"en", "es", "es_several"}
    assert all(words.values())
    assert words["en"] != words["es"] or words["en"] == "proforma"


def test_what_an_undoing_keeps_is_said_in_both_languages() -> None:
    assert WORDS["kept"].keys() == {"changed_since", "identifier_fixed", "never_empty"}
    assert all(words["en"] != words["es"] for words in WORDS["kept"].values())


def test_several_are_said_as_several() -> None:
    assert left_out_words("issued", 1, "es") == "ya emitida"
    assert left_out_words("issued", 2, "es") == "ya emitidas"
    assert left_out_words("has_invoices", 2, "es") == "con facturas"
    assert left_out_words("voided", 2, "en") == "void"
    assert difference_words("never_empty", "en") == "has a field that cannot be emptied here"
