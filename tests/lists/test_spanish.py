"""What the checks say in Spanish: every sentence has one, and none keeps an English word."""

import ast
import re
from pathlib import Path

import pytest

import beel_mcp
from beel_mcp.api.customer_bodies import wire_problems
from beel_mcp.lists.export.spanish import _EVERY, _WORDS, in_spanish
from beel_mcp.lists.files.rows import read_list
from beel_mcp.lists.inline import read_inline
from tests.lists.test_backup import ABROAD, WHOLE
from tests.support.customers import FAULTS, customer
from tests.support.list_files import text, xlsx

PACKAGE = Path(beel_mcp.__file__).parent
MODULES = (
    *("checks", "reading", "customers", "twins", "foreign", "imports", "addresses", "repairs"),
    *("grid", "../tools/verdicts", "../api/rows"),
)
# Who calls these speaks to the model alone, or to nobody.
NOT_FOR_THE_PERSON = {"CallerError", "ValueError", "TypeError", "compile"}
REFUSALS = {"read_inline", "_refuse", "_faults", "unknown_field"}
# Words by which other programs call things, and a piece that is said only inside a sentence.
TABLES = {"_METHODS", "_ID_TYPES", "_WAY", "_MARK", "_NUMBER", "_REST", "_DOOR", "_END"}
PIECES: set[str] = set()
SENTENCE = re.compile(r"[A-Za-z]{2,}")
ENGLISH = re.compile(
    r"\b(?:the|an|is|are|must|and|or|of|has|have|with|without|be|it|one|number|street|city"
    r"|letter|digits?|whole|character|text|list|row|found|true|from|would)\b",
    re.IGNORECASE,
)


