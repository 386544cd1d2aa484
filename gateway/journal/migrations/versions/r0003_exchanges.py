"""What devices exchanged with whom, by the hour, and how they tried to go round the resolver, by the day."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchanges",
        sa.Column("hour", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("device", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("name", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("up", sa.BigInteger(), nullable=False),
        sa.Column("down", sa.BigInteger(), nullable=False),
        sa.Column("connections", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "detours",
        sa.Column("day", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("device", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("detour", sa.Text(), primary_key=True),
        sa.Column("server", sa.Text(), primary_key=True),
        sa.Column("protocol", sa.Text(), primary_key=True),
        sa.Column("port", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("outcome", sa.Text(), primary_key=True),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("detours")
    op.drop_table("exchanges")
