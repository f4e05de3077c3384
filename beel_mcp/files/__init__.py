"""What touches the disk: folders that may be read, and files that are saved."""
