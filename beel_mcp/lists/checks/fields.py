"""Local advice about a customer's fields; BeeL and the tax agency have the last word."""

import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final, Literal

from beel_mcp.cleaning import clean
from beel_mcp.identity import bare_nif
from beel_mcp.lists.checks.places import is_spain, prefixes_of, province_of

_BEGINS: Final = re.compile(r"(?<![A-Z0-9])[A-Z]{2}[0-9]{2}(?=[ .-]?[A-Z0-9])", re.IGNORECASE)
_IBAN_SEPARATORS: Final = re.compile(r"[ .-]")
_LENGTHS: Final = range(15, 35)


def holds_account(name: str, data: bytes) -> bool:
    """Tell whether a text or a workbook has an IBAN in it; PDFs are not looked into."""
    if name.lower().endswith(".xlsx") and zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as workbook:
            parts = [workbook.read(one) for one in workbook.namelist() if one.endswith(".xml")]
        return any(has_iban(part.decode(errors="replace")) for part in parts)
    if name.lower().endswith(".zip"):
        return False
    return has_iban(data.decode(errors="replace"))


def has_iban(text: str) -> bool:
    """Find an IBAN whose country, length and check digits are right, in any usual writing."""
    # The library reads the shapes of all countries first.
    from stdnum import iban  # noqa: PLC0415

    for found in _BEGINS.finditer(text):
        written = re.match(r"[A-Z0-9 .-]*", text[found.start() : found.start() + 60], re.IGNORECASE)
        bare = _IBAN_SEPARATORS.sub("", written.group() if written else "")
        if any(iban.is_valid(bare[:length]) for length in _LENGTHS if length <= len(bare)):
            return True
    return False


# Greece writes EL in its numbers and has the code GR.
_EUROPE: Final = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "FI", "FR", "GR", "HR", "HU"),
        *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    }
)
_IN_SPAIN: Final = ("PASSPORT", "NOT_REGISTERED")


def european(bare: str) -> str | None:
    """Say how BeeL takes a VAT number of another country of the union; None if it is none."""
    country = bare[:2]
    if country not in _EUROPE or not 8 <= len(bare) <= 14 or not bare[2:].isalnum():
        return None
    from stdnum.eu import vat  # noqa: PLC0415 - it loads a module for each country

    if not vat.is_valid(bare):
        return None
    code = "GR" if country == "EL" else country
    return f"alternative_id NIF_IVA {bare} ({code}), if the customer is from there"


def document_fault(document: Mapping[str, str]) -> str | None:
    """Say what BeeL would not take of an `alternative_id` that has its type and number."""
    kind, country = document.get("type"), document.get("country_code")
    if country == "ES" and kind not in _IN_SPAIN:
        return "Of Spain, alternative_id takes only PASSPORT or NOT_REGISTERED."
    if kind == "NOT_REGISTERED" and country not in (None, "ES"):
        return "NOT_REGISTERED is for country_code ES only."
    number = "".join(mark for mark in document.get("number", "").upper() if mark.isalnum())
    if kind == "NIF_IVA" and country in _EUROPE:
        mark = "EL" if country == "GR" else country
        whole = number if number.startswith(mark) else f"{mark}{number}"
        if not european(whole):
            return "The VAT number's check digits do not fit its country: one is mistyped."
    return None


Severity = Literal["error", "advice"]

