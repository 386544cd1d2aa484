"""Telltale: the gateway that shows which companies a television contacts, and stops them."""

__version__ = "0.2.0"
