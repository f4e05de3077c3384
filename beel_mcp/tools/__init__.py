"""What the model can call. Only `server` imports this room."""

from beel_mcp.tools import batches, customers, plans, status

TOOLS = (*batches.TOOLS, *customers.TOOLS, *plans.TOOLS, *status.TOOLS)
