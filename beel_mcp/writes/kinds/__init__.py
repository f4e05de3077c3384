"""The five writes, each behind one protocol."""
