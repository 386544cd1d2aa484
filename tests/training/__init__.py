"""Trains and scores the model for names nobody has listed: `python -m tests.training`."""
