"""Mails with invoices: what is sent, what a person is told of it, and what was sent before."""
