"""Customers that are in BeeL."""

from typing import Annotated

from mcp.server.mcpserver import Context, Resolve
from pydantic import Field

from beel_mcp.answers.answer import NAME_LIMIT, next_steps
from beel_mcp.answers.changes import DeactivationAnswer, UpdateAnswer
from beel_mcp.answers.found import FoundCustomer, FoundCustomers, found_summary
from beel_mcp.api.models import Customer
from beel_mcp.cleaning import ELLIPSIS, clean
from beel_mcp.context import AppState, Beel
from beel_mcp.errors import NextCall
from beel_mcp.identity import bare_nif
from beel_mcp.lists.edits import read_changes
from beel_mcp.spelling import spelt
from beel_mcp.tools.declare import guarded, read
from beel_mcp.tools.parameters import (
    Active,
    Changes,
    CustomerIds,
    DeactivationMode,
    Limit,
    Page,
    Search,
    SelectionId,
    UpdateIds,
)
from beel_mcp.usecases.confirmation import Call, ask, chosen
from beel_mcp.writes.consent.elicitation import Consent, Question

NOTHING_FOUND = (
    "No {}s match. Try fewer letters of the name, with its accents; active: false lists the"
    " inactive ones."
)


async def find_customers(
    beel: Beel,
    search: Search | None = None,
    nif: str | None = None,
    email: str | None = None,
    city: str | None = None,
    active: Active = True,  # noqa: FBT002 - called by name, over MCP
    page: Page = 1,
    limit: Annotated[Limit, Field(description="Customers per page.")] = 20,
) -> FoundCustomers:
    """Find customers in BeeL by name, NIF, e-mail or city; all filters must match.

    Gives their customer_id, which other tools ask for. Deleted customers are never shown.
    """
    # A name that was cut in an earlier answer ends in an ellipsis that BeeL does not have.
    filters = {
        "search": search and spelt("nif", search.removesuffix(ELLIPSIS)),
        "nif": nif and bare_nif(nif),
        "email": email,
        "city": city,
    }
    used = {name: value for name, value in filters.items() if value}
    found = await beel.customers.list(page=page, limit=limit, active=active, **used)
    following = NextCall(
        "find_customers",
        {**used, "active": active, "page": page + 1, "limit": limit},
        "the next page",
    )
    kind = "active customer" if active else "inactive customer"
    return FoundCustomers(
        status="done",
        summary=found_summary(
            *(kind, found.total, page, len(found.items)), nothing=NOTHING_FOUND.format(kind)
        ),
        customers=[_found(customer) for customer in found.items],
        total=found.total,
        page=page,
        has_more=found.has_more,
        next=next_steps(following if found.has_more else None),
    )


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
    result = await call.gate.answer(consent)
    return call.changed(DeactivationAnswer, result, "deactivate_customers")


async def ask_to_update(
    ctx: Context[AppState],
    customer_ids: UpdateIds | None,
    selection_id: SelectionId | None,
    changes: Changes,
) -> Question:
    """Look up what would change, and ask the person."""
    return await ask(
        ctx,
        "update_customers",
        lambda: (
            chosen(ctx, "customers", customer_ids, selection_id, most=100)
            | {"changes": read_changes(changes, customer_ids or ())}
        ),
    )


async def update_customers(
    changes: Changes,
    call: Call,
    consent: Annotated[Consent, Resolve(ask_to_update)],
    customer_ids: UpdateIds | None = None,
    selection_id: SelectionId | None = None,
) -> UpdateAnswer:
    """Change some fields of customers in BeeL, the same for each, once the person has agreed.

    Only the named fields change; addresses are merged field by field. The answer has the old values
    as changes that put them back, in previous; all of them in previous_path when they are long or
    have an IBAN. Asks the person, or returns a plan for confirm_plan.
    """
    result = await call.gate.answer(consent)
    return call.changed(UpdateAnswer, result, "update_customers")


def _found(customer: Customer) -> FoundCustomer:
    city = customer.address.city if customer.address else None
    return FoundCustomer(
        customer_id=customer.id,
        name=clean(customer.legal_name, NAME_LIMIT),
        nif=_short(customer.nif),
        city=_short(city),
        email=_short(customer.email),
        active=customer.active,
    )


def _short(value: str | None) -> str | None:
    return clean(value, NAME_LIMIT) if value else None


TOOLS = (read(find_customers), guarded(update_customers), guarded(deactivate_customers))
