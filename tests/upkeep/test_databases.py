"""The database's own tools: SQLite's copy while everybody writes, and PostgreSQL's over TLS."""

import shutil
import socket
import sqlite3
import struct
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQL
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLite
from django.db.utils import ConnectionHandler
from psycopg import OperationalError

from pks_portal import paths
from pks_portal.upkeep import databases
from pks_portal.upkeep.databases import DatabaseError

SSL_REQUEST = 80877103


def configured(facts: dict[str, Any]) -> dict[str, Any]:
    """Return a description of a database as Django fills it in."""
    described: dict[str, Any] = ConnectionHandler({"default": facts}).settings["default"]
    return described


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the portal's SQLite file: nothing in it yet."""
    file = tmp_path / "db" / "portal.sqlite3"
    file.parent.mkdir()
    monkeypatch.setattr(databases, "connection", SQLite(configured({**paths.database(""), "NAME": file})))
    return file


def opened(file: Path) -> closing[sqlite3.Connection]:
    connection = sqlite3.connect(file, isolation_level=None, timeout=20)
    connection.execute("PRAGMA journal_mode=WAL")
    return closing(connection)


def test_a_copy_ends_and_is_of_one_moment_however_much_is_written(live: Path, tmp_path: Path) -> None:
    with opened(live) as made:
        made.executescript("CREATE TABLE big(b); CREATE TABLE one(v); CREATE TABLE two(v)")
        made.executemany("INSERT INTO big VALUES (zeroblob(?))", [(1_000_000,)] * 30)
    over, writing = threading.Event(), threading.Event()

    def write() -> None:
        with opened(live) as writer:
            while not over.is_set():
                writer.executescript("BEGIN IMMEDIATE; INSERT INTO one VALUES(1); INSERT INTO two VALUES(1); COMMIT")
                writing.set()

    copy = tmp_path / "copy.sqlite3"
    threads = [threading.Thread(target=write), threading.Thread(target=databases.dump, args=(copy,))]
    threads[0].start()
    assert writing.wait(10)
    threads[1].start()
    threads[1].join(30)
    ended = not threads[1].is_alive()
    over.set()
    for thread in threads:
        thread.join(30)
    assert ended, "as long as somebody wrote the copy began anew"
    with closing(sqlite3.connect(copy)) as made:
        one, two = (made.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("one", "two"))
    assert one == two > 0
    assert copy.stat().st_mode & 0o077 == 0


def test_what_a_former_database_left_in_its_log_does_not_come_back(live: Path, tmp_path: Path) -> None:
    log, stale = live.with_name(live.name + "-wal"), tmp_path / "stale"
    with opened(live) as old:
        old.execute("CREATE TABLE t(v)")
        old.executemany("INSERT INTO t VALUES (?)", [("old" * 500,)] * 200)
        shutil.copy(log, stale)
    dump = tmp_path / databases.name()
    with closing(sqlite3.connect(dump, isolation_level=None)) as new:
        new.execute("CREATE TABLE t(v)")
        new.executemany("INSERT INTO t VALUES (?)", [("new" * 500,)] * 200)
    live.unlink()  # somebody emptied the place, by half
    shutil.copy(stale, log)
    databases.load(dump)
    with opened(live) as found:
        assert found.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert found.execute("SELECT substr(v, 1, 3), count(*) FROM t GROUP BY 1").fetchall() == [("new", 200)]


@pytest.fixture
def without_tls() -> Iterator[int]:
    """Yield the port of a PostgreSQL server that has no TLS, as far as a client hears of it that wants it."""

    def answer() -> None:
        while True:
            try:
                one, _ = listening.accept()
            except OSError:
                return
            with one:
                one.settimeout(5)
                asked = struct.unpack("!ii", one.recv(8, socket.MSG_WAITALL))[1]
                one.sendall(b"N" if asked == SSL_REQUEST else b"")
                one.recv(1)  # who insists hangs up; who does not goes on, and then we do

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@pytest.mark.skipif(not shutil.which("pg_dump"), reason="pg_dump is not installed")
def test_the_urls_sslmode_binds_django_and_pg_dump(
    without_tls: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"postgresql://portal:Secret-1@127.0.0.1:{without_tls}/portal"
    for query, insists in (("?sslmode=require", True), ("?sslmode=prefer", False)):
        connection = PostgreSQL(configured(paths.database(url + query)))
        monkeypatch.setattr(databases, "connection", connection)
        with pytest.raises(OperationalError) as refused:
            connection.connect()
        with pytest.raises(DatabaseError) as failed:
            databases.dump(tmp_path / "dump")
        for error in (refused, failed):
            assert ("SSL was required" in str(error.value)) is insists, error.value
            assert "Secret-1" not in str(error.value)
