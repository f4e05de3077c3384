"""The quarter's invoices on their way into one ZIP."""
