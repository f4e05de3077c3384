"""What is doubtful about a draft invoice: its customer, its rates, its day, one like it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from beel_mcp.api.models import Customer, Invoice
from beel_mcp.api.new_draft import DraftLine, NewDraft
from beel_mcp.cleaning import quoted
from beel_mcp.language import Sentence
from beel_mcp.writes.consent.statement import day_of, money
from beel_mcp.writes.journal.remarks import Remark, gathered

# The rates that most lines have, and those of few goods on the islands and in the two cities.
_USUAL: Final[Mapping[str, Sequence[str]]] = {
    "IVA": ("21", "10", "4", "0"),
    "IGIC": ("7", "3", "0"),
    "IPSI": ("4", "2", "1", "0"),
}
_OTHERS: Final[Mapping[str, Sequence[str]]] = {
    "IVA": (),
    "IGIC": ("5", "9.5", "13.5", "15", "20", "35"),
    "IPSI": ("0.5", "3", "5", "6", "7", "8", "9", "10"),
}
# For food and energy, and only for a time.
_LOWERED: Final = tuple(map(Decimal, ("2", "5", "7.5")))
_NORMAL_AGAIN: Final = date(2025, 1, 1)
_WITHHELD: Final = tuple(map(Decimal, (0, 1, 2, 7, 15, 19, 24)))
_LONG_AGO: Final = timedelta(days=183)
_FAR_AHEAD: Final = timedelta(days=60)
_LATELY: Final = timedelta(days=7)
_TEXT_LIMIT: Final = 40


def draft_remarks(
    draft: NewDraft, customer: Customer | None, drafts: Sequence[Invoice], today: date
) -> tuple[Remark, ...]:
    """Say what is doubtful; `drafts` are those that the customer has already."""
    found = [*_of_customer(draft, customer)] if customer else []
    found += _of_day(draft.day, today)
    for number, line in enumerate(draft.lines):
        found += _of_line(line, f"lines.{number}", draft.day)
    return gathered([*found, *_alike(draft, drafts, today)])


def _of_customer(draft: NewDraft, customer: Customer) -> Iterator[Remark]:
    name = customer.legal_name
    if not customer.active:
        yield Remark.said("customer_id", "customer_inactive", name)
    if draft.type == "STANDARD":
        if not customer.nif and not customer.alternative_id:
            yield Remark.said("customer_id", "customer_without_nif", name)
        if not customer.address or not customer.address.street:
            yield Remark.said("customer_id", "customer_without_address", name)
    if not customer.nif and customer.alternative_id and any(map(_withheld, draft.lines)):
        yield Remark.said("withholding_rate", "withholding_abroad", name)


def _of_day(day: date | None, today: date) -> Iterator[Remark]:
    if day and today - day > _LONG_AGO:
        yield Remark.said("date", "date_long_ago", "", day=_both(day))
    if day and day - today > _FAR_AHEAD:
        yield Remark.said("date", "date_far_ahead", "", day=_both(day))


def _of_line(line: DraftLine, field: str, day: date | None) -> Iterator[Remark]:
    usual = _USUAL.get(line.tax_type, ())
    in_force = [Decimal(rate) for rate in (*usual, *_OTHERS.get(line.tax_type, ()))]
    was_lowered = line.tax_type == "IVA" and line.tax_rate in _LOWERED
    is_of_then = was_lowered and day is not None and day < _NORMAL_AGAIN
    if usual and line.tax_rate not in in_force and not is_of_then:
        facts = {"rate": _percent(line.tax_rate), "usual": _list(usual)}
        yield Remark.said(f"{field}.tax_rate", "odd_tax_rate", "", tax=line.tax_type, **facts)
    if (withheld := _withheld(line)) and withheld not in _WITHHELD:
        rate = _percent(withheld)
        yield Remark.said(f"{field}.withholding_rate", "odd_withholding", "", rate=rate)
    if not line.base:
        text = quoted(line.description, _TEXT_LIMIT)
        yield Remark.said(field, "line_of_nothing", "", line=text)


def _alike(draft: NewDraft, drafts: Sequence[Invoice], today: date) -> Iterator[Remark]:
    for other in drafts:
        made = other.created_at.date() if other.created_at else other.issue_date
        is_same = other.type == draft.type and other.totals.taxable_base == draft.base
        if is_same and abs(today - made) <= _LATELY:
            base = Sentence(en=money(draft.base, "en"), es=money(draft.base, "es"))
            yield Remark.said("lines", "draft_alike", "", day=_both(made), base=base)
            return


def _withheld(line: DraftLine) -> Decimal:
    return line.withholding_rate or Decimal()


def _both(day: date) -> Sentence:
    return Sentence(en=day_of(day, "en"), es=day_of(day, "es"))


def _percent(rate: Decimal) -> Sentence:
    text = f"{rate.normalize():f}"
    return Sentence(en=f"{text}%", es=f"{text.replace('.', ',')} %")


def _list(rates: Sequence[str]) -> Sentence:
    first, last = rates[:-1], rates[-1]
    english, spanish = ", ".join(first), ", ".join(first).replace(".", ",")
    return Sentence(en=f"{english} or {last}", es=f"{spanish} o {last}")