def shown(module):
    """Find the sentences of a module, with something in place of what is put into them."""
    tree = ast.parse((PACKAGE / "lists" / f"{module}.py").read_text(encoding="utf-8"))
    constants = {
        name.id: node.value.value
        for node in tree.body
        for name in targets(node)
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
    return [one for node in tree.body for one in sentences(node, constants)]


def targets(node):
    if isinstance(node, ast.Assign):
        return [one for one in node.targets if isinstance(one, ast.Name)]
    is_named = isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    return [node.target] if is_named and node.value else []


def sentences(node, constants):
    if is_left_out(node):
        return
    if isinstance(node, ast.JoinedStr):
        parts = [filled(part, constants) for part in node.values]
        yield from kept("".join(parts), "".join(part for part in parts if part != "7"))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from kept(node.value, node.value)
    else:
        for child in ast.iter_child_nodes(node):
            yield from sentences(child, constants)


def kept(sentence, words):
    if " " in sentence.strip() and SENTENCE.search(words) and sentence not in PIECES:
        yield sentence


def filled(part, constants):
    if isinstance(part, ast.Constant):
        return part.value
    return constants.get(part.value.id, "7") if isinstance(part.value, ast.Name) else "7"


def is_left_out(node):
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # what a docstring says
    if isinstance(node, ast.FunctionDef):
        return node.name in REFUSALS
    if isinstance(node, ast.Call):
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        return name in NOT_FOR_THE_PERSON
    return any(one.id in TABLES for one in targets(node))


@pytest.mark.parametrize("module", MODULES)
def test_every_sentence_of_the_checks_has_a_spanish_one(module):
    found = shown(module)
    assert found
    assert [one for one in found if in_spanish(one) == one and one not in _WORDS] == []


def test_a_new_sentence_would_be_found():
    tree = ast.parse('Problem("nif", f"A {kind} that nobody knows.", "7 and 7")')
    found = [one for node in tree.body for one in sentences(node.value, {})]
    assert found == ["A 7 that nobody knows.", "7 and 7"]


def test_nothing_is_translated_that_nobody_says_any_more():
    said = {in_spanish(one) for module in MODULES for one in shown(module)}
    said.add(in_spanish("tidied"))  # one word, which could be anything to the search above
    gone = [
        english
        for english, one in _EVERY.items()
        if not {re.sub(r"\{\w+\}", part, one) for part in ("7", "")} & said
    ]
    assert gone == []


@pytest.mark.parametrize(("english", "spanish"), _EVERY.items())
def test_a_sentence_and_its_translation_have_the_same_gaps(english, spanish):
    gaps = [sorted(re.findall(r"\{\w+\}", one)) for one in (english, spanish)]
    assert gaps[0] == gaps[1]
    assert not ENGLISH.search(re.sub(r"\{\w+\}", "", spanish))


ADDRESS = customer(1)["address"]
SPANISH_ROWS = (
    *({**WHOLE, **fault} for fault in FAULTS),
    {},
    {"legal_name": "x" * 121, "nif": "B12345674", "alternative_id": {"number": "X1"}},
    {"legal_name": "Uno", "nif": "1234567L"},
    {"legal_name": "Uno", "nif": "12345678"},
    {"legal_name": "Uno", "nif": "H1234567"},
    {"legal_name": "Uno", "nif": "C1234567X"},
    {"legal_name": "Uno", "nif": "FR40303265045"},
    {"legal_name": "Uno", "nif": "b-12345674", "address": {"street": "Sol"}},
    {"legal_name": "Dos", "address": {**ADDRESS, "postal_code": "8001", "province": "Barcelona"}},
    {"legal_name": "Dos", "address": {**ADDRESS, "postal_code": "08001"}},
    {"legal_name": "Tres", "address": {**ADDRESS, "postal_code": "99001", "number": "x" * 21}},
    {"legal_name": "Tres", "address": {**ADDRESS, "city": "*", "street": "*", "province": "*"}},
    {"legal_name": "Cuatro", "address": {**ADDRESS, "country": "Francia", "country_code": ""}},
    {"legal_name": "Cuatro", "alternative_id": {"type": "COUNTRY_ID", "country_code": "ES"}},
    {
        "legal_name": "Cuatro",
        "alternative_id": {"type": "COUNTRY_ID", "number": "1", "country_code": "ES"},
    },
    {
        "legal_name": "Cinco",
        "alternative_id": {"type": "NOT_REGISTERED", "number": "1", "country_code": "FR"},
    },
    {
        "legal_name": "Cinco",
        "alternative_id": {"type": "NIF_IVA", "number": "FR12", "country_code": "FR"},
    },
    {"legal_name": "Seis", "phone": "6,00112233E+08", "general_discount": 101},
    {"legal_name": "Seis", "phone": "91.234", "general_discount": "mucho"},
    {
        "legal_name": "Siete",
        "preferred_payment_method": {"iban": "ES00 2100 0418 45", "method": "x"},
    },
    {"legal_name": "Siete", "preferred_payment_method": {"iban": "es9121000418450200051332"}},
    {"legal_name": "Siete", "preferred_payment_method": {"payment_term_days": 400}},
    {"legal_name": "Siete", "preferred_payment_method": {"payment_term_days": "x"}},
    {"legal_name": {"a": 1}, "nif": [1], "phone": True, "email": 10**50, "address": "Sol 1"},
    {"legal_name": "Ocho", "billing_emails": 7, "trade_name": None},
    {"legal_name": "Ocho", "billing_emails": ["nope"], "address": {"country_code": "Spain"}},
    ABROAD,
    ABROAD,
)


def test_rows_with_every_fault_are_told_of_in_spanish_and_in_nothing_else():
    rows = read_inline(SPANISH_ROWS)
    told = [(one.message, one.suggestion, one.value) for row in rows for one in row.problems]
    for row in rows:
        for family in ("flat", "company"):
            told += [(one.message, None, None) for one in wire_problems(row.payload(), family)]
    assert len({message for message, _, _ in told}) > 45
    for message, suggestion, _ in told:
        assert not ENGLISH.search(re.sub(r"[A-Z_]{2,}", "", in_spanish(message))), message
        if suggestion and " " in suggestion:
            assert not ENGLISH.search(in_spanish(suggestion)), suggestion


def test_the_changes_of_a_file_are_told_of_in_spanish():
    rows = [
        ["Nombre", "Apellidos", "Tipo de vía", "Dirección", "CP", "Población", "País", "Web"],
        ["Ana", "Peña", "Calle", "Sol, 5", "", "28001 Madrid", "ES", "ana.example"],
        ["  Eva", "Gil", "", "Calle Mayor 3, 08001 Barcelona", "", "", "", ""],
        ["Sol", "", "", '="Luna, 1"', "8001", "Barcelona", "", ""],
    ]
    changes = read_list(text(rows), "x.csv").values_changed
    more = [["Nombre", "CP", "Forma de pago"], ["Uno", 8001.0, "Transferencia"], ["Dos", "1", "?"]]
    changes += read_list(xlsx(more), "x.xlsx").values_changed
    said = {one.change for one in changes}
    assert len(said) >= 10
    assert [one for one in said if ENGLISH.search(in_spanish(one))] == []


@pytest.mark.parametrize(
    ("english", "spanish"),
    [
        ("Expected text, found true or false.", "Se esperaba un texto y hay verdadero o falso."),
        ("12345678A: the letter would be Z", "12345678A: como letra correspondería Z"),
        (
            "C1234567: the last character would be 4 or D",
            "C1234567: como último carácter correspondería 4 o D",
        ),
        ("28 is Madrid; Barcelona is 08 or 43", "28 es Madrid; Barcelona es 08 o 43"),
        ("each must be an e-mail address", "cada uno debe ser un correo electrónico"),
        ("must be a whole number from 0 to 365", "debe ser un número entero de 0 a 365"),
        ("row 3: Pan or Vino {x}", "fila 3: Pan or Vino {x}"),
        ("El NIF no consta en el censo.", "El NIF no consta en el censo."),
        ("08001", "08001"),
    ],
)
def test_what_is_put_into_a_sentence_is_said_in_spanish_if_it_is_ours(english, spanish):
    assert in_spanish(english) == spanish
