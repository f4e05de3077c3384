"""What tools answer about invoices."""
