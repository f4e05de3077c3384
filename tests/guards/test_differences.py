"""Whatever can differ between a plan and the present has words, in both languages."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from beel_mcp.answers.plan import DIFFERENCES
from beel_mcp.writes.consent import statement
from beel_mcp.writes.journal import plan
from beel_mcp.writes.journal.plan import UNCHANGED
from beel_mcp.writes.kinds import (
    creation_plan,
    deactivate_customers,
    delete_drafts,
    update_customers,
)

KINDS = (creation_plan, deactivate_customers, delete_drafts, update_customers)
CODE = re.compile(r"[a-z]+(?:_[a-z]+)*")


def tree(module: object) -> ast.Module:
    return ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))  # type: ignore[attr-defined]


def constants(node: ast.AST) -> Iterator[str]:
    """Give the codes that stand in a piece of source; what is compared with is none."""
    if isinstance(node, ast.Compare):
        return
    if isinstance(node, ast.Name) and node.id == "UNCHANGED":
        yield UNCHANGED
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield from [node.value] if CODE.fullmatch(node.value) else []
    for child in ast.iter_child_nodes(node):
        yield from constants(child)


def left_codes() -> set[str]:
    """Read from the source why a record can be left alone."""
    found: set[str] = set()
    for module in KINDS:
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                if node.name in ("_refusal", "_refused"):
                    found |= {code for part in node.body for code in constants(part)}
            elif isinstance(node, ast.Call) and ast.unparse(node.func) == "LeftAlone":
                found |= {code for part in node.args[2:3] for code in constants(part)}
            elif isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "_CODES":
                assert node.value is not None
                found |= set(constants(node.value))
    return found


def own_codes() -> set[str]:
    """Read from the source what `differences` itself says."""
    [function] = (
        node
        for node in tree(plan).body
        if isinstance(node, ast.FunctionDef) and node.name == "differences"
    )
    return {code for part in function.body for code in constants(part)}


def test_the_source_is_read() -> None:
    assert {"not_found", "problems", "never_empty", "issued", "voided", UNCHANGED} <= left_codes()
    assert own_codes() == {"gone", "edited", "joined"}


@pytest.mark.parametrize("code", sorted(left_codes() | own_codes()))
def test_every_difference_has_its_words_in_both_languages(code: str) -> None:
    english, spanish = DIFFERENCES[code]
    assert english
    assert spanish
    assert english != spanish


@pytest.mark.parametrize("code", sorted(left_codes()))
def test_every_reason_to_leave_a_record_alone_stands_in_the_sentence(code: str) -> None:
    assert all(statement.REASONS[code])
    assert len(statement.REASONS[code]) == 3


def test_no_words_are_kept_for_what_cannot_happen() -> None:
    assert DIFFERENCES.keys() == left_codes() | own_codes()
    assert statement.REASONS.keys() == left_codes()
