"""What BeeL does, a module per kind of record; each function with routes answers them."""

from beel_mcp.sandbox.calls import ENDPOINTS

from . import bulk, customers, identity, invoices, mails, pdf

__all__ = ["ENDPOINTS", "bulk", "customers", "identity", "invoices", "mails", "pdf"]
