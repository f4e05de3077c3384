"""What takes several steps: a list to customers, invoices to a ZIP, a question to an answer."""
