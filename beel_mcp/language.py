"""The two languages of a person: which one it is, and sentences side by side in both.

`localized` is for a sentence at its one place of use, `Sentence` for sentences in a table.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

Language = Literal["es", "en"]


class Sentence(NamedTuple):
    """A sentence for a person, in both languages."""

    en: str
    es: str

    def localized(self, language: Language) -> str:
        return localized(language, en=self.en, es=self.es)

    @classmethod
    def filled(cls, words: Mapping[str, str], facts: Mapping[str, object]) -> "Sentence":
        """Fill facts into the words of both languages; a fact may be a sentence, too."""

        def text(language: Language) -> str:
            texts = {
                name: fact.localized(language) if isinstance(fact, Sentence) else fact
                for name, fact in facts.items()
            }
            return words[language].format_map(texts)

        return cls(en=text("en"), es=text("es"))


def localized(language: Language, *, en: str, es: str) -> str:
    """Choose the person's language."""
    return es if language == "es" else en


def plural(number: int, one: str, several: str) -> str:
    """Choose the form that goes with a number, in English as in Spanish."""
    return one if number == 1 else several


def preferred_language(env: Mapping[str, str]) -> Language:
    """Tell the person's language, even where other settings are wrong."""
    chosen = env.get("BEEL_LANGUAGE")
    if chosen in ("es", "en"):
        return "es" if chosen == "es" else "en"
    locale = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    # Whoever works in Catalan, Basque or Galician keeps books in Spanish, too.
    return "es" if locale[:2].lower() in ("es", "ca", "eu", "gl") else "en"
