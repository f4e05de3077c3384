"""May this happen, and has it happened already? `tools` and `context` import this room."""
