"""Every sentence that we say of a row has its Spanish; what BeeL says is left as it is."""

import ast
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from beel_mcp.lists.spanish import in_spanish

# Modules that say something of a row, and the parts of sentences in them; the whole ones, put
# together, are below.
MODULES = {
    "beel_mcp.lists.checks": {
        "last character",
        " or ",
        "The address has no X1: BeeL needs one.",
        "X1: the X1 would be X1",
    },
    "beel_mcp.lists.reading": {"true or false", "a number", "an object", "a list"},
    "beel_mcp.lists.twins": set(),
    "beel_mcp.lists.foreign": set(),
    "beel_mcp.lists.grid": set(),
    "beel_mcp.tools.verdicts": {"The same identifier stands earlier in the list", "X1, in row X1."},
    "beel_mcp.api.rows": {"whole number", "must be a X1 from X1 to X1"},
}
NOT_SENTENCES = set("\\[|{}")
SPOKEN = 2  # a sentence has at least so many words


def sentences(module: str) -> Iterator[str]:
    """Find the texts of a module that are no docstrings; what is put in is shown as X1."""
    spec = find_spec(module)
    assert spec
    assert spec.origin
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    parts: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            parts.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            parts |= {id(part) for part in node.values}
            yield "".join(
                str(part.value) if isinstance(part, ast.Constant) else "X1" for part in node.values
            )
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.value


@pytest.mark.parametrize("module", MODULES)
def test_every_sentence_has_its_spanish(module: str) -> None:
    spoken = {
        text
        for text in sentences(module)
        if len(text.split()) >= SPOKEN and not NOT_SENTENCES & set(text)
    }
    missing = {text for text in spoken - MODULES[module] if in_spanish(text) == text}
    assert not {
        text for text in missing if any(word.isalpha() and word.islower() for word in text.split())
    }


def test_what_differs_is_put_into_its_place() -> None:
    assert in_spanish("12345678A: the letter would be Z") == "12345678A: la letra sería Z"
    assert in_spanish("B1: the last character would be 4 or D") == (
        "B1: el último carácter sería 4 o D"
    )
    assert in_spanish("each must be an e-mail address") == (
        "cada uno tiene que ser un correo electrónico"
    )
    assert in_spanish("Expected text, found true or false.") == "No es un texto (sí o no)."


def test_the_words_of_beel_are_left_alone() -> None:
    assert in_spanish("El NIF no está en el censo") == "El NIF no está en el censo"


@pytest.mark.parametrize(
    "sentence",
    [
        *(
            f"The address has no {part}: BeeL needs one."
            for part in ("street", "number", "postal code", "city", "province")
        ),
        *(f"B1: the {kind} would be 4" for kind in ("letter", "digit", "last character")),
        "The same identifier stands earlier in the list, in row 7.",
        "must be a number from 0 to 100",
        "must be a whole number from 0 to 365",
        "taken from row 7: merged",
    ],
)
def test_sentences_that_are_put_together_have_their_spanish(sentence: str) -> None:
    assert in_spanish(sentence) != sentence
