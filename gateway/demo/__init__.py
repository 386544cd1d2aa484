"""Simulated televisions and a simulated internet, so that any laptop shows Telltale live. Nothing here is measured."""
