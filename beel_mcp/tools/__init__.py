"""What the model can call. Only `server` imports this room."""

from beel_mcp.tools import batches, customers, operations, status

TOOLS = (*batches.TOOLS, *customers.TOOLS, *operations.TOOLS, *status.TOOLS)
