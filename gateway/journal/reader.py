"""Reads the journal, never writes it."""

from __future__ import annotations

from gateway.journal.views import Bar, CompanyRow, DeviceRow, Filter, NameRow, Page, Totals

__all__ = ["Bar", "CompanyRow", "DeviceRow", "Filter", "NameRow", "Page", "Totals"]
