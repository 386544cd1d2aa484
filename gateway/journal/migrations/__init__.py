"""How the tables came to be, one revision a change; run in-process, without a settings file."""
