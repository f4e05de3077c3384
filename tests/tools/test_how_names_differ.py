"""Names: how one that is looked for, or stands beside another, differs; and when it is another."""

import pytest

from beel_mcp.usecases.customer_search.names import between, from_search


@pytest.mark.parametrize(
    ("text", "name", "why"),
    [
        ("talleres", "Talleres Ruiz SL", ""),
        ("peniscola", "Conservas Peñíscola SL", "accents"),
        ("PENÍSCOLA", "Conservas Peñíscola SL", "accents"),
        ("lallave", "Ferretería La Llave SL", "blanks or punctuation"),
        ("Ruiz S.L.", "Talleres Ruiz SL", "blanks or punctuation"),
        ("ruiz talleres", "Talleres Ruiz SL", "other order of words"),
        ("jose garcia", "José Antonio García", "words between"),
        ("Talleres Riuz", "Talleres Ruiz SL", "one letter differs"),
        ("txomn", "Maderas Txomin SL", "one letter differs"),
        ("fontaneira iglesais", "Fontanería Iglesias", "2 letters differ"),
        ("riuz talleres", "Talleres Ruiz", "one letter differs, other order of words"),
        ("Ruiz Talleres SA", "Talleres Ruiz SL", "other order of words, legal form"),
    ],
)
def test_what_is_looked_for_differs_in_a_way_that_has_a_name(
    text: str, name: str, why: str
) -> None:
    difference = from_search(text, name)
    assert difference is not None
    assert difference.why == why


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("talleres gomez", "Talleres Ruiz SL"),
        ("ana", "Eva Gil"),  # too short for a typing error
        ("bar", "Bor SL"),
        ("pepe pepe", "Pepe Gil"),  # one word is no two
        ("...", "Talleres Ruiz SL"),
        ("mader txomn bilbo", "Maderas Txomin"),
    ],
)
def test_another_name_is_not_suggested(text: str, name: str) -> None:
    assert from_search(text, name) is None


@pytest.mark.parametrize(
    ("name", "other", "why"),
    [
        ("Talleres Ruiz SL", "Talleres Ruíz SL", "accents"),
        ("Talleres Ruiz SL", "Talleres Ruíz SA", "accents, legal form"),
        ("Talleres Ruiz SL", "TALLERES RUIZ, S.L.", "the same name"),
        ("Talleres Ruiz SL", "Ruiz Talleres", "other order of words"),
        ("Talleres Ruiz SL", "Talleres Ruis SL", "one letter differs"),
    ],
)
def test_names_that_may_be_mixed_up_are_alike_both_ways(name: str, other: str, why: str) -> None:
    for one, two in ((name, other), (other, name)):
        difference = between(one, two)
        assert difference is not None
        assert difference.why == why


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Comunidad de Propietarios 5", "Comunidad de Propietarios 7"),
        ("Talleres Ruiz SL", "Talleres Rueda SL"),
        ("Ana", "Eva"),
    ],
)
def test_neighbours_are_not_alike(name: str, other: str) -> None:
    assert between(name, other) is None
