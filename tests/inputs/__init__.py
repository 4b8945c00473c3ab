"""Bad input 1-82 of docs/invariants.md, through every text field to every sink."""
