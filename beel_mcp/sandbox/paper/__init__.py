"""Invoices on paper: a specimen of a Spanish invoice as PDF.

Nothing here is imported before the first PDF is made. The same invoice gives the same bytes.
"""
