"""A real PostgreSQL of the test session's own, on a loopback port, with fsync on."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

PASSWORD = "word of the tests"


def _binaries() -> Path | None:
    """The folder with initdb and postgres; distributions keep it out of PATH."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "postgres").exists() and (folder / "pg_ctl").exists()), None)


class PostgresServer:
    """A server that can be stopped and started again; databases are made by name."""

    def __init__(self) -> None:
        self._bin = _binaries()
        if self._bin is None:
            pytest.skip("no PostgreSQL here: initdb and postgres are neither in PATH nor in /usr/lib/postgresql/*/bin")
        self._home = Path(tempfile.mkdtemp(prefix="visrec-pg-"))
        # It refuses to run as root.
        self._user = "postgres" if os.getuid() == 0 else None
        if self._user:
            shutil.chown(self._home, self._user)
        secret = self._home / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        access = ["-U", "shop", "-A", "scram-sha-256", "--pwfile", secret]
        self._run("initdb", "-D", self._home / "data", *access, "-E", "UTF8", "--locale=C")
        self.start()

    def url(self, database: str, password: str = PASSWORD) -> str:
        """How visrec is told of a database of this server."""
        return f"postgresql://shop:{password.replace(' ', '%20')}@127.0.0.1:{self.port}/{database}"

    def execute(self, database: str, statement: str) -> list[tuple[object, ...]]:
        """What a statement finds, by psycopg alone."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def make(self, database: str) -> str:
        """An empty database; returns its URL."""
        self.execute("postgres", f'CREATE DATABASE "{database}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, and end who uses it."""
        self.execute("postgres", f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = f"-p {self.port} -k {self._home} -c listen_addresses=127.0.0.1 -c fsync=on -c deadlock_timeout=100ms"
        self._run("pg_ctl", "-D", self._home / "data", "-l", self._home / "log", "-w", "-o", settings, "start")

    def stop(self, mode: str = "fast") -> None:
        """End it; "immediate" is a crash."""
        self._run("pg_ctl", "-D", self._home / "data", "-w", "-m", mode, "stop")

    def remove(self) -> None:
        """Stop it for good."""
        try:
            self.stop("immediate")
        finally:
            shutil.rmtree(self._home, ignore_errors=True)

    def _run(self, program: str, *arguments: object) -> None:
        assert self._bin is not None
        done = subprocess.run(
            [self._bin / program, *map(str, arguments)],
            user=self._user,
            cwd=self._home,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            # Not pipes: the server would keep them open.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            log = self._home / "log"
            raise RuntimeError(f"{program} failed: {log.read_text() if log.exists() else 'no log'}")