_FIELD_LENGTH: Final = 60
_VALUE_LENGTH: Final = 80
_MESSAGE_LENGTH: Final = 300
_IBAN: Final = re.compile(r"\b[A-Z]{2}[0-9]{2}(?:[ .-]?[A-Z0-9]){11,30}\b", re.IGNORECASE)
_IBAN_BEGINS: Final = re.compile("[0-9]{2}")
_MASKED: Final = re.compile(r"[A-Z]{0,2}…[A-Z0-9]{0,4}")
_SEPARATORS: Final = re.compile(r"[\s.\-/_]")
_NIF: Final = re.compile(r"[0-9]{8}[A-Z]|[A-HJ-NP-SUVW][0-9]{7}[0-9A-Z]|[XYZ][0-9]{7}[A-Z]")
_EMAIL: Final = re.compile(r"[^@\s,;:<>()\[\]\"]+@(?:[^@\s,;:<>.]+\.)+[^@\s,;:<>.]{2,}")
_PHONE: Final = re.compile(r"\+?[0-9\s()\-]{8,20}")
_SCIENTIFIC: Final = re.compile(r"[0-9]+[.,]?[0-9]*E\+?[0-9]+", re.IGNORECASE)
_ADDRESS_FIELDS: Final = ("street", "number", "postal_code", "city", "province")
_ADDRESS_PARTS: Final = frozenset(_ADDRESS_FIELDS)

_WRONG_LETTER: Final = "The control letter does not fit the number: one of the two is mistyped."
_WRONG_CONTROL: Final = "The control character does not fit the number: one of the two is mistyped."
_NO_CONTROL: Final = "The control character at the end is missing."
_LOST_ZERO: Final = "A leading zero seems to be lost: Spanish numbers here have nine characters."
_NIF_WRITING: Final = "BeeL takes a NIF in capitals, without blanks, dots, dashes or ES in front."
_NO_CODE: Final = (
    "A country without its code: give country_code, or the customer may count as Spanish."
)
_NO_EMAIL: Final = "Not the shape of an e-mail address: one @, a domain with a dot, no blanks."
_NO_NIF: Final = (
    "Not the shape of a Spanish NIF, NIE or CIF; a foreign number is an alternative_id."
)


@dataclass(frozen=True)
class Problem:
    """Something about one field of one row, in words fit to show.

    An `error` makes the row unreadable here; `advice` leaves the last word to BeeL.
    Whatever the texts were, they come out clean, short and without an IBAN.
    """

    field: str
    message: str
    value: str | None = None
    suggestion: str | None = None
    severity: Severity = "advice"

    def __post_init__(self) -> None:
        """Clean every text, wherever it came from."""
        message, value = self.message, self.value
        if value is not None:
            shown = mask_iban(value) if self.field.endswith("iban") else value
            message = message.replace(value, shown) if shown != value else message
            object.__setattr__(self, "value", safe_text(shown, _VALUE_LENGTH))
        object.__setattr__(self, "field", clean(self.field, _FIELD_LENGTH))
        object.__setattr__(self, "message", safe_text(message, _MESSAGE_LENGTH))
        if self.suggestion is not None:
            object.__setattr__(self, "suggestion", safe_text(self.suggestion, _MESSAGE_LENGTH))


def advise(values: Mapping[str, Any]) -> tuple[Problem, ...]:
    """Say what looks wrong in a customer's values; nothing is changed or forbidden."""
    email, phone = values.get("email"), values.get("phone")
    payment = values.get("preferred_payment_method")
    found: list[Problem] = []
    nif = values.get("nif")
    if not nif or "legal_name" not in values or "alternative_id" in values:
        found.extend(_identity(values))
    elif problem := nif_advice(nif):
        found.append(problem)
    found.extend(_address(values.get("address")))
    if email and not _EMAIL.fullmatch(email):
        found.append(Problem("email", _NO_EMAIL, email))
    if "billing_emails" in values:
        others = values["billing_emails"]
        found += [
            Problem("billing_emails", _NO_EMAIL, each)
            for each in others
            if not _EMAIL.fullmatch(each)
        ]
    if phone and not (phone.isdigit() and len(phone) == 9):
        found.extend(_phone(phone))
    if payment and "iban" in payment:
        found.extend(_iban(payment["iban"]))
    return tuple(found)


def is_nif(text: str) -> bool:
    """Whether a text is built like a NIF, NIE or CIF, whatever its control character."""
    return bool(_NIF.fullmatch(text))


