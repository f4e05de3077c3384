"""What the model can call."""

from beel_mcp.tools import (
    batches,
    customers,
    downloads,
    drafts,
    invoices,
    plans,
    reports,
    status,
)

TOOLS = (
    *batches.TOOLS,
    *reports.TOOLS,
    *customers.TOOLS,
    *invoices.TOOLS,
    *drafts.TOOLS,
    *downloads.TOOLS,
    *plans.TOOLS,
    *status.TOOLS,
)
