"""What invoices add up to, as a bookkeeper means it."""
