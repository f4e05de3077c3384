"""What touches the disk. Only `tools` imports this room."""
