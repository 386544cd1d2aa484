"""Alembic's entrance: runs the revisions on the connection that it is handed."""

from __future__ import annotations

from alembic import context

from gateway.journal.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
)
context.run_migrations()
