"""What a package is to hold: each invoice's facts, and what became of its PDF."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from beel_mcp.api.models import Invoice
from beel_mcp.cleaning import clean
from beel_mcp.files.staging import Staging

Reason = Literal["draft", "not_found", "pdf_not_ready", "unknown"]
# Nothing was issued yet, so nothing has a PDF; a proforma is no invoice.
UNISSUED: Final = ("DRAFT", "SCHEDULED")
_REQUEST: Final = "request"
_OUTCOMES: Final = "outcomes"


class Facts(BaseModel):
    """What the manifest and the file name say of an invoice. Money in euros."""

    model_config = ConfigDict(defer_build=True)

    day: date
    number: str
    type: str
    rectifies: str
    customer: str
    nif: str
    rates: tuple[tuple[Decimal | None, Decimal, Decimal], ...]
    surcharge: Decimal
    withholding: Decimal
    total: Decimal
    status: str
    has_pdf: bool | None

    @property
    def is_unissued(self) -> bool:
        """Tell a draft, or what is like one."""
        return self.status in UNISSUED or self.type == "PROFORMA"


class Outcome(BaseModel):
    """A PDF that is kept, by SHA-256 and bytes, or why there is none."""

    model_config = ConfigDict(defer_build=True)

    missing: Reason | None = None
    sha256: str = ""
    size: int = 0


class Request(BaseModel):
    """Who wants what. `ids` are lower-case, each once; facts are known of some of them."""

    model_config = ConfigDict(defer_build=True)

    caller: str
    books: str
    file_name: str
    month_folders: bool
    drafts_left_out: int | None = None
    ids: list[str] = []
    facts: dict[str, Facts] = {}
    numbers: dict[str, str] = {}  # of invoices that others here rectify


class _Outcomes(BaseModel):
    model_config = ConfigDict(defer_build=True)

    outcomes: dict[str, Outcome] = {}
    is_miscounted: bool = False


class Contents:
    """A package on its way: the request, and the outcomes so far. Each id has one at most."""

    def __init__(self, request: Request, staging: Staging) -> None:
        self.request = request
        self.staging = staging
        self._places = {one: place for place, one in enumerate(request.ids)}
        self._kept = _Outcomes()

    @classmethod
    def load(cls, staging: Staging) -> "Contents | None":
        """Go on with what was kept; a PDF that is not there any more is wanted again."""
        request = staging.load(_REQUEST)
        if not request:
            return None
        contents = cls(Request.model_validate_json(request), staging)
        outcomes = staging.load(_OUTCOMES)
        if outcomes:
            contents._kept = _Outcomes.model_validate_json(outcomes)
        for one, outcome in list(contents.outcomes.items()):
            if outcome.missing is None and staging.size(contents.place(one)) != outcome.size:
                del contents.outcomes[one]
        return contents

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """Give what became of each, by id."""
        return self._kept.outcomes

    @property
    def is_miscounted(self) -> bool:
        """Tell whether BeeL's own counters ever said something else than what arrived."""
        return self._kept.is_miscounted

    def note_miscount(self) -> None:
        """Remember that BeeL's counters were wrong."""
        self._kept.is_miscounted = True

    def place(self, invoice_id: str) -> int:
        """Give the number under which its PDF is kept."""
        return self._places[invoice_id]

    def keep_request(self) -> None:
        """Write down what is wanted."""
        self.staging.save(_REQUEST, self.request.model_dump_json().encode())

    def keep_outcomes(self) -> None:
        """Write down what became of it so far."""
        self.staging.save(_OUTCOMES, self._kept.model_dump_json().encode())

    def learn(self, invoice: Invoice) -> None:
        """Take in what BeeL says of an invoice; what is not wanted is passed over."""
        one = invoice.id.lower()
        if one not in self._places:
            return
        facts = facts_of(invoice)
        self.request.facts[one] = facts
        if invoice.deleted_at is not None:
            self.miss("not_found", [one])
        elif facts.is_unissued:
            self.miss("draft", [one])

    def miss(self, reason: Reason, ids: Iterable[str]) -> None:
        """Note why there is no PDF of these."""
        for one in ids:
            self.outcomes[one] = Outcome(missing=reason)

    def unknown(self) -> list[str]:
        """Give those that nothing is known of yet."""
        known = self.request.facts
        return [one for one in self.request.ids if one not in known and one not in self.outcomes]

    def waiting(self) -> list[str]:
        """Give those whose PDF is still to be asked for, in the order of the manifest."""
        facts = self.request.facts
        left = [one for one in self.request.ids if one in facts and one not in self.outcomes]
        return sorted(left, key=lambda one: (facts[one].day, facts[one].number, one))

    def included(self) -> list[str]:
        """Give those whose PDF is kept, in the order of the manifest."""
        facts, outcomes = self.request.facts, self.outcomes
        kept = [
            one
            for one in self.request.ids
            if one in outcomes and outcomes[one].missing is None and one in facts
        ]
        return sorted(kept, key=lambda one: (facts[one].day, facts[one].number, one))

    def missing(self) -> list[str]:
        """Give those that have no PDF."""
        outcomes = self.outcomes
        return [one for one in self.request.ids if one in outcomes and outcomes[one].missing]


def facts_of(invoice: Invoice) -> Facts:
    """Take out of an invoice what a package says of it; texts are cleaned."""
    who, totals = invoice.recipient, invoice.totals
    rates = tuple((part.rate, part.base, part.amount) for part in totals.by_rate)
    if not rates and (totals.taxable_base or totals.total_tax):
        rates_or_sum: tuple[tuple[Decimal | None, Decimal, Decimal], ...] = (
            (None, totals.taxable_base, totals.total_tax),
        )
    else:
        rates_or_sum = rates
    other = who.alternative_id.number if who.alternative_id else None
    return Facts(
        day=invoice.issue_date,
        number=clean(invoice.number or "", 60),
        type=clean(invoice.type, 20),
        rectifies=(invoice.rectified_invoice_id or "").lower(),
        customer=clean(who.legal_name or who.trade_name or "", 200),
        nif=clean(who.nif or other or "", 30),
        rates=rates_or_sum,
        surcharge=totals.total_surcharge,
        withholding=totals.total_irpf,
        total=totals.total,
        status=clean(invoice.status, 20),
        has_pdf=invoice.has_pdf,
    )
