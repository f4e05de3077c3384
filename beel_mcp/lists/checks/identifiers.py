"""Local advice about who a customer is: Spanish numbers, and the documents of all others.

BeeL takes a VAT number of another country of the union with the country's prefix in front, which
is `EL` for Greece. Numbers of Northern Ireland (`XI`) are of no member state to it.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, NamedTuple

from beel_mcp.identity import bare_nif, is_nif
from beel_mcp.lists.model import Problem
from beel_mcp.messages import Message, either, verbatim
from beel_mcp.spelling import spelt

VAT_TYPE: Final = "NIF_IVA"
_UNREGISTERED: Final = "NOT_REGISTERED"
_DOCUMENTS_OF_SPAIN: Final = ("PASSPORT", _UNREGISTERED)
_DNI_OR_NIE: Final = re.compile(r"[0-9XYZ].{8}")
_NO_MEMBERS: Final = frozenset({"ES", "XI"})
_NO_COUNTRY: Final = Message("foreign.no_country")
_GREECE: Final = ("EL", "GR")  # in front of its numbers, and its code


def nif_advice(nif: str) -> Problem | None:
    """Check a Spanish tax number's shape and control character."""
    if is_nif(nif) and nif[-1] in _control_characters(nif):
        return None
    bare = bare_nif(nif)
    if is_nif(bare):
        accepted = _control_characters(bare)
        if bare[-1] not in accepted:
            hint = _would_end(bare, accepted)
            return Problem("nif", Message("nif.wrong_control"), nif, hint)
        return Problem("nif", Message("nif.writing"), nif, verbatim(bare))
    padded = "0" + bare
    if re.fullmatch(r"[0-9]{7}[A-Z]", bare) and padded[-1] in _control_characters(padded):
        return Problem("nif", Message("nif.lost_zero"), nif, verbatim(padded))
    if is_nif(bare + "A"):
        hint = _would_end(bare, _control_characters(bare + "A"))
        return Problem("nif", Message("nif.no_control"), nif, hint)
    return Problem("nif", Message("nif.shape"), nif, european(bare))


@cache
def _spanish() -> tuple[Any, Any, Any]:
    from stdnum.es import cif, dni, nie  # noqa: PLC0415 - start-up is measured

    return cif, dni, nie


def _control_characters(nif: str) -> str:
    cif, dni, nie = _spanish()
    family, body = nif[0], nif[:8]
    if family.isdigit():
        return str(dni.calc_check_digit(body))
    if family in "XYZ":
        return str(nie.calc_check_digit(body))
    if family in "KLM":  # people without a DNI or NIE of their own
        return str(dni.calc_check_digit(body[1:]))
    digit, letter = cif.calc_check_digits(body)
    if family in "ABEH" and body[1:3] != "00":
        return str(digit)
    if family in "NPQRSW":
        return str(letter)
    # Both are in use; province 00 stands for foreign companies, with letters.
    return f"{digit}{letter}"


def _would_end(bare: str, accepted: str) -> Message:
    options = either(accepted)
    if accepted.isalpha():
        return Message("nif.would_end_in_letter", number=bare, accepted=options)
    if accepted.isdigit():
        return Message("nif.would_end_in_digit", number=bare, accepted=options)
    return Message("nif.would_end_in", number=bare, accepted=options)


def european(bare: str) -> Message | None:
    """Say how BeeL takes a VAT number of another country of the union; None if it is none."""
    if not (found := vat_identifier(bare)):
        return None
    return Message("nif.european", number=found["number"], country=found["country_code"])


def is_abroad(values: Mapping[str, Any]) -> bool:
    """Whether the identifier is of another country, whose addresses we know nothing about."""
    other = values.get("alternative_id", {})
    if "number" in other and other.get("country_code") != "ES":
        return True
    return european(bare_nif(values.get("nif", ""))) is not None


def vat_identifier(bare: str) -> dict[str, str] | None:
    """Give the alternative_id of a VAT number of another country of the union; None if none.

    The check digits must be right, and the prefix may be the code of the country.
    """
    country = bare[:2]
    if not country.isalpha() or country in _NO_MEMBERS:  # as most numbers of a list
        return None
    if not (bare.isascii() and bare.isalnum()):
        return None
    from stdnum.eu import vat  # noqa: PLC0415 - it loads a module for each country
    from stdnum.exceptions import ValidationError  # noqa: PLC0415

    try:
        number = vat.validate(bare)
    except ValidationError:
        return None
    if number[:2] not in (*map(str.upper, vat.MEMBER_STATES), _GREECE[0]):
        return None
    prefix, code = _GREECE if number[:2] in _GREECE else (number[:2], number[:2])
    return {"type": VAT_TYPE, "number": prefix + number[2:], "country_code": code}


class SpelledPart(NamedTuple):
    """A part of a document as BeeL takes it, and what was done to it."""

    part: str
    text: str
    change: Message


