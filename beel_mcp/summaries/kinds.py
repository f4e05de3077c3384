"""The words of each guarded tool: what it calls its records, and what became of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal


@dataclass(frozen=True)
class Kind:
    """How a guarded tool speaks. `done` is the class of what was changed, as tools.md has it."""

    done: str
    noun: str
    id_field: Literal["customer_id", "invoice_id"]
    remedies: Mapping[str, str] = field(default_factory=dict)

    def effect(self, terms: Mapping[str, str]) -> str:
        """Say what BeeL did, which one word for all cannot tell."""
        if self.done == "deactivated":
            is_gone = terms.get("mode") == "delete" and terms.get("generation") != "seeds"
            return "deleted for good" if is_gone else "marked as inactive"
        return self.done


_ISSUED: Final = "An issued invoice is never deleted: the person voids it in BeeL, or issues a"
KINDS: Final[Mapping[str, Kind]] = {
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
