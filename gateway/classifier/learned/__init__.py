"""A model for names that nobody has listed: it suggests, with reasons, and never blocks. See README.md beside it."""
