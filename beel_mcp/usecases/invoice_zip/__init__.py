"""Many invoices' PDFs fetched over several calls and saved as one ZIP."""
