"""One question about invoices: a page of them, and what all that match add up to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from beel_mcp.answers.answer import LIST_CAP, NAME_LIMIT, capped, next_steps, plural
from beel_mcp.answers.found import found_summary
from beel_mcp.answers.invoices.found import FoundInvoice, FoundInvoices
from beel_mcp.api.invoice_lists import InvoiceFilter
from beel_mcp.api.models import Invoice, RecordPage
from beel_mcp.cleaning import clean
from beel_mcp.context import AppState, caller
from beel_mcp.errors import NextCall
from beel_mcp.memory.selections import MOST_SELECTED
from beel_mcp.usecases.customer_search.search import MOST_SUGGESTED
from beel_mcp.usecases.invoice_sums.bookkeeping import Books, part_of
from beel_mcp.usecases.invoice_sums.grouping import GroupBy, customers_of, groups_of
from beel_mcp.usecases.invoice_sums.whole_list import MOST_SUMMED, WholeList, read_whole
from beel_mcp.usecases.invoice_sums.whose import Others, who_else
from beel_mcp.usecases.overdue import StatusFilter, asks_for_money, is_overdue, today_in_madrid
from beel_mcp.usecases.time_budget import TimeBudget

DEFAULT_LIMIT: Final = 20
_NARROWER: Final = "Narrow it down by quarter, customer or status."
_OF_RATES: Final = " (base + tax; withholding and surcharge are not parted by rate in BeeL)"


@dataclass(frozen=True)
class InvoiceQuestion:
    """What a call of find_invoices asks; `again` are its filters as they were given."""

    wanted: InvoiceFilter
    again: Mapping[str, Any]
    page: int = 1
    limit: int | None = None
    group_by: GroupBy | None = None
    select_all: bool = False

    @property
    def rows(self) -> int:
        """How many rows to show: with groups none, unless they were asked for."""
        if self.limit is None and self.page == 1 and self.group_by:
            return 0
        return self.limit or DEFAULT_LIMIT


async def answer_question(state: AppState, asked: InvoiceQuestion) -> FoundInvoices:
    """Answer a question; a later page has the sums only if it asks for them by groups.

    Raises:
        BeelMcpError: BeeL cannot be asked.
    """
    status = StatusFilter(asked.wanted, today_in_madrid(state.timing.now()))
    is_only_a_page = asked.page > 1 and not (asked.group_by or asked.select_all)
    if is_only_a_page and not status.is_ours:
        return await _beels_page(state, asked, status.today)
    budget = TimeBudget.start(state.timing.now, state.timing.patience_s)
    read = await read_whole(state.beel, status.for_beel(), budget)
    whole = read.only(status.holds) if status.is_ours else read
    found = (
        _page_of(asked, _page_from(whole, asked), status.today)
        if asked.page == 1 or status.is_ours
        else await _beels_page(state, asked, status.today)
    )
    found.complete = not whole.lacks
    if asked.select_all and not whole.lacks and 0 < whole.total <= MOST_SELECTED:
        ids = [invoice.id for invoice in whole.invoices]
        made = {**asked.again, "select_all": True}
        found.selection_id = state.selections.add("invoices", ids, made, caller()).selection_id
    if whole.lacks and whole.looked_at is not None:
        found.summary = f"{_extent(whole)}."
    books = Books(whole.invoices, status.today)
    if whole.invoices and whole.listed <= MOST_SUMMED and not is_only_a_page:
        _add_sums(found, whole, asked, books)
    undated = [invoice.totals.owed for invoice in read.invoices if status.is_undated(invoice)]
    left_out = f"Without a due date, so not told as overdue: {part_of(undated).short()}."
    remarks = _remarks(whole, asked, books, is_summed=found.sums is not None)
    found.remarks = [*remarks, *([left_out] if undated else [])] or None
    if asked.wanted.search and asked.page == 1:
        _add_others(found, asked, await who_else(state.beel, asked.wanted.search, whole.invoices))
    return found


def _add_others(found: FoundInvoices, asked: InvoiceQuestion, others: Others) -> None:
    """Name the customers who may be meant, and what to call for their invoices, if any."""
    if others.remark:
        found.remarks = [*(found.remarks or ()), others.remark]
    elif not found.total and not others.suggestions:
        found.summary = f"{found.summary} No customer's name or NIF is alike either."
    told = [one.told() for one in others.suggestions]
    shown, found.more_suggestions = capped(told, MOST_SUGGESTED)
    found.suggestions = shown or None
    if not found.total:
        grouped = {"group_by": asked.group_by} if asked.group_by else {}
        rest = {name: value for name, value in asked.again.items() if name != "search"}
        found.next = next_steps(
            *(
                NextCall(
                    "find_invoices",
                    {**rest, "customer_id": one.customer_id, **grouped},
                    "if the person means this customer",
                )
                for one in told
            )
        )


async def _beels_page(state: AppState, asked: InvoiceQuestion, today: date) -> FoundInvoices:
    page = await state.beel.invoices.list(asked.wanted, page=asked.page, limit=asked.rows)
    return _page_of(asked, page, today)


def _add_sums(found: FoundInvoices, whole: WholeList, asked: InvoiceQuestion, books: Books) -> None:
    of = f"{'only ' if whole.lacks else 'all ' if whole.total > 1 else 'the '}{_extent(whole)}"
    found.sums = books.sums(of, by_status=asked.group_by is None)
    found.overdue = books.overdue()
    if asked.group_by:
        found.groups, found.more_groups = capped(groups_of(books, asked.group_by), LIST_CAP)
        found.groups_of = _groups_of(books, asked.group_by)


def _extent(whole: WholeList) -> str:
    read = len(whole.invoices)
    if not whole.lacks:
        return plural(read, "invoice that matches", "invoices that match")
    if whole.looked_at is None:
        return f"{read} of the {whole.listed} invoices that match"
    return f"{read} that match, found among {whole.looked_at} of {whole.listed} invoices"


def _groups_of(books: Books, group_by: GroupBy) -> str:
    if group_by == "status":
        return "By status"
    of_rates = _OF_RATES if group_by == "tax_rate" else ""
    name = group_by.replace("_", " ")
    return f"{'Invoiced' if books.invoiced else 'Not invoiced'}, by {name}{of_rates}"


def _remarks(
    whole: WholeList, asked: InvoiceQuestion, books: Books, *, is_summed: bool
) -> list[str]:
    remarks = []
    if whole.lacks:
        nothing = "No sums" if whole.looked_at is None else "Not all could be read"
        parts = f"The sums are of {_extent(whole)}" if is_summed else nothing
        nor = ", and no selection_id" if asked.select_all else ""
        remarks.append(f"{parts}{nor}: {whole.lacks}. {_NARROWER}")
    elif asked.select_all and whole.total > MOST_SELECTED:
        remarks.append(f"No selection_id: it holds {MOST_SELECTED} at most. {_NARROWER}")
    several = customers_of(books.invoiced)
    if asked.wanted.search and several > 1 and asked.group_by not in ("customer", "status"):
        remarks.append(
            f"These are sums of {several} customers: group_by customer shows them apart."
        )
    if apart := books.rectifying_others():
        remarks.append(
            f"Of the outstanding, {apart.short()} rectifies invoices that are not among these: to"
            " see both, ask without status and dates."
        )
    return remarks


def _page_from(whole: WholeList, asked: InvoiceQuestion) -> RecordPage[Invoice]:
    """Give a page of what was read here; BeeL's own pages are of its own filter."""
    start, end = (asked.page - 1) * asked.rows, asked.page * asked.rows
    return RecordPage(whole.invoices[start:end], whole.total, asked.page, end < whole.total)


