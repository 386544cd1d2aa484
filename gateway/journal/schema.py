"""The tables. Dictionary tables hold every text once; a lookup is a row of seven small integers.

`lookups` has no index but its key. What a search needs to know - in which minutes did this device ask for that name -
the rollups tell, whose rows of one minute lie side by side; a `shelf` says which ids belong to a minute. So a commit
touches a handful of pages however many names are busy, which an SD card and a CPU both notice.
Buckets are whole minutes, hours and days since the epoch (UTC). Foreign keys are kept by the writer alone. The name 0
of an exchange is nobody whom an answer explains.
"""

from __future__ import annotations

from sqlalchemy import BigInteger as Big
from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, MetaData, SmallInteger, Table, Text

metadata = MetaData()

marks = Table(
    "marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Big, nullable=False),
)

names = Table(
    "names",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("company", Text),
    Column("category", Text, nullable=False),
)

devices = Table(
    "devices",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("mac", Text),
    Column("addresses", Text, nullable=False),
    Column("first_seen", Big, nullable=False),
    Column("last_seen", Big, nullable=False),
    Column("name", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("vendor", Text, nullable=False),
    Column("maker", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("simulated", Boolean, nullable=False),
)

clients = Table(
    "clients",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("address", Text, nullable=False),
    Column("device", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    Index("clients_address", "address", "device", unique=True),
)

facts = Table(
    "facts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("type", Integer, nullable=False),
    Column("rcode", SmallInteger, nullable=False),
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("matched", Text),
    Column("rule", Big),
    Column("lists", Text, nullable=False),
    Column("via", Text),
    Column("targets", Text, nullable=False),
    Column("used", Integer, nullable=False),
)

streams = Table(
    "streams",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Integer, nullable=False),
    Column("device", Integer, nullable=False),
    Column("blocked", SmallInteger, nullable=False),
    Column("first", Big, nullable=False),
    Column("last", Big, nullable=False),
    Index("streams_name", "name", "device", "blocked", unique=True),
)

lookups = Table(
    "lookups",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("time", Big, nullable=False),
    Column("stream", Integer, nullable=False),
    Column("fact", Integer, nullable=False),
    Column("client", Integer, nullable=False),
    Column("latency", Integer, nullable=False),
    Column("times", Integer, nullable=False, server_default="1"),
)

shelves = Table(
    "shelves",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("minute", Integer, nullable=False),
)


def _rollup(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("bucket", Integer, primary_key=True, autoincrement=False),
        Column("stream", Integer, primary_key=True, autoincrement=False),
        Column("lookups", Integer, nullable=False),
        sqlite_with_rowid=False,
    )


minutes = _rollup("minutes")
hours = _rollup("hours")
days = _rollup("days")

exchanges = Table(
    "exchanges",
    metadata,
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("device", Integer, primary_key=True, autoincrement=False),
    Column("name", Integer, primary_key=True, autoincrement=False),
    Column("up", Big, nullable=False),
    Column("down", Big, nullable=False),
    Column("connections", Big, nullable=False),
    sqlite_with_rowid=False,
)

detours = Table(
    "detours",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("device", Integer, primary_key=True, autoincrement=False),
    Column("detour", Text, primary_key=True),
    Column("server", Text, primary_key=True),
    Column("protocol", Text, primary_key=True),
    Column("port", Integer, primary_key=True, autoincrement=False),
    Column("outcome", Text, primary_key=True),
    Column("count", Big, nullable=False),
    Column("bytes", Big, nullable=False),
    Column("first", Big, nullable=False),
    Column("last", Big, nullable=False),
    sqlite_with_rowid=False,
)

book = Table(
    "book",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("revision", Big, nullable=False),
    Column("next_id", Big, nullable=False),
)

rules = Table(
    "rules",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("action", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("made", Big, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("device", Text),
    Column("ends", Big),
    Column("comment", Text, nullable=False),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("added", Big, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("comment", Text, nullable=False),
)
