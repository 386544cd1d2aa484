"""The API for programs and for our own pages. `openapi.yaml` is the promise; tests hold every answer against it."""

from __future__ import annotations

from web.api import (
    companies,
    devices,
    docs,
    lists,
    lookups,
    metrics,
    network,
    overview,
    password,
    rules,
    status,
    stream,
    traffic,
)

blueprints = (
    status.blueprint,
    lookups.blueprint,
    stream.blueprint,
    overview.blueprint,
    devices.blueprint,
    companies.blueprint,
    traffic.blueprint,
    rules.blueprint,
    lists.blueprint,
    network.blueprint,
    password.blueprint,
    metrics.blueprint,
    docs.blueprint,
)
