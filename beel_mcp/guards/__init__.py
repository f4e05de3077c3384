"""May this happen, and has it happened already? Plans, consent, the journal, settling."""
