"""How every write is run: gate, execution, reconciliation."""
