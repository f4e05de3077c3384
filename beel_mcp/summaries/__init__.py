"""Outcomes as short text and typed structure. Only `tools` imports this room."""
