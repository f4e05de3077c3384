"""The five writes, and the one table of them: by the name of the tool, which the journal keeps."""

from collections.abc import Mapping
from typing import Final

from beel_mcp.writes.kinds.create_customers import CustomerCreation
from beel_mcp.writes.kinds.create_draft import DraftCreation
from beel_mcp.writes.kinds.deactivate_customers import CustomerDeactivation
from beel_mcp.writes.kinds.delete_drafts import DraftDeletion
from beel_mcp.writes.kinds.protocol import Write
from beel_mcp.writes.kinds.update_customers import CustomerUpdate

KINDS: Final[Mapping[str, type[Write]]] = {
    kind.name: kind
    for kind in (
        CustomerCreation,
        DraftCreation,
        CustomerUpdate,
        CustomerDeactivation,
        DraftDeletion,
    )
}
