"""The tables of a live database: made by one process at a time, and in a database by URL, for one shop alone."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sql

from visrec.catalogue.live_engine import INSERTS, in_file, lock_schema, open_engine, writing
from visrec.catalogue.live_tables import METADATA, SHOP
from visrec.core.errors import WorkspaceError

__all__ = ["claim_tables", "make_tables"]

_MANY = 10_000


def make_tables(engine: sql.Engine) -> None:
    """Make the tables that a SQLite file does not have yet. Where all are, nothing is locked and nothing written."""
    if not _missing(engine):
        return
    # Writers exclude each other.
    with writing(engine).begin() as connection:
        METADATA.create_all(connection)


def claim_tables(engine: sql.Engine, shop_id: str, where: str, before: Path) -> None:
    """As `make_tables`, in a database by URL for one shop.

    The first time, what is in the shop's SQLite file moves in: it is copied, and from then on no longer looked at.

    Args:
        engine: the database.
        shop_id: whose it is, or is to be.
        where: the database, as it may be shown.
        before: the shop's SQLite file; it may be absent.

    Raises:
        WorkspaceError: when it is another shop's, or has tables of others under the same names.
    """
    if not _missing(engine):
        with engine.connect() as connection:
            owner = connection.execute(sql.select(SHOP.c.id)).scalar()
        if owner == shop_id:
            return
    with writing(engine).begin() as connection:
        lock_schema(connection)
        there = set(sql.inspect(connection).get_table_names())
        if SHOP.name not in there and there & set(METADATA.tables):
            taken = ", ".join(sorted(there & set(METADATA.tables)))
            raise WorkspaceError(f"{where} has tables of somebody else: {taken}. Give the shop a database of its own.")
        METADATA.create_all(connection)
        owner = connection.execute(sql.select(SHOP.c.id)).scalar()
        if owner is not None and owner != shop_id:
            raise WorkspaceError(
                f"{where} holds the live events of another shop (its id {owner}, this one's {shop_id}, in live.json). "
                f"Give each shop a database of its own."
            )
        if owner is None:
            connection.execute(sql.insert(SHOP), {"id": shop_id})
            if before.exists():
                _move_in(connection, before)


def _missing(engine: sql.Engine) -> set[str]:
    return set(METADATA.tables) - set(sql.inspect(engine).get_table_names())


def _move_in(connection: sql.Connection, before: Path) -> None:
    source = open_engine(in_file(str(before)))
    try:
        make_tables(source)
        for table in METADATA.sorted_tables:
            if table is SHOP:
                continue
            # Numbers are given anew, in the same order.
            columns = [column for column in table.columns if column is not table.autoincrement_column]
            with source.connect() as old:
                found = old.execute(sql.select(*columns).order_by(*table.primary_key)).mappings()
                for part in found.partitions(_MANY):
                    insert = INSERTS[connection.dialect.name](table).on_conflict_do_nothing()
                    connection.execute(insert, [dict(row) for row in part])
    finally:
        source.dispose()
