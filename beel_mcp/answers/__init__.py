"""What a tool answers: short text and typed structure."""
