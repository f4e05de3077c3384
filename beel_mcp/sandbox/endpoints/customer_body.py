"""What a customer looks like in a body, in each generation."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final, Literal

from beel_mcp.sandbox.bodies import NEEDED, BodyReader, Rule
from beel_mcp.sandbox.countries import settle_country
from beel_mcp.sandbox.options import Generation
from beel_mcp.sandbox.responses import Problem, mistyped
from beel_mcp.sandbox.rules import in_capitals

Purpose = Literal["create", "put", "patch"]

LETTERS = r"a-zA-Z0-9À-ÿ\u0100-\u017F\u00B7"
PLACE = LETTERS + r"\u2018\u2019\u0060\u00B4\s.,\-/'ºª"
COUNTRY_CODE = Rule(most=2, least=2, pattern="[A-Z]{2}")
EMAIL = Rule(most=255, least=5, pattern=r"[^@\s]+@[^@\s]+\.[^@\s]+")
PAYMENT_METHODS = ("NONE", "BANK_TRANSFER", "CARD", "CASH", "CHECK", "DIRECT_DEBIT", "OTHER")
ALTERNATIVE_TYPES = (
    "NIF_IVA",
    "PASSPORT",
    "COUNTRY_ID",
    "RESIDENCE_CERTIFICATE",
    "OTHER_DOCUMENT",
    "NOT_REGISTERED",
    *(f"0{number}" for number in range(2, 8)),
)
TODAYS_PLACE = PLACE + '°:;"()&#'
ADDRESS: Final[Mapping[str, Rule]] = {
    "street": Rule(most=255, least=1, pattern=f"[{TODAYS_PLACE}]+", required=NEEDED),
    "number": Rule(most=20, least=1),
    "floor": Rule(most=10),
    "door": Rule(most=10),
    "postal_code": Rule(most=20, least=1, required=NEEDED),
    "city": Rule(most=100, least=1, pattern=f"[{TODAYS_PLACE}]+", required=NEEDED),
    "province": Rule(most=100, least=1, pattern=f"[{TODAYS_PLACE}]+", required=NEEDED),
    "country": Rule(most=100, least=1, pattern=f"[{TODAYS_PLACE}]+"),
    "country_code": COUNTRY_CODE,
}
LEGACY_ADDRESS: Final[Mapping[str, Rule]] = {
    **ADDRESS,
    "street": replace(ADDRESS["street"], pattern=rf"""[{LETTERS}\s.,\-/'ºª°:;"()&#]+"""),
    "number": replace(ADDRESS["number"], required=NEEDED),
    "city": replace(ADDRESS["city"], pattern=f"[{PLACE}()]+"),
    "province": replace(ADDRESS["province"], pattern=f"[{PLACE}]+"),
    "country": replace(ADDRESS["country"], pattern=f"[{PLACE}]+", required=NEEDED),
}
PAYMENT: Final[Mapping[str, Rule]] = {
    "iban": Rule(most=34, least=15, pattern=r"[A-Z]{2}\d{2}[A-Z0-9]{1,30}"),
    "swift": Rule(most=11, least=8, pattern=r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?"),
    "payment_term_days": Rule("integer", most=365, null="absent"),
    "method": Rule(choices=(*PAYMENT_METHODS, "BIZUM"), null="mistyped"),
}
ALTERNATIVE_ID: Final[Mapping[str, Rule]] = {
    "type": Rule(choices=ALTERNATIVE_TYPES, null="mistyped", required=NEEDED),
    "number": Rule(most=20, least=1, required=NEEDED),
    "country_code": COUNTRY_CODE,
}
CUSTOMER: Final[Mapping[str, Rule]] = {
    "legal_name": Rule(most=120, least=1),
    "trade_name": Rule(most=120, null="clears"),
    "phone": Rule(most=20, least=9, pattern=r"[+]?[0-9\s\-()]+", null="clears by patch"),
    "email": replace(EMAIL, null="clears"),
    "website": Rule(most=255, pattern="(https?://.+|)", null="clears"),
    "contact_person": Rule(most=200, null="clears"),
    # Requests name no limit, but an answer may not be longer than this.
    "notes": Rule(most=1000, null="clears"),
    "address": Rule("object", fields=ADDRESS),
    "preferred_payment_method": Rule("object", fields=PAYMENT, null="clears by patch"),
    "billing_emails": Rule("array", items=replace(EMAIL, null="mistyped"), null="clears"),
    "general_discount": Rule("number", most=100, null="clears"),
    "nif": Rule(),
    "alternative_id": Rule("object", fields=ALTERNATIVE_ID, null="clears"),
    "active": Rule("boolean"),
}
# What a PUT takes away by not naming it; one identifier stands until another comes.
CLEARED_BY_PUT = {name for name, rule in CUSTOMER.items() if rule.null == "clears"} - {
    "alternative_id"
}


def read_customer(
    body: Any, generation: Generation, purpose: Purpose, where: str = ""
) -> tuple[dict[str, Any], list[Problem]]:
    """Give the fields that are there and right, under their current names, and what is wrong."""
    if not isinstance(body, dict):
        raise mistyped(where.rstrip(".") or "body", body, "object")
    reader = BodyReader(generation, where)
    found = reader.read_fields(body, customer_rules(generation, purpose))
    bad = {problem.field.partition(".")[0] for problem in reader.problems}
    fields = {
        "website" if name == "web" else name: value
        for name, value in found.items()
        if name not in bad
    }
    if "address" in fields:
        _settle_country(fields["address"], generation, reader)
    if fields.get("alternative_id") and generation == "current":
        fields["alternative_id"] = in_capitals(fields["alternative_id"])
    payment = fields.get("preferred_payment_method")
    if payment is not None and generation == "legacy":
        default = {"method": "BANK_TRANSFER", "payment_term_days": 30}
        fields["preferred_payment_method"] = default | payment
    return fields, reader.problems


def _settle_country(address: dict[str, Any], generation: Generation, reader: BodyReader) -> None:
    """Name the country: of the seed pages only Spain has its code by itself."""
    if generation == "legacy":
        if address["country"] == "España":
            address.setdefault("country_code", "ES")
    elif refused := settle_country(address):
        code, message = refused
        value = address.get("country_code") or address.get("country")
        reader.report("address.country_code", message, value=value, code=code)


@cache
def customer_rules(generation: Generation, purpose: Purpose) -> Mapping[str, Rule]:
    """Give the rules of a customer's fields."""
    rules = dict(CUSTOMER)
    if purpose == "create":
        del rules["active"]
        rules["legal_name"] = replace(rules["legal_name"], pattern=r"\S.*", required=NEEDED)
        rules["address"] = replace(rules["address"], required=NEEDED)
    if purpose != "patch":
        for name in ("phone", "preferred_payment_method"):
            rules[name] = replace(rules[name], null="problem")
    if generation == "current":
        return rules
    if purpose != "create":  # the seed pages cannot change who a customer is
        del rules["nif"], rules["alternative_id"]
    payment = {**PAYMENT, "method": replace(PAYMENT["method"], choices=PAYMENT_METHODS)}
    rules["address"] = replace(rules["address"], fields=LEGACY_ADDRESS)
    rules["preferred_payment_method"] = replace(rules["preferred_payment_method"], fields=payment)
    return {"web" if name == "website" else name: rule for name, rule in rules.items()}
