"""Checks of single fields and of likely duplicates; no network."""
