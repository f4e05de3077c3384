"""Sentences as values: a code and its facts, rendered as late as possible.

The words of both languages are data: English for the model, Spanish for the person.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from importlib.resources import files
from typing import Any, Final, NamedTuple, TypeAlias

from beel_mcp.language import Language, Sentence

Fact: TypeAlias = "str | int | Message"
VERBATIM: Final = "text.verbatim"


@dataclass(frozen=True, init=False, slots=True)
class Message:
    """A sentence that is not said yet; two with the same code and facts are equal."""

    code: str  # group.name in data/messages.toml
    facts: tuple[tuple[str, Fact], ...]

    def __init__(self, code: str, /, **facts: Fact) -> None:
        object.__setattr__(self, "code", code)
        object.__setattr__(self, "facts", tuple(sorted(facts.items())) if facts else ())

    def text(self, language: Language = "en") -> str:
        """Render the message.

        Raises:
            KeyError: the catalogue has no such code, or its words ask for a fact not given.
        """
        words = _catalogue()[self.code][language]
        if not self.facts:
            return words
        return words.format_map({name: _text_of(fact, language) for name, fact in self.facts})

    def map_texts(self, change: Callable[[str], str]) -> "Message":
        """Copy the message with every text among its facts changed, also in messages inside."""
        if not self.facts:
            return self
        facts = tuple([(name, _mapped(fact, change)) for name, fact in self.facts])
        return self if facts == self.facts else Message(self.code, **dict(facts))


class FieldIssue(NamedTuple):
    """What is wrong with one field, such as address.city."""

    field: str
    message: Message


def verbatim(text: str) -> Message:
    """Make a message of words that are not ours, or of a mere value: the same in any language."""
    return Message("text.verbatim", text=text)


def either(options: Iterable[str]) -> Message:
    """Join options by "or"; there must be at least one."""
    return reduce(
        lambda first, last: Message("text.either", first=first, last=last), map(verbatim, options)
    )


def both(parts: Sequence[Message]) -> Message:
    """Join parts by commas and "and"; there must be at least one."""
    *first, last = parts
    if not first:
        return last
    before = reduce(lambda one, other: Message("text.listed", first=one, last=other), first)
    return Message("text.both", first=before, last=last)


def read_data(name: str) -> dict[str, Any]:
    """Read one of the tables that belong to the package."""
    import tomllib  # noqa: PLC0415 - start-up is measured

    return tomllib.loads(files(__package__).joinpath("data", f"{name}.toml").read_text("utf-8"))


def field_word(field: str, language: Language) -> str:
    """Name a customer's field, such as address.city, in a sentence to a person."""
    word: str = field_names()[field]["word"][language]
    return word


@cache
def field_names() -> dict[str, dict[str, Any]]:
    """Give what each field, or group of fields, is called; the table says where."""
    return read_data("field_names")


@cache
def _catalogue() -> dict[str, dict[Language, str]]:
    """Give the words of each message by its code; read only when the first is rendered."""
    return {
        f"{group}.{name}": words
        for group, messages in read_data("messages").items()
        for name, words in messages.items()
    }


def _text_of(fact: Fact, language: Language) -> str | int:
    return fact.text(language) if isinstance(fact, Message) else fact


def _mapped(fact: Fact, change: Callable[[str], str]) -> Fact:
    if isinstance(fact, Message):
        return fact.map_texts(change)
    return change(fact) if isinstance(fact, str) else fact


def sentence(table: str, code: str, /, **facts: object) -> Sentence:
    """Give the sentence group.name of a table; a fact may be a sentence, too."""
    group, _, name = code.partition(".")
    return Sentence.filled(words_of(table)[group][name], facts)


@cache
def words_of(table: str) -> dict[str, Any]:
    """Read a table once."""
    return read_data(table)
