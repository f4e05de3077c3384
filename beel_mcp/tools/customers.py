"""Customers that are in BeeL."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from mcp.server.mcpserver import Context, Resolve
from pydantic import Field

from beel_mcp.answers.answer import NAME_LIMIT, capped_fields, next_steps
from beel_mcp.answers.changes import DeactivationAnswer, UpdateAnswer
from beel_mcp.answers.found import (
    WHOLE_NAME_LIMIT,
    FoundCustomer,
    FoundCustomers,
    found_summary,
    with_contact,
)
from beel_mcp.api.models import Customer
from beel_mcp.cleaning import ELLIPSIS, clean
from beel_mcp.context import AppState, Beel, Selections, caller
from beel_mcp.errors import CallerError, FieldError, NextCall
from beel_mcp.lists.edits import read_changes
from beel_mcp.memory.selections import MOST_SELECTED, SelectionStore
from beel_mcp.tools.declare import guarded, read
from beel_mcp.tools.parameters import (
    Active,
    Changes,
    CustomerIds,
    DeactivationMode,
    HasInvoices,
    Limit,
    Missing,
    Page,
    Search,
    SelectAll,
    SelectionId,
    Undo,
    UpdateIds,
    Wanted,
)
from beel_mcp.usecases.confirmation import Call, ask, chosen
from beel_mcp.usecases.customer_search.customer_filter import CustomerFilter
from beel_mcp.usecases.customer_search.search import MOST_SUGGESTED, Matches, find
from beel_mcp.writes.consent.elicitation import Consent, Question

# A question about all is answered by its counts, within 600 tokens.
COUNTED_LIMIT: Final = 6


async def find_customers(
    beel: Beel,
    selections: Selections,
    search: Search | None = None,
    nif: Wanted | None = None,
    email: Wanted | None = None,
    city: Wanted | None = None,
    active: Active = True,  # noqa: FBT002 - called by name, over MCP
    missing: Missing | None = None,
    has_invoices: HasInvoices | None = None,
    select_all: SelectAll = False,  # noqa: FBT002
    page: Page = 1,
    limit: Annotated[
        Limit | None, Field(description="Customers per page: 20, or 6 beside a count.")
    ] = None,
) -> FoundCustomers:
    """Find customers in BeeL by name, NIF, e-mail, city or what they lack; all filters must match.

    Gives their customer_id, which other tools ask for; of one alone also phone, address, payment.
    suggestions are not matches: ask the person. Deleted customers are never shown.
    """
    if missing == [] and has_invoices is None and not (search or nif or email or city):
        raise CallerError(
            "No customer was looked for: an empty filter would list all.",
            field_errors=[FieldError("missing", "is empty: leave it out, or fill it")],
        )
    # A name that was cut in an earlier answer ends in an ellipsis that BeeL does not have.
    wanted = CustomerFilter(
        *(search and search.removesuffix(ELLIPSIS), nif, email, city, active),
        *(tuple(missing or ()), has_invoices),
    )
    is_counted = bool(select_all or missing or has_invoices is not None)
    size = limit or (COUNTED_LIMIT if is_counted else 20)
    found = await find(beel, wanted, page=page, limit=size, count=select_all)
    following = {"limit": 50} if is_counted and not limit else {"page": page + 1, "limit": size}
    answer = _told(wanted, found, page, following)
    return _selected(answer, wanted, found, selections) if select_all else answer


async def ask_to_deactivate(
    ctx: Context[AppState],
    customer_ids: CustomerIds | None,
    selection_id: SelectionId | None,
    mode: DeactivationMode,
) -> Question:
    """Look up who would be deactivated, and ask the person."""
    return await ask(
        ctx,
        "deactivate_customers",
        lambda: chosen(ctx, "customers", customer_ids, selection_id, most=500) | {"mode": mode},
    )


async def deactivate_customers(
    call: Call,
    consent: Annotated[Consent, Resolve(ask_to_deactivate)],
    customer_ids: CustomerIds | None = None,
    selection_id: SelectionId | None = None,
    mode: DeactivationMode = "delete",
) -> DeactivationAnswer:
    """Delete customers from BeeL for good, or mark them inactive, once the person has agreed.

    Customers with invoices cannot be deleted; mode inactive works for them and can be undone.
    Get the ids from find_customers. Asks the person, or returns a plan for confirm_plan.
    """
    result = await call.answer(consent)
    return await call.changed(DeactivationAnswer, result, "deactivate_customers")


async def ask_to_update(
    ctx: Context[AppState],
    customer_ids: UpdateIds | None,
    selection_id: SelectionId | None,
    changes: Changes | None,
    undo: Undo | None,
) -> Question:
    """Look up what would change, or go back, and ask the person."""

    def arguments() -> dict[str, Any]:
        if not undo:
            them = chosen(ctx, "customers", customer_ids, selection_id, most=100)
            return them | {"changes": read_changes(changes, customer_ids or ())}
        if customer_ids or selection_id or changes:
            raise CallerError("undo stands alone: customers and values are those of before.")
        return {"undo": undo}

    return await ask(ctx, "update_customers", arguments)


async def update_customers(
    call: Call,
    consent: Annotated[Consent, Resolve(ask_to_update)],
    customer_ids: UpdateIds | None = None,
    selection_id: SelectionId | None = None,
    changes: Changes | None = None,
    undo: Undo | None = None,
) -> UpdateAnswer:
    """Change some fields of customers in BeeL, the same for each, once the person has agreed.

    Only the named fields change; addresses are merged field by field. undo puts back the old values
    of an earlier update or deactivation, where nobody changed them since. Asks the person, or
    returns a plan for confirm_plan.
    """
    result = await call.answer(consent)
    return await call.changed(UpdateAnswer, result, "update_customers")


def _told(
    wanted: CustomerFilter, found: Matches, page: int, following: Mapping[str, int]
) -> FoundCustomers:
    kind = f"{'active' if wanted.active else 'inactive'} customer"
    nobody = f"No {kind}s{wanted.which} match."
    if found.is_nobody and found.is_complete and not found.suggestions:
        nobody += " Nobody is alike either, active or not."
    customers = [_found(customer, wanted) for customer in found.customers]
    suggestions = [one.told() for one in found.suggestions]
    if found.total == 1 and customers:
        customers = [with_contact(customers[0], _contact_of(found.customers[0]))]
    elif not customers and len(suggestions) == 1:
        suggestions = [with_contact(suggestions[0], _contact_of(found.suggestions[0].customer))]
    why = "the next page" if "page" in following else "lists them, 50 to a page"
    step = NextCall("find_customers", {**wanted.arguments(), **following}, why)
    return FoundCustomers(
        status="done",
        summary=found_summary(
            *(kind, found.total, page, len(found.customers)), nothing=nobody, which=wanted.which
        ),
        customers=customers,
        total=found.total,
        page=page,
        has_more=found.has_more,
        by=found.by,
        complete=None if found.everyone is None else found.is_complete,
        remark=_remark(wanted, found),
        next=next_steps(step if found.has_more else None),
        **capped_fields("suggestions", suggestions, MOST_SUGGESTED),
    )


def _remark(wanted: CustomerFilter, found: Matches) -> str | None:
    remarks = []
    if not found.is_complete:
        remarks.append("Not all could be read in time: these are only some, and so are the counts.")
    elif not found.is_compared:
        remarks.append("Whether others have a name alike could not be looked up in time.")
    if "email" in wanted.missing:
        others = found.mailed_elsewhere
        remarks.append(
            "Without e-mail is who has neither email nor billing_emails"
            + (f"; {others} with billing_emails alone not counted." if others else ".")
        )
    return " ".join(remarks) or None


def _selected(
    answer: FoundCustomers, wanted: CustomerFilter, found: Matches, selections: SelectionStore
) -> FoundCustomers:
    """Keep the ids of all, if all are known and not too many."""
    ids = [customer.id for customer in found.everyone or ()]
    if not ids or not found.is_complete:
        return answer
    if len(ids) > MOST_SELECTED:
        remark = f"A selection holds at most {MOST_SELECTED}: none was kept. Use more filters."
        told = " ".join(filter(None, [answer.remark, remark]))
        return answer.model_copy(update={"remark": told})
    arguments = {**wanted.arguments(), "select_all": True}
    selection = selections.add("customers", ids, arguments, caller())
    return answer.model_copy(update={"selection_id": selection.selection_id})


def _found(customer: Customer, wanted: CustomerFilter) -> FoundCustomer:
    city = customer.address.city if customer.address else None
    other = customer.alternative_id
    return FoundCustomer(
        customer_id=customer.id,
        name=clean(customer.legal_name, WHOLE_NAME_LIMIT),
        nif=_short(customer.nif),
        other_id=_short(f"{other.type} {other.number}") if other and not customer.nif else None,
        city=_short(city),
        email=_short(customer.email),
        lacks=wanted.lacking(customer) if len(wanted.missing) > 1 else None,
        active=customer.active,
    )


def _contact_of(customer: Customer) -> dict[str, Any]:
    """Give what is told of one customer alone; notes are not."""
    wanted = {"phone", "address", "preferred_payment_method"}
    return customer.model_dump(mode="json", include=wanted, exclude_none=True)


def _short(value: str | None) -> str | None:
    return clean(value, NAME_LIMIT) if value else None


TOOLS = (read(find_customers), guarded(update_customers), guarded(deactivate_customers))
