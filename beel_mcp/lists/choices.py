"""What a suggestion stands for: the values that a person can take with one click.

`Problem.hint` says the same to a reader; a suggestion that only names another row has no choice.
"""

from collections.abc import Callable, Mapping
from typing import Final

from beel_mcp.cleaning import ELLIPSIS
from beel_mcp.lists.model import PARTS, Problem
from beel_mcp.messages import VERBATIM, Fact, Message

# A value for each of some fields; an empty one empties the field.
Choice = Mapping[str, str]
_Facts = Mapping[str, Fact]
_DOCUMENT: Final = tuple(f"alternative_id.{part}" for part in PARTS["alternative_id"])


def choices(problem: Problem) -> tuple[Choice, ...]:
    """Give what can be taken in the place of what is wrong; several where it may be either."""
    hint = problem.suggestion
    if hint is None:
        return ()
    facts = dict(hint.facts)
    if hint.code == VERBATIM:
        found: tuple[Choice, ...] = ({problem.field: str(facts["text"])},)
    elif make := _MADE_OF.get(hint.code):
        found = make(facts, problem.field)
    else:
        return ()
    # Part of an account, or of a text that was too long to show, is no value.
    return tuple(one for one in found if not any(ELLIPSIS in text for text in one.values()))


def _would_end(facts: _Facts, field: str) -> tuple[Choice, ...]:
    number, name = str(facts["number"]), field if field == "nif" else "alternative_id.number"
    body = number if len(number) == 8 else number[:-1]
    return tuple({name: body + end} for end in _options(facts["accepted"]))


def _european(facts: _Facts, _: str) -> tuple[Choice, ...]:
    return _document("NIF_IVA", facts["number"], facts["country"])


def _unregistered(facts: _Facts, _: str) -> tuple[Choice, ...]:
    return _document("NOT_REGISTERED", facts["number"], "ES")


def _document(*parts: Fact) -> tuple[Choice, ...]:
    """Take a document, by its parts in their order, in the place of a NIF."""
    return ({"nif": "", **dict(zip(_DOCUMENT, map(str, parts), strict=True))},)


def _as_nif(facts: _Facts, _: str) -> tuple[Choice, ...]:
    return ({**dict.fromkeys(_DOCUMENT, ""), "nif": str(facts["number"])},)


def _province(facts: _Facts, _: str) -> tuple[Choice, ...]:
    return ({"address.province": str(facts["province"])},)


def _of_two_provinces(facts: _Facts, _: str) -> tuple[Choice, ...]:
    """Take the province of the postal code; the other way round the code is not known."""
    return ({"address.province": str(facts["found"])},)


def _first_of_emails(facts: _Facts, _: str) -> tuple[Choice, ...]:
    return ({"email": str(facts["first"]), "billing_emails": str(facts["others"])},)


def _read_otherwise(facts: _Facts, field: str) -> tuple[Choice, ...]:
    return tuple({field: text} for text in _options(facts["readings"]))


_MADE_OF: Final[Mapping[str, Callable[[_Facts, str], tuple[Choice, ...]]]] = {
    "nif.would_end_in_letter": _would_end,
    "nif.would_end_in_digit": _would_end,
    "nif.would_end_in": _would_end,
    "nif.european": _european,
    "nif.unregistered": _unregistered,
    "foreign.as_nif": _as_nif,
    "foreign.would_be": lambda facts, _: ({"alternative_id.number": str(facts["number"])},),
    "foreign.vat_is_of": lambda facts, _: ({"alternative_id.country_code": str(facts["country"])},),
    "foreign.other_document": lambda *_: ({"alternative_id.type": "OTHER_DOCUMENT"},),
    "address.would_be": _province,
    "address.code_would_be": lambda facts, _: ({"address.country_code": str(facts["code"])},),
    "address.provinces": _of_two_provinces,
    "address.without_number": lambda *_: ({"address.number": "S/N"},),
    "email.first": _first_of_emails,
    "sheet.would_read": _read_otherwise,
    "sheet.keep_phone": lambda facts, _: ({"notes": str(facts["text"])},),
}


def _options(fact: Fact) -> list[str]:
    """Take apart what `either` joined."""
    if not isinstance(fact, Message):
        return [str(fact)]
    inner = dict(fact.facts)
    if fact.code == VERBATIM:
        return [str(inner["text"])]
    return [text for part in ("first", "last") for text in _options(inner[part])]
