"""What changes BeeL: journal, consent, the kinds of writes, and their one execution."""
