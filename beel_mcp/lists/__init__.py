"""Files and inline lists become batches. `tools` imports this room; it knows no network."""
