"""Data only: what is known about names that televisions ask for. README.md says how to add to it."""
