"""What invoices add up to, and how an answer says it; every sum says what it is of."""

from collections.abc import Sequence
from decimal import Decimal

from pydantic import BaseModel

from beel_mcp.answers.answer import SHORT_NAME_LIMIT, plural
from beel_mcp.cleaning import one_word, quoted


class Part(BaseModel):
    """Some invoices and their total."""

    count: int
    total: str

    def short(self) -> str:
        return f"{self.total} ({self.count})"


class Amounts(Part):
    """Some invoices: total = base + tax + surcharge - withholding. A rate has no withholding."""

    base: str
    tax: str
    surcharge: str | None = None
    withholding: str | None = None

    def parts(self) -> str:
        more = [("surcharge", self.surcharge), ("withholding", self.withholding)]
        told = [f"{name} {amount}" for name, amount in more if amount is not None]
        return ", ".join([f"base {self.base}", f"tax {self.tax}", *told])


class Overdue(Part):
    """What is outstanding and late, as `of` says; this and the other parts are all of it.

    `rectified` are rectified invoices and what gives money back: nobody is late with those.
    """

    of: str
    not_yet_due: Part | None = None
    undated: Part | None = None
    rectified: Part | None = None

    def line(self) -> str:
        others = [
            ("not yet due", self.not_yet_due),
            ("without a due date", self.undated),
            ("never overdue, as rectified or a refund,", self.rectified),
        ]
        told = [f"{name} {part.short()}" for name, part in others if part]
        return ", ".join([f", of which overdue {self.short()}", *told])


class InvoiceSums(BaseModel):
    """Sums in EUR of the invoices that `of` names.

    `invoiced` is all that was issued and not voided; collected, outstanding and unclear add up to
    it and what was laid out for customers. What is in `not_invoiced` is in no other sum.
    """

    of: str
    invoiced: Amounts
    collected: Part
    outstanding: Part
    unclear: Part | None = None
    by_status: dict[str, Amounts] | None = None
    not_invoiced: dict[str, Amounts] | None = None

    def lines(self, overdue: Overdue | None) -> Sequence[str]:
        """Say them; a bookkeeper's words for what the fields hold."""
        parts = [self.collected, self.outstanding, *([self.unclear] if self.unclear else [])]
        beyond = sum(Decimal(part.total) for part in parts) - Decimal(self.invoiced.total)
        laid_out = f", with {beyond} that was laid out for customers" if beyond > 0 else ""
        less = f", less {-beyond} that BeeL does not ask for" if beyond < 0 else ""
        owed = f"outstanding {self.outstanding.short()}{laid_out}{less}"
        paid = f"Of this, collected {self.collected.short()}, {owed}"
        late = overdue.line() if overdue else ""
        return [
            f"Sums in EUR of {self.of}; in brackets how many.",
            *(
                [f"Invoiced {self.invoiced.short()}: {self.invoiced.parts()}.", f"{paid}{late}."]
                if self.invoiced.count
                else ["None of these was invoiced."]
            ),
            f"Overdue: {overdue.of}." if overdue else "",
            _unclear(self.unclear) if self.unclear else "",
            _by_status("By status", self.by_status),
            _by_status("Not invoiced and in none of these sums", self.not_invoiced),
        ]


def _unclear(unclear: Part) -> str:
    return (
        f"BeeL does not say whether these were paid: {unclear.short()}; they are rectified, or"
        " rectify a voided invoice, which itself is in no sum."
    )


def _by_status(heading: str, sums: dict[str, Amounts] | None) -> str:
    told = ", ".join(
        f"{one_word(name)} {amounts.short()}" for name, amounts in (sums or {}).items()
    )
    return f"{heading}: {told}." if told else ""


class SumGroup(Amounts):
    """The sum of the invoices that have something in common."""

    group: str
    customer_id: str | None = None
    outstanding: str | None = None
    overdue: str | None = None

    def line(self, *, is_name: bool) -> str:
        owed = f", outstanding {self.outstanding}" if self.outstanding is not None else ""
        if self.outstanding is not None and self.overdue:
            # More is late than is owed in all, where an invoice among them gives money back.
            back = Decimal(self.overdue) - Decimal(self.outstanding)
            owed += f", of which overdue {self.overdue}"
            owed += f", less {back} of refunds" if back > 0 else ""
        who = quoted(self.group, SHORT_NAME_LIMIT) if is_name else one_word(self.group)
        whose = f" [{self.customer_id}]" if self.customer_id else ""
        return f"- {who} {self.total}: {self.parts()}{owed}; {plural(self.count, 'invoice')}{whose}"
