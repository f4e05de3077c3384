"""Outcomes as short text and typed structure."""
