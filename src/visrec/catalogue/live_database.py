"""The one database of a shop for what many processes write while they serve: SHOP/events.db, or one by URL."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from visrec.catalogue.live_claim import Claim
from visrec.core.errors import VisrecError, WorkspaceError

if TYPE_CHECKING:
    import sqlalchemy as sql

__all__ = ["EVENTS_URL", "LiveDatabase"]

#: Environment variable with the URL of the database, where it is not a file of the shop.
EVENTS_URL = "VISREC_EVENTS_URL"
_CONFLICTS = 5

T = TypeVar("T")


class LiveDatabase:
    """Live events and what else is written while serving; the tables are those of `live_tables`.

    It is opened at the first use: a shop without a live event has no file, and SQLAlchemy is not imported. Every
    method may be called by several threads, and by several processes at once.

    Args:
        root: the workspace's folder.
        url: postgresql://USER:PASSWORD@HOST/DATABASE, a database of this shop alone; None: SQLite in SHOP/events.db.
    """

    def __init__(self, root: Path, url: str | None = None) -> None:
        self._root = root
        self._file = root / "events.db"
        self._url = url
        self._claim = Claim(root)
        self._opening = threading.Lock()
        self._opened: sql.Engine | None = None
        self._failed: tuple[float, VisrecError] | None = None

    @classmethod
    def of_shop(cls, root: Path) -> LiveDatabase:
        """The database that the environment names for a shop."""
        return cls(root, os.environ.get(EVENTS_URL) or None)

    def exists(self) -> bool:
        """Whether there can be anything to read; finding out makes nothing and imports nothing.

        Raises:
            WorkspaceError: when the shop's live events are kept in a database whose URL is not given.
        """
        if self._url is not None:
            return True
        self._require_file()
        return self._file.exists()

    @property
    def where(self) -> str:
        """The database as it may be shown: its file, or its URL without a password.

        Raises:
            WorkspaceError: when what is given is no URL of a database.
        """
        if self._url is None:
            self._require_file()
            return str(self._file)
        from visrec.catalogue.live_engine import parse_url, shown

        return shown(parse_url(self._url))

    def connect(self) -> None:
        """Open the database now, where it is one by URL: what is wrong with it is told at once.

        Raises:
            WorkspaceError: when it cannot be used, belongs to another shop, or the shop's is another.
            UnavailableError: when it is not reached.
            MissingExtraError: when its driver is not installed.
        """
        if self._url is not None:
            self._engine()
        self.exists()

    def read(self, query: sql.Executable, parameters: Mapping[str, Any] | None = None) -> Sequence[Any]:
        """The rows that a query finds, as `sqlalchemy.Row`.

        Raises:
            UnavailableError: when the database is not reached, or busy for too long.
            WorkspaceError: when it cannot be used, or has no room left (`StorageFullError`).
        """

        def rows(engine: sql.Engine) -> Sequence[Any]:
            from visrec.catalogue.live_engine import reading

            with reading(engine).connect() as connection:
                return connection.execute(query, parameters).all()

        return self._tried(rows, "Without it what users just did would not count, so there is no answer.", reads=True)

    def write(self, statement: sql.Executable, rows: Sequence[Mapping[str, Any]] | None = None) -> int:
        """Carry out one statement, for all rows or for none; on disk when this returns.

        Returns:
            How many rows it changed.

        Raises:
            StorageFullError: when the disk is full; nothing was stored.
            UnavailableError: when the database is not reached, or busy for too long.
            WorkspaceError: when it cannot be used.
        """

        def changed(engine: sql.Engine) -> int:
            from visrec.catalogue.live_engine import writing

            with writing(engine).begin() as connection:
                return int(connection.execute(statement, rows).rowcount)

        return self._tried(changed, "Nothing was acknowledged.", reads=False)

    def insert(self, table: sql.Table) -> Any:
        """An insert with the `on_conflict_do_nothing` and `on_conflict_do_update` of this database."""
        from visrec.catalogue.live_engine import INSERTS

        return INSERTS[self._engine().dialect.name](table)

    # ---------------------------------------------------------------- private

    def _tried(self, work: Callable[[sql.Engine], T], so: str, *, reads: bool) -> T:
        engine = self._engine()
        from sqlalchemy import exc

        from visrec.catalogue.live_engine import is_conflict, translated

        for attempt in range(1, _CONFLICTS + 1):
            try:
                return work(engine)
            except exc.SQLAlchemyError as error:
                # A connection that died in the pool: the others in it are gone by now, too. What was written may have
                # arrived before the connection died, so that is for the caller to send again.
                died = reads and attempt == 1 and isinstance(error, exc.DBAPIError) and error.connection_invalidated
                if died or (is_conflict(error) and attempt < _CONFLICTS):
                    continue
                raise translated(error, self.where, so) from error
        raise AssertionError("unreachable")

    def _engine(self) -> sql.Engine:
        if self._url is None:
            # Another process may have moved the events meanwhile.
            self._require_file()
        if self._opened is not None:
            return self._opened
        asked = time.monotonic()
        with self._opening:
            if self._opened is not None:
                return self._opened
            if self._failed is not None and self._failed[0] > asked:
                # Somebody has just waited for it in vain: the next one in line need not.
                error = self._failed[1]
                raise type(error)(str(error)) from error
            try:
                self._opened = self._open()
            except VisrecError as error:
                self._failed = time.monotonic(), error
                raise
            return self._opened

    def _open(self) -> sql.Engine:
        from sqlalchemy import exc

        from visrec.catalogue.live_engine import in_file, open_engine, parse_url, translated
        from visrec.catalogue.live_schema import claim_tables, make_tables

        where = self.where
        url = in_file(str(self._file)) if self._url is None else parse_url(self._url)
        engine = open_engine(url)
        try:
            if self._url is None:
                make_tables(engine)
            else:
                claim_tables(engine, self._claim.shop_id(), where, self._file)
                self._claim.mark(where)
        except exc.SQLAlchemyError as error:
            engine.dispose()
            raise translated(error, where, "It cannot be opened.") from error
        except BaseException:
            engine.dispose()
            raise
        # Closes the pooled connections when the database is no longer used.
        weakref.finalize(self, engine.dispose)
        return engine

    def _require_file(self) -> None:
        kept_in = self._claim.kept_in()
        if kept_in:
            raise WorkspaceError(
                f"The live events of {self._root} are kept in {kept_in}, and {EVENTS_URL} is not set. "
                f"Set it to the URL of that database."
            )