def respelt_document(document: Mapping[str, str]) -> Iterator[SpelledPart]:
    """Write what is certain of an `alternative_id` as BeeL takes it; gives the parts that change.

    A VAT number whose check digits are right gets the prefix of its country, or the country of
    its prefix; a DNI or NIE loses its blanks and dashes.
    """
    if not document:  # as in most rows of a list
        return
    kind, number = document.get("type"), document.get("number", "")
    country, bare = document.get("country_code", ""), _without_marks(number)
    if kind == _UNREGISTERED and is_nif(nif := bare_nif(number)) and nif != number:
        yield SpelledPart("number", nif, Message("change.nif"))
    if kind != VAT_TYPE:
        return
    for written in (bare, f"{country}{bare}"):
        found = vat_identifier(written)
        if found and found["country_code"] == (country or found["country_code"]):
            if found["number"] != number:
                yield SpelledPart("number", found["number"], Message("change.vat_number"))
            if not country:
                code = found["country_code"]
                yield SpelledPart("country_code", code, Message("change.country_code"))
            return


def unregistered(nif: str) -> dict[str, str] | None:
    """Give the alternative_id of a person whose right number AEAT does not know; None if none."""
    bare = bare_nif(nif)
    if not _DNI_OR_NIE.fullmatch(bare) or nif_advice(bare) is not None:
        return None
    return {"type": _UNREGISTERED, "number": bare, "country_code": "ES"}


def spelled_document(document: Mapping[str, str]) -> Mapping[str, str]:
    """Give an `alternative_id` with all that is certain written as BeeL takes it."""
    return {**document, **{part: text for part, text, _ in respelt_document(document)}}


def document_advice(document: Mapping[str, str]) -> Iterator[Problem]:
    """Say what BeeL would not take of an `alternative_id`, or would take for another."""
    number = document.get("number")
    if "type" not in document or not number:
        yield Problem("alternative_id", Message("foreign.incomplete"), number)
        return
    kind, country = spelt("alternative_id.type", document["type"]), document.get("country_code")
    fault, hint = _fault(kind, number, country)
    if fault == _NO_COUNTRY:
        yield Problem("alternative_id.country_code", fault, None, hint)
    elif fault:
        yield Problem("alternative_id", fault, number, hint)
    elif kind == "PASSPORT" and not country:
        yield Problem("alternative_id.country_code", Message("foreign.passport_of_spain"))


def _fault(kind: str, number: str, country: str | None) -> tuple[Message | None, Message | None]:
    """Give what is wrong with a document, and what may be meant."""
    if country == "ES" and kind not in _DOCUMENTS_OF_SPAIN:
        is_spanish = nif_advice(bare_nif(number)) is None
        as_nif = Message("foreign.as_nif", number=bare_nif(number)) if is_spanish else None
        return Message("foreign.of_spain"), as_nif
    if kind == _UNREGISTERED and country not in (None, "ES"):
        return Message("foreign.not_of_spain"), Message("foreign.other_document")
    if kind == _UNREGISTERED:
        return _unregistered(number)
    if kind == VAT_TYPE:
        return _vat(number, country)
    if kind != "PASSPORT" and not country:
        return _NO_COUNTRY, None
    return None, None


def _unregistered(number: str) -> tuple[Message | None, Message | None]:
    bare = bare_nif(number)
    is_person = bool(_DNI_OR_NIE.fullmatch(bare)) and is_nif(bare)
    if is_person and not (wrong := nif_advice(number)):
        return None, None
    return Message("foreign.no_person"), wrong.suggestion if is_person and wrong else None


def _vat(number: str, country: str | None) -> tuple[Message | None, Message | None]:
    """Tell a VAT number of no member state, of another one, and a mistyped one."""
    bare = _without_marks(number)
    found = vat_identifier(bare)
    is_of = Message("foreign.vat_is_of", country=found["country_code"]) if found else None
    if not country:
        return _NO_COUNTRY, is_of
    if country in _NO_MEMBERS or not _is_member(country):
        return Message("foreign.vat_of_no_member"), is_of or Message("foreign.other_document")
    if found and found["country_code"] != country:
        return Message("foreign.vat_elsewhere"), is_of
    prefix = _GREECE[0] if country == _GREECE[1] else country
    rest = bare.removeprefix(country).removeprefix(prefix)
    if not (right := vat_identifier(prefix + rest)):
        is_built = _has_vat_shape(prefix + rest)
        mistyped, unlike = Message("foreign.wrong_control"), Message("foreign.vat_shape")
        return mistyped if is_built else unlike, None
    if number == right["number"]:
        return None, None
    return Message("foreign.vat_shape"), Message("foreign.would_be", number=right["number"])


def _without_marks(number: str) -> str:
    return "".join(mark for mark in number.upper() if mark.isalnum())


def _is_member(country: str) -> bool:
    from stdnum.eu import vat  # noqa: PLC0415

    return country.lower() in vat.MEMBER_STATES


def _has_vat_shape(number: str) -> bool:
    """Whether a number with its prefix is built like those of its country, whatever its digits."""
    from stdnum.eu import vat  # noqa: PLC0415
    from stdnum.exceptions import InvalidChecksum, ValidationError  # noqa: PLC0415

    try:
        vat.validate(number)
    except InvalidChecksum:
        return True
    except ValidationError:
        return False
    return True
