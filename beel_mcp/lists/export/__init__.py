"""Lists as files: the report of a batch, the backup of customers."""
