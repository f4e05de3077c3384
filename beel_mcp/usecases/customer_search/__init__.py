"""A question about customers becomes an answer: what BeeL cannot filter is read and told here."""
