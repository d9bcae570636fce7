"""What is in the live database of a shop, on one page.

Importing this imports SQLAlchemy: modules that are loaded before a live event is touched import it late.
"""

from __future__ import annotations

import sqlalchemy as sql

__all__ = ["EVENTS", "IMPRESSIONS", "LEFT_OUT", "METADATA", "SHOP"]

#: A further table needs no more than this: it is made when a database is opened that does not have it.
METADATA = sql.MetaData()

#: Which shop a database by URL belongs to: one row.
SHOP = sql.Table("visrec_shop", METADATA, sql.Column("id", sql.Text, primary_key=True))

#: What users did since the last ingest: see `EventLog`.
EVENTS = sql.Table(
    "events",
    METADATA,
    sql.Column("id", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sql.Column("user_id", sql.Text, nullable=False),
    sql.Column("item_id", sql.Text, nullable=False, index=True),
    sql.Column("kind", sql.Text, nullable=False),
    sql.Column("value", sql.Double, nullable=True),
    sql.Column("timestamp", sql.BigInteger, nullable=False),
    sql.UniqueConstraint("user_id", "item_id", "kind", "timestamp"),
    # The lowest and the highest rating are read with every recommendation.
    sql.Index("events_kind_value", "kind", "value"),
)

#: What users took out of their taste profiles: see `TasteEdits`.
LEFT_OUT = sql.Table(
    "left_out",
    METADATA,
    sql.Column("user_id", sql.Text, primary_key=True),
    sql.Column("item_id", sql.Text, primary_key=True),
    sql.Column("until", sql.BigInteger, nullable=False),
)

#: Lists that users of an experiment were shown: see `Impressions`. `item_ids` is a JSON list.
IMPRESSIONS = sql.Table(
    "impressions",
    METADATA,
    sql.Column("id", sql.BigInteger().with_variant(sql.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sql.Column("experiment", sql.Text, nullable=False, index=True),
    sql.Column("variant", sql.Text, nullable=False),
    sql.Column("user_id", sql.Text, nullable=False, index=True),
    sql.Column("timestamp", sql.BigInteger, nullable=False),
    sql.Column("item_ids", sql.Text, nullable=False),
)
