"""The words of each guarded tool: what it calls its records, and what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from beel_mcp.guards.plan import UNCHANGED


@dataclass(frozen=True)
class Kind:
    """How a guarded tool speaks. `done` is the class of what was changed, as tools.md has it."""

    done: str
    noun: str
    id_field: Literal["customer_id", "invoice_id"]
    remedies: Mapping[str, str] = field(default_factory=dict)
    # What stays as it is because it is already so, where that is a class of its own.
    same: tuple[str, ...] = ()
    saves_as: Literal["backup_path", "previous_path"] = "backup_path"
    # How many of each class an answer lists.
    ids_cap: int = 10
    failed_cap: int = 5

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of records; each record is in one."""
        return (self.done, *self.same, "failed", "unknown", "not_attempted")

    def effect(self, terms: Mapping[str, str]) -> str:
        """Say what BeeL did, which one word for all cannot tell."""
        if self.done == "deactivated":
            is_gone = terms.get("mode") == "delete" and terms.get("generation") != "seeds"
            return "deleted for good" if is_gone else "marked as inactive"
        return self.done


_ISSUED: Final = "An issued invoice is never deleted: the person voids it in BeeL, or issues a"
KINDS: Final[Mapping[str, Kind]] = {
    "update_customers": Kind(
        "updated",
        "customer",
        "customer_id",
        {
            "not_found": "find_customers gives the ids of customers that exist.",
            "changed_meanwhile": "Somebody else changed the same fields: look at the customer, and"
            " ask for a new plan.",
            "CONCURRENT_MODIFICATION": "Somebody else changed it at the same moment: ask for a new"
            " plan.",
            "CLIENT_DUPLICATE": "Another customer has this NIF: find_customers shows who.",
            "identifier_fixed": "This BeeL does not change the NIF of a customer.",
            "never_empty": "This BeeL cannot empty this field; give it another value.",
            "not_done": "Ask for it again if the person still wants it.",
        },
        (UNCHANGED,),
        "previous_path",
        ids_cap=5,  # beside one class more, and the old values
        failed_cap=4,
    ),
    "deactivate_customers": Kind(
        "deactivated",
        "customer",
        "customer_id",
        {
            "has_invoices": "BeeL does not delete customers with invoices; mode inactive works for"
            " them.",
            "not_found": "find_customers gives the ids of customers that exist.",
            "already_inactive": "There is nothing to do.",
            "not_done": "Ask for it again if the person still wants it.",
        },
    ),
    "delete_draft_invoice": Kind(
        "deleted",
        "invoice",
        "invoice_id",
        {
            "issued": f"{_ISSUED} corrective one.",
            "issued_meanwhile": f"It was issued meanwhile. {_ISSUED} corrective one.",
            "scheduled": "It issues itself on its date; the person can make it a draft in BeeL.",
            "voided": "Nothing to do: it is void, and stays in the records.",
            "rectified": "Nothing to do: a corrective invoice has replaced it.",
            "proforma": "A proforma is no draft invoice; the person can delete it in BeeL.",
            "not_found": "find_invoices with status DRAFT gives the ids of drafts.",
            "not_done": "Ask for it again if the person still wants it.",
        },
    ),
}
