"""The six writes, and the one table of them: by the name of the tool, which the journal keeps."""

from collections.abc import Mapping
from typing import Any, Final

from beel_mcp.writes.kinds.create_customers import CustomerCreation
from beel_mcp.writes.kinds.create_draft import DraftCreation
from beel_mcp.writes.kinds.deactivate_customers import CustomerDeactivation
from beel_mcp.writes.kinds.delete_drafts import DraftDeletion
from beel_mcp.writes.kinds.mails.sending import InvoiceMailing
from beel_mcp.writes.kinds.protocol import Write, WriteContext
from beel_mcp.writes.kinds.undo import CustomerUndo
from beel_mcp.writes.kinds.update_customers import CustomerUpdate

KINDS: Final[Mapping[str, type[Write]]] = {
    kind.name: kind
    for kind in (
        CustomerCreation,
        DraftCreation,
        CustomerUpdate,
        CustomerDeactivation,
        DraftDeletion,
        InvoiceMailing,
    )
}


def write_of(kind: str, context: WriteContext, arguments: Mapping[str, Any]) -> Write:
    """Make the write that a tool was asked for, or that a plan keeps."""
    if "undo" in arguments:
        return CustomerUndo(context, arguments)
    return KINDS[kind](context, arguments)
