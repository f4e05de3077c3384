"""Local advice about a customer's fields; BeeL and the tax agency have the last word."""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any, Final

from beel_mcp.cleaning import mask_iban
from beel_mcp.countries import is_spain
from beel_mcp.identity import bare_nif, is_nif
from beel_mcp.lists.checks.contacts import emails_of, has_phone_shape, is_email, phones_of
from beel_mcp.lists.checks.places import prefixes_of, province_of
from beel_mcp.lists.model import Problem
from beel_mcp.messages import Message, both, either, verbatim

_SCIENTIFIC: Final = re.compile(r"[0-9]+[.,]?[0-9]*E\+?[0-9]+", re.IGNORECASE)
_IBAN_BEGINS: Final = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[0-9]{2}(?=[ .-]?[A-Z0-9])", re.IGNORECASE)
_IBAN_LENGTHS: Final = range(15, 35)
# Greece writes EL in its numbers and has the code GR.
_EUROPE: Final = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "FI", "FR", "GR", "HR", "HU"),
        *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    }
)
_DOCUMENTS_OF_SPAIN: Final = ("PASSPORT", "NOT_REGISTERED")
_MISSING: Final[Mapping[str, Message]] = {
    "street": Message("address.no_street"),
    "number": Message("address.no_number"),
    "postal_code": Message("address.no_postal_code"),
    "city": Message("address.no_city"),
    "province": Message("address.no_province"),
}

_PARTS: Final[Mapping[str, Message]] = {
    "street": Message("part.street"),
    "number": Message("part.number"),
    "postal_code": Message("part.postal_code"),
    "city": Message("part.city"),
    "province": Message("part.province"),
}


