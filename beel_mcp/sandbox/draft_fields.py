"""What the body of a new invoice looks like: JSON types, numbers and choices, per generation."""

from decimal import Decimal
from typing import Any

from .fields import Problem, wrong_type
from .options import Generation
from .query import read_date, read_uuid
from .seed_invoices import Line

TYPES = ("STANDARD", "SIMPLIFIED")
TAX_TYPES = ("IVA", "IGIC", "IPSI", "OTHER")
IRPF = {"seeds": (0, 2, 7, 15, 19, 21, 24), "current": (0, 1, 2, 7, 15, 19, 24)}
LONGEST_LINE = {"seeds": 500, "current": 2000}
LONGEST_NOTES = 1000
DEAREST = 999999.9999
REGIMES = {f"{number:02d}" for number in (*range(1, 12), 14, 15, 17, 18, 19, 20)}
# Known to the contract, and nothing that a draft for a customer needs.
BODY = {"type", "recipient", "lines", "operation_date", "due_date", "notes", "options"}
LINE = {"description", "quantity", "unit_price", "main_tax", "discount_percentage", "irpf_rate"}

NEEDED = {"quantity": "VALIDATION_ERROR", "unit_price": "LINE_UNIT_PRICE_XOR_DECLARED_TOTAL"}


class InvoiceReader:
    """Reads the body of a new invoice; `problems` has what is wrong with it.

    Raises:
        ApiError: the JSON does not have the declared types.

    """

    def __init__(self, generation: Generation) -> None:
        self.problems: list[Problem] = []
        self._generation = generation

    def report(self, field: str, message: str, code: str = "VALIDATION_ERROR") -> None:
        """Note what is wrong with a field."""
        self.problems.append(Problem(field, "", message, code))

    def read(self, body: dict[str, Any]) -> dict[str, Any]:
        """Give the fields of a draft; they are whole if there are no problems."""
        self._only("", body, BODY)
        for name in ("type", "recipient", "lines"):
            if name not in body:
                self.report(name, "Is required")
        if self.problems:
            return {}
        found: dict[str, Any] = {"type": _choice("type", body["type"], TYPES)}
        found["customer_id"] = self._recipient(body["recipient"])
        found["lines"] = self._lines(body["lines"])
        for name in ("operation_date", "due_date"):
            if name in body:
                found[name] = _day(name, body[name])
        if "notes" in body:
            found["notes"] = self._text("notes", body["notes"], 0, LONGEST_NOTES)
        options = _object("options", body.get("options", {}))
        if options.get("issue_directly", False) is not False:
            self.report(
                "options.issue_directly", "The sandbox issues nothing", "EMISSION_NOT_READY"
            )
        withheld = any(line.irpf_percent != "0" for line in found["lines"])
        if found["type"] == "SIMPLIFIED" and withheld:
            self.report("lines", "Has no withholding", "SIMPLIFICADA_FORBIDS_IRPF")
        return found

    def _recipient(self, value: Any) -> str:
        recipient = _object("recipient", value)
        if "customer_id" not in recipient:
            self.report("recipient.customer_id", "The sandbox writes invoices to customers only")
            return ""
        if not isinstance(recipient["customer_id"], str):
            raise wrong_type("recipient.customer_id", recipient["customer_id"], "uuid")
        return read_uuid("recipient.customer_id", recipient["customer_id"])

    def _lines(self, value: Any) -> tuple[Line, ...]:
        if not isinstance(value, list):
            raise wrong_type("lines", value, "array")
        if not value:
            self.report("lines", "Must have at least one line")
        return tuple(self._line(f"lines[{place}]", line) for place, line in enumerate(value))

    def _line(self, where: str, value: Any) -> Line:
        line = _object(where, value)
        self._only(f"{where}.", line, LINE)
        for name, code in NEEDED.items():
            if name not in line:
                self.report(f"{where}.{name}", "Is required", code)
        price = _number(f"{where}.unit_price", line.get("unit_price", 1))
        if not 0 < price <= DEAREST:
            self.report(f"{where}.unit_price", f"Must be over 0, and at most {DEAREST}")
        shortest = 1 if self._generation == "seeds" else 0
        longest = LONGEST_LINE[self._generation]
        tax_type, tax = self._tax(where, line.get("main_tax"))
        return Line(
            self._text(f"{where}.description", line.get("description", ""), shortest, longest),
            _decimal(_number(f"{where}.quantity", line.get("quantity", 1))),
            _decimal(price),
            vat_percent=tax,
            irpf_percent=self._irpf(where, line.get("irpf_rate", 0)),
            discount_percent=self._percent(
                f"{where}.discount_percentage", line.get("discount_percentage", 0)
            ),
            tax_type=tax_type,
        )

    def _tax(self, where: str, value: Any) -> tuple[str, str]:
        if value is None:
            if self._generation == "current":
                self.report(f"{where}.main_tax", "Is required", "LINE_MAIN_TAX_REQUIRED")
            return "IVA", "0"
        tax = _object(f"{where}.main_tax", value)
        kind = _choice(f"{where}.main_tax.type", tax.get("type"), TAX_TYPES)
        if "regime_key" in tax:
            _choice(f"{where}.main_tax.regime_key", tax["regime_key"], tuple(sorted(REGIMES)))
        return kind, self._percent(f"{where}.main_tax.percentage", tax.get("percentage"))

    def _irpf(self, where: str, value: Any) -> str:
        allowed = IRPF[self._generation]
        # A typed body takes an integer only, and one of these.
        if not isinstance(value, int) or isinstance(value, bool) or value not in allowed:
            names = tuple(map(str, allowed))
            raise wrong_type(f"{where}.irpf_rate", value, "enumerated value", names)
        return str(value)

    def _percent(self, field: str, value: Any) -> str:
        number = _number(field, value)
        if not 0 <= number <= 100:
            self.report(field, "Must be 0 to 100")
        return _decimal(number)

    def _text(self, field: str, value: Any, shortest: int, longest: int) -> str:
        if not isinstance(value, str):
            raise wrong_type(field, value, "string")
        if not shortest <= len(value) <= longest:
            self.report(field, f"Must have {shortest} to {longest} characters")
        return value

    def _only(self, where: str, body: dict[str, Any], known: set[str]) -> None:
        for name in body:
            if name not in known:
                self.report(where + name, "The sandbox has no use for it")


def _object(field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise wrong_type(field, value, "object")
    return value


def _choice(field: str, value: Any, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise wrong_type(field, value, "enumerated value", allowed)
    return str(value)


def _number(field: str, value: Any) -> int | float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise wrong_type(field, value, "number")
    return value


def _decimal(number: float) -> str:
    return f"{Decimal(str(number)):f}"


def _day(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise wrong_type(field, value, "date")
    return read_date(field, value)
