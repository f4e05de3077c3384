"""What stands on an invoice: read from its record and shape, before anything is laid out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple

from beel_mcp.sandbox.amounts import Line, bases_by, share

TITLES: Final = {
    "STANDARD": "Factura",
    "SIMPLIFIED": "Factura simplificada",
    "CORRECTIVE": "Factura rectificativa",
    "PROFORMA": "Factura proforma",
}
DOCUMENTS: Final = {
    "NIF_IVA": "NIF-IVA",
    "02": "NIF-IVA",
    "PASSPORT": "Pasaporte",
    "03": "Pasaporte",
}
TAXES: Final = {"OTHER": "Otro impuesto"}
PAYMENTS: Final = {
    "BANK_TRANSFER": "Transferencia a la cuenta ES00 0000 0000 0000 0000 0000 (de prueba)",
    "DIRECT_DEBIT": "Recibo domiciliado",
    "CARD": "Tarjeta",
    "CASH": "Efectivo",
    "CHECK": "Cheque",
    "BIZUM": "Bizum",
    "OTHER": "Según lo acordado",
    "NONE": "",
}


class Party(NamedTuple):
    """Who issues an invoice, or who gets it."""

    name: str
    details: tuple[str, ...]
    """Trade name, tax number, address."""


class TaxRow(NamedTuple):
    """What one rate of one tax comes to."""

    tax: str
    base: Decimal
    amount: Decimal


@dataclass(frozen=True)
class Facts:
    """All that an invoice says."""

    title: str
    number: str
    dates: Sequence[tuple[str, str]]
    issuer: Party
    recipient: Party
    lines: Sequence[Line]
    taxes: Sequence[TaxRow]
    withholdings: Sequence[TaxRow]
    base: Decimal
    surcharge: Decimal
    total: Decimal
    rectified: str = ""
    payment: Sequence[str] = ()
    notes: str = ""
    is_registered: bool = True
    """Whether an invoice of this type goes to the tax agency; a proforma does not."""


def read_facts(
    shape: Mapping[str, Any],
    lines: tuple[Line, ...],
    *,
    rectified: Mapping[str, Any] | None = None,
    payment: Mapping[str, Any] | None = None,
) -> Facts:
    """Read what an invoice says: its shape as answered, and the exact amounts of its lines."""
    totals = shape["totals"]
    return Facts(
        title=TITLES[shape["type"]],
        number=shape["invoice_number"],
        dates=_dates(shape),
        issuer=_party(shape["issuer"]),
        recipient=_party(shape["recipient"]),
        lines=lines,
        taxes=[
            TaxRow(f"{tax_label(kind)} {percent(rate)}", base, share(base, rate))
            for (rate, kind, _), base in bases_by(lines, "vat").items()
        ],
        withholdings=[
            TaxRow(f"Retención IRPF {percent(rate)}", base, -share(base, rate))
            for (rate,), base in bases_by(lines, "irpf").items()
            if Decimal(rate)
        ],
        base=_exact(totals["taxable_base"]),
        surcharge=_exact(totals["total_equivalence_surcharge"]),
        total=_exact(totals["invoice_total"]),
        rectified=_rectified(rectified) if rectified else "",
        payment=_payment(payment or {"method": "BANK_TRANSFER"}, shape),
        notes=shape.get("notes") or "",
        is_registered=shape["type"] != "PROFORMA",
    )


def money(amount: Decimal) -> str:
    """Write an amount as it is written in Spain: 1.234,56 €."""
    return f"{number(amount, least=2)} €"


def percent(rate: str) -> str:
    """Write a rate, which is decimal text."""
    return f"{number(Decimal(rate))} %"


def number(value: Decimal, *, least: int = 0, most: int = 4) -> str:
    """Write a number with a comma, and with as many decimals as it has, within bounds."""
    # Adding 0 makes a zero of a negative zero.
    whole, _, decimals = f"{round(value, most) + 0:,.{most}f}".partition(".")
    decimals = decimals.rstrip("0").ljust(least, "0")
    return whole.replace(",", ".") + ("," + decimals if decimals else "")


def day(iso: str) -> str:
    """Write a date as it is written in Spain."""
    return "/".join(reversed(iso.split("-")))


def tax_label(kind: str) -> str:
    """Name a tax by its abbreviation, if it has one."""
    return TAXES.get(kind, kind)


def _dates(shape: Mapping[str, Any]) -> list[tuple[str, str]]:
    names = {
        "issue_date": "Fecha de expedición",
        "operation_date": "Fecha de operación",
        "due_date": "Vencimiento",
        "valid_until": "Válida hasta",
    }
    return [(label, day(shape[name])) for name, label in names.items() if shape.get(name)]


def _party(shape: Mapping[str, Any]) -> Party:
    name, trade_name = shape["legal_name"], shape.get("trade_name")
    known = [trade_name if trade_name != name else "", _tax_number(shape)]
    return Party(name, tuple(filter(None, [*known, *_address(shape.get("address") or {})])))


def _tax_number(shape: Mapping[str, Any]) -> str:
    if shape.get("nif"):
        return f"NIF {shape['nif']}"
    other = shape.get("alternative_id")
    return f"{DOCUMENTS.get(other['type'], 'Documento')} {other['number']}" if other else ""


def _address(address: Mapping[str, Any]) -> list[str]:
    """Give an address in lines; any part of it may be missing."""
    parts = {name: str(value) for name, value in address.items() if value}
    street = ", ".join(
        parts[name] for name in ("street", "number", "floor", "door") if name in parts
    )
    city, province = parts.get("city", ""), parts.get("province", "")
    place = " ".join(filter(None, [parts.get("postal_code"), city]))
    if province and province != city:
        place += f" ({province})"
    abroad = parts.get("country_code", "ES") != "ES"
    return [street, place, parts.get("country", "") if abroad else ""]


def _rectified(record: Mapping[str, Any]) -> str:
    return (
        f"Rectifica por diferencias la factura {record['invoice_number']}"
        f" de {day(record['issue_date'])}"
    )


def _payment(payment: Mapping[str, Any], shape: Mapping[str, Any]) -> list[str]:
    """Say how and until when it is paid; of the customer's account no more than its end."""
    method = PAYMENTS[payment.get("method", "BANK_TRANSFER")]
    if payment.get("iban") and payment.get("method") == "DIRECT_DEBIT":
        method += f" en la cuenta {payment['iban'][:4]} **** {payment['iban'][-4:]}"
    due = f"Vencimiento: {day(shape['due_date'])}" if shape.get("due_date") else ""
    return [line for line in (method, due) if line]


def _exact(amount: float) -> Decimal:
    return Decimal(f"{amount:.2f}")
