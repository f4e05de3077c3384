"""A customer list on its way into BeeL: read, validated, created."""