def mask_iban(text: str) -> str:
    """Leave the country and the last four characters of an IBAN; less if it is too short."""
    if not text or _MASKED.fullmatch(text):
        return text
    bare = _SEPARATORS.sub("", text).upper()
    if len(bare) < 15 or not bare.isascii() or not bare.isalnum():
        return "…"
    return f"{bare[:2] if bare[:2].isalpha() else ''}…{bare[-4:]}"


def nif_advice(nif: str) -> Problem | None:
    """Check a Spanish tax number's shape and control character."""
    if _NIF.fullmatch(nif) and nif[-1] in _control_characters(nif):
        return None
    bare = bare_nif(nif)
    if _NIF.fullmatch(bare):
        accepted = _control_characters(bare)
        if bare[-1] not in accepted:
            message = _WRONG_LETTER if accepted.isalpha() else _WRONG_CONTROL
            return Problem("nif", message, nif, _would_be(bare, accepted))
        return Problem("nif", _NIF_WRITING, nif, bare)
    padded = "0" + bare
    if re.fullmatch(r"[0-9]{7}[A-Z]", bare) and padded[-1] in _control_characters(padded):
        return Problem("nif", _LOST_ZERO, nif, padded)
    if _NIF.fullmatch(bare + "A"):
        return Problem("nif", _NO_CONTROL, nif, _would_be(bare, _control_characters(bare + "A")))
    return Problem("nif", _NO_NIF, nif, european(bare))


def safe_text(text: str, limit: int) -> str:
    """Make one clean line of at most `limit` characters, every IBAN in it masked."""
    # Cleaned first: an invisible character must not hide an IBAN from the mask.
    line = clean(text, 10 * limit)
    if _IBAN_BEGINS.search(line):
        line = _IBAN.sub(_masked, line)
    return clean(line, limit)


def _masked(found: re.Match[str]) -> str:
    text = found.group()
    # Every country's accounts have ten digits or more; a street or a name has not.
    return mask_iban(text) if sum(map(str.isdigit, text)) >= 10 else text


@cache
def _spanish() -> tuple[Any, Any, Any]:
    from stdnum.es import cif, dni, nie  # noqa: PLC0415 - start-up is measured

    return cif, dni, nie


def _control_characters(nif: str) -> str:
    """Work out which last characters the first eight allow."""
    cif, dni, nie = _spanish()
    family, body = nif[0], nif[:8]
    if family.isdigit():
        return str(dni.calc_check_digit(body))
    if family in "XYZ":
        return str(nie.calc_check_digit(body))
    if family in "KLM":  # people without a DNI or NIE of their own
        return str(dni.calc_check_digit(body[1:]))
    either: str = cif.calc_check_digits(body)
    if family in "ABEH" and body[1:3] != "00":
        return either[0]
    if family in "NPQRSW":
        return either[1]
    return either  # both are in use; province 00 stands for foreign companies, with letters


def _would_be(bare: str, accepted: str) -> str:
    kind = "letter" if accepted.isalpha() else "digit" if accepted.isdigit() else "last character"
    return f"{bare}: the {kind} would be {' or '.join(accepted)}"


def _identity(values: Mapping[str, Any]) -> Iterator[Problem]:
    if "legal_name" not in values:
        yield Problem("legal_name", "The name is missing: BeeL needs legal_name.")
    nif, other = values.get("nif"), values.get("alternative_id")
    if nif and other:
        message = "Both nif and alternative_id are given: keep nif if the customer has one."
        yield Problem("alternative_id", message, other.get("number"))
    if not nif and not other:
        yield Problem("nif", "No identifier: give nif, or alternative_id for a foreign customer.")
    if nif and (problem := nif_advice(nif)):
        yield problem
    if other and ("type" not in other or "number" not in other):
        message = "alternative_id needs both type and number."
        yield Problem("alternative_id", message, other.get("number"))
    elif other and (fault := document_fault(other)):
        yield Problem("alternative_id", fault, other.get("number"))


