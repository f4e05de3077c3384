"""The words that commands say, in both languages: tables of the package, filled with facts."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from beel_mcp.language import Language, Sentence
from beel_mcp.messages import read_data


def sentence(table: str, code: str, /, **facts: object) -> Sentence:
    """Give the sentence group.name of a table; a fact may be a sentence, too."""
    group, _, name = code.partition(".")
    return filled(words_of(table)[group][name], facts)


def filled(words: Mapping[str, str], facts: Mapping[str, object]) -> Sentence:
    """Fill facts into the words of both languages."""

    def text(language: Language) -> str:
        return words[language].format_map(
            {
                name: fact.localized(language) if isinstance(fact, Sentence) else fact
                for name, fact in facts.items()
            }
        )

    return Sentence(en=text("en"), es=text("es"))


@cache
def words_of(table: str) -> dict[str, Any]:
    """Read a table once."""
    return read_data(table)
