"""What a process keeps in memory for its callers, for a while: selections, and how all is kept."""
