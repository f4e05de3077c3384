"""Calls that nobody means well by: what they are made of, and what every answer is held to."""
