"""What a suggestion stands for mends what it was made for; none is forgotten."""

import json
from collections.abc import Iterator

from beel_mcp.lists.batch import Batch
from beel_mcp.lists.choices import _MADE_OF, choices
from beel_mcp.lists.edits import Correction, derive
from beel_mcp.lists.inline import read_inline
from beel_mcp.lists.model import Problem
from beel_mcp.messages import VERBATIM, Message, either
from tests.support.customers import customer, dni
from tests.tools.test_suggestions import FAULTS, NAMES_ONLY, SENT, suggestions

ADDRESS = {name: text for name, text in customer(1)["address"].items() if name != "country_code"}
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


def test_each_other_reading_of_a_doubtful_name_can_be_taken() -> None:
    hint = Message("sheet.would_read", readings=either(["Muñoz", "Muñoz y"]))
    problem = Problem("legal_name", Message("sheet.doubtful"), "Mu¤oz", hint)
    assert choices(problem) == ({"legal_name": "Muñoz"}, {"legal_name": "Muñoz y"})


def test_a_person_whom_the_agency_does_not_know_yet_gets_the_document_for_that() -> None:
    hint = Message("nif.unregistered", number=dni(1))
    [choice] = choices(Problem("nif", Message("verdict.unknown_to_aeat"), dni(1), hint))
    batch = Batch("local", "inline", read_inline([customer(1)]))
    fixes = [Correction(1, field, text) for field, text in choice.items()]
    [row] = derive(batch, fixes).rows
    assert row.problems == ()
    document = {"type": "NOT_REGISTERED", "number": dni(1), "country_code": "ES"}
    assert row.payload()["alternative_id"] == document


def test_a_country_that_is_mistyped_can_be_taken_by_its_code() -> None:
    rows = read_inline([customer(1, address={**ADDRESS, "country": "Alemanai"})])
    [problem] = [one for one in rows[0].problems if one.suggestion]
    [choice] = choices(problem)
    assert choice == {"address.country_code": "DE"}
    fixes = [Correction(1, field, text) for field, text in choice.items()]
    [row] = derive(Batch("local", "inline", rows), fixes).rows
    assert problem not in row.problems


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