def _address(address: Mapping[str, str] | None) -> Iterable[Problem]:
    """Look at an address; one that is whole and Spanish, as most are, at its postal code only."""
    if address and address.keys() == _ADDRESS_PARTS:
        return _postal_code(address["postal_code"], address["province"])
    return _odd_address(address)


def _odd_address(address: Mapping[str, str] | None) -> Iterator[Problem]:
    if not address:
        message = "The address is missing: BeeL needs street, number, postal code, city, province."
        yield Problem("address", message)
        return
    code, country = address.get("country_code", ""), address.get("country", "")
    in_spain = is_spain(code) and is_spain(country)
    for part in _ADDRESS_FIELDS:
        if part not in address:
            hint = _hint(part, address.get("postal_code", "") if in_spain else "")
            message = f"The address has no {part.replace('_', ' ')}: BeeL needs one."
            yield Problem(f"address.{part}", message, suggestion=hint)
    if not code and not is_spain(country):
        yield Problem("address.country_code", _NO_CODE, country)
    elif in_spain and "postal_code" in address:
        yield from _postal_code(address["postal_code"], address.get("province", ""))


def _hint(part: str, postal_code: str) -> str | None:
    if part == "province":
        return province_of(postal_code)
    return "S/N if there is none" if part == "number" else None


@lru_cache(maxsize=2_000)  # a list has few places, many times
def _postal_code(code: str, province: str) -> tuple[Problem, ...]:
    return tuple(_postal_code_problems(code, province))


def _postal_code_problems(code: str, province: str) -> Iterator[Problem]:
    field = "address.postal_code"
    prefixes = prefixes_of(province)
    if not re.fullmatch("[0-9]{5}", code):
        padded = "0" + code
        fits = re.fullmatch("[0-9]{5}", padded) and province_of(padded)
        message = "A Spanish postal code has five digits."
        yield Problem(field, message, code, padded if fits else None)
    elif not province_of(code):
        yield Problem(field, "No Spanish postal code starts with these digits (01 to 52).", code)
    elif prefixes and code[:2] not in prefixes:
        message = "The postal code lies in another province than the one given."
        hint = f"{code[:2]} is {province_of(code)}; {province} is {' or '.join(sorted(prefixes))}"
        yield Problem(field, message, code, hint)


def _phone(phone: str) -> Iterator[Problem]:
    if not phone or (_PHONE.fullmatch(phone) and 9 <= len(phone) <= 20):
        return
    if _SCIENTIFIC.fullmatch(phone):
        message = (
            "A spreadsheet turned this phone number into a rounded one; type it again as text."
        )
        yield Problem("phone", message, phone)
        return
    plain = re.sub(r"[./,]+", " ", phone).strip()
    fits = _PHONE.fullmatch(plain) and 9 <= len(plain) <= 20
    message = "BeeL takes phones of 9 to 20 digits, blanks, dashes and brackets, with + in front."
    yield Problem("phone", message, phone, plain if fits else None)


def _iban(iban: str) -> Iterator[Problem]:
    if not iban:
        return
    from stdnum import exceptions  # noqa: PLC0415 - start-up is measured
    from stdnum import iban as checker  # noqa: PLC0415

    field = "preferred_payment_method.iban"
    try:
        bare = checker.validate(iban)
    except (exceptions.InvalidChecksum, exceptions.InvalidFormat):
        message = "The IBAN's check digits do not fit: copy it again from the bank's document."
        yield Problem(field, message, mask_iban(iban))
    except exceptions.ValidationError:
        message = (
            "Not an IBAN of a known country and length: copy it again from the bank's document."
        )
        yield Problem(field, message, mask_iban(iban))
    else:
        if bare != iban:
            message = "BeeL takes an IBAN in capitals, without blanks, dots or dashes."
            yield Problem(field, message, mask_iban(iban))
