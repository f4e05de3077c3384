"""What a new invoice looks like in a body, in each generation."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Any, Final

from beel_mcp.sandbox.amounts import Line
from beel_mcp.sandbox.bodies import NEEDED, BodyReader, Rule
from beel_mcp.sandbox.options import Generation
from beel_mcp.sandbox.responses import Problem

_Typed = partial(Rule, null="mistyped")
TYPES = ("STANDARD", "SIMPLIFIED")
TAX_TYPES = ("IVA", "IGIC", "IPSI", "OTHER")
REGIMES = tuple(f"{number:02d}" for number in (*range(1, 12), 14, 15, 17, 18, 19, 20))
IRPF = {"legacy": (0, 2, 7, 15, 19, 21, 24), "current": (0, 1, 2, 7, 15, 19, 24)}
NO_TAX: Mapping[str, Any] = {"type": "IVA", "percentage": 0}
MAIN_TAX: Final[Mapping[str, Rule]] = {
    "type": _Typed(choices=TAX_TYPES, default=None),
    "regime_key": _Typed(choices=REGIMES),
    "percentage": _Typed("number", most=100, default=None),
}
LINE: Final[Mapping[str, Rule]] = {
    "unit_price": _Typed(
        "number",
        most=999999.9999,
        required="LINE_UNIT_PRICE_XOR_DECLARED_TOTAL",
        default=1,
    ),
    "main_tax": Rule("object", fields=MAIN_TAX, null="absent", required="LINE_MAIN_TAX_REQUIRED"),
    "description": _Typed(most=2000, default=""),
    "quantity": _Typed("number", required=NEEDED, default=1),
    "irpf_rate": _Typed("integer", choices=IRPF["current"], default=0),
    "discount_percentage": _Typed("number", most=100, default=0),
}
# Known to the contract, and nothing that a draft for a customer needs, is not here.
INVOICE: Final[Mapping[str, Rule]] = {
    "type": _Typed(choices=TYPES, required=NEEDED),
    "recipient": _Typed("object", fields={"customer_id": _Typed("uuid")}, required=NEEDED),
    "lines": _Typed("array", items=_Typed("object", fields=LINE), required=NEEDED),
    "operation_date": _Typed("date"),
    "due_date": _Typed("date"),
    "notes": _Typed(most=1000),
    "options": _Typed("object", default={}),
}
LEGACY_LINE: Final[Mapping[str, Rule]] = {
    **LINE,
    "unit_price": replace(LINE["unit_price"], above=True),
    "main_tax": replace(LINE["main_tax"], required=""),
    "description": replace(LINE["description"], least=1, most=500),
    "irpf_rate": replace(LINE["irpf_rate"], choices=IRPF["legacy"]),
}
LEGACY_INVOICE: Final[Mapping[str, Rule]] = {
    **INVOICE,
    "lines": replace(INVOICE["lines"], items=_Typed("object", fields=LEGACY_LINE)),
}


def read_invoice(
    body: dict[str, Any], generation: Generation
) -> tuple[dict[str, Any], list[Problem]]:
    """Give the fields of a draft, which are whole if there are no problems, and the problems."""
    reader = BodyReader(generation)
    for name, rule in INVOICE.items():
        if rule.required and name not in body:
            reader.report(name, "Is required")
    if reader.problems:
        return {}, reader.problems
    found = reader.read_fields(body, INVOICE if generation == "current" else LEGACY_INVOICE)
    if "customer_id" not in found["recipient"]:
        message = "The sandbox writes invoices to customers only"
        reader.report("recipient.customer_id", message)
    if not found["lines"]:
        reader.report("lines", "Must have at least one line")
    found["lines"] = tuple(map(_line, found["lines"]))
    if found.pop("options").get("issue_directly", False) is not False:
        message = "The sandbox issues nothing"
        reader.report("options.issue_directly", message, code="EMISSION_NOT_READY")
    if found["type"] == "SIMPLIFIED" and any(line.irpf_percent != "0" for line in found["lines"]):
        reader.report("lines", "Has no withholding", code="SIMPLIFICADA_FORBIDS_IRPF")
    return found, reader.problems


def _line(found: Mapping[str, Any]) -> Line:
    tax = found.get("main_tax") or NO_TAX
    return Line(
        found["description"],
        _decimal(found["quantity"]),
        _decimal(found["unit_price"]),
        vat_percent=_decimal(tax["percentage"]),
        irpf_percent=str(found["irpf_rate"]),
        discount_percent=_decimal(found["discount_percentage"]),
        tax_type=tax["type"],
        regime_key=tax.get("regime_key", "01"),
    )


def _decimal(number: float) -> str:
    return f"{Decimal(str(number)):f}"
