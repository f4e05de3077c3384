"""What the model can call."""

from beel_mcp.tools import customers, downloads, imports, invoices, operations, status

TOOLS = (
    *imports.TOOLS,
    *customers.TOOLS,
    *invoices.TOOLS,
    *downloads.TOOLS,
    *operations.TOOLS,
    *status.TOOLS,
)
