"""Local advice about a customer's fields; BeeL and the tax agency have the last word."""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from beel_mcp.cleaning import mask_iban
from beel_mcp.countries import country_of, is_spain, nearest_country
from beel_mcp.lists.checks.contacts import emails_of, has_phone_shape, is_email, phones_of
from beel_mcp.lists.checks.identifiers import document_advice, nif_advice
from beel_mcp.lists.checks.letters import spoiled_names
from beel_mcp.lists.checks.places import prefixes_of, province_of
from beel_mcp.lists.model import Problem
from beel_mcp.messages import Message, both, either, verbatim

_SCIENTIFIC: Final = re.compile(r"[0-9]+[.,]?[0-9]*E\+?[0-9]+", re.IGNORECASE)
_IBAN_BEGINS: Final = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[0-9]{2}(?=[ .-]?[A-Z0-9])", re.IGNORECASE)
_IBAN_LENGTHS: Final = range(15, 35)
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
    if any(not text.isascii() or "?" in text for text in _texts(values)):
        found.extend(spoiled_names(values))
    return tuple(found)


def _texts(values: Mapping[str, Any]) -> Iterator[str]:
    for value in values.values():
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from (part for part in value.values() if isinstance(part, str))


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
    if other:
        yield from document_advice(other)


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
    if code and not country_of(code):
        is_here = prefixes_of(address.get("province", "")) == {address.get("postal_code", "")[:2]}
        near = "ES" if is_here else nearest_country(code)
        hint = verbatim(near) if near else None
        yield Problem("address.country_code", Message("address.unknown_code"), code, hint)
    elif not code and country and not country_of(country):
        near = nearest_country(country)
        hint = Message("address.code_would_be", code=near) if near else None
        yield Problem("address.country", Message("address.no_country_code"), country, hint)
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
