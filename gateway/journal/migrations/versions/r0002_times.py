"""A row may stand for several equal lookups of one second: a television that retries in a storm is one row."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With a constant default SQLite only changes the table's description, however many rows there are.
    op.add_column("lookups", sa.Column("times", sa.Integer(), nullable=False, server_default="1"))


def downgrade() -> None:
    op.drop_column("lookups", "times")
