"""The lines of an invoice and what they add up to, in whole cents."""

import json
from decimal import Decimal
from typing import NamedTuple

CENT = Decimal("0.01")


class Line(NamedTuple):
    """A line as it is stored; money and percentages are decimal text. `vat` is any main tax."""

    description: str
    quantity: str
    unit_price: str
    vat_percent: str = "21"
    irpf_percent: str = "0"
    discount_percent: str = "0"
    tax_type: str = "IVA"
    regime_key: str = "01"

    @property
    def vat(self) -> tuple[str, str, str]:
        """What the lines of an invoice are added up by for its main taxes; the rate is first."""
        return self.vat_percent, self.tax_type, self.regime_key

    @property
    def irpf(self) -> tuple[str]:
        return (self.irpf_percent,)

    @property
    def base(self) -> Decimal:
        """What is taxed of it, in whole cents."""
        gross = Decimal(self.quantity) * Decimal(self.unit_price)
        return (gross * (100 - Decimal(self.discount_percent)) / 100).quantize(CENT)


def lines_and_sums(lines: tuple[Line, ...]) -> dict[str, str]:
    """Give the columns of an invoice that follow from its lines."""
    base = sum((line.base for line in lines), Decimal())
    tax, irpf = (
        sum((share(part, rate) for (rate, *_), part in bases_by(lines, name).items()), Decimal())
        for name in ("vat", "irpf")
    )
    return {
        "lines": json.dumps([line._asdict() for line in lines], ensure_ascii=False),
        "taxable_base": f"{base:.2f}",
        "total_tax": f"{tax:.2f}",
        "total_irpf": f"{irpf:.2f}",
        "total": f"{base + tax - irpf:.2f}",
    }


def bases_by(lines: tuple[Line, ...], tax: str) -> dict[tuple[str, ...], Decimal]:
    """Add up the bases of the lines by what makes one row of a tax, `vat` or `irpf`."""
    bases: dict[tuple[str, ...], Decimal] = {}
    for line in lines:
        key = getattr(line, tax)
        bases[key] = bases.get(key, Decimal()) + line.base
    return bases


def share(base: Decimal, percent: str) -> Decimal:
    """Take a percentage of a base, in whole cents."""
    return (base * Decimal(percent) / 100).quantize(CENT)
