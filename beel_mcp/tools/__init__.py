"""What the model can call. Only `server` imports this room."""

from beel_mcp.tools import batches, customers, downloads, drafts, invoices, plans, status

TOOLS = (
    *batches.TOOLS,
    *customers.TOOLS,
    *invoices.TOOLS,
    *drafts.TOOLS,
    *downloads.TOOLS,
    *plans.TOOLS,
    *status.TOOLS,
)
