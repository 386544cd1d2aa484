"""The pages. Each module adds its own to the one blueprint; `blueprints` is what the application registers."""

from __future__ import annotations

from flask import Blueprint

from web.views import companies, consequences, devices, lists, live, names, network, overview, rules
from web.views.frame import pages

__all__ = [
    "blueprints",
    "companies",
    "devices",
    "lists",
    "live",
    "names",
    "network",
    "overview",
    "rules",
    "consequences",
]

blueprints: tuple[Blueprint, ...] = (pages,)
