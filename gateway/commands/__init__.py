"""What a person types: one module a command, for a box that runs and for one that does not."""
