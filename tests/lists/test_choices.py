"""What a suggestion stands for mends what it was made for; none is forgotten."""

import json
from collections.abc import Iterator

from beel_mcp.lists.batch import Batch
from beel_mcp.lists.choices import _MADE_OF, choices
from beel_mcp.lists.edits import Correction, derive
from beel_mcp.lists.inline import read_inline
from beel_mcp.lists.model import Problem
from beel_mcp.messages import VERBATIM, Message
from tests.support.customers import customer
from tests.tools.test_suggestions import FAULTS, NAMES_ONLY, SENT, suggestions

# A person has to look it up; there is no value in it.
ASKS = {"address.region"}


def advised() -> Iterator[tuple[Batch, Problem]]:
    for number, fault in enumerate(FAULTS, 1):
        batch = Batch("local", "inline", read_inline([customer(number, **fault)]))
        yield from ((batch, problem) for problem in batch.rows[0].problems if problem.suggestion)


def test_every_suggestion_has_its_choices_or_has_none_to_give() -> None:
    assert _MADE_OF.keys() | NAMES_ONLY | ASKS == suggestions().keys()


def test_a_choice_mends_what_it_was_made_for() -> None:
    tried = set()
    for batch, problem in advised():
        for choice in choices(problem):
            fixes = [Correction(1, field, text) for field, text in choice.items()]
            left = derive(batch, fixes).rows[0].problems
            assert problem not in left, json.dumps(choice)
            tried.add(problem.suggestion.code if problem.suggestion else "")
    assert tried >= SENT.keys() - ASKS


def test_what_cannot_be_shown_whole_is_no_value() -> None:
    masked = Problem("preferred_payment_method.iban", Message("nif.shape"), None, None)
    hints = (
        Message(VERBATIM, text="ES91 2100 0418 4502 0005 1332"),
        Message("sheet.keep_phone", text="x" * 400),
        Message("duplicate.row_has_it", row=2),
    )
    assert choices(masked) == ()
    for hint in hints:
        assert choices(Problem("notes", Message("nif.shape"), None, hint)) == ()
