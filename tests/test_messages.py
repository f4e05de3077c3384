"""Every message of the code has its words in both languages, and none has words for nothing."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest

import beel_mcp
from beel_mcp.lists.headers import ACTIVE, INACTIVE, STREET_2, STREET_TYPE, SURNAME
from beel_mcp.lists.model import FIELDS, PARTS, PAYMENT_METHODS, DocumentType
from beel_mcp.messages import Message, both, either, field_names, field_word, read_data, verbatim

PACKAGE = Path(beel_mcp.__file__).parent
CATALOGUE = {
    f"{group}.{name}": words
    for group, messages in read_data("messages").items()
    for name, words in messages.items()
}
ENGLISH = re.compile(
    r"\b(?:the|an|is|are|must|and|or|of|has|have|with|without|be|it|one|number|street|city"
    r"|letter|digits?|whole|character|text|list|row|found|true|from|would)\b",
    re.IGNORECASE,
)


def made(source: str) -> Iterator[tuple[str | None, set[str | None]]]:
    """Find each message that is made in a source: its code, None if it is no constant; its facts.

    A fact of no name stands for facts that are only known when the code runs.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Message":
            [code] = node.args
            is_constant = isinstance(code, ast.Constant) and isinstance(code.value, str)
            yield code.value if is_constant else None, {fact.arg for fact in node.keywords}


MADE = [
    message
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name != "messages.py"
    for message in made(path.read_text(encoding="utf-8"))
]
# Those that the module of messages makes for others.
LISTED = both([verbatim("x")] * 3)
OWN = [
    (message.code, {name for name, _ in message.facts})
    for message in (verbatim("x"), either("xy"), LISTED, dict(LISTED.facts)["first"])
]


def facts_in(words: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(words) if name is not None}


def test_every_message_that_the_code_makes_has_words_for_just_its_facts() -> None:
    faults = [
        (code, facts)
        for code, facts in [*MADE, *OWN]
        if code not in CATALOGUE or facts_in(CATALOGUE[code]["en"]) != facts
    ]
    assert len(MADE) > 90
    assert faults == []


def test_no_words_are_kept_for_a_message_that_nobody_makes() -> None:
    assert CATALOGUE.keys() - {code for code, _ in [*MADE, *OWN]} == set()


def test_messages_have_words_in_both_languages_with_the_same_facts() -> None:
    faults = [
        code
        for code, words in CATALOGUE.items()
        if words.keys() != {"en", "es"} or facts_in(words["en"]) != facts_in(words["es"])
    ]
    assert faults == []


def test_no_english_is_left_in_spanish_words() -> None:
    plain = {
        code: re.sub(r"\{\w+\}|[A-Z_]{3,}", "", words["es"]) for code, words in CATALOGUE.items()
    }
    assert [code for code, words in plain.items() if ENGLISH.search(words)] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('Message("a.b", row=1, name=x)', [("a.b", {"row", "name"})]),
        ('Message("a.b", rule=Message("a.c"))', [("a.b", {"rule"}), ("a.c", set())]),
        ('Message(f"a.{x}")', [(None, set())]),
        ('Message("a.b", **facts)', [("a.b", {None})]),
    ],
)
def test_a_message_in_the_code_is_found_with_its_facts(
    source: str, found: list[tuple[str | None, set[str | None]]]
) -> None:
    assert list(made(source)) == found


def test_every_field_is_called_something_in_both_languages() -> None:
    both = {"en", "es"}
    names = field_names()
    assert [field for field in FIELDS if names[field]["column"].keys() != both] == []
    words = [*FIELDS, *PARTS, "active"]
    assert [field for field in words if names[field]["word"].keys() != both] == []
    assert field_word("address.city", "es") == "población"
    assert names.keys() - {*words, "row", "surname", "street_type"} == set()


def test_headers_and_words_of_cells_stand_for_fields_and_values_of_beel() -> None:
    beside = {SURNAME, STREET_TYPE, STREET_2, INACTIVE, ACTIVE}
    assert set(read_data("headers")) - beside <= set(FIELDS)
    assert set(read_data("second_names")) <= set(FIELDS)
    words = read_data("cell_words")
    assert set(words["payment_method"]) <= PAYMENT_METHODS
    assert set(words["document_type"]) <= set(get_args(DocumentType))


def test_a_group_that_is_none_is_told_all_its_parts() -> None:
    for name, group in (
        ("not_alternative_id", "alternative_id"),
        ("not_address", "address"),
        ("not_payment_method", "preferred_payment_method"),
    ):
        assert CATALOGUE[f"value.{name}"]["en"].endswith(f" with {', '.join(PARTS[group])}.")


@pytest.mark.parametrize(
    ("message", "english", "spanish"),
    [
        (
            Message("value.not_text", found=Message("kind.boolean")),
            "Expected text, found true or false.",
            "Se esperaba un texto y hay verdadero o falso.",
        ),
        (
            Message("nif.would_end_in", number="C1234567", accepted=either("4D")),
            "C1234567: the last character would be 4 or D if the rest is right",
            "C1234567: como último carácter correspondería 4 o D si el resto es correcto",
        ),
        (either(["08", "43", "28"]), "08 or 43 or 28", "08 o 43 o 28"),
        (
            Message("rule.each", rule=Message("rule.email")),
            "each must be an e-mail address",
            "cada uno debe ser un correo electrónico",
        ),
        (
            Message("duplicate.row_named", row=3, name="Pan or Vino {x}"),
            "row 3: Pan or Vino {x}",
            "fila 3: Pan or Vino {x}",
        ),
        (verbatim("El NIF {no} consta."), "El NIF {no} consta.", "El NIF {no} consta."),
    ],
)
def test_a_message_is_said_in_the_language_of_who_reads_it(
    message: Message, english: str, spanish: str
) -> None:
    assert (message.text("en"), message.text("es")) == (english, spanish)


def test_messages_are_equal_by_what_they_say_and_cannot_be_changed() -> None:
    message = Message("duplicate.row_named", row=3, name="Uno")
    assert message == Message("duplicate.row_named", name="Uno", row=3)
    assert len({message, Message("duplicate.row_named", row=4, name="Uno")}) == 2
    with pytest.raises(AttributeError):
        message.code = "x"  # type: ignore[misc]


def test_every_text_in_a_message_can_be_changed_at_once() -> None:
    inner = Message("rule.each", rule=verbatim("a"))
    changed = Message("duplicate.row_named", row=3, name=inner).map_texts(str.upper)
    assert changed.text() == "row 3: each A"