def advise(values: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Say what looks wrong in a customer's values; nothing is changed or forbidden."""
    nif, email, phone = values.get("nif"), values.get("email"), values.get("phone")
    payment = values.get("preferred_payment_method")
    found: list[Problem] = []
    if not nif or "legal_name" not in values or "alternative_id" in values:
        found.extend(_identity(values))
    elif problem := nif_advice(nif):
        found.append(problem)
    address = values.get("address")
    if address and address.keys() == _MISSING.keys():  # whole and Spanish, as most are
        found += _postal_code(address["postal_code"], address["province"])
    else:
        found.extend(_address(address))
    if email and not is_email(email):
        found.append(Problem("email", Message("email.shape"), email, _first_email(email)))
    for other in values.get("billing_emails", ()):
        if not is_email(other):
            found.append(Problem("billing_emails", Message("email.shape"), other))
    if phone and not (phone.isdigit() and len(phone) == 9):
        found.extend(_phone(phone))
    if payment and "iban" in payment:
        found.extend(_iban(payment["iban"]))
    return tuple(found)


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


def _identity(values: Mapping[str, Any]) -> Iterator[Problem]:
    if "legal_name" not in values:
        yield Problem("legal_name", Message("customer.no_name"))
    nif, other = values.get("nif"), values.get("alternative_id")
    if nif and other:
        yield Problem("alternative_id", Message("customer.two_identifiers"), other.get("number"))
    if not nif and not other:
        yield Problem("nif", Message("customer.no_identifier"))
    if nif and (problem := nif_advice(nif)):
        yield problem
    if other and ("type" not in other or "number" not in other):
        yield Problem("alternative_id", Message("foreign.incomplete"), other.get("number"))
    elif other and (fault := _document_fault(other)):
        yield Problem("alternative_id", fault, other.get("number"))


def _address(address: Mapping[str, str] | None) -> Iterator[Problem]:
    if not address:
        yield Problem("address", Message("address.missing"))
        return
    code, country = address.get("country_code", ""), address.get("country", "")
    in_spain = is_spain(code) and is_spain(country)
    missing = [part for part in _MISSING if part not in address]
    postal_code = address.get("postal_code", "") if in_spain else ""
    if len(missing) > 1:
        lacks = Message("address.lacks", parts=both([_PARTS[part] for part in missing]))
        province = province_of(postal_code) if "province" in missing else None
        hint = Message("address.would_be", province=province) if province else None
        if "province" in missing and not in_spain:
            hint = Message("address.region")
        yield Problem("address", lacks, suggestion=hint)
    for part in missing if len(missing) == 1 else ():
        is_abroad = part == "province" and not in_spain
        hint = Message("address.region") if is_abroad else _hint(part, postal_code)
        yield Problem(f"address.{part}", _MISSING[part], suggestion=hint)
    if not code and not is_spain(country):
        yield Problem("address.country_code", Message("address.no_country_code"), country)
    elif in_spain and "postal_code" in address:
        yield from _postal_code(address["postal_code"], address.get("province", ""))


def _hint(part: str, postal_code: str) -> Message | None:
    if part == "province" and (province := province_of(postal_code)):
        return verbatim(province)
    return Message("address.without_number") if part == "number" else None


@lru_cache(maxsize=2_000)  # a list has few places, many times
def _postal_code(code: str, province: str) -> tuple[Problem, ...]:
    field, prefix, prefixes = "address.postal_code", code[:2], prefixes_of(province)
    if not re.fullmatch("[0-9]{5}", code):
        padded = "0" + code
        fits = re.fullmatch("[0-9]{5}", padded) and province_of(padded)
        hint = verbatim(padded) if fits else None
        return (Problem(field, Message("address.postal_code_shape"), code, hint),)
    if not (found := province_of(code)):
        return (Problem(field, Message("address.postal_code_unknown"), code),)
    if not prefixes or prefix in prefixes:
        return ()
    known = either(sorted(prefixes))
    hint = Message(
        "address.provinces", prefix=prefix, found=found, province=province, prefixes=known
    )
    return (Problem(field, Message("address.postal_code_elsewhere"), code, hint),)


def _first_email(text: str) -> Message | None:
    """Suggest the first of several; the others have a field of their own."""
    first, *others = emails_of(text) or ("",)
    if not others:
        return verbatim(first) if first else None
    return Message("email.first", first=first, others="; ".join(others))


def _phone(phone: str) -> Iterator[Problem]:
    if not phone or has_phone_shape(phone):
        return
    if _SCIENTIFIC.fullmatch(phone):
        yield Problem("phone", Message("phone.rounded"), phone)
        return
    plain = re.sub(r"[./,]+", " ", phone).strip()
    hint = verbatim(plain) if has_phone_shape(plain) else None
    if first := next(iter(phones_of(phone)), None):
        hint = verbatim(first)
    yield Problem("phone", Message("phone.shape"), phone, hint)


def _iban(iban: str) -> Iterator[Problem]:
    if not iban:
        return
    from stdnum import exceptions  # noqa: PLC0415 - start-up is measured
    from stdnum import iban as checker  # noqa: PLC0415

    try:
        if checker.validate(iban) == iban:
            return
        message = Message("iban.writing")
    except (exceptions.InvalidChecksum, exceptions.InvalidFormat):
        message = Message("iban.wrong_control")
    except exceptions.ValidationError:
        message = Message("iban.shape")
    yield Problem("preferred_payment_method.iban", message, mask_iban(iban))


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
    """Give the alternative_id of a VAT number of another country of the union; None if none."""
    country = bare[:2]
    if country not in _EUROPE or not 8 <= len(bare) <= 14 or not bare[2:].isalnum():
        return None
    from stdnum.eu import vat  # noqa: PLC0415 - it loads a module for each country

    if not vat.is_valid(bare):
        return None
    code = "GR" if country == "EL" else country
    return {"type": "NIF_IVA", "number": bare, "country_code": code}


def _document_fault(document: Mapping[str, str]) -> Message | None:
    """Say what BeeL would not take of an `alternative_id` that has its type and number."""
    kind, country = document.get("type"), document.get("country_code")
    if country == "ES" and kind not in _DOCUMENTS_OF_SPAIN:
        return Message("foreign.of_spain")
    if kind == "NOT_REGISTERED" and country not in (None, "ES"):
        return Message("foreign.not_of_spain")
    if kind != "NIF_IVA" or country not in _EUROPE:
        return None
    number = "".join(mark for mark in document.get("number", "").upper() if mark.isalnum())
    mark = "EL" if country == "GR" else country
    is_right = european(number if number.startswith(mark) else f"{mark}{number}")
    return None if is_right else Message("foreign.wrong_control")


def holds_account(name: str, data: bytes) -> bool:
    """Tell whether a text or a workbook has an IBAN in it; PDFs are not looked into."""
    if name.lower().endswith(".xlsx") and zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as workbook:
            parts = [workbook.read(part) for part in workbook.namelist() if part.endswith(".xml")]
        return any(has_iban(part.decode(errors="replace")) for part in parts)
    if name.lower().endswith(".zip"):
        return False
    return has_iban(data.decode(errors="replace"))


def has_iban(text: str) -> bool:
    """Find an IBAN whose country, length and check digits are right, in any usual writing."""
    # The library reads the shapes of all countries first.
    from stdnum import iban  # noqa: PLC0415

    for found in _IBAN_BEGINS.finditer(text):
        written = re.match(r"[A-Z0-9 .-]*", text[found.start() : found.start() + 60], re.IGNORECASE)
        bare = re.sub(r"[ .-]", "", written.group() if written else "")
        if any(iban.is_valid(bare[:length]) for length in _IBAN_LENGTHS if length <= len(bare)):
            return True
    return False