def _page_of(asked: InvoiceQuestion, found: RecordPage[Invoice], today: date) -> FoundInvoices:
    following = {**asked.again, "page": found.page + 1, "limit": asked.rows}
    step = NextCall("find_invoices", following, "the next page")
    summary = (
        found_summary(
            *("invoice", found.total, found.page, len(found.items)), nothing="No invoices match."
        )
        if asked.rows
        else f"{plural(found.total, 'invoice matches', 'invoices match')}."
        if found.total
        else "No invoices match."
    )
    return FoundInvoices(
        status="done",
        summary=summary,
        invoices=_rows(found.items, today) if asked.rows else None,
        total=found.total,
        page=found.page if asked.rows else None,
        has_more=found.has_more if asked.rows else None,
        next=next_steps(step if asked.rows and found.has_more else None),
    )


def _rows(invoices: Sequence[Invoice], today: date) -> list[FoundInvoice]:
    return [_row(invoice, today) for invoice in invoices]


def _row(invoice: Invoice, today: date) -> FoundInvoice:
    who = invoice.recipient.legal_name or invoice.recipient.trade_name
    return FoundInvoice(
        invoice_id=invoice.id,
        number=clean(invoice.number, NAME_LIMIT) if invoice.number else None,
        date=invoice.issue_date.isoformat(),
        customer=clean(who, NAME_LIMIT) if who else None,
        amount=f"{invoice.totals.total:.2f}",
        status=clean(invoice.status, 20),
        due_date=invoice.due_date.isoformat()
        if invoice.due_date and asks_for_money(invoice)
        else None,
        overdue=is_overdue(invoice, today) or None,
    )
