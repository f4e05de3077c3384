"""Files and inline lists become batches of checked rows; no network."""
